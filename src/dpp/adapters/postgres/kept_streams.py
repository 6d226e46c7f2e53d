"""Which streams tickets, and what follows them, had at a moment: what a view shows of kept rows that name a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from dpp.adapters.postgres.kept_rows import SHARES, KeptTable, Rows, Shown, StreamNumbers, Wanted
from dpp.adapters.postgres.unpacking import Kind, Unpacker
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


class TicketStreams:
    """Which streams tickets had at a view's moment.

    Args:
        attributions: all of them, in the order of the tickets.
        view: has the moment.
        numbers: of delivery streams.
    """

    def __init__(self, attributions: Rows, *, view: View, numbers: StreamNumbers) -> None:
        self._tickets = attributions.columns["item"]
        self._streams = attributions.told(numbers, dtype=np.int64)
        moment = to_micros(view.as_of)
        columns = attributions.columns
        self._holds = (columns["valid_from"] <= moment) & (columns["valid_to"] > moment)
        self._none = numbers(None)
        self._numbers = numbers

    def of(self, tickets: IntArray) -> IntArray:
        """Return the number of each ticket's delivery stream; that of None for one that had no streams yet."""
        found = np.full(len(tickets), self._none, dtype=np.int64)
        sought, places = np.arange(len(tickets)), np.searchsorted(self._tickets, tickets)
        # A ticket has a row for each time that it had the same streams: few have several.
        while sought.size:
            there = places < self._tickets.size
            sought, places = sought[there], places[there]
            same = self._tickets[places] == tickets[sought]
            sought, places = sought[same], places[same]
            holds = self._holds[places]
            found[sought[holds]] = self._streams[places[holds]]
            sought, places = sought[~holds], places[~holds] + 1
        return found

    def shown(self, rows: Rows, shown: Shown) -> BoolArray:
        """Mark the rows that are shown, shape (n,), by their ``ticket`` and the technology streams of their groups."""
        is_shown = np.stack([rows.groups.told(_OfDelivery(shown, stream)) for stream in self._numbers.known])
        marked: BoolArray = is_shown[self.of(rows.columns["ticket"]), rows.group]
        return marked


def wanted_for(shown: Shown) -> list[Wanted]:
    """Return what ``only_shown`` needs beside the rows: tickets, if it is asked for their streams."""
    return [Wanted(ATTRIBUTIONS)] if shown.is_of_delivery else []


def only_shown(rows: Rows, shown: Shown, tickets: TicketStreams | None) -> Rows:
    """Return the rows that are shown.

    Args:
        rows: of a table that is grouped by its technology streams; ``ticket`` is the number of the ticket that gives a
            row its delivery stream, or ``NO_TICKET``.
        shown: what tells it.
        tickets: if ``wanted_for`` asks for them.
    """
    marked = rows.told(_OfDelivery(shown, None)) if tickets is None else tickets.shown(rows, shown)
    return rows if marked.all() else rows.only(np.flatnonzero(marked))
