"""No two answers about people that somebody gets over HTTP leave a small team when one is taken from the other."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any
from uuid import UUID

import httpx
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient

from dpp.adapters.memory.diagnostics import MemoryDiagnosticsReader
from dpp.adapters.memory.pulse import write_answers
from dpp.application.pulse_ports import PulseResponse
from dpp.application.views import View, Window
from dpp.domain.access import Grant, Role, StreamScope
from dpp.domain.events import Event, PullRequestEventType
from dpp.domain.pulse import Period
from dpp.domain.small_teams import Contribution, minimum_contributors
from tests.support.derivation import APPS, CORE, LOGISTICS, PAYMENTS, at, pull_request_event
from tests.support.explaining import NOW
from tests.support.whole_app import WholeApp

STREAMS: Mapping[str, UUID | None] = {
    "": None,
    "stream=payments": PAYMENTS,
    "stream=logistics": LOGISTICS,
    "tech_stream=core": CORE,
    "tech_stream=apps": APPS,
}
#: Everything in the history is younger than the longer one.
WINDOWS = (30, 90)
#: What would cut windows and streams at will.
AT_WILL = (
    "window=45",
    "as_of=2026-04-10T10:00:00Z",
    "stream=payments&tech_stream=core",
    "from=2026-03-20&to=2026-04-05",
)
WHO = {
    "administrator": Grant(role=Role.PLATFORM_ADMIN),
    "lead of payments": Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),
    "lead of core": Grant(role=Role.STREAM_LEAD, tech_stream_id=CORE),
}
REVIEWER = re.compile(r"[Rr]eviewer \d")


@dataclass(frozen=True)
class Review:
    """A change that somebody reviewed: where, linked to whose ticket (or none), by whom, how many hours ago."""

    organisation: str
    ticket: str
    by: int
    hours_ago: int


reviews = st.lists(
    st.builds(
        Review,
        organisation=st.sampled_from(("acme-core", "acme-apps")),
        ticket=st.sampled_from(("PAY-41", "LOG-41", "none")),
        by=st.integers(1, 9),
        hours_ago=st.sampled_from((2, 50, 400, 735)),
    ),
    min_size=8,
    max_size=40,
).map(tuple)


def happened(reviewed: Sequence[Review]) -> Iterator[Event]:
    """Yield a pull request of its own for each review."""
    for number, review in enumerate(reviewed, start=701):
        hour = NOW - review.hours_ago
        told: dict[str, Any] = {"number": number, "branch": review.ticket, "org": review.organisation}
        yield pull_request_event(PullRequestEventType.OPENED, hour - 1, change=f"o{number}", **told)
        yield pull_request_event(
            PullRequestEventType.REVIEW_SUBMITTED, hour, change=f"r{number}", reviewer=f"person-{review.by}", **told
        )


@dataclass
class Seen:
    """What somebody got: which breakdowns were told, of all that they asked for."""

    told: list[tuple[str, int]] = field(default_factory=list)
    ways: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


async def breakdowns(client: AsyncTestClient[Any]) -> Seen:
    """Ask for the breakdown in every way that there is."""
    seen = Seen()
    for query in STREAMS:
        for days in WINDOWS:
            asked = "&".join(filter(None, (f"window={days}", query)))
            ways = [is_told(await client.get(way)) for way in everywhere(asked)]
            seen.ways.update(number for number, way in enumerate(ways) if way)
            if any(ways):
                seen.told.append((query, days))
            # Each shows no more than the first; the page may show less.
            if any(ways) and not ways[0]:
                seen.faults.append(asked)
    for asked in AT_WILL:
        if any([is_told(await client.get(way)) for way in everywhere(asked)]):
            seen.faults.append(asked)
    return seen


def everywhere(query: str) -> Sequence[str]:
    """Return the addresses at which a breakdown could be."""
    return (
        f"/api/v1/metrics/diagnostic?{query}",
        f"/api/v1/metrics/diagnostic?{query}&format=csv&table=reviewer_concentration",
        f"/api/v1/metrics/reviewer_concentration/evidence?{query}",
    )


def is_told(answer: httpx.Response) -> bool:
    """Whether an answer tells who reviewed how much, or how much the one who reviewed most did."""
    if answer.headers.get("content-type", "").startswith("application/json") and answer.status_code == 200:
        data = answer.json()["data"]
        figure = data.get("reviewer_concentration", data)
        shares = figure.get("reviewers") or figure.get("items") or ()
        return bool(shares) or (figure.get("figure", figure).get("value") is not None)
    return REVIEWER.search(answer.text) is not None


async def rows_of(made: WholeApp, scope: StreamScope) -> Mapping[int, Sequence[Contribution]]:
    """Return what people did in each window, each in the same order from the latest on."""
    stores = made.organisation.stores
    reader = MemoryDiagnosticsReader(database=stores.database, tables=stores.tables)
    view = View(as_of=at(NOW), scope=scope, is_live=True)
    edges = [at(NOW), *(at(NOW) - timedelta(days=days) for days in WINDOWS)]
    spans = [await reader.contributions(view, window=Window(start=start, end=end)) for end, start in pairwise(edges)]
    return {days: [row for span in spans[: number + 1] for row in span] for number, days in enumerate(WINDOWS)}


def is_small(outer: set[int], inner: set[int], rows: Sequence[Contribution], minimum: int) -> bool:
    """Whether taking one breakdown from another leaves reviews, and too few people to hide among."""
    reviewed = {place for place, row in enumerate(rows) if row.reviews}
    if not inner & reviewed or not inner & reviewed < outer & reviewed:
        return False
    return len({rows[place].person for place in outer - inner}) < minimum


async def told_to(grant: Grant, reviewed: Sequence[Review]) -> Seen:
    """Check what somebody gets, and return it."""
    made = WholeApp(grants=(grant,))
    async with AsyncTestClient(made.app(), base_url="http://127.0.0.1") as client:
        await made.organisation.know(*happened(reviewed))
        client.cookies.update(made.cookies)
        seen = await breakdowns(client)
    assert [] == seen.faults
    rows_within = await rows_of(made, grant.scope)
    every = rows_within[max(WINDOWS)]
    shown: dict[tuple[str, int], set[int]] = {}
    for query, days in seen.told:
        # The latest come first, so that a shorter window has the first rows of a longer one.
        stream = STREAMS[query]
        shown[query, days] = {
            place
            for place, row in enumerate(rows_within[days])
            if stream in (None, row.delivery_stream_id, *row.tech_stream_ids)
        }

    def minimum_of(query: str) -> int:
        return minimum_contributors(made.organisation.configuration, STREAMS[query])

    for (query, days), places in shown.items():
        assert len({every[place].person for place in places}) >= minimum_of(query), (query, days)
    for pair in combinations(shown, 2):
        for outer, inner in (pair, pair[::-1]):
            minimum = max(minimum_of(outer[0]), minimum_of(inner[0]))
            assert not is_small(shown[outer], shown[inner], every, minimum), (outer, inner)
    return seen


@settings(
    max_examples=16, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate, Phase.shrink]
)
@given(reviewed=reviews, who=st.sampled_from(sorted(WHO)))
def test_no_difference_of_reviews_shows_a_small_team(reviewed: tuple[Review, ...], who: str) -> None:
    """Whatever windows and streams are asked for, the rest of any two breakdowns is no small team; cuts tell none."""
    event(f"{len(asyncio.run(told_to(WHO[who], reviewed)).told)} told")


def test_breakdowns_of_large_teams_are_told() -> None:
    """Nine people in each window and repository are told in every way, but for cuts at will."""
    crowd = tuple(
        Review(organisation, ticket, by, hours)
        for by in range(1, 10)
        for hours in (2, 735)
        for organisation, ticket in (("acme-core", "PAY-41"), ("acme-apps", "LOG-45"))
    )
    seen = asyncio.run(told_to(WHO["administrator"], crowd))
    assert len(seen.told) >= 6
    assert [len(seen.told)] * 3 == [seen.ways[way] for way in range(3)]


# --- the survey -------------------------------------------------------------------------------------------------------

#: Closed, closed, and still open at the time of asking.
PERIODS = (Period(2026, 2), Period(2026, 3), Period(2026, 4))
PULSE_STREAMS = ("", "stream=payments", "stream=logistics")

#: For each period how many of payments and of logistics answered.
turnouts = st.tuples(*(st.tuples(st.integers(0, 7), st.integers(0, 7)) for _ in PERIODS))


def answers(turnout: Sequence[tuple[int, int]]) -> Iterator[PulseResponse]:
    """Yield the answers of each team in each period."""
    for period, counts in zip(PERIODS, turnout, strict=True):
        for team, count in zip((PAYMENTS, LOGISTICS), counts, strict=True):
            for who in range(count):
                yield PulseResponse(
                    survey_period=period,
                    delivery_stream_id=team,
                    respondent_hash=f"{team}-{who}",
                    pace_score=1 + who % 5,
                    tooling_score=3,
                    clarity_score=5,
                    answered_at=datetime(period.year, period.month, 1 + who, tzinfo=UTC),
                )


async def published(turnout: Sequence[tuple[int, int]]) -> tuple[dict[tuple[str, str, str], int], int]:
    """Return how many answers are in each average that is told: by stream, moment asked for and period."""
    made = WholeApp()
    made.organisation.surveys.responses.clear()
    async with AsyncTestClient(made.app(), base_url="http://127.0.0.1") as client:
        made.organisation.surveys.responses.clear()
        write_answers(made.organisation.surveys, answers(turnout))
        client.cookies.update(made.cookies)
        found = {}
        for query in PULSE_STREAMS:
            for moment in ("", "as_of=2026-04-02T12:00:00Z", "as_of=2026-03-04T12:00:00Z"):
                asked = "&".join(filter(None, (query, moment)))
                body = (await client.get(f"/api/v1/metrics/pulse?{asked}")).json()["data"]["team_pulse"]
                for row in body["periods"]:
                    averages = [row[f"{name}_avg"] for name in ("pace", "tooling", "clarity", "overall")]
                    assert row["suppressed"] == (averages == [None] * 4)
                    if not row["suppressed"]:
                        found[query, moment, row["survey_period"]] = row["response_count"]
    return found, made.organisation.configuration.platform.minimum_contributors


@settings(max_examples=25, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(turnout=turnouts)
def test_no_difference_of_averages_shows_a_persons_answers(turnout: tuple[tuple[int, int], ...]) -> None:
    """Of one survey no two averages, of whatever streams and moments, differ by the answers of a few people."""
    told, minimum = asyncio.run(published(turnout))
    event(f"{len(told)} told")
    assert str(PERIODS[2]) not in {period for _, _, period in told}
    for one, other in combinations(told, 2):
        is_nested = one[0] == other[0] or "" in (one[0], other[0])
        if one[2] == other[2] and is_nested and told[one] != told[other]:
            assert abs(told[one] - told[other]) >= minimum, (one, other)
    assert all(count >= minimum for count in told.values())
