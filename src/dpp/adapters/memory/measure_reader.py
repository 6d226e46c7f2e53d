"""Columns for figures by day from the events and the derived rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.diagnostics import MemoryDiagnosticsReader
from dpp.adapters.memory.selections import only
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.derived_rows import CycleRow, PullRequestRow
from dpp.application.identities import PullRequestId
from dpp.application.measure_columns import (
    Belonging,
    DefectStep,
    PullRequestStep,
    ReviewSpan,
    defect_history,
    known_reviews,
    review_spans,
)
from dpp.application.measure_reader import CycleHistory, DefectHistory, MeasureReader
from dpp.application.measures import StreamKey
from dpp.application.resolving import ResolvedEvent
from dpp.application.views import Window
from dpp.domain.arrays import IntArray
from dpp.domain.by_day import Known, Lasting
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.defects import ESCAPED_TO
from dpp.domain.deployments import PRODUCTION
from dpp.domain.events import DefectEvent, PullRequestEvent, PullRequestEventType
from dpp.domain.histories import FOREVER
from dpp.domain.metric import Dimension
from dpp.domain.reviews import is_peer_review
from dpp.domain.stages import WIP_STAGES

_WIP = frozenset(stage.value for stage in WIP_STAGES)
_LIFE = frozenset(
    {
        *(PullRequestEventType.OPENED, PullRequestEventType.CLOSED),
        *(PullRequestEventType.MERGED, PullRequestEventType.REOPENED),
    }
)


class MemoryMeasureReader(MeasureReader):
    """Reads a memory database.

    Args:
        database: has the events.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables
        self._defects = MemoryDiagnosticsReader(database=database, tables=tables)

    async def first_event(self, stream: StreamKey) -> datetime | None:
        """Return when the first thing of a stream happened."""
        self._database.check_available()
        tables = self._tables
        times = [
            span.valid_from
            for issue_id in tables.attributions
            for span in self._belonging(stream, issue_id)
            if span.is_ours
        ]
        if stream.dimension is Dimension.TECH:
            times += [row.opened_at for row in tables.pull_requests.values() if row.tech_stream_id == stream.stream_id]
            times += [row.deployed_at for row in tables.deployments.values() if row.tech_stream_id == stream.stream_id]
            times += [
                row.started_at
                for rows in tables.incidents.values()
                for row in rows
                if row.tech_stream_id == stream.stream_id and row.started_at is not None
            ]
        return from_micros(min(times)) if times else None

    async def wip(self, stream: StreamKey, *, span: Window) -> Lasting:
        """Return when tickets were work in progress of the stream."""
        self._database.check_available()
        start, end = to_micros(span.start), to_micros(span.end)
        found = [
            (max(stay.entered_at, held.valid_from), min(stay.left_at, held.valid_to))
            for issue_id, stays in self._tables.stays.items()
            for held in self._belonging(stream, issue_id)
            for stay in stays
            if held.is_ours and stay.stage in _WIP and stay.left_at > start and stay.entered_at <= end
        ]
        columns = np.array([part for part in found if part[0] < part[1]], dtype=np.int64).reshape(-1, 2)
        return Lasting(valid_from=columns[:, 0], valid_to=columns[:, 1])

    async def cycles(self, stream: StreamKey, *, span: Window) -> CycleHistory:
        """Return the tickets completed in the span."""
        self._database.check_available()
        start, end = to_micros(span.start), to_micros(span.end)
        rows = [
            (row, max(row.completed_at, held.valid_from), min(row.reopened_at, held.valid_to))
            for issue_id, rows in self._tables.cycles.items()
            for held in self._belonging(stream, issue_id)
            for row in rows
            if held.is_ours and start <= row.completed_at < end
        ]
        return CycleHistory(
            cycle_days=_known((row, row.cycle_time_days, first, last) for row, first, last in rows),
            flow_efficiency_pct=_known((row, row.flow_efficiency_pct, first, last) for row, first, last in rows),
        )

    async def reviews(self, stream: StreamKey, *, span: Window) -> Known:
        """Return the hours to the first review of the pull requests that ended in the span."""
        self._database.check_available()
        start, end = to_micros(span.start), to_micros(span.end)
        spans = (
            row for one, request in self._tables.pull_requests.items() for row in self._spans(stream, one, request)
        )
        return known_reviews(row for row in spans if start <= row.ended_at < end)

    def _spans(self, stream: StreamKey, one: PullRequestId, request: PullRequestRow) -> Iterator[ReviewSpan]:
        events = [
            event
            for table in ("pr_events", "pull_request_facts")
            for row in self._database.events[table]
            if isinstance(event := row.event, PullRequestEvent)
            and (row.repo_id, event.pr_number) == (one.repo_id, one.pr_number)
        ]
        return review_spans(
            [PullRequestStep(to_micros(it.event_timestamp), it.event_type) for it in events if it.event_type in _LIFE],
            opened_at=request.opened_at,
            reviewed_at=min((to_micros(it.event_timestamp) for it in events if is_peer_review(it)), default=None),
            belonging=self._belonging_of_request(stream, request),
        )

    def _belonging_of_request(self, stream: StreamKey, request: PullRequestRow) -> Sequence[Belonging]:
        if stream.dimension is Dimension.TECH:
            return [Belonging(-FOREVER, FOREVER, request.tech_stream_id == stream.stream_id)]
        return self._belonging(stream, request.linked_issue_id) if request.linked_issue_id else ()

    async def defects(self, stream: StreamKey, *, span: Window, days: int) -> DefectHistory:
        """Return the defects with an event in the span."""
        self._database.check_available()
        of_one: dict[str, list[ResolvedEvent]] = {}
        for row in self._database.events["defect_events"]:
            if isinstance(row.event, DefectEvent) and row.event.event_timestamp <= span.end:
                of_one.setdefault(row.event.item, []).append(row)
        touched = {
            item: rows
            for item, rows in of_one.items()
            if any(span.start <= row.event.event_timestamp < span.end for row in rows)
        }
        return defect_history(
            (self._step(stream, row, rows) for rows in touched.values() for row in rows),
            belonging={item: self._belonging(stream, item) for item in touched},
            days=days,
        )

    def _step(self, stream: StreamKey, row: ResolvedEvent, rows: Sequence[ResolvedEvent]) -> DefectStep:
        event = row.event
        assert isinstance(event, DefectEvent)
        known = [other for other in rows if other.event.event_timestamp <= event.event_timestamp]
        return DefectStep(
            issue_id=event.item,
            at=to_micros(event.event_timestamp),
            kind=event.event_type,
            event_id=row.event_id,
            has_escaped=self._defects.found(known).found_in_stage in ESCAPED_TO,
            is_ours=_is_ours(stream, row.delivery_stream_id, only(row.tech_stream_id)),
        )

    async def turns(self, stream: StreamKey, *, span: Window) -> IntArray:
        """Return the instants at which something deployed or resolved came to a delivery stream, or left it."""
        self._database.check_available()
        start, end = to_micros(span.start), to_micros(span.end)
        tables = self._tables
        found = set[int]()
        for row in tables.deployments.values():
            if row.environment == PRODUCTION and start <= row.deployed_at < end:
                found.update(at for at in self._moves(stream, row.linked_issue_id) if at > row.deployed_at)
        for restore in (row for rows in tables.restores.values() for row in rows if start <= row.resolved_at < end):
            for blame in tables.blames.get(restore.source_incident_id, ()):
                if blame.incident_id == restore.incident_id:
                    blamed = tables.deployments.get(blame.record_id)
                    moves = self._moves(stream, blamed.linked_issue_id if blamed else None)
                    times = (blame.valid_from, blame.valid_to, *moves)
                    found.update(at for at in times if at > restore.resolved_at)
        return np.array(sorted(at for at in found if at <= end), dtype=np.int64)

    def _moves(self, stream: StreamKey, issue_id: str | None) -> list[int]:
        spans = self._belonging(stream, issue_id) if issue_id else ()
        return [at for span in spans if span.is_ours for at in (span.valid_from, span.valid_to)]

    def _belonging(self, stream: StreamKey, issue_id: str) -> Sequence[Belonging]:
        rows = sorted(self._tables.attributions.get(issue_id, ()), key=lambda row: row.valid_from)
        return [
            Belonging(row.valid_from, row.valid_to, _is_ours(stream, row.delivery_stream_id, row.tech_stream_ids))
            for row in rows
        ]


def _is_ours(stream: StreamKey, delivery: UUID | None, tech: Sequence[UUID]) -> bool:
    return delivery == stream.stream_id if stream.dimension is Dimension.DELIVERY else stream.stream_id in tech


def _known(rows: Iterable[tuple[CycleRow, float | None, int, int]]) -> Known:
    cells = list(rows)
    return Known.in_order(
        ended_at=np.array([row.completed_at for row, *_ in cells], dtype=np.int64),
        # numpy makes nan of None.
        values=np.array([value for _, value, _, _ in cells], dtype=np.float64),
        valid_from=np.array([first for *_, first, _ in cells], dtype=np.int64),
        valid_to=np.array([last for *_, last in cells], dtype=np.int64),
    )
