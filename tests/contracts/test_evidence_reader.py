"""What every reader of evidence promises: it names the very things that the other readers count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.diagnostics import MemoryDiagnosticsReader
from dpp.adapters.memory.evidence import MemoryEvidenceReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.diagnostics import PostgresDiagnosticsReader
from dpp.adapters.postgres.evidence import PostgresEvidenceReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.delivery_reader import DeliveryReader
from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.enrich import sprint_uuid
from dpp.application.evidence_reader import (
    Among,
    AsideTicket,
    BlockedTicket,
    DefectInWindow,
    EndedPullRequest,
    EvidenceReader,
    FinishedTicket,
    IncidentInWindow,
    PlacedTicket,
    ReviewedPullRequest,
)
from dpp.application.readers import MetricsReader
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.calendar import to_micros
from dpp.domain.events import (
    CicdEventType,
    DefectEvent,
    DefectEventType,
    Event,
    Facts,
    IncidentEventType,
    PullRequestEventType,
    TicketFields,
    WorkItemEventType,
)
from dpp.domain.wip import wip_by_stage
from tests.contracts.stores import delivery
from tests.support.derivation import (
    APPS,
    CORE,
    PAYMENTS,
    at,
    deployment_event,
    finished_ticket,
    incident_event,
    pull_request_event,
    ticket_event,
)
from tests.support.derivation import delivery as delivered
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores
from tests.support.happenings import Happening, happenings, releases
from tests.support.postgres import TestServer

pytestmark = pytest.mark.anyio

T, P, D, C, I = WorkItemEventType, PullRequestEventType, DefectEventType, CicdEventType, IncidentEventType  # noqa: E741
EVERYTHING = StreamScope.everything()


@dataclass
class Known:
    """A platform that derives, the reader of evidence, and the readers whose figures it explains."""

    stores: Stores
    evidence: EvidenceReader
    metrics: MetricsReader
    diagnostics: DiagnosticsReader
    deliveries: DeliveryReader

    async def know(self, *events: Event | DefectEvent) -> None:
        """Append events, each delivered by itself, and derive what follows."""
        await self.take([_delivery(event) for event in events])

    async def take(self, deliveries: Sequence[AcceptedDelivery]) -> None:
        """Append deliveries and derive what follows."""
        await self.stores.append(deliveries)
        await self.stores.drain()


def _delivery(event: Event | DefectEvent) -> AcceptedDelivery:
    return delivery(Facts(defects=(event,))) if isinstance(event, DefectEvent) else delivered(event)


@asynccontextmanager
async def knowing(url: str | None) -> AsyncIterator[Known]:
    """Yield a platform on a database, in memory without one."""
    async with stores(url) as found:
        if isinstance(found, MemoryStores):
            parts: Any = {"database": found.database, "tables": found.tables}
            yield Known(
                found,
                MemoryEvidenceReader(**parts),
                MemoryMetricsReader(**parts),
                MemoryDiagnosticsReader(**parts),
                MemoryDeliveryReader(**parts),
            )
        else:
            assert isinstance(found, PostgresStores)
            yield Known(
                found,
                PostgresEvidenceReader(database=found.database, kept=KeptRows(database=found.database)),
                PostgresMetricsReader(kept=KeptRows(database=found.database)),
                PostgresDiagnosticsReader(database=found.database, kept=KeptRows(database=found.database)),
                PostgresDeliveryReader(database=found.database, kept=KeptRows(database=found.database)),
            )


@pytest.fixture
async def known(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Known]:
    """A platform of one family that knows two delivery and two technology streams."""
    async with knowing(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        yield found


def view(
    hours: float = 1000,
    *,
    scope: StreamScope = EVERYTHING,
    delivery_stream_id: UUID | None = None,
    tech_stream_id: UUID | None = None,
) -> View:
    """Return a view as of so many hours, of everything unless told otherwise."""
    return View(scope=scope, as_of=at(hours), delivery_stream_id=delivery_stream_id, tech_stream_id=tech_stream_id)


WHOLE = Window(start=at(-100), end=at(1000))


async def test_an_empty_store_has_no_evidence(known: Known) -> None:
    """Where nothing is known, nothing is behind any figure."""
    reader = known.evidence
    assert [] == [
        *await reader.placed(view()),
        *await reader.in_sprint(view(), sprint_id=sprint_uuid("77")),
        *await reader.finished(view(), window=WHOLE),
        *await reader.set_aside(view(), window=WHOLE),
        *await reader.pull_requests(view(), window=WHOLE),
        *await reader.reviewed(view(), window=WHOLE),
        *await reader.defects(view(), window=WHOLE),
        *await reader.deployments(view(), window=WHOLE),
        *await reader.incidents(view(), window=WHOLE),
        *await reader.blocked(view(), window=WHOLE),
    ]


async def test_unfinished_tickets_are_named_with_their_place_and_since_when(known: Known) -> None:
    """Those that are longest where they are come first; finished and cancelled ones are nowhere."""
    await known.know(
        *finished_ticket(number=1),
        ticket_event(T.CREATED, 5, key="PAY-2", issue="10002", status="Open"),
        ticket_event(T.TRANSITIONED, 9, key="PAY-2", issue="10002", status="Doing", change="21"),
        ticket_event(T.CREATED, 7, key="PAY-3", issue="10003", status="Open"),
    )
    assert [
        PlacedTicket("PAY-3", PAYMENTS, "backlog", False, at(7)),
        PlacedTicket("PAY-2", PAYMENTS, "dev", True, at(9)),
    ] == list(await known.evidence.placed(view()))
    assert [PlacedTicket("PAY-2", PAYMENTS, "backlog", False, at(5))] == [
        row for row in await known.evidence.placed(view(6)) if row.ticket_id == "PAY-2"
    ]


async def test_a_sprint_names_its_unfinished_tickets_now_and_then(known: Known) -> None:
    """A ticket that left the sprint at hour 20 was in it at hour 10."""
    in_sprint = TicketFields(ticket_type="story", jira_sprint_id="77")
    await known.know(
        ticket_event(T.CREATED, 1, key="PAY-1", issue="10001", status="Open", fields=in_sprint),
        ticket_event(T.CREATED, 2, key="PAY-2", issue="10002", status="Open", fields=in_sprint),
        ticket_event(T.UPDATED, 20, key="PAY-2", issue="10002", change="9", fields=TicketFields(ticket_type="story")),
    )
    live = replace(view(), is_live=True)
    for looking, expected in ((live, ["PAY-1"]), (view(30), ["PAY-1"]), (view(10), ["PAY-1", "PAY-2"])):
        found = await known.evidence.in_sprint(looking, sprint_id=sprint_uuid("77"))
        assert expected == [row.ticket_id for row in found]


async def test_finished_cancelled_and_reopened_tickets_are_told_apart(known: Known) -> None:
    """A ticket that was done and is worked on again counts as reopened, one that is done once more as finished."""

    def move(number: int, hours: float, status: str) -> Event:
        change = f"{number}{hours:g}".replace(".", "")
        key, issue = f"PAY-{number}", str(10_000 + number)
        return ticket_event(T.TRANSITIONED, hours, key=key, issue=issue, status=status, change=change)

    await known.know(
        *finished_ticket(number=1),
        *finished_ticket(number=2),
        move(2, 50, "Doing"),
        *finished_ticket(number=3),
        move(3, 50, "Doing"),
        move(3, 62, "Closed"),
        ticket_event(T.CREATED, 1, key="PAY-4", issue="10004", status="Open"),
        ticket_event(T.COMPLETED, 30, key="PAY-4", issue="10004", resolution="Won't Do", change="41"),
    )
    finished = await known.evidence.finished(view(), window=WHOLE)
    assert [("PAY-3", at(62)), ("PAY-1", at(38))] == [(row.ticket_id, row.completed_at) for row in finished]
    assert FinishedTicket("PAY-1", PAYMENTS, at(38), 1.5, finished[1].flow_efficiency_pct) == finished[1]
    assert pytest.approx(100 * 30 / 36) == finished[1].flow_efficiency_pct
    assert [AsideTicket("PAY-2", PAYMENTS, at(38), False), AsideTicket("PAY-4", PAYMENTS, at(30), True)] == list(
        await known.evidence.set_aside(view(), window=WHOLE)
    )
    assert [] == list(await known.evidence.set_aside(view(29), window=WHOLE))


async def test_pull_requests_are_named_with_their_reviews(known: Known) -> None:
    """Who has only reviews by the author or a bot has none that counts; a window's reviews name no person."""
    own = pull_request_event(P.REVIEW_SUBMITTED, 4, number=1, reviewer="author", change="a")
    robot = pull_request_event(P.REVIEW_SUBMITTED, 5, number=1, reviewer="robot", change="b")
    await known.know(
        ticket_event(T.CREATED, 1, status="Open"),
        own,
        replace(robot, reviewer_is_bot=True),
        pull_request_event(P.MERGED, 10, number=1),
        pull_request_event(P.OPENED, 3, number=2, branch="main"),
        pull_request_event(P.REVIEW_SUBMITTED, 7, number=2, branch="main", reviewer="rita", change="c"),
        pull_request_event(P.REVIEW_SUBMITTED, 8, number=2, branch="main", reviewer="ron", change="d"),
        pull_request_event(P.CLOSED, 11, number=2, branch="main"),
    )
    first = EndedPullRequest("acme-core/service", 1, "PAY-1", at(3), at(10), None, True)
    second = EndedPullRequest("acme-core/service", 2, None, at(3), at(11), at(7), False)
    assert [second, first] == list(await known.evidence.pull_requests(view(), window=WHOLE))
    assert [4.0, None] == [second.hours, first.hours]
    assert [first] == list(await known.evidence.pull_requests(view(delivery_stream_id=PAYMENTS), window=WHOLE))
    unplaced = await known.evidence.pull_requests(view(delivery_stream_id=PAYMENTS), window=WHOLE, among=Among.UNPLACED)
    assert [second] == list(unplaced)
    assert [ReviewedPullRequest("acme-core/service", 2, 2, at(8))] == list(
        await known.evidence.reviewed(view(), window=WHOLE)
    )
    assert [ReviewedPullRequest("acme-core/service", 2, 1, at(7))] == list(
        await known.evidence.reviewed(view(), window=Window(start=at(0), end=at(8)))
    )


async def test_defects_are_named_with_their_stages(known: Known) -> None:
    """What was told last of a defect counts; the time is that of the last word in the window."""
    logged = DefectEvent(
        event_type=D.LOGGED,
        event_timestamp=at(2),
        ticket_id="PAY-9",
        project_key="PAY",
        issue_id="10009",
        found_in_stage="qa",
    )
    told = replace(logged, event_type=D.ATTRIBUTED, event_timestamp=at(6), introduced_in_stage="dev")
    await known.know(ticket_event(T.CREATED, 1, key="PAY-9", issue="10009", status="Open"), logged, told)
    assert [DefectInWindow("PAY-9", at(6), "qa", "dev")] == list(await known.evidence.defects(view(), window=WHOLE))
    early = Window(start=at(0), end=at(3))
    assert [DefectInWindow("PAY-9", at(2), "qa", "dev")] == list(await known.evidence.defects(view(), window=early))


async def test_deployments_of_every_environment_are_named(known: Known) -> None:
    """Failed ones too, with what took them back and which incidents they are blamed for, as known at the moment."""
    await known.know(
        deployment_event(C.DEPLOY_COMPLETED, 1, run="1", commit="c1"),
        deployment_event(C.DEPLOY_FAILED, 2, run="2"),
        deployment_event(C.DEPLOY_COMPLETED, 3, run="3", environment="staging", is_config_only=True),
        deployment_event(C.ROLLBACK_COMPLETED, 9, run="back", rollback_of="1"),
        incident_event(I.INCIDENT_OPENED, 1.5),
    )
    rows = await known.evidence.deployments(view(), window=WHOLE)
    assert [
        ("3", "staging", True, True, None, ()),
        ("2", "production", False, False, None, ()),
        ("1", "production", True, False, at(9), ("INC-1",)),
    ] == [
        (
            *(row.pipeline_run_id, row.environment, row.has_succeeded, row.is_config_only),
            *(row.rolled_back_at, row.incidents),
        )
        for row in rows
    ]
    assert ("acme-core/service", "c1") == (rows[-1].repository, rows[-1].commit_sha)
    (then,) = await known.evidence.deployments(view(1.2), window=WHOLE)
    assert (None, ()) == (then.rolled_back_at, then.incidents)


async def test_incidents_that_ended_and_those_that_did_not_are_named(known: Known) -> None:
    """One that ends before it starts is faulty, one that goes on has no minutes."""
    await known.know(
        incident_event(I.INCIDENT_OPENED, 1, incident="INC-1"),
        incident_event(I.INCIDENT_RESOLVED, 2.5, incident="INC-1"),
        incident_event(I.INCIDENT_OPENED, 4, incident="INC-2"),
        incident_event(I.INCIDENT_OPENED, 6, incident="INC-3"),
        incident_event(I.INCIDENT_RESOLVED, 5, incident="INC-3"),
    )
    assert [
        IncidentInWindow("INC-3", "core", "high", at(6), None, True),
        IncidentInWindow("INC-2", "core", "high", at(4), None, False),
        IncidentInWindow("INC-1", "core", "high", at(2.5), 90.0, False),
    ] == list(await known.evidence.incidents(view(), window=WHOLE))
    assert [IncidentInWindow("INC-1", "core", "high", at(1), None, False)] == list(
        await known.evidence.incidents(view(2), window=WHOLE)
    )


async def test_every_block_of_the_window_is_named(known: Known) -> None:
    """A ticket that was blocked twice is there twice, the later one first."""
    await known.know(
        ticket_event(T.CREATED, 1, status="Open"),
        ticket_event(T.BLOCKED, 3, change="1"),
        ticket_event(T.UNBLOCKED, 4, change="2"),
        ticket_event(T.BLOCKED, 6, change="3"),
    )
    expected = [BlockedTicket("PAY-1", PAYMENTS, at(6), None), BlockedTicket("PAY-1", PAYMENTS, at(3), None)]
    assert expected == list(await known.evidence.blocked(view(), window=WHOLE))
    assert expected[1:] == list(await known.evidence.blocked(view(), window=Window(start=at(3), end=at(6))))


# --- everything -------------------------------------------------------------------------------------------------------

VIEWS = [
    *(
        view(hours, delivery_stream_id=asked, tech_stream_id=tech)
        for hours, (asked, tech) in product(
            (15, 1000), ((None, None), (PAYMENTS, None), (None, APPS), (PAYMENTS, CORE))
        )
    ),
    *(
        view(45, scope=scope, delivery_stream_id=asked)
        for scope, asked in product(
            (StreamScope(delivery_streams=frozenset({PAYMENTS})), StreamScope(tech_streams=frozenset({CORE}))),
            (None, PAYMENTS),
        )
    ),
]


async def _check_counts(known: Known, looking: View, window: Window) -> None:
    """Compare what is named with what the other readers count."""
    placed = await known.evidence.placed(looking)
    assert wip_by_stage(await known.metrics.wip(looking)) == wip_by_stage((row.stage, row.active, 1) for row in placed)
    cycles = await known.metrics.cycles(looking, window=window)
    finished = await known.evidence.finished(looking, window=window)
    assert sorted(zip(cycles.completed_at.tolist(), cycles.ticket_ids, strict=True)) == sorted(
        (to_micros(row.completed_at), row.ticket_id) for row in finished
    )
    days = np.array([row.cycle_days for row in finished], dtype=np.float64)
    assert np.array_equal(np.sort(cycles.cycle_days), np.sort(days), equal_nan=True)
    pull_requests = await known.evidence.pull_requests(looking, window=window)
    hours = np.array([row.hours for row in pull_requests], dtype=np.float64)
    expected = await known.diagnostics.review_hours(looking, window=window)
    assert np.allclose(np.sort(expected), np.sort(hours), equal_nan=True)
    reviews = sum(row.reviews for row in await known.diagnostics.contributions(looking, window=window))
    assert reviews == sum(row.reviews for row in await known.evidence.reviewed(looking, window=window))
    deployments = await known.evidence.deployments(looking, window=window)
    history = (await known.deliveries.deployments(looking, since=window.start)).deployments
    assert history.deployed_at.tolist() == sorted(
        to_micros(row.deployed_at) for row in deployments if row.environment == "production"
    )
    restores, moment = await known.deliveries.restores(looking, since=window.start), to_micros(looking.as_of)
    valid = (restores.valid_from <= moment) & (moment < restores.valid_to)
    incidents = await known.evidence.incidents(looking, window=window)
    assert Counter(restores.minutes[valid].tolist()) == Counter(
        row.minutes for row in incidents if row.minutes is not None
    )


async def _named(url: str | None, happening: Happening) -> list[object]:
    async with knowing(url) as known:
        await known.take(happening.told)
        said: list[object] = []
        for looking in VIEWS:
            window = Window(start=at(-100), end=looking.as_of)
            await _check_counts(known, looking, window)
            reader = known.evidence
            said += [
                await reader.in_sprint(looking, sprint_id=sprint_uuid("77")),
                await reader.set_aside(looking, window=window),
                await reader.reviewed(looking, window=window),
                await reader.blocked(looking, window=window),
            ]
            for among in Among:
                said += [
                    await reader.placed(looking, among=among),
                    await reader.finished(looking, window=window, among=among),
                    await reader.pull_requests(looking, window=window, among=among),
                    await reader.defects(looking, window=window, among=among),
                    await reader.deployments(looking, window=window, among=among),
                    await reader.incidents(looking, window=window, among=among),
                ]
        return said


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tickets=happenings(most=12), outcomes=releases())
def test_both_families_name_what_the_others_count(
    postgres_server: TestServer, tickets: Happening, outcomes: Happening
) -> None:
    """Whatever happened, both families name the same things, as many as there are behind each figure."""
    told = {one.delivery_uid: one for one in (*tickets.told, *outcomes.told)}
    happening = Happening(list(told.values()), [], [])
    with postgres_server.database(template=postgres_server.template) as url:
        found = asyncio.run(_named(url, happening))
    assert asyncio.run(_named(None, happening)) == found


UNPLACED = [
    ticket_event(T.CREATED, 1, key="OPS-1", issue="1", status="Open"),
    ticket_event(T.CREATED, 2, key="PAY-2", issue="2", status="Open"),
    ticket_event(T.CREATED, 3, key="LOG-3", issue="3", status="Open"),
    ticket_event(
        T.CREATED, 4, key="PAY-4", issue="4", status="Open",
        fields=TicketFields(ticket_type="story", tech_streams=("core",)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("looking", "expected"),
    [
        (view(), []),
        (view(delivery_stream_id=PAYMENTS), ["OPS-1"]),
        (view(tech_stream_id=CORE), ["OPS-1", "PAY-2", "LOG-3"]),
        (view(tech_stream_id=APPS), ["OPS-1", "PAY-2", "LOG-3"]),
        (view(delivery_stream_id=PAYMENTS, tech_stream_id=CORE), ["OPS-1", "PAY-2"]),
        (view(delivery_stream_id=PAYMENTS, scope=StreamScope(delivery_streams=frozenset({PAYMENTS}))), []),
    ],
)
async def test_the_unplaced_are_those_that_nothing_keeps_out_but_silence(
    known: Known, looking: View, expected: list[str]
) -> None:
    """A ticket of no stream may belong to the asked one, one of another does not; a narrower scope hears of none."""
    await known.know(*UNPLACED)
    assert expected == [row.ticket_id for row in await known.evidence.placed(looking, among=Among.UNPLACED)]
