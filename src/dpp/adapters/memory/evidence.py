"""The things behind figures, from the derived rows and events in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.evidence_changes import MemoryDefectsAndReviews, MemoryOutcomes
from dpp.adapters.memory.selections import attribution
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.derived_rows import AttributionRow, CycleRow, StayRow
from dpp.application.enrich import sprint_uuid
from dpp.application.evidence_reader import (
    Among,
    AsideTicket,
    BlockedTicket,
    DefectInWindow,
    EndedDeployment,
    EndedPullRequest,
    EvidenceReader,
    FinishedTicket,
    IncidentInWindow,
    PlacedTicket,
    ReviewedPullRequest,
    is_among,
)
from dpp.application.views import View, Window
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.events import WorkItemEvent, WorkItemEventType
from dpp.domain.histories import event_order
from dpp.domain.positions import DELETED
from dpp.domain.stages import Stage

_FINISHED = frozenset({Stage.DONE.value, Stage.CANCELLED.value, DELETED})


class MemoryEvidenceReader(EvidenceReader):
    """Reads a memory database.

    Args:
        database: has the events and the register of repositories.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables
        self._changes = MemoryDefectsAndReviews(database=database, tables=tables)
        self._outcomes = MemoryOutcomes(database=database, tables=tables)

    async def placed(self, view: View, *, among: Among = Among.SHOWN) -> Sequence[PlacedTicket]:
        """Return the unfinished tickets."""
        self._database.check_available()
        return _longest_first(_placed(held, stay) for held, stay in self._unfinished(view, among))

    async def in_sprint(self, view: View, *, sprint_id: UUID) -> Sequence[PlacedTicket]:
        """Return the unfinished tickets of a sprint."""
        self._database.check_available()
        return _longest_first(
            _placed(held, stay)
            for held, stay in self._unfinished(view, Among.SHOWN)
            if held.delivery_stream_id is not None and self._sprint_of(held.issue_id, view) == sprint_id
        )

    def _unfinished(self, view: View, among: Among) -> Iterator[tuple[AttributionRow, StayRow]]:
        moment = to_micros(view.as_of)
        for held in self._held(view, among):
            for stay in self._tables.stays.get(held.issue_id, ()):
                if stay.entered_at <= moment < stay.left_at and stay.stage not in _FINISHED:
                    yield held, stay

    def _held(self, view: View, among: Among = Among.SHOWN) -> Iterator[AttributionRow]:
        for issue_id in self._tables.attributions:
            held = attribution(self._tables, issue_id, moment=to_micros(view.as_of))
            if held is not None and is_among(
                view, among, delivery_stream_id=held.delivery_stream_id, tech_stream_ids=held.tech_stream_ids
            ):
                yield held

    def _sprint_of(self, issue_id: str, view: View) -> UUID | None:
        if view.is_live:
            return self._tables.work_items[issue_id].sprint_id
        told = [
            (event_order(event), event.fields.jira_sprint_id)
            for table in ("work_item_events", "work_item_facts")
            for row in self._database.events[table]
            if isinstance(event := row.event, WorkItemEvent)
            and event.item == issue_id
            and event.fields is not None
            and event.event_timestamp <= view.as_of
        ]
        jira_id = max(told, key=lambda one: one[0])[1] if told else None
        return sprint_uuid(jira_id) if jira_id else None

    async def finished(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[FinishedTicket]:
        """Return completed tickets."""
        self._database.check_available()
        moment = to_micros(view.as_of)
        rows = [
            FinishedTicket(
                held.ticket_id,
                held.delivery_stream_id,
                from_micros(row.completed_at),
                row.cycle_time_days,
                row.flow_efficiency_pct,
            )
            for held in self._held(view, among)
            for row in self._tables.cycles.get(held.issue_id, ())
            if _is_inside(row.completed_at, window, view) and row.completed_at <= moment < row.reopened_at
        ]
        return sorted(rows, key=lambda row: (-to_micros(row.completed_at), row.ticket_id))

    async def set_aside(self, view: View, *, window: Window) -> Sequence[AsideTicket]:
        """Return cancelled tickets, and those taken up again."""
        self._database.check_available()
        rows = [row for held in self._held(view) for row in self._aside(held, view, window)]
        return sorted(rows, key=lambda row: (-to_micros(row.at), row.ticket_id))

    def _aside(self, held: AttributionRow, view: View, window: Window) -> Iterator[AsideTicket]:
        moment = to_micros(view.as_of)
        cancelled = [
            stay.entered_at
            for stay in self._tables.stays.get(held.issue_id, ())
            if stay.stage == Stage.CANCELLED.value
            and _is_inside(stay.entered_at, window, view)
            and moment < stay.left_at
        ]
        undone = _undone(self._tables.cycles.get(held.issue_id, ()), view, window)
        for at, is_cancelled in [*((at, True) for at in cancelled), *((at, False) for at in undone)][:1]:
            yield AsideTicket(held.ticket_id, held.delivery_stream_id, from_micros(at), is_cancelled)

    async def pull_requests(
        self, view: View, *, window: Window, among: Among = Among.SHOWN
    ) -> Sequence[EndedPullRequest]:
        """Return merged and closed pull requests."""
        self._database.check_available()
        rows = self._changes.ended(view, window, among)
        return sorted(rows, key=lambda row: (-to_micros(row.ended_at), row.repository, row.pr_number))

    async def reviewed(self, view: View, *, window: Window) -> Sequence[ReviewedPullRequest]:
        """Return pull requests that peers reviewed."""
        self._database.check_available()
        rows = self._changes.reviewed(view, window)
        return sorted(rows, key=lambda row: (-to_micros(row.last_at), row.repository, row.pr_number))

    async def defects(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[DefectInWindow]:
        """Return defects."""
        self._database.check_available()
        rows = self._changes.defects_of(view, window, among)
        return sorted(rows, key=lambda row: (-to_micros(row.at), row.ticket_id))

    async def deployments(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[EndedDeployment]:
        """Return deployments to every environment."""
        self._database.check_available()
        rows = self._outcomes.ended(view, window, among)
        return sorted(rows, key=lambda row: (-to_micros(row.deployed_at), row.record_id))

    async def incidents(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[IncidentInWindow]:
        """Return incidents that ended, and those that did not."""
        self._database.check_available()
        rows = self._outcomes.incidents_of(view, window, among)
        return sorted(rows, key=lambda row: (-to_micros(row.at), row.incident_id))

    async def blocked(self, view: View, *, window: Window) -> Sequence[BlockedTicket]:
        """Return blocks of tickets."""
        self._database.check_available()
        shown = {held.issue_id: held for held in self._held(view)}
        rows = [
            (
                row.event_id,
                BlockedTicket(
                    shown[event.item].ticket_id,
                    shown[event.item].delivery_stream_id,
                    event.event_timestamp,
                    row.tags.blocking_tech_stream_id if row.tags else None,
                ),
            )
            for row in self._database.events["work_item_events"]
            if isinstance(event := row.event, WorkItemEvent)
            and event.event_type is WorkItemEventType.BLOCKED
            and event.item in shown
            and _is_inside(to_micros(event.event_timestamp), window, view)
        ]
        rows.sort(key=lambda row: (-to_micros(row[1].at), row[1].ticket_id, row[0]))
        return [row for _, row in rows]


def _placed(held: AttributionRow, stay: StayRow) -> PlacedTicket:
    entered_at: datetime = from_micros(stay.entered_at)
    return PlacedTicket(held.ticket_id, held.delivery_stream_id, stay.stage, stay.is_active_work, entered_at)


def _longest_first(rows: Iterator[PlacedTicket]) -> list[PlacedTicket]:
    return sorted(rows, key=lambda row: (row.entered_at, row.ticket_id))


def _undone(cycles: Sequence[CycleRow], view: View, window: Window) -> list[int]:
    """Return completions of the window that were taken back, the latest first; none if one of the ticket holds."""
    moment = to_micros(view.as_of)
    if any(row.completed_at <= moment < row.reopened_at for row in cycles):
        return []
    found = (row.completed_at for row in cycles if row.reopened_at <= moment)
    return sorted((at for at in found if _is_inside(at, window, view)), reverse=True)


def _is_inside(at: int, window: Window, view: View) -> bool:
    return to_micros(window.start) <= at < to_micros(window.end) and at <= to_micros(view.as_of)
