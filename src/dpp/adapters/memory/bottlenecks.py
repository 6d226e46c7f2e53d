"""Blocked tickets and assessments of shared bottlenecks in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import shown_tickets
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.bottleneck_ports import (
    FLAG_TYPES,
    BottleneckReader,
    CorrelationRow,
    Correlations,
    DependencyRow,
    FlagRow,
)
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.calendar import to_micros
from dpp.domain.events import WorkItemEvent
from dpp.domain.histories import change_number
from dpp.domain.positions import DELETED
from dpp.domain.stages import Stage

_FINISHED = frozenset({Stage.DONE.value, Stage.CANCELLED.value, DELETED})


class MemoryBottleneckReader(BottleneckReader):
    """Reads a memory database.

    Args:
        database: has the events.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def flags(self, view: View, *, since: datetime) -> Sequence[FlagRow]:
        """Return what happened to the flags of tickets that may have been blocked since a moment."""
        self._database.check_available()
        events = self._flag_events()
        begin, moment = to_micros(since), to_micros(view.as_of)
        rows = (
            FlagRow(
                issue_id=issue_id,
                delivery_stream_id=held.delivery_stream_id,
                is_unfinished=self._is_unfinished(issue_id, moment),
                at=to_micros(event.event_timestamp),
                change=change_number(event.source_change_id),
                event_type=event.event_type,
                blocking_tech_stream_id=blocking,
            )
            for issue_id, held in shown_tickets(self._tables, view).items()
            if self._may_have_been_blocked(issue_id, begin, events.get(issue_id, []))
            for event, blocking in events.get(issue_id, [])
            if event.event_timestamp <= view.as_of
        )
        return sorted(rows, key=lambda row: (row.issue_id, row.at, row.change, row.event_type))

    def _flag_events(self) -> dict[str, list[tuple[WorkItemEvent, UUID | None]]]:
        found: dict[str, list[tuple[WorkItemEvent, UUID | None]]] = {}
        for row in self._database.events["work_item_events"]:
            if isinstance(row.event, WorkItemEvent) and row.event.event_type in FLAG_TYPES:
                blocking = row.tags.blocking_tech_stream_id if row.tags else None
                found.setdefault(row.event.item, []).append((row.event, blocking))
        return found

    def _may_have_been_blocked(
        self, issue_id: str, begin: int, events: Sequence[tuple[WorkItemEvent, UUID | None]]
    ) -> bool:
        ticket = self._tables.work_items[issue_id]
        is_blocked = ticket.blocked_since is not None and ticket.stage is not None
        lately = ticket.entered_at is not None and ticket.entered_at >= begin
        if is_blocked and (ticket.stage not in _FINISHED or lately):
            return True
        return any(to_micros(event.event_timestamp) >= begin for event, _ in events)

    def _is_unfinished(self, issue_id: str, moment: int) -> bool:
        return any(
            stay.entered_at <= moment < stay.left_at and stay.stage not in _FINISHED
            for stay in self._tables.stays.get(issue_id, ())
        )

    async def cycle_times(
        self, view: View, *, window: Window, delivery_streams: Collection[UUID]
    ) -> Mapping[UUID, FloatArray]:
        """Return the cycle times of some delivery streams."""
        self._database.check_available()
        found: dict[UUID, list[float]] = {}
        for stream, days in self._completed(view, window):
            if stream in delivery_streams:
                found.setdefault(stream, []).append(days)
        return {stream: np.array(sorted(days)) for stream, days in sorted(found.items())}

    async def dependencies(self, view: View) -> Sequence[DependencyRow]:
        """Return which technology streams unfinished tickets touch."""
        self._database.check_available()
        moment = to_micros(view.as_of)
        pairs = Counter(
            (tech, held.delivery_stream_id)
            for issue_id, held in shown_tickets(self._tables, view).items()
            if held.delivery_stream_id is not None and self._is_unfinished(issue_id, moment)
            for tech in held.tech_stream_ids
        )
        return [DependencyRow(*pair, tickets) for pair, tickets in sorted(pairs.items())]

    def _completed(self, view: View, window: Window) -> Iterator[tuple[UUID, float]]:
        start, end, moment = (to_micros(at) for at in (window.start, window.end, view.as_of))
        for issue_id, held in shown_tickets(self._tables, view).items():
            for row in self._tables.cycles.get(issue_id, ()):
                counts = start <= row.completed_at < end and row.completed_at <= moment < row.reopened_at
                if counts and row.cycle_time_days is not None and held.delivery_stream_id is not None:
                    yield held.delivery_stream_id, row.cycle_time_days


@dataclass(slots=True)
class MemoryCorrelations(Correlations):
    """Keeps assessments.

    Attributes:
        database: says whether the store answers.
        rows: by day and technology stream.
    """

    database: MemoryDatabase
    rows: dict[tuple[date, UUID], CorrelationRow] = field(default_factory=dict)

    async def save(self, rows: Sequence[CorrelationRow], *, day: date, at: datetime) -> int:
        """Write the assessments of a day."""
        self.database.check_available()
        news = {(day, row.tech_stream_id): row for row in rows}
        changed = sum(self.rows.get(key) != row for key, row in news.items())
        self.rows.update(news)
        return changed

    async def of(self, day: date) -> Sequence[CorrelationRow]:
        """Return the assessments of a day."""
        self.database.check_available()
        return [row for key, row in sorted(self.rows.items()) if key[0] == day]
