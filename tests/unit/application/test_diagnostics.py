"""Answers about defects and reviews, and what they never tell of a small team."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.application.diagnostics import KEPT, Diagnosis, Diagnostics
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration, DeliveryStream, PlatformSettings, TechStream
from dpp.domain.errors import InvalidInput
from dpp.domain.quality import Confidence, QualityRate, Reason
from dpp.domain.reviews import Concentration, SuppressedConcentration
from dpp.domain.small_teams import Contribution
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_reader import NOW, FakeReader

pytestmark = pytest.mark.anyio

PAYMENTS, LENDING = UUID(int=1), UUID(int=2)
CORE, WEB = UUID(int=11), UUID(int=12)

VIEW = View(scope=StreamScope.everything(), as_of=NOW, is_live=True)
MINIMUM = 3

History = Sequence[tuple[float, Contribution]]


def configured(*, minimum: int = MINIMUM, window_days: int = 14, core: int | None = None) -> Configuration:
    """Return a configuration with these minimums of the platform and of core."""
    return Configuration(
        platform=PlatformSettings(minimum_contributors=minimum, window_days=window_days),
        delivery_streams=(DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),),
        tech_streams=(
            TechStream(
                stream_id=CORE, name="core", display_name="c", github_org="c", github_install_id="1",
                minimum_contributors=core,
            ),
            TechStream(stream_id=WEB, name="web", display_name="w", github_org="w", github_install_id="2"),
        ),
    )  # fmt: skip


def team(size: int, *, days: float = 1, delivery: UUID | None = PAYMENTS, tech: UUID = CORE, of: str = "p") -> History:
    """Return so many people; the first has submitted three reviews some days ago, each other one."""
    return [(days, Contribution(delivery, (tech,), f"{of}{number}", 3 if number == 0 else 1)) for number in range(size)]


async def ask(
    history: History, view: View = VIEW, *, days: int = 30, configuration: Configuration | None = None
) -> Diagnosis:
    """Return the answer to a question about a history."""
    diagnostics = Diagnostics(reader=FakeDiagnosticsReader(contributed=history), metrics=FakeReader())
    return await diagnostics.diagnose(view, window_days=days, configuration=configuration or configured())


async def is_told(history: History, view: View = VIEW, **asked: object) -> bool:
    """Whether an answer has a breakdown."""
    return isinstance((await ask(history, view, **asked)).reviewing.concentration, Concentration)  # type: ignore[arg-type]


async def test_figures_carry_the_marks_of_their_metrics() -> None:
    """Defects rest on the tagging of tickets, reviews on the linkage of pull requests, which is full here."""
    found = await ask(team(3))
    tagging = Confidence((Reason(rate=QualityRate.TICKET_STREAM_TAGGING, value=71.5, target=95.0),))
    assert (40.0, tagging) == (found.defects.rate.value, found.defects.rate.confidence)
    assert ["review_turnaround_p50", "review_turnaround_p85"] == list(found.review_turnaround)
    assert {Confidence()} == {it.confidence for it in (*found.review_turnaround.values(), found.reviewing.figure)}
    assert (30, True) == (found.asked.window_days, found.asked.is_live)


async def test_the_value_of_a_breakdown_is_its_largest_share() -> None:
    """Three of five reviews are 60 percent, and more than half is uneven."""
    found = (await ask(team(3))).reviewing
    assert isinstance(found.concentration, Concentration)
    assert (60.0, 5, True) == (found.figure.value, found.figure.sample_size, found.concentration.uneven)
    assert [("reviewer 1", 60.0), ("reviewer 2", 20.0), ("reviewer 3", 20.0)] == [
        (share.reviewer, share.share_pct) for share in found.concentration.reviewers
    ]


async def test_a_small_team_learns_only_that_reviewing_is_uneven() -> None:
    """Two people are fewer than three; the answer has a count of all reviews and no share."""
    found = (await ask(team(2))).reviewing
    assert SuppressedConcentration(minimum=3, review_count=4, uneven=True) == found.concentration
    assert (None, 4) == (found.figure.value, found.figure.sample_size)


async def test_a_large_team_without_reviews_has_an_empty_breakdown() -> None:
    """Nobody has reviewed: no share, and nothing uneven."""
    rows = [(1.0, Contribution(PAYMENTS, (CORE,), person, 0)) for person in "abc"]
    found = (await ask(rows)).reviewing
    assert Concentration(review_count=0, uneven=False, reviewers=()) == found.concentration
    assert None is found.figure.value


@pytest.mark.parametrize(
    ("view", "days", "expected"),
    [
        (VIEW, 30, True),
        (VIEW, 90, True),
        (VIEW, 14, True),
        (VIEW, 29, False),
        (VIEW, 365, False),
        (replace(VIEW, is_live=False), 30, False),
        (replace(VIEW, tech_stream_id=CORE), 30, True),
        (replace(VIEW, delivery_stream_id=PAYMENTS), 30, True),
        (replace(VIEW, delivery_stream_id=PAYMENTS, tech_stream_id=CORE), 30, False),
    ],
)
async def test_only_the_present_of_one_stream_over_a_usual_window_is_broken_down(
    view: View, days: int, expected: bool
) -> None:
    """A past moment, another window and two streams at once are told in sum only."""
    found = (await ask(team(5), view, days=days)).reviewing
    assert expected == isinstance(found.concentration, Concentration)
    assert (7, False) == (found.figure.sample_size, found.concentration.uneven)


async def test_a_streams_own_minimum_counts_for_it() -> None:
    """Core wants four; the platform, which has three, is told of the same three people all the same."""
    configuration = configured(core=4)
    assert not await is_told(team(3), replace(VIEW, tech_stream_id=CORE), configuration=configuration)
    assert await is_told(team(4), replace(VIEW, tech_stream_id=CORE), configuration=configuration)
    assert await is_told(team(3), configuration=configuration)
    lower = configured(core=2)
    assert await is_told(team(2), replace(VIEW, tech_stream_id=CORE), configuration=lower)
    assert not await is_told(team(2), configuration=lower)


async def test_without_a_filter_the_minimums_of_ones_own_streams_count() -> None:
    """Who sees core alone sees core under any name, so its minimum of four holds without a filter too."""
    view = replace(VIEW, scope=StreamScope(tech_streams=frozenset({CORE})))
    assert not await is_told(team(3), view, configuration=configured(core=4))
    assert not await is_told(team(3), replace(view, delivery_stream_id=PAYMENTS), configuration=configured(core=4))
    assert await is_told(team(4), view, configuration=configured(core=4))


async def test_a_scope_is_broken_down_by_what_it_sees() -> None:
    """Payments are six people, of whom a lead of web sees the two who work there."""
    rows = [*team(4), *team(2, tech=WEB, of="w")]
    assert await is_told(rows, replace(VIEW, tech_stream_id=CORE))
    assert not await is_told(rows, replace(VIEW, scope=StreamScope(tech_streams=frozenset({WEB}))))


async def test_a_longer_window_is_told_only_with_enough_people_in_what_it_has_more() -> None:
    """Ninety days less thirty leave one person in the one history and three in the other."""
    assert not await is_told([*team(3), *team(1, days=45, of="q")], days=90)
    assert await is_told([*team(3), *team(3, days=45, of="q")], days=90)
    assert await is_told([*team(3), *team(1, days=45, of="q")], days=30)


async def test_a_window_is_read_once_and_no_further() -> None:
    """Each longer window adds what it has more; a question about thirty days reads no ninety."""
    reader = FakeDiagnosticsReader()
    diagnostics = Diagnostics(reader=reader, metrics=FakeReader())
    await diagnostics.diagnose(VIEW, window_days=30, configuration=configured())
    edges = [NOW, NOW - timedelta(days=14), NOW - timedelta(days=30)]
    assert list(zip(edges[1:], edges, strict=False)) == [(window.start, window.end) for _, window in reader.asked]


async def test_no_hash_leaves() -> None:
    """The text of an answer names nobody, whether there is a breakdown or not."""
    for size in (2, 3):
        assert None is re.search(r"'p\d'", repr(await ask(team(size))))


async def test_a_window_that_cannot_be_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(InvalidInput):
        await ask(team(3), days=0)


def test_answers_follow_tickets_and_pull_requests() -> None:
    """They are kept for a quarter of an hour, and changes of either drop them."""
    assert timedelta(minutes=15) == KEPT.ttl
    assert not KEPT.unmoved_by & {"tickets", "pull_requests", "configuration"}
    assert KEPT.unmoved_by


# --- differences ------------------------------------------------------------------------------------------------------

contributions = st.builds(
    Contribution,
    st.sampled_from((None, PAYMENTS, LENDING)),
    st.sampled_from(((), (CORE,), (WEB,))),
    st.sampled_from("abcdef"),
    st.sampled_from((0, 1, 1, 2)),
)
histories = st.lists(st.tuples(st.sampled_from((1.0, 13.5, 29.5, 30.5, 60.0, 89.0, 100.0)), contributions), max_size=24)
VIEWS = [
    replace(VIEW, delivery_stream_id=delivery, tech_stream_id=tech, is_live=live)
    for delivery, tech, live in product((None, PAYMENTS, LENDING), (None, CORE, WEB), (True, False))
]
DAYS = (7, 14, 29, 30, 31, 90, 91)


def part_of(history: History, view: View, days: int) -> frozenset[int]:
    """Return the places of what a question is about."""
    return frozenset(
        place
        for place, (age, row) in enumerate(history)
        if age < days and view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=row.tech_stream_ids)
    )


@settings(max_examples=40, deadline=None)
@given(history=histories)
def test_no_two_answers_differ_by_a_small_team(history: History) -> None:
    """Whoever asks everything and subtracts one breakdown from another gets that of enough people, or nothing."""

    async def answers() -> list[frozenset[int]]:
        return [
            part_of(history, view, days)
            for view, days in product(VIEWS, DAYS)
            if await is_told(history, view, days=days)
        ]

    def people(places: frozenset[int]) -> set[str]:
        return {history[place][1].person for place in places}

    def reviews(places: frozenset[int]) -> frozenset[int]:
        return frozenset(place for place in places if history[place][1].reviews)

    told = asyncio.run(answers())
    for outer, inner in product(told, told):
        assert len(people(outer)) >= MINIMUM
        if reviews(inner) and reviews(inner) < reviews(outer):
            assert len(people(outer - inner)) >= MINIMUM
