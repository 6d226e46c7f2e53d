"""Which streams tickets, and what follows them, had at a moment: what a view shows of kept rows that name a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_tables import SHARES, KeptTable, Wanted, number_of
from dpp.adapters.postgres.row_groups import Codes, Tell
from dpp.adapters.postgres.rows import Rows
from dpp.adapters.postgres.shown import Shown
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.views import View
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.histories import FOREVER

NOTHING = 0
"""The number of the ticket, or the repository, of what has none."""

_NUMBER = number_of("issue_id")

TECH = "array_remove(ARRAY[{}], NULL) AS tech_stream_ids"
"""The group of what has one technology stream or none."""


def ticket_of(name: str) -> str:
    """Return the expression for the number of a ticket that may be null."""
    return f"coalesce({number_of(name)}, {NOTHING})"


ATTRIBUTIONS = KeptTable(
    name="attributions",
    by="item",
    columns=Unpacker(
        item=Kind.NUMBER,
        ticket=Kind.NUMBER,
        issue_id=Kind.TEXT,
        ticket_id=Kind.TEXT,
        valid_from=Kind.INSTANT,
        valid_to=Kind.INSTANT,
    ),
    coded=("ticket",),
    groups=("delivery_stream_id", "tech_stream_ids"),
    source=f"""
    SELECT {_NUMBER} AS item, {_NUMBER} AS ticket, issue_id, ticket_id, valid_from, valid_to, delivery_stream_id,
        tech_stream_ids
    FROM work_item_attributions WHERE {_NUMBER} >= lowest AND {_NUMBER} <= highest
    """,  # noqa: S608 - constants
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
        kept: where they were read.
    """

    def __init__(self, attributions: Rows, *, view: View, kept: KeptRows) -> None:
        self._rows = attributions
        self._index = kept.made(_indexed, attributions)
        self._moment = to_micros(view.as_of)
        self._numbers = kept.streams

    def groups_of(self, tickets: IntArray) -> IntArray:
        """Return the number of the group of streams that each ticket had, -1 for one that had none yet."""
        places = self.places_of(tickets)
        return np.where(places < 0, -1, self._rows.group.take(places, mode="clip")) if self._rows.group.size else places

    def named(self, column: str, places: IntArray) -> list[str]:
        """Return what the tickets of some places, none of them -1, were called: ``issue_id`` or ``ticket_id``."""
        found: list[str] = self._rows.columns[column][places].tolist()
        return found

    def places_of(self, tickets: IntArray) -> IntArray:
        """Return the place of the streams that each ticket had among the attributions, -1 for one that had none yet."""
        # Codes that are new since are of tickets without streams, as is the last one here.
        known = np.minimum(tickets, self._index.first.size - 1)
        found = self._index.latest[known]
        others = np.flatnonzero(self._index.since[known] > self._moment)
        if others.size:
            found[others] = self._earlier(known[others])
        return found

    def _earlier(self, tickets: IntArray) -> IntArray:
        """Return the same for tickets whose latest streams are of a later time, row by row: few have several."""
        found = np.full(len(tickets), -1, dtype=np.int64)
        sought, places = np.arange(len(tickets)), self._index.first[tickets]
        while sought.size:
            holds = self._holds(places)
            found[sought[holds]] = places[holds]
            more = np.flatnonzero(~holds & self._continues(places))
            sought, places = sought[more], places[more] + 1
        return found

    def told(self, tickets: IntArray, tell: Tell, *, none: Any, dtype: type[np.generic] = np.bool_) -> NDArray[Any]:
        """Return what is told of the streams of each ticket, shape (n,); for one that had none yet ``none``, a value or
        one for each.
        """
        groups = self.groups_of(tickets)
        told: NDArray[Any] = np.append(self._rows.groups.told(tell, dtype=dtype), np.zeros(1, dtype=dtype))[groups]
        return np.where(groups < 0, none, told)

    def _continues(self, places: IntArray) -> BoolArray:
        """Mark the rows after which another one of the same ticket comes."""
        known = self._rows.columns["ticket"]
        continues: BoolArray = known.take(places + 1, mode="clip") == known[places]
        return continues & (places + 1 < known.size)

    def _holds(self, places: IntArray) -> BoolArray:
        since, until = self._rows.columns["valid_from"][places], self._rows.columns["valid_to"][places]
        holds: BoolArray = (since <= self._moment) & (until > self._moment)
        return holds

    def shown(self, rows: Rows, shown: Shown) -> BoolArray:
        """Mark the rows that are shown, shape (n,), by their ``ticket`` and the technology streams of their groups."""
        streams = self.told(rows.columns["ticket"], self._numbers, none=self._numbers(None), dtype=np.int64)
        is_shown = np.stack([rows.groups.told(_OfDelivery(shown, stream)) for stream in self._numbers.known])
        marked: BoolArray = is_shown[streams, rows.group]
        return marked


class _Index(NamedTuple):
    """
    Rows of tickets, by their codes; the last one is of no ticket.

    Attributes:
        first: where the rows of each begin.
        latest: the row without an end, -1 without one.
        since: when that one began; ``FOREVER`` where an earlier row may count at any time.
    """

    first: IntArray
    latest: IntArray
    since: IntArray


def _indexed(attributions: Rows, codes: Codes) -> _Index:
    columns, size = attributions.columns, len(codes) + 1
    tickets, is_open = columns["ticket"], columns["valid_to"] == FOREVER
    index = _Index(
        first=np.zeros(size, dtype=np.int64),
        latest=np.full(size, -1, dtype=np.int64),
        since=np.full(size, -FOREVER, dtype=np.int64),
    )
    index.first[tickets[::-1]] = np.arange(tickets.size - 1, -1, -1)
    index.since[tickets] = FOREVER
    index.since[tickets[is_open]] = columns["valid_from"][is_open]
    index.latest[tickets[is_open]] = np.flatnonzero(is_open)
    return index


def wanted_for(shown: Shown) -> list[Wanted]:
    """Return what ``shown_in`` needs beside the rows: tickets, if it is asked for their streams."""
    return [Wanted(ATTRIBUTIONS)] if shown.is_of_delivery else []


def shown_in(rows: Rows, shown: Shown, tickets: TicketStreams | None) -> BoolArray:
    """Mark the rows that are shown, shape (n,).

    Args:
        rows: of a table that is grouped by its technology streams; ``ticket`` is the code of the ticket that gives a
            row its delivery stream, or of none.
        shown: what tells it.
        tickets: if ``wanted_for`` asks for them.
    """
    return rows.told(_OfDelivery(shown, None)) if tickets is None else tickets.shown(rows, shown)


def only_shown(rows: Rows, shown: Shown, tickets: TicketStreams | None) -> Rows:
    """Return the rows that ``shown_in`` marks."""
    marked = shown_in(rows, shown, tickets)
    return rows if marked.all() else rows.only(np.flatnonzero(marked))
