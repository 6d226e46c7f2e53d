"""What every reader of blocked tickets promises, and every store of assessments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader, MemoryCorrelations
from dpp.adapters.postgres.bottlenecks import PostgresBottleneckReader, PostgresCorrelations
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.application.bottleneck_ports import (
    BottleneckReader,
    CorrelationRow,
    Correlations,
    DependencyRow,
    FlagRow,
)
from dpp.application.derived_rows import WorkItemRow
from dpp.application.ports import Batch
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.bottlenecks import BottleneckSeverity
from dpp.domain.events import Facts, TicketFields, WorkItemEvent, WorkItemEventType
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB, delivery
from tests.support.reading import MemoryReading, Reading, Ticket, at, micros, reading, view

pytestmark = pytest.mark.anyio

T = WorkItemEventType


@dataclass
class FlaggedTicket(Ticket):
    """A ticket whose flag has been up since some hour."""

    blocked: float | None = None

    @property
    def work_item(self) -> WorkItemRow:
        """How it stands."""
        since = None if self.blocked is None else micros(self.blocked)
        return super().work_item._replace(blocked_since=since)


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    """Readers of one family over an empty store that knows two delivery and two technology streams."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with reading(url) as found:
        await found.configurations.save(ORGANISATION, expected_version=0, actor="a test", at=at(0))
        yield found


def reader(store: Reading) -> BottleneckReader:
    """Return the reader of blocked tickets of a store."""
    if isinstance(store, MemoryReading):
        return MemoryBottleneckReader(database=store.database, tables=store.tables)
    return PostgresBottleneckReader(database=store.database, kept=KeptRows(database=store.database))  # type: ignore[attr-defined]


def flag(
    issue: str, kind: WorkItemEventType, hours: float, *, blocking: str | None = None, change: str | None = None
) -> Facts:
    """Return a flag that is raised or lowered."""
    event = WorkItemEvent(
        event_type=kind,
        event_timestamp=at(hours),
        ticket_id=f"PAY-{issue}",
        project_key="PAY",
        issue_id=issue,
        source_change_id=change,
        fields=TicketFields(blocking_tech_stream=blocking),
    )
    return Facts(work_items=(event,))


#: 101 is blocked by core from hour 10 to 20; 102 by web from 5 on, still; 103 was blocked and is done since 30; 104 was
#: blocked long ago and is free; 105 is of identity and of core, blocked by nobody named.
TICKETS = (
    Ticket("101", streams=[(0, "PAY-101", PAYMENTS, ())], stays=[(0, "dev", True)]),
    FlaggedTicket("102", streams=[(0, "PAY-102", PAYMENTS, (WEB,))], stays=[(0, "qa", True)], blocked=5),
    FlaggedTicket("103", streams=[(0, "PAY-103", None, ())], stays=[(0, "dev", True), (30, "done", False)], blocked=6),
    Ticket("104", streams=[(0, "PAY-104", PAYMENTS, (CORE,))], stays=[(0, "uat", True)]),
    FlaggedTicket("105", streams=[(0, "IDN-1", IDENTITY, (CORE,))], stays=[(0, "backlog", False)], blocked=40),
)
FLAGS = (
    flag("101", T.BLOCKED, 10, blocking="core", change="7"),
    flag("101", T.UNBLOCKED, 20, change="8"),
    flag("102", T.BLOCKED, 5, blocking="Web"),
    flag("103", T.BLOCKED, 6, blocking="core"),
    flag("104", T.FLAGGED, 1, change="x1"),
    flag("104", T.UNFLAGGED, 2),
    flag("105", T.BLOCKED, 40),
)


async def filled(store: Reading) -> BottleneckReader:
    """Put the tickets and their flags into a store."""
    await store.events.append(Batch(deliveries=[delivery(facts) for facts in FLAGS]))
    await store.put(*TICKETS)
    return reader(store)


async def issues(found: BottleneckReader, asked: View, *, since: float) -> list[str]:
    """Return whose flags are told, in the order in which they are."""
    return list(dict.fromkeys(row.issue_id for row in await found.flags(asked, since=at(since))))


async def test_each_ticket_comes_with_its_whole_story(store: Reading) -> None:
    """Also what happened before the moment asked for, with what blocks as far as it is told."""
    found = await filled(store)
    assert [
        FlagRow("101", PAYMENTS, True, micros(10), 7, T.BLOCKED, CORE),
        FlagRow("101", PAYMENTS, True, micros(20), 8, T.UNBLOCKED, None),
        FlagRow("102", PAYMENTS, True, micros(5), 0, T.BLOCKED, WEB),
        FlagRow("103", None, False, micros(6), 0, T.BLOCKED, CORE),
        FlagRow("105", IDENTITY, True, micros(40), 0, T.BLOCKED, None),
    ] == list(await found.flags(view(), since=at(15)))


async def test_who_was_free_or_finished_all_the_time_is_left_out(store: Reading) -> None:
    """104 was freed at hour 2, 101 at 20, 103 finished at 30."""
    found = await filled(store)
    assert ["101", "102", "103", "104", "105"] == await issues(found, view(), since=0)
    assert ["102", "103", "105"] == await issues(found, view(), since=25)
    assert ["102", "105"] == await issues(found, view(), since=31)


async def test_as_of_a_moment_later_flags_are_unknown(store: Reading) -> None:
    """At hour 15 ticket 101 is blocked, 103 is not finished, and 105 is not blocked yet."""
    found = await filled(store)
    assert [("101", T.BLOCKED, True), ("102", T.BLOCKED, True), ("103", T.BLOCKED, True)] == [
        (row.issue_id, row.event_type, row.is_unfinished) for row in await found.flags(view(15), since=at(8))
    ]
    assert [] == list(await found.flags(view(0.5), since=at(0)))


async def test_a_view_shows_its_tickets_only(store: Reading) -> None:
    """Filters and scopes are on the streams of the ticket, not on what blocks it."""
    found = await filled(store)
    payments, core = StreamScope(delivery_streams=frozenset({PAYMENTS})), StreamScope(tech_streams=frozenset({CORE}))
    for asked, expected in (
        (view(delivery_stream_id=IDENTITY), ["105"]),
        (view(tech_stream_id=CORE), ["104", "105"]),
        (view(tech_stream_id=WEB), ["102"]),
        (view(scope=payments), ["101", "102", "104"]),
        (view(scope=core, delivery_stream_id=PAYMENTS), ["104"]),
        (view(scope=StreamScope()), []),
    ):
        assert expected == await issues(found, asked, since=0)


async def test_cycle_times_are_by_delivery_stream(store: Reading) -> None:
    """Those of the window, ascending; unmeasured, reopened and other streams' tickets are left out."""

    def done(issue: str, stream: UUID | None, *cycles: Any, tech: tuple[UUID, ...] = ()) -> Ticket:
        return Ticket(issue, streams=[(0, f"PAY-{issue}", stream, tech)], cycles=cycles)

    await store.put(
        done("1", PAYMENTS, (50, None, 4.0, 50.0, {})),
        done("2", PAYMENTS, (40, None, 2.5, 50.0, {}), tech=(CORE,)),
        done("3", PAYMENTS, (45, None, None, None, {})),
        done("4", PAYMENTS, (46, 60, 9.0, 50.0, {})),
        done("5", PAYMENTS, (10, None, 8.0, 50.0, {})),
        done("6", IDENTITY, (47, None, 7.0, 50.0, {})),
        done("7", None, (48, None, 1.0, 50.0, {})),
    )
    window = Window(start=at(20), end=at(100))

    async def told(asked: View, *streams: UUID) -> dict[UUID, list[float]]:
        days = await reader(store).cycle_times(asked, window=window, delivery_streams=streams)
        return {stream: found.tolist() for stream, found in days.items()}

    assert {PAYMENTS: [2.5, 4.0], IDENTITY: [7.0]} == await told(view(), PAYMENTS, IDENTITY)
    assert {PAYMENTS: [2.5, 4.0, 9.0]} == await told(view(55), PAYMENTS)
    assert {PAYMENTS: [2.5]} == await told(view(tech_stream_id=CORE), PAYMENTS, IDENTITY)
    assert {} == await told(view(), CORE)
    assert {} == await told(view())


async def test_unfinished_tickets_touch_technology_streams(store: Reading) -> None:
    """By technology and delivery stream; finished tickets and those without a stream touch nothing."""

    def open_ticket(issue: str, stream: UUID | None, *tech: UUID, stage: str = "dev") -> Ticket:
        return Ticket(
            issue, streams=[(0, f"PAY-{issue}", stream, tech)], stays=[(0, "backlog", False), (9, stage, False)]
        )

    await store.put(
        open_ticket("1", PAYMENTS, CORE, WEB),
        open_ticket("2", PAYMENTS, CORE),
        open_ticket("3", IDENTITY, WEB, stage="unmapped"),
        open_ticket("4", IDENTITY, WEB, stage="done"),
        open_ticket("5", None, CORE),
        open_ticket("6", PAYMENTS),
    )
    found = reader(store)
    everything = [DependencyRow(CORE, PAYMENTS, 2), DependencyRow(WEB, PAYMENTS, 1), DependencyRow(WEB, IDENTITY, 1)]
    assert everything == list(await found.dependencies(view()))
    assert [DependencyRow(WEB, IDENTITY, 2)] == list(await found.dependencies(view(5, delivery_stream_id=IDENTITY)))
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}))
    assert everything[:2] == list(await found.dependencies(view(scope=scope)))


@pytest.fixture
def correlations(store: Reading) -> Correlations:
    """The assessments of a store."""
    if isinstance(store, MemoryReading):
        return MemoryCorrelations(store.database)
    return PostgresCorrelations(database=store.database)  # type: ignore[attr-defined]


async def test_assessments_are_one_a_day_and_stream(correlations: Correlations) -> None:
    """The same again changes nothing, another one takes its place, another day keeps its own."""
    monday, tuesday = date(2026, 3, 2), date(2026, 3, 3)
    core = CorrelationRow(CORE, (PAYMENTS, IDENTITY), (IDENTITY,), 5, 61.5, 7 / 3, BottleneckSeverity.HIGH)
    web = CorrelationRow(WEB, (), (), 0, None, None, BottleneckSeverity.NONE)
    assert [] == list(await correlations.of(monday))
    assert 0 == await correlations.save([], day=monday, at=at(0))
    assert 2 == await correlations.save([web, core], day=monday, at=at(1))
    assert 0 == await correlations.save([core, web], day=monday, at=at(2))
    worse = core._replace(block_count_14d=6, avg_confidence_pct=None)
    assert 1 == await correlations.save([worse], day=monday, at=at(3))
    assert 1 == await correlations.save([core], day=tuesday, at=at(30))
    assert [worse, web] == list(await correlations.of(monday))
    assert [core] == list(await correlations.of(tuesday))
