"""Sprints with their tickets, their snapshots and what they came to, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.sprint_corrections import corrected_sprints
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.enrich import sprint_uuid
from dpp.application.sprint_snapshots import ClosedSprint, KnownSprint, SprintSnapshot, SprintStore
from dpp.application.views import View
from dpp.domain.calendar import to_micros
from dpp.domain.events import WorkItemEvent
from dpp.domain.histories import event_order
from dpp.domain.sprints import SprintMember, Stay, Told


@dataclass(slots=True)
class MemorySprints:
    """Snapshots by sprint and day, and what sprints came to; shared as processes share tables."""

    snapshots: dict[tuple[UUID, date], SprintSnapshot] = field(default_factory=dict)
    closed: dict[UUID, ClosedSprint] = field(default_factory=dict)


class MemorySprintStore(SprintStore):
    """Works out of a memory database."""

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables, kept: MemorySprints) -> None:
        self._database = database
        self._tables = tables
        self._kept = kept

    async def sprints(self, *, since: date) -> Sequence[KnownSprint]:
        """Return the sprints that end on a day or later."""
        self._database.check_available()
        found = []
        for known in corrected_sprints(self._database, self._tables):
            fact = known.report
            if fact.start_date is None or fact.end_date is None or fact.end_date < since:
                continue
            if fact.state in {"active", "closed"}:
                has_result = known.sprint_id in self._kept.closed and not known.is_corrected
                told = (fact.start_date, fact.end_date, fact.state, fact.event_timestamp, has_result)
                found.append(
                    (fact.start_date, known.jira_sprint_id, KnownSprint(known.sprint_id, known.stream_id, *told))
                )
        return [sprint for _, _, sprint in sorted(found, key=lambda row: row[:2])]

    async def members(self, sprint_id: UUID) -> Sequence[SprintMember]:
        """Return every ticket that a sprint ever held."""
        self._database.check_available()
        told: dict[str, list[tuple[tuple[object, ...], Told]]] = defaultdict(list)
        for table in ("work_item_events", "work_item_facts"):
            for row in self._database.events[table]:
                if isinstance(event := row.event, WorkItemEvent) and event.fields is not None:
                    named = event.fields.jira_sprint_id
                    at = to_micros(event.event_timestamp)
                    is_in = named is not None and sprint_uuid(named) == sprint_id
                    told[event.item].append((event_order(event), Told(at, is_in, event.fields.story_points)))
        return [
            SprintMember(
                told=tuple(said for _, said in sorted(rows, key=lambda row: row[0])),
                stays=tuple(Stay(row.entered_at, row.left_at, row.stage) for row in self._tables.stays.get(issue, ())),
            )
            for issue, rows in sorted(told.items())
            if any(said.is_in for _, said in rows)
        ]

    async def keep(self, snapshots: Sequence[SprintSnapshot]) -> int:
        """Write snapshots."""
        self._database.check_available()
        told = {(one.sprint_id, one.day): one for one in snapshots}
        new = {key: one for key, one in told.items() if self._kept.snapshots.get(key) != one}
        self._kept.snapshots |= new
        return len(new)

    async def keep_closed(self, closed: Sequence[ClosedSprint]) -> int:
        """Write what sprints came to."""
        self._database.check_available()
        new = {one.sprint_id: one for one in closed if self._kept.closed.get(one.sprint_id) != one}
        self._kept.closed |= new
        return len(new)

    async def snapshots(self, view: View, *, sprint_id: UUID) -> Sequence[SprintSnapshot]:
        """Return the snapshots of a sprint."""
        self._database.check_available()
        rows = [row for (sprint, _), row in sorted(self._kept.snapshots.items()) if sprint == sprint_id]
        return [row for row in rows if row.taken_at <= view.as_of and _shows(view, row.delivery_stream_id)]

    async def closed(self, view: View, *, sprint_id: UUID) -> ClosedSprint | None:
        """Return what a sprint came to."""
        self._database.check_available()
        row = self._kept.closed.get(sprint_id)
        if row is None or row.closed_at > view.as_of or not _shows(view, row.delivery_stream_id):
            return None
        return row


def _shows(view: View, stream: UUID | None) -> bool:
    return view.shows(delivery_stream_id=stream, tech_stream_ids=())
