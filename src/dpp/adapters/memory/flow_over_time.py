"""Where tickets are and were, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import shown_tickets
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.flow_reader import FlowReader, HeldStays, UnfinishedRow
from dpp.application.views import View, Window
from dpp.domain.calendar import to_micros
from dpp.domain.positions import DELETED
from dpp.domain.stages import Stage

_GONE = frozenset({Stage.CANCELLED.value, DELETED})
_FINISHED = _GONE | {Stage.DONE.value}


class MemoryFlowReader(FlowReader):
    """Reads a memory database.

    Args:
        database: says whether the store answers.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def unfinished(self, view: View) -> Sequence[UnfinishedRow]:
        """Return the unfinished tickets."""
        self._database.check_available()
        moment = to_micros(view.as_of)
        rows = (
            UnfinishedRow(
                issue_id=issue_id,
                ticket_id=held.ticket_id,
                delivery_stream_id=held.delivery_stream_id,
                stage=stay.stage,
                active=stay.is_active_work,
                first_in_progress=self._begun(issue_id, moment),
            )
            for issue_id, held in shown_tickets(self._tables, view).items()
            for stay in self._tables.stays.get(issue_id, ())
            if stay.entered_at <= moment < stay.left_at and stay.stage not in _FINISHED
        )
        return sorted(rows, key=lambda row: (row.ticket_id, row.issue_id))

    def _begun(self, issue_id: str, moment: int) -> int | None:
        begun = self._tables.work_items[issue_id].first_in_progress
        return begun if begun is not None and begun <= moment else None

    async def keys(self, view: View, items: Collection[str]) -> Mapping[str, str]:
        """Return what tickets were called."""
        self._database.check_available()
        moment = to_micros(view.as_of)
        latest: dict[str, tuple[int, str]] = {}
        for issue_id in items:
            for span in self._tables.attributions.get(issue_id, ()):
                if not view.shows(delivery_stream_id=span.delivery_stream_id, tech_stream_ids=span.tech_stream_ids):
                    continue
                for stay in self._tables.stays.get(issue_id, ()):
                    entered, left = max(stay.entered_at, span.valid_from), min(stay.left_at, span.valid_to)
                    if entered < left and entered <= moment and stay.stage not in _GONE:
                        latest[issue_id] = max(latest.get(issue_id, (entered, "")), (entered, span.ticket_id))
        return {issue_id: key for issue_id, (_, key) in latest.items()}

    async def held(self, view: View, *, window: Window, naming: Collection[str] | None = None) -> HeldStays:
        """Return where tickets were since the window began."""
        self._database.check_available()
        found = HeldStays.of(sorted(self._held(view, window), key=lambda row: (row[0], row[4])))
        if naming is None:
            return found
        # The named ones first, so that the others lie beyond them.
        order = sorted(range(len(found.items)), key=lambda number: found.items[number] not in naming)
        places = np.argsort(np.array(order, dtype=np.int64))
        return replace(
            found,
            items=tuple(item for item in found.items if item in naming),
            stays=replace(found.stays, item=places[found.stays.item]),
        )

    def _held(self, view: View, window: Window) -> Iterator[tuple[str, UUID | None, str, bool, int, int]]:
        start, moment = to_micros(window.start), to_micros(view.as_of)
        for issue_id, spans in self._tables.attributions.items():
            for span in spans:
                if not view.shows(delivery_stream_id=span.delivery_stream_id, tech_stream_ids=span.tech_stream_ids):
                    continue
                for stay in self._tables.stays.get(issue_id, ()):
                    entered, left = max(stay.entered_at, span.valid_from), min(stay.left_at, span.valid_to)
                    counts = entered < left and left >= start and entered <= moment and stay.stage not in _GONE
                    if counts and (stay.stage != Stage.DONE or stay.entered_at >= start):
                        stream = span.delivery_stream_id
                        yield (issue_id, stream, stay.stage, stay.is_active_work, entered, left)
