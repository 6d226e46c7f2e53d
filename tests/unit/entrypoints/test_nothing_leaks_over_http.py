"""What somebody gets who may see some streams does not depend on what happens in the others, whatever they ask."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from uuid import UUID

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from litestar.handlers import HTTPRouteHandler
from litestar.testing import AsyncTestClient

from dpp.adapters.memory.pulse import write_answers
from dpp.application.pulse_ports import PulseResponse
from dpp.domain.access import Grant, Role
from dpp.domain.catalogue import METRICS
from dpp.domain.events import (
    CicdEventType,
    Event,
    IncidentEventType,
    PullRequestEventType,
    SprintFact,
    TicketFields,
    WorkItemEventType,
)
from dpp.domain.pulse import Period
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.dashboard import chart_files, page_tables
from dpp.entrypoints.http.query_names import query_names
from tests.support.derivation import (
    APPS,
    CORE,
    LOGISTICS,
    PAYMENTS,
    at,
    deployment_event,
    finished_ticket,
    incident_event,
    pull_request_event,
    ticket_event,
)
from tests.support.whole_app import WholeApp
from tests.unit.entrypoints.test_app import OPEN, handlers, never_opened

#: News without data; ``test_live`` shows whom they reach.
STREAMED = ("/api/v1/live",)
#: What stands for a parameter of an address: everything of its kind, shown and hidden.
PLACES: Mapping[str, Sequence[str]] = {
    "{name:str}": (*METRICS, "service"),
    "{metric:str}": (*METRICS,),
    "{stream_id:uuid}": tuple(map(str, (PAYMENTS, LOGISTICS, CORE, APPS, UUID(int=7)))),
    "{user_id:uuid}": (str(UUID(int=1)),),
    "{organisation:str}": ("acme-core", "acme-apps"),
    "{key:str}": ("PAY", "LOG", "OPS"),
    "{number:str}": ("7", "8", "9"),
}
#: What may be asked for beside an address; in each walk one of them, wherever it is understood.
QUERIES = ("", "window=90", "stream=payments", "stream=logistics", "tech_stream=apps", "as_of=2026-04-01T12:00:00Z")
Answer = tuple[int, str, bytes]


@dataclass(frozen=True)
class Hidden:
    """
    What happens where a person may not look.

    Attributes:
        tickets: how far each got (0 to 4 of its moves), when it began, and whether it is blocked.
        changes: hours at which pull requests of those tickets were merged.
        deployments: hours at which something was deployed from their repository.
        incidents: hours at which something broke there.
        answers: the scores of a team that answered a survey.
    """

    tickets: tuple[tuple[int, int, bool], ...] = ()
    changes: tuple[int, ...] = ()
    deployments: tuple[int, ...] = ()
    incidents: tuple[int, ...] = ()
    answers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Case:
    """Somebody's grant, the project of tickets that it does not show, and whether deliveries may be hidden as well."""

    grant: Grant
    project: str
    team: UUID
    has_deliveries: bool


CASES = {
    "logistics": Case(Grant(role=Role.STREAM_LEAD, delivery_stream_id=LOGISTICS), "PAY", PAYMENTS, True),
    # The deployments of both repositories carry changes of payments.
    "payments": Case(Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS), "LOG", LOGISTICS, False),
    "apps": Case(Grant(role=Role.STREAM_LEAD, tech_stream_id=APPS), "PAY", PAYMENTS, True),
}

hours = st.integers(300, 930)
hidden_things = st.builds(
    Hidden,
    tickets=st.lists(st.tuples(st.integers(0, 4), hours, st.booleans()), min_size=1, max_size=5).map(tuple),
    changes=st.lists(hours, max_size=3, unique=True).map(tuple),
    deployments=st.lists(hours, max_size=3, unique=True).map(tuple),
    incidents=st.lists(hours, max_size=2, unique=True).map(tuple),
    answers=st.lists(st.integers(1, 5), max_size=9).map(tuple),
)


def happened(hidden: Hidden, case: Case) -> Iterator[Event]:
    """Yield the events of what is hidden; all of its names are its own."""
    alone = TicketFields(ticket_type="story", jira_sprint_id="9", tech_streams=("core",) if case.has_deliveries else ())
    for number, (moves, begin, is_blocked) in enumerate(hidden.tickets, start=901):
        key, issue = f"{case.project}-{number}", str(10_000 + number)
        for event in finished_ticket(number=number, project=case.project, begin=begin)[: moves + 1]:
            yield replace(event, fields=alone)
        if is_blocked:
            blocked = replace(alone, blocking_tech_stream="core")
            yield ticket_event(
                WorkItemEventType.BLOCKED, begin + 3, key=key, issue=issue, change=f"b{number}", fields=blocked
            )
    for number, hour in enumerate(hidden.changes, start=901):
        told = {"number": number, "branch": f"{case.project}-{901 + number % len(hidden.tickets)}"}
        for kind, at_ in ((PullRequestEventType.OPENED, hour - 20), (PullRequestEventType.MERGED, hour)):
            yield pull_request_event(kind, at_, change=f"{kind}-{number}", merge_sha=f"h{number}", **told)  # type: ignore[arg-type]
    if case.has_deliveries:
        for number, hour in enumerate(hidden.deployments, start=901):
            yield deployment_event(CicdEventType.DEPLOY_COMPLETED, hour, run=f"hidden-{number}")
        for number, hour in enumerate(hidden.incidents, start=901):
            yield incident_event(IncidentEventType.INCIDENT_OPENED, hour, incident=f"HIDDEN-{number}")


def late() -> Iterator[Event]:
    """Yield what becomes known late of every stream, whatever is hidden from anybody."""
    for number, project in enumerate(("PAY", "LOG"), start=801):
        yield from finished_ticket(number=number, project=project, begin=500)
    yield deployment_event(CicdEventType.DEPLOY_COMPLETED, 700, run="late", org="acme-apps")


def answered(hidden: Hidden, case: Case) -> list[PulseResponse]:
    """Return answers of a team that is not shown."""
    return [
        PulseResponse(
            survey_period=Period(2026, 3),
            delivery_stream_id=case.team,
            respondent_hash=f"hidden-{who}",
            pace_score=score,
            tooling_score=score,
            clarity_score=score,
            answered_at=datetime(2026, 3, 3, tzinfo=UTC),
        )
        for who, score in enumerate(hidden.answers)
    ]


def reads() -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Yield every route of the whole application that reads something behind the sign-in."""
    for path, handler in handlers(create(never_opened)):
        if "GET" in handler.http_methods and not path.startswith((*OPEN, *STREAMED)):
            yield path, handler


@cache
def addresses(query: str = "") -> Sequence[str]:
    """Return everything that can be read, for every metric, table, chart, stream and repository."""
    found = []
    for path, handler in reads():
        wanted = [path]
        for part in re.findall(r"{[^}]+}", path):
            wanted = [one.replace(part, name) for one in wanted for name in _named(part, path)]
        if query.partition("=")[0] in query_names(handler):
            wanted = [f"{one}?{query}" for one in wanted]
        found += wanted
    return found


def _named(part: str, path: str) -> Sequence[str]:
    """Return what stands for a parameter; one that nobody has thought of yet is an error."""
    if part != "{file:str}":
        return PLACES[part]
    if path.startswith("/exports/"):
        return [f"{name}.csv" for name in page_tables.TABLES]
    return [f"{name}.svg" for name in chart_files.CHARTS]


async def everything(case: Case, hidden: Hidden | None = None, *, query: str = "") -> dict[str, Answer]:
    """Return every answer that somebody gets, with the figures of all days measured."""
    made = WholeApp(grants=(case.grant,))
    async with AsyncTestClient(made.app(), base_url="http://127.0.0.1") as client:
        await made.measure()
        # In one batch with what is hidden, so that figures of days that are over change for both reasons at once.
        await made.organisation.know(*late(), *(happened(hidden, case) if hidden else ()))
        if hidden is not None:
            write_answers(made.organisation.surveys, answered(hidden, case))
            made.organisation.stores.database.sprints["9"] = SprintFact(
                event_timestamp=at(0), jira_sprint_id="9", name="Sprint 9", state="active", start_date=date(2026, 4, 6)
            )
        await made.measure()
        client.cookies.update(made.cookies)
        answers = {}
        for address in addresses(query):
            answer = await client.get(address)
            answers[address] = (answer.status_code, answer.headers.get("content-type", ""), answer.content)
    return answers


@cache
def before(name: str, query: str = "") -> dict[str, Answer]:
    """Return what somebody gets while nothing is hidden from them but the usual."""
    return asyncio.run(everything(CASES[name], query=query))


def is_administration(address: str) -> bool:
    """Whether an address is of administration, most of which is not for leads."""
    return address.startswith(("/admin", "/api/v1/admin"))


def test_there_is_something_to_see() -> None:
    """What is compared are answers with figures, and nearly all of them are there."""
    for name in CASES:
        statuses = {address: status for address, (status, _, _) in before(name).items()}
        assert {*statuses.values()} <= {200, 403, 404, 422}
        figures = [status for address, status in statuses.items() if not is_administration(address)]
        assert figures.count(200) > 0.8 * len(figures)
        led = ("/admin/status-mappings", "/admin/pull-requests", "/admin/sprints", "/admin/data-quality")
        assert {200} == {statuses[address] for address in (*led, "/wall", "/api/v1/incidents/blames", "/survey")}
        assert b'"cause":"late_event"' in before(name)["/api/v1/metrics/restatements"][2]
    assert b"PAY-41" in before("payments")["/api/v1/metrics/wip_by_stage/evidence"][2]
    # A form gives a key as an example.
    assert not any(b"PAY-" in body.replace(b"such as PAY-123", b"") for _, _, body in before("logistics").values())


def test_what_is_hidden_is_there_for_whoever_may_see_it() -> None:
    """The same things do change what an administrator gets: they are hidden, not lost."""
    hidden = Hidden(
        tickets=((4, 700, False), (1, 800, True)),
        changes=(750,),
        deployments=(760,),
        incidents=(765,),
        answers=(1,) * 7,
    )
    everybodys = replace(CASES["logistics"], grant=Grant(role=Role.PLATFORM_ADMIN))
    without, with_it = asyncio.run(everything(everybodys)), asyncio.run(everything(everybodys, hidden))
    changed = {address for address, answer in without.items() if with_it[address] != answer}
    assert {f"/api/v1/metrics/{it}" for it in ("realtime", "trends", "pulse", "ageing", "blocked")} <= changed
    assert len(changed) > 0.6 * len([address for address in without if not is_administration(address)])
    assert {"/wall", "/api/v1/sprints", "/api/v1/metrics/restatements"} <= changed


def test_every_route_that_reads_is_compared() -> None:
    """Nothing but news is left out, so that a new route is compared without a word, or fails for want of an example."""
    compared = {address.partition("?")[0] for address in addresses()}
    whole = {path for path, handler in handlers(create(never_opened)) if "GET" in handler.http_methods}
    plain = {path for path in whole if "{" not in path and not path.startswith(OPEN)}
    assert {*STREAMED} == plain - compared
    assert {"/wall", "/api/v1/sprints/history", "/api/v1/incidents/blames", "/admin/status-mappings"} <= compared


#: What is hidden had an incident of one's own derived before the ticket that restated a figure.
FOLLOWED_BY_AN_INCIDENT = Hidden(
    tickets=((3, 310, False), (1, 428, False), (3, 300, True)),
    changes=(849, 694, 816),
    deployments=(793, 792, 423),
    incidents=(),
    answers=(4, 2, 4, 1, 3, 1, 4, 4, 4),
)
#: What is hidden had deployments of one's own derived again, which came out the same.
DERIVED_AGAIN = Hidden(
    tickets=((2, 377, False),),
    changes=(381, 351, 412),
    deployments=(439, 500, 578),
    incidents=(727,),
    answers=(3, 1, 5, 3, 4, 2),
)


# Not shrunk: each try walks the whole application, and which addresses differ says more than the smallest history.
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
@given(hidden=hidden_things, name=st.sampled_from([*CASES]), query=st.sampled_from(QUERIES))
@example(FOLLOWED_BY_AN_INCIDENT, "payments", "tech_stream=apps")
@example(DERIVED_AGAIN, "apps", "stream=payments")
def test_what_is_hidden_changes_no_answer(hidden: Hidden, name: str, query: str) -> None:
    """Tickets, changes, deployments, incidents, sprints and surveys of other streams change no byte of any answer."""
    after = asyncio.run(everything(CASES[name], hidden, query=query))
    assert [] == [address for address, answer in before(name, query).items() if after[address] != answer]
