"""Which streams tickets, and what follows them, had at a moment: what a view shows of kept rows that name a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import numpy as np

from dpp.adapters.postgres.kept_rows import SHARES, KeptRows, KeptTable, Rows, Shown, together
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.evidence_reader import Among
from dpp.application.views import View
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import to_micros

NO_TICKET = 0
"""The number of what follows no ticket."""

TECH = "array_remove(ARRAY[{}], NULL) AS tech_stream_ids"
"""The group of what has one technology stream or none."""


def number_of(ticket: str) -> str:
    """Return the expression for a ticket's number: that two of a million tickets share one of 64 bits is less likely
    than one in ten million.
    """
    return f"coalesce(hashtextextended({ticket}, 0), {NO_TICKET})"


ATTRIBUTIONS = KeptTable(
    name="attributions",
    by="item",
    columns=Unpacker(item=Kind.NUMBER, valid_from=Kind.INSTANT, valid_to=Kind.INSTANT),
    groups=("delivery_stream_id", "tech_stream_ids"),
    source="""
    SELECT hashtextextended(issue_id, 0) AS item, valid_from, valid_to, delivery_stream_id, tech_stream_ids
    FROM work_item_attributions
    WHERE hashtextextended(issue_id, 0) >= lowest AND hashtextextended(issue_id, 0) <= highest
    """,
    places=SHARES,
)


@dataclass(frozen=True, slots=True)
class _OfDelivery:
    """Tells whether a view shows what has some technology streams, and this delivery stream."""

    shown: Shown
    delivery_stream_id: UUID | None

    def __call__(self, tech_stream_ids: tuple[UUID, ...]) -> bool:
        return self.shown(self.delivery_stream_id, tech_stream_ids)


class _Held(NamedTuple):
    """Tickets in the order of their numbers, and the number of each one's delivery stream."""

    tickets: IntArray
    streams: IntArray

    def streams_of(self, tickets: IntArray, *, none: int) -> IntArray:
        """Return the number of the stream of each ticket, ``none`` for those that had no streams yet."""
        if not self.tickets.size:
            return np.full(len(tickets), none, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.tickets, tickets), self.tickets.size - 1)
        return np.where(self.tickets[places] == tickets, self.streams[places], none)


async def _held(kept: KeptRows, view: View) -> _Held:
    moment = to_micros(view.as_of)
    parts = await kept.every(ATTRIBUTIONS)
    rows = together(
        (part, (part.columns["valid_from"] <= moment) & (part.columns["valid_to"] > moment)) for part in parts
    )
    return _Held(rows.columns["item"], rows.told(kept.streams, dtype=np.int64))


async def shown_of(kept: KeptRows, view: View, rows: Rows, *, among: Among = Among.SHOWN) -> BoolArray:
    """Mark the rows that a view shows at its moment, shape (n,).

    Args:
        kept: has the tickets.
        view: what counts.
        rows: of a table that is grouped by its technology streams; ``ticket`` is the number of the ticket that gives a
            row its delivery stream, or ``NO_TICKET``.
        among: what is asked for instead of what is shown.
    """
    shown = Shown.by(view, among)
    if not shown.is_of_delivery:
        return rows.told(_OfDelivery(shown, None))
    held = await _held(kept, view)
    streams = held.streams_of(rows.columns["ticket"], none=kept.streams(None))
    is_shown = np.stack([rows.groups.told(_OfDelivery(shown, stream)) for stream in kept.streams.known])
    marked: BoolArray = is_shown[streams, rows.group]
    return marked
