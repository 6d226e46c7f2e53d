"""Rows for forecasts, and forecasts as they were made, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import shown_tickets
from dpp.adapters.memory.sprint_corrections import corrected_sprints
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.derived_rows import AttributionRow
from dpp.application.enrich import sprint_uuid
from dpp.application.forecasting_reader import (
    SPRINTS,
    ForecastReader,
    ForecastStore,
    PromiseRow,
    Remaining,
    SprintSpan,
    StoredForecast,
    sees_stored,
)
from dpp.application.views import View, Window
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.events import WorkItemEvent
from dpp.domain.forecast import PERCENTS
from dpp.domain.histories import event_order
from dpp.domain.positions import DELETED
from dpp.domain.stages import Stage

_FINISHED = frozenset({Stage.DONE.value, Stage.CANCELLED.value, DELETED})
_WORK_ITEM_TABLES = ("work_item_events", "work_item_facts")


class MemorySprintSnapshot(NamedTuple):
    """What a sprint held on a day, as far as forecasts look at it (§4.3.7)."""

    sprint_id: UUID
    snapshot_date: date
    taken_at: datetime
    remaining_count: int


@dataclass(slots=True)
class MemoryForecasts:
    """What forecasts are kept in and made from beside the derived rows; shared as processes share a database."""

    forecasts: dict[tuple[UUID | None, date], StoredForecast] = field(default_factory=dict)
    snapshots: list[MemorySprintSnapshot] = field(default_factory=list)


class MemoryForecastReader(ForecastReader):
    """Reads a memory database.

    Args:
        database: has the events and the sprints.
        tables: has the derived rows.
        kept: has the stored forecasts.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables, kept: MemoryForecasts) -> None:
        self._database = database
        self._tables = tables
        self._kept = kept

    async def scope(self, view: View) -> int:
        """Return how many tickets are unfinished."""
        self._database.check_available()
        return sum(1 for _ in self._unfinished(view))

    async def first_event(self, view: View) -> int | None:
        """Return when the streams were first heard of."""
        self._database.check_available()
        moment = to_micros(view.as_of)
        begun = (
            row.valid_from
            for rows in self._tables.attributions.values()
            for row in rows
            if row.valid_from <= moment and _is_shown(view, row)
        )
        return min(begun, default=None)

    async def completions(self, view: View, *, window: Window) -> IntArray:
        """Return when tickets were completed in the window."""
        self._database.check_available()
        start, end, moment = (to_micros(at) for at in (window.start, window.end, view.as_of))
        found = [
            row.completed_at
            for issue_id, held in shown_tickets(self._tables, view).items()
            if held.delivery_stream_id is not None
            for row in self._tables.cycles.get(issue_id, ())
            if start <= row.completed_at < end and row.completed_at <= moment < row.reopened_at
        ]
        return np.array(sorted(found), dtype=np.int64)

    async def sprints(self, view: View, *, today: date) -> Sequence[SprintSpan]:
        """Return the view's sprints that have begun, the latest first."""
        self._database.check_available()
        rows = list(self._begun(view, today))
        rows.sort(key=lambda row: (row.start_date, row.end_date, row.jira_sprint_id), reverse=True)
        return rows[:SPRINTS]

    def _begun(self, view: View, today: date) -> Iterator[SprintSpan]:
        for known in corrected_sprints(self._database, self._tables):
            fact, stream = known.report, known.stream_id
            if stream is None or not view.shows(delivery_stream_id=stream, tech_stream_ids=()):
                continue
            if fact.start_date is not None and fact.end_date is not None and fact.start_date <= today:
                told = (fact.name, fact.start_date, fact.end_date, fact.state, fact.event_timestamp)
                yield SprintSpan(known.sprint_id, known.jira_sprint_id, *told)

    async def remaining(self, view: View, *, sprint_id: UUID) -> Remaining:
        """Return what a sprint still holds."""
        self._database.check_available()
        taken = [row for row in self._kept.snapshots if row.sprint_id == sprint_id and row.taken_at <= view.as_of]
        last = max(taken, key=lambda row: row.snapshot_date, default=None)
        if last is not None and view.is_live and not self._is_heard_of(sprint_id, since=last.taken_at):
            return Remaining(last.remaining_count, last.snapshot_date)
        held = sum(self._sprint_of(issue_id, view) == sprint_id for issue_id in self._unfinished(view))
        moment = to_micros(view.as_of)
        if held or last is None or self._has_moved(sprint_id, since=to_micros(last.taken_at), until=moment):
            return Remaining(held, None)
        return Remaining(last.remaining_count, last.snapshot_date)

    def _is_heard_of(self, sprint_id: UUID, *, since: datetime) -> bool:
        """Whether anything was received of a sprint's tickets after a moment."""
        rows = (row for table in _WORK_ITEM_TABLES for row in self._database.events[table] if row.received_at > since)
        items = (row.event.item for row in rows if isinstance(row.event, WorkItemEvent))
        found = (self._tables.work_items.get(item) for item in items)
        return any(row is not None and row.sprint_id == sprint_id for row in found)

    def _has_moved(self, sprint_id: UUID, *, since: int, until: int) -> bool:
        """Whether a ticket of a sprint has entered a stage after a moment."""
        held = (issue_id for issue_id, row in self._tables.work_items.items() if row.sprint_id == sprint_id)
        stays = (stay for issue_id in held for stay in self._tables.stays.get(issue_id, ()))
        return any(since < stay.entered_at <= until for stay in stays)

    def _unfinished(self, view: View) -> Iterator[str]:
        moment = to_micros(view.as_of)
        for issue_id, held in shown_tickets(self._tables, view).items():
            stays = self._tables.stays.get(issue_id, ()) if held.delivery_stream_id is not None else ()
            if any(stay.entered_at <= moment < stay.left_at and stay.stage not in _FINISHED for stay in stays):
                yield issue_id

    def _sprint_of(self, issue_id: str, view: View) -> UUID | None:
        if view.is_live:
            return self._tables.work_items[issue_id].sprint_id
        told = [
            (event_order(event), event.fields.jira_sprint_id)
            for table in _WORK_ITEM_TABLES
            for row in self._database.events[table]
            if isinstance(event := row.event, WorkItemEvent)
            and event.item == issue_id
            and event.fields is not None
            and event.event_timestamp <= view.as_of
        ]
        jira_id = max(told, key=lambda one: one[0])[1] if told else None
        return sprint_uuid(jira_id) if jira_id else None

    async def promises(self, view: View, *, since: date) -> Sequence[PromiseRow]:
        """Return what stored forecasts said."""
        rows = [row for row in self._stored(view) if row.forecast.made_on >= since]
        return [_promise(row) for row in sorted(rows, key=lambda row: row.forecast.made_on)]

    async def stored(self, view: View, *, day: date) -> StoredForecast | None:
        """Return the forecast that was stored for a day."""
        return next((row for row in self._stored(view) if row.forecast.made_on == day), None)

    def _stored(self, view: View) -> list[StoredForecast]:
        self._database.check_available()
        if not sees_stored(view):
            return []
        rows = self._kept.forecasts.values()
        return [row for row in rows if row.delivery_stream_id == view.delivery_stream_id and row.made_at <= view.as_of]


class MemoryForecastStore(ForecastStore):
    """Keeps forecasts for as long as the process lives."""

    def __init__(self, *, database: MemoryDatabase, kept: MemoryForecasts) -> None:
        self._database = database
        self._kept = kept

    async def add(self, forecasts: Sequence[StoredForecast]) -> int:
        """Keep forecasts; the first one of a stream and day stays."""
        self._database.check_available()
        before = len(self._kept.forecasts)
        for row in forecasts:
            self._kept.forecasts.setdefault((row.delivery_stream_id, row.forecast.made_on), row)
        return len(self._kept.forecasts) - before


def _is_shown(view: View, row: AttributionRow) -> bool:
    return row.delivery_stream_id is not None and view.shows(
        delivery_stream_id=row.delivery_stream_id, tech_stream_ids=row.tech_stream_ids
    )


def _promise(row: StoredForecast) -> PromiseRow:
    dates = [row.forecast.completion_date(percent) for percent in PERCENTS]
    assert None not in dates, "only forecasts with dates are kept"
    return PromiseRow(row.made_at, row.forecast.scope, *(day for day in dates if day is not None))
