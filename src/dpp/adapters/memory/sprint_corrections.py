"""What people say of sprints, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.enrich import sprint_uuid
from dpp.application.ports import Change
from dpp.application.sprint_corrections import ReportedSprint, SprintCorrection, SprintCorrectionStore
from dpp.application.views import View
from dpp.domain.events import SprintFact


class CorrectedSprint(NamedTuple):
    """A sprint as figures see it."""

    sprint_id: UUID
    jira_sprint_id: str
    report: SprintFact
    stream_id: UUID | None
    is_corrected: bool


def corrected_sprints(database: MemoryDatabase, tables: MemoryDerivedTables) -> Iterator[CorrectedSprint]:
    """Yield the reported sprints with what people say of them; those that are left out are none."""
    said = latest(database)
    for jira_id, report in database.sprints.items():
        if report is None:
            continue
        sprint_id = sprint_uuid(jira_id)
        correction = said.get(sprint_id)
        stream = stream_of(tables, sprint_id)
        if correction is None:
            yield CorrectedSprint(sprint_id, jira_id, report, stream, False)
        elif not correction.is_left_out:
            start, end = correction.start_date or report.start_date, correction.end_date or report.end_date
            changed = replace(report, start_date=start, end_date=end)
            yield CorrectedSprint(sprint_id, jira_id, changed, correction.delivery_stream_id or stream, True)


def latest(database: MemoryDatabase) -> dict[UUID, SprintCorrection]:
    """Return the latest correction of each sprint that has one."""
    said = sorted(database.sprint_corrections, key=lambda one: (one.corrected_at, one.correction_id))
    return {one.sprint_id: one for one in said}


def streams_of(tables: MemoryDerivedTables, sprint_id: UUID) -> Counter[UUID]:
    """Return the delivery streams of a sprint's tickets, with how many each has."""
    return Counter(
        row.delivery_stream_id
        for row in tables.work_items.values()
        if row.sprint_id == sprint_id and not row.is_deleted and row.delivery_stream_id is not None
    )


def stream_of(tables: MemoryDerivedTables, sprint_id: UUID) -> UUID | None:
    """Return the delivery stream of most of a sprint's tickets; of equals the one with the smallest id."""
    streams = streams_of(tables, sprint_id)
    return min(streams, key=lambda stream: (-streams[stream], stream), default=None)


class MemorySprintCorrections(SprintCorrectionStore):
    """Adds corrections to a memory database.

    Args:
        database: shared with the other memory stores.
        tables: has the tickets.
        log: where the entries go.
        feed: tells of corrections; None when nobody listens.
    """

    def __init__(
        self,
        *,
        database: MemoryDatabase,
        tables: MemoryDerivedTables,
        log: AuditLog,
        feed: MemoryChangeFeed | None = None,
    ) -> None:
        self._database = database
        self._tables = tables
        self._log = log
        self._feed = feed

    async def sprints(self, view: View, *, jira_sprint_id: str | None = None) -> Sequence[ReportedSprint]:
        """Return the reported sprints that count for the view's streams."""
        self._database.check_available()
        said = latest(self._database)
        rows = [
            self._reported(jira_id, report, said)
            for jira_id, report in self._database.sprints.items()
            if report is not None and jira_sprint_id in {None, jira_id}
        ]
        shown = [row for row in rows if view.shows(delivery_stream_id=row.counts_for, tech_stream_ids=())]
        return sorted(shown, key=lambda row: (row.start_date or date.max, row.jira_sprint_id), reverse=True)

    async def add(self, correction: SprintCorrection, *, entry: AuditEntry) -> None:
        """Add a correction."""
        self._database.check_available()
        await self._log.record(entry)
        self._database.sprint_corrections.append(correction)
        if self._feed is not None:
            await self._feed.publish(Change(topic="sprints"))

    def _reported(self, jira_id: str, report: SprintFact, said: dict[UUID, SprintCorrection]) -> ReportedSprint:
        sprint_id = sprint_uuid(jira_id)
        return ReportedSprint(
            sprint_id,
            jira_id,
            report.name,
            report.state,
            report.start_date,
            report.end_date,
            report.goal,
            tuple(sorted(streams_of(self._tables, sprint_id))),
            stream_of(self._tables, sprint_id),
            said.get(sprint_id),
        )
