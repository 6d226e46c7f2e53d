"""What somebody gets who may see some streams does not depend on what happens in the others, whatever they ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
    TicketFields,
    WorkItemEventType,
)
from dpp.domain.pulse import Period
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.auth import COOKIE
from dpp.entrypoints.http.dashboard import chart_files, page_tables
from dpp.entrypoints.http.query_names import query_names
from tests.support.dashboard_app import TOKEN
from tests.support.derivation import (
    APPS,
    LOGISTICS,
    PAYMENTS,
    deployment_event,
    finished_ticket,
    incident_event,
    pull_request_event,
    ticket_event,
)
from tests.support.explained_app import ExplainedApp
from tests.unit.entrypoints.test_app import OPEN, handlers, never_opened

#: Files of a page, and who opens incidents' blames needs parts that this application lacks.
LEFT_OUT = ("/static/", "/api/v1/incidents/blames")
#: Configuration that a scope narrows by itself, what is the same for all who may have it at all, and news without data.
#: Administration is for whom it says (``test_every_route``), and narrowed for leads by ``Authority``.
ELSEWHERE = (
    *("/api/v1/streams/delivery", "/api/v1/streams/tech", "/api/v1/sprints", "/api/v1/sprints/history"),
    *("/api/v1/incidents/blames", "/api/v1/live", "/metrics", "/survey", "/wall", "/fragments/wall"),
    *("/sessions", "/api/v1/sessions"),
)
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
    alone = TicketFields(ticket_type="story", tech_streams=("core",) if case.has_deliveries else ())
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


@cache
def addresses() -> Sequence[str]:
    """Return everything that can be read: every GET route of the application, for every metric, table and chart."""
    found = []
    for path, handler in handlers(ExplainedApp().app()):
        if "GET" not in handler.http_methods or path.startswith(LEFT_OUT):
            continue
        names = {"{name:str}": METRICS, "{metric:str}": METRICS, "{file:str}": _files(path)}
        wanted = [path.replace(part, name) for part, of in names.items() if part in path for name in of] or [path]
        found += wanted
        if "window" in query_names(handler):
            found += [f"{one}?window=90" for one in wanted]
    return found


def _files(path: str) -> Sequence[str]:
    if path.startswith("/exports/"):
        return [f"{name}.csv" for name in page_tables.TABLES]
    return [f"{name}.svg" for name in chart_files.CHARTS]


async def everything(case: Case, hidden: Hidden | None = None) -> dict[str, Answer]:
    """Return every answer that somebody gets."""
    made = ExplainedApp()
    made.may(case.grant)
    async with AsyncTestClient(made.app()) as client:
        if hidden is not None:
            await made.organisation.know(*happened(hidden, case))
            write_answers(made.organisation.surveys, answered(hidden, case))
        client.cookies.set(COOKIE, TOKEN)
        answers = {}
        for address in addresses():
            answer = await client.get(address)
            answers[address] = (answer.status_code, answer.headers.get("content-type", ""), answer.content)
    return answers


@cache
def before(name: str) -> dict[str, Answer]:
    """Return what somebody gets while nothing is hidden from them but the usual."""
    return asyncio.run(everything(CASES[name]))


def test_there_is_something_to_see() -> None:
    """What is compared are answers with figures, and nearly all of them are there."""
    for name in CASES:
        statuses = [status for status, _, _ in before(name).values()]
        assert {*statuses} <= {200, 404, 422}
        assert statuses.count(200) > 0.8 * len(statuses)
    assert b"PAY-41" in before("payments")["/api/v1/metrics/wip_by_stage/evidence"][2]
    assert not any(b"PAY-" in body for _, _, body in before("logistics").values())


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
    assert len(changed) > 0.6 * len(without)


def test_every_other_route_that_reads_is_accounted_for() -> None:
    """What this application lacks of the whole one is listed, so that a new route is compared or thought of."""
    compared = {path for path, _ in handlers(ExplainedApp().app())}
    whole = {
        path
        for path, handler in handlers(create(never_opened))
        if "GET" in handler.http_methods and not path.startswith((*OPEN, "/admin", "/api/v1/admin/"))
    }
    assert {*ELSEWHERE} == whole - compared | {"/api/v1/incidents/blames"}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(hidden=hidden_things, name=st.sampled_from([*CASES]))
def test_what_is_hidden_changes_no_answer(hidden: Hidden, name: str) -> None:
    """Tickets, changes, deployments, incidents and surveys of other streams change not a byte of any answer."""
    after = asyncio.run(everything(CASES[name], hidden))
    assert [] == [address for address, answer in before(name).items() if after[address] != answer]
