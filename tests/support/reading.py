"""Readers of both families over derived rows that a test writes by hand."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.events import MemoryEventStore
from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.adapters.postgres import derived_tickets, quality_spans
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.events import PostgresEventStore
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.operations import PostgresOperationsReader
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.adapters.postgres.tables import derived
from dpp.application.derived_rows import AttributionRow, CycleRow, PullRequestRow, StayRow, WorkItemRow
from dpp.application.enrich import sprint_uuid
from dpp.application.identities import PullRequestId
from dpp.application.ports import ConfigurationStore, EventStore
from dpp.application.readers import MetricsReader, OperationsReader
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.calendar import to_micros
from dpp.domain.events import NAMESPACE
from dpp.domain.histories import FOREVER

#: Every moment of these tests is told in hours from here.
T0 = datetime(2026, 3, 2, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Return the moment so many hours after the beginning."""
    return T0 + timedelta(hours=hours)


def micros(hours: float | None) -> int:
    """Return the same in microseconds since 1970; without a number, for ever."""
    return FOREVER if hours is None else to_micros(at(hours))


def view(
    hours: float = 1000,
    *,
    scope: StreamScope | None = None,
    delivery_stream_id: UUID | None = None,
    tech_stream_id: UUID | None = None,
) -> View:
    """Return a view as of so many hours, of everything unless told otherwise."""
    return View(
        scope=scope or StreamScope.everything(),
        as_of=at(hours),
        delivery_stream_id=delivery_stream_id,
        tech_stream_id=tech_stream_id,
    )


@dataclass
class Ticket:
    """The derived rows of one ticket.

    Attributes:
        streams: (from hour, key, delivery stream, technology streams) in order; each holds until the next.
        stays: (from hour, stage, is active) in order; each lasts until the next.
        cycles: (completed, reopened, cycle days, flow efficiency, stage durations); reopened None while it holds.
    """

    issue_id: str
    streams: Sequence[tuple[float, str, UUID | None, tuple[UUID, ...]]]
    stays: Sequence[tuple[float, str, bool]] = ()
    cycles: Sequence[tuple[float, float | None, float | None, float | None, dict[str, float]]] = ()
    jira_sprint_id: str | None = None

    @property
    def work_item(self) -> WorkItemRow:
        """How it stands."""
        _, key, delivery, tech = self.streams[-1]
        entered, stage, active = self.stays[-1] if self.stays else (None, None, None)
        return WorkItemRow(
            issue_id=self.issue_id,
            ticket_id=key,
            project_key=key.partition("-")[0],
            ticket_type=None,
            story_points=None,
            priority=None,
            labels=(),
            parent_ticket_id=None,
            delivery_stream_id=delivery,
            tech_stream_ids=tech,
            sprint_id=sprint_uuid(self.jira_sprint_id) if self.jira_sprint_id else None,
            status=None,
            stage=stage,
            is_active_work=active,
            entered_at=None if entered is None else micros(entered),
            created_at=micros(self.streams[0][0]),
            first_in_progress=None,
            completed_at=None,
            blocked_since=None,
            is_deleted=stage == "deleted",
        )

    @property
    def attribution_rows(self) -> list[AttributionRow]:
        """Whose it was."""
        ends = [row[0] for row in self.streams[1:]]
        return [
            AttributionRow(self.issue_id, key, delivery, tech, micros(start), micros(end))
            for (start, key, delivery, tech), end in zip(self.streams, [*ends, None], strict=True)
        ]

    @property
    def stay_rows(self) -> list[StayRow]:
        """Where it was."""
        ends = [row[0] for row in self.stays[1:]]
        return [
            StayRow(self.issue_id, None, stage, active, micros(start), micros(end))
            for (start, stage, active), end in zip(self.stays, [*ends, None] if self.stays else [], strict=True)
        ]

    @property
    def cycle_rows(self) -> list[CycleRow]:
        """Its completions."""
        _, key, delivery, tech = self.streams[-1]
        return [
            CycleRow(
                cycle_id=uuid5(NAMESPACE, f"{self.issue_id} {completed}"),
                issue_id=self.issue_id,
                ticket_id=key,
                delivery_stream_id=delivery,
                tech_stream_ids=tech,
                ticket_type=None,
                story_points=None,
                created_at=micros(self.streams[0][0]),
                first_in_progress=None,
                completed_at=micros(completed),
                lead_time_days=0.0,
                cycle_time_days=days,
                active_time_days=None,
                wait_time_days=None,
                blocked_time_days=None,
                flow_efficiency_pct=efficiency,
                stage_durations=durations,
                sprint_id=None,
                reopened_at=micros(reopened),
            )
            for completed, reopened, days, efficiency, durations in self.cycles
        ]


def pull_request(repo_id: UUID, number: int, *, opened: float = 0, **more: Any) -> PullRequestRow:
    """Return an open pull request without streams and without a ticket, unless told otherwise."""
    row = PullRequestRow(
        repo_id=repo_id,
        pr_number=number,
        tech_stream_id=None,
        delivery_stream_id=None,
        linked_ticket_id=None,
        linked_issue_id=None,
        link_method=None,
        author_hash="a",
        author_is_bot=False,
        state="open",
        is_draft=False,
        branch_name=f"branch-{number}",
        base_branch="main",
        opened_at=micros(opened),
        closed_at=None,
    )
    return row._replace(**more)


class Reading(ABC):
    """Readers, and what is needed to fill their store."""

    metrics: MetricsReader
    operations: OperationsReader
    events: EventStore
    configurations: ConfigurationStore

    @abstractmethod
    async def put(self, *tickets: Ticket, pull_requests: Iterable[PullRequestRow] = ()) -> None:
        """Add derived rows."""

    @abstractmethod
    async def repository_id(self, full_name: str) -> UUID:
        """Return the id of a registered repository."""


@dataclass
class MemoryReading(Reading):
    """In memory."""

    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    tables: MemoryDerivedTables = field(default_factory=MemoryDerivedTables)

    def __post_init__(self) -> None:
        self.metrics = MemoryMetricsReader(database=self.database, tables=self.tables)
        self.operations = MemoryOperationsReader(database=self.database, tables=self.tables)
        self.events = MemoryEventStore(database=self.database)
        self.configurations = MemoryConfigurationStore(database=self.database)

    async def put(self, *tickets: Ticket, pull_requests: Iterable[PullRequestRow] = ()) -> None:
        """Add derived rows."""
        for ticket in tickets:
            self.tables.work_items[ticket.issue_id] = ticket.work_item
            self.tables.stays[ticket.issue_id] = ticket.stay_rows
            self.tables.attributions[ticket.issue_id] = ticket.attribution_rows
            self.tables.cycles[ticket.issue_id] = ticket.cycle_rows
        for row in pull_requests:
            self.tables.pull_requests[PullRequestId(row.repo_id, row.pr_number)] = row

    async def repository_id(self, full_name: str) -> UUID:
        """Return the id of a registered repository."""
        return next(row.repo_id for row in self.database.repositories.all if row.full_name == full_name)


@dataclass
class PostgresReading(Reading):
    """On PostgreSQL."""

    database: Database

    def __post_init__(self) -> None:
        self.metrics = PostgresMetricsReader(kept=KeptRows(database=self.database))
        self.operations = PostgresOperationsReader(database=self.database)
        self.configurations = PostgresConfigurationStore(database=self.database)
        self.events = PostgresEventStore(database=self.database, configuration=self.configurations.load)

    async def put(self, *tickets: Ticket, pull_requests: Iterable[PullRequestRow] = ()) -> None:
        """Add derived rows."""
        requests = list(pull_requests)
        cycles = [row for ticket in tickets for row in ticket.cycle_rows]
        counting = [name for name in CycleRow._fields if name != "reopened_at"]
        async with self.database.transaction() as connection:
            for table, names, rows in (
                (derived.work_items, WorkItemRow._fields, [ticket.work_item for ticket in tickets]),
                (derived.work_item_stays, StayRow._fields, [row for it in tickets for row in it.stay_rows]),
                (
                    derived.work_item_attributions,
                    AttributionRow._fields,
                    [row for it in tickets for row in it.attribution_rows],
                ),
                (derived.work_item_cycles, counting, [row for row in cycles if row.counts]),
                (derived.superseded_cycles, CycleRow._fields, [row for row in cycles if not row.counts]),
                (derived.pull_requests, PullRequestRow._fields, requests),
            ):
                await Packer(table, names).write(connection, rows)
            await quality_spans.update_tickets(connection, [ticket.issue_id for ticket in tickets])
            await derived_tickets.update_places(connection, [ticket.issue_id for ticket in tickets])
            await quality_spans.update_pull_requests(
                connection, [PullRequestId(row.repo_id, row.pr_number) for row in requests]
            )

    async def repository_id(self, full_name: str) -> UUID:
        """Return the id of a registered repository."""
        async with self.database.transaction() as connection:
            cursor = await connection.execute("SELECT repo_id FROM repositories WHERE full_name = %s", [full_name])
            row = await cursor.fetchone()
            assert row is not None
            return UUID(str(row[0]))


@asynccontextmanager
async def reading(url: str | None) -> AsyncIterator[Reading]:
    """Yield readers on a database, in memory without one."""
    if url is None:
        yield MemoryReading()
        return
    async with Database(url, max_size=2) as database:
        yield PostgresReading(database)
