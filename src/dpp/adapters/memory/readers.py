"""Rows for figures from the derived rows in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import attribution, only, shown_pull_requests, shown_tickets
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.derived_rows import CycleRow
from dpp.application.readers import CycleRows, LabelRow, MetricsReader, Share, StageRow, summed_days
from dpp.application.resolving import ResolvedEvent
from dpp.application.views import View, Window
from dpp.domain.calendar import to_micros
from dpp.domain.deployments import PRODUCTION
from dpp.domain.events import DefectEvent, DefectEventType
from dpp.domain.positions import DELETED, LABELS
from dpp.domain.quality import QualityRate
from dpp.domain.stages import Stage

_FINISHED = frozenset({Stage.DONE.value, Stage.CANCELLED.value, DELETED})
#: Of two facts of one instant about a bug, the later one of these counts.
_DEFECT_ORDER = (DefectEventType.LOGGED, DefectEventType.ATTRIBUTED, DefectEventType.RECLASSIFIED)


class MemoryMetricsReader(MetricsReader):
    """Reads the derived rows of a memory database.

    Args:
        database: has the events and the register of repositories.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def wip(self, view: View) -> Sequence[StageRow]:
        """Return where the unfinished tickets are."""
        self._database.check_available()
        moment = to_micros(view.as_of)
        places = Counter(
            (stay.stage, stay.is_active_work)
            for issue_id in shown_tickets(self._tables, view)
            for stay in self._tables.stays.get(issue_id, ())
            if stay.entered_at <= moment < stay.left_at and stay.stage not in _FINISHED
        )
        return [StageRow(*place, tickets) for place, tickets in sorted(places.items())]

    async def cycles(self, view: View, *, window: Window) -> CycleRows:
        """Return the tickets completed in the window."""
        self._database.check_available()
        found = self._completed(view, window)
        rows = sorted(((row.completed_at, key, row) for key, row in found), key=lambda row: row[:2])
        return CycleRows(
            ticket_ids=[key for _, key, _ in rows],
            completed_at=np.array([at for at, _, _ in rows], dtype=np.int64),
            # numpy makes nan of None.
            cycle_days=np.array([row.cycle_time_days for _, _, row in rows], dtype=np.float64),
            flow_efficiency_pct=np.array([row.flow_efficiency_pct for _, _, row in rows], dtype=np.float64),
        )

    async def label_times(self, view: View, *, window: Window) -> Sequence[LabelRow]:
        """Return their time by label."""
        self._database.check_available()
        days: dict[str, list[float]] = {}
        for _, row in self._completed(view, window):
            for label, spent in row.stage_durations.items():
                days.setdefault(label, []).append(spent)
        known = {label: np.array(days[label], dtype=np.float64) for label in LABELS if label in days}
        return [LabelRow(label, len(found), summed_days(found)) for label, found in known.items()]

    def _completed(self, view: View, window: Window) -> Iterator[tuple[str, CycleRow]]:
        start, end, moment = (to_micros(at) for at in (window.start, window.end, view.as_of))
        for issue_id, held in shown_tickets(self._tables, view).items():
            for row in self._tables.cycles.get(issue_id, ()):
                if start <= row.completed_at < end and row.completed_at <= moment < row.reopened_at:
                    yield held.ticket_id, row

    async def quality(self, view: View) -> Mapping[QualityRate, Share]:
        """Return the shares of §5.6; answers to surveys are not known here."""
        self._database.check_available()
        found = {
            QualityRate.TICKET_STREAM_TAGGING: self._tagged(view),
            QualityRate.PR_TICKET_LINKAGE: self._linked(view),
            QualityRate.DEFECT_ORIGIN_ATTRIBUTION: self._attributed(view),
            QualityRate.DEPLOYMENT_TRACEABILITY: self._traced(view),
        }
        shares = {rate: _share(complete) for rate, complete in found.items()}
        return {rate: share for rate, share in shares.items() if share.total}

    def _tagged(self, view: View) -> Iterator[bool]:
        moment = to_micros(view.as_of)
        for issue_id, held in shown_tickets(self._tables, view).items():
            ticket = self._tables.work_items[issue_id]
            if not (ticket.is_deleted and (ticket.entered_at is None or ticket.entered_at <= moment)):
                yield held.delivery_stream_id is not None

    def _linked(self, view: View) -> Iterator[bool]:
        for row in shown_pull_requests(self._tables.pull_requests.values(), view):
            yield row.linked_ticket_id is not None

    def _attributed(self, view: View) -> Iterator[bool]:
        for issue_id, row in self._latest_defects(view).items():
            held = attribution(self._tables, issue_id, moment=to_micros(view.as_of))
            delivery = row.delivery_stream_id if held is None else held.delivery_stream_id
            tech = only(row.tech_stream_id) if held is None else held.tech_stream_ids
            if view.shows(delivery_stream_id=delivery, tech_stream_ids=tech):
                assert isinstance(row.event, DefectEvent)
                yield row.event.introduced_in_stage is not None

    def _latest_defects(self, view: View) -> dict[str, ResolvedEvent]:
        known = [
            (row.event.event_timestamp, _DEFECT_ORDER.index(row.event.event_type), row.event_id, row.event.item, row)
            for row in self._database.events["defect_events"]
            if isinstance(row.event, DefectEvent) and row.event.event_timestamp <= view.as_of
        ]
        return {issue_id: row for *_, issue_id, row in sorted(known, key=lambda one: one[:3])}

    def _traced(self, view: View) -> Iterator[bool]:
        moment = to_micros(view.as_of)
        for row in self._tables.deployments.values():
            if row.environment == PRODUCTION and row.deployed_at <= moment:
                tech = only(row.tech_stream_id)
                if view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=tech):
                    yield row.linked_ticket_id is not None


def _share(complete: Iterable[bool]) -> Share:
    marks = list(complete)
    return Share(sum(marks), len(marks))
