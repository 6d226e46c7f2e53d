"""The histories of many tickets as columns, so that one ticket and a hundred thousand take the same way through numpy.

A row is an event that puts a ticket somewhere or raises or clears its flag. Texts are encoded: a row holds a code
into a short tuple of what the codes mean. The columns are plain arrays, so that a store can fill them from its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from operator import attrgetter
from typing import NamedTuple, NewType, TypeVar

import numpy as np
from numpy.typing import NDArray

from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Identity, WorkItemEvent, WorkItemEventType

NEVER = -1
"""In place of an instant that there is none of."""
FOREVER = int(np.iinfo(np.int64).max)
"""In place of the end of what goes on."""
UNTOLD = -1
"""In place of the code of a status or resolution that a row does not tell."""

K = TypeVar("K", bound="StatusKey | ResolutionKey")


class InvalidHistory(InvalidInput):
    """Columns do not describe histories; the message names the column and what is wrong with it."""

    code = "invalid_history"


class Kind(IntEnum):
    """What a row does to its ticket."""

    STATUS = 0
    """Puts it into a status, by creation or transition."""
    COMPLETED = 1
    """Sets its resolution."""
    FLAG_ON = 2
    FLAG_OFF = 3
    GONE = 4
    """Deletes it."""


class Rank(IntEnum):
    """The order of what one change did, and of what happened in one instant."""

    CREATED = 0
    TRANSITIONED = 1
    COMPLETED = 2
    FLAG = 3
    DELETED = 4


ROWS: Mapping[WorkItemEventType, tuple[Kind, Rank]] = {
    WorkItemEventType.CREATED: (Kind.STATUS, Rank.CREATED),
    WorkItemEventType.TRANSITIONED: (Kind.STATUS, Rank.TRANSITIONED),
    WorkItemEventType.COMPLETED: (Kind.COMPLETED, Rank.COMPLETED),
    WorkItemEventType.BLOCKED: (Kind.FLAG_ON, Rank.FLAG),
    WorkItemEventType.FLAGGED: (Kind.FLAG_ON, Rank.FLAG),
    WorkItemEventType.UNBLOCKED: (Kind.FLAG_OFF, Rank.FLAG),
    WorkItemEventType.UNFLAGGED: (Kind.FLAG_OFF, Rank.FLAG),
    WorkItemEventType.DELETED: (Kind.GONE, Rank.DELETED),
}
"""The row that each type of event makes; types that are not named make none."""


class StatusKey(NamedTuple):
    """A status as it was reported: the project that the ticket was in, the source's name, the stage stored with it."""

    project: str
    status: str | None
    stored_stage: str | None = None
    stored_active: bool | None = None


class ResolutionKey(NamedTuple):
    """A resolution as it was reported; None when the source said that the ticket has none."""

    project: str
    resolution: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketColumns:
    """
    The histories of many tickets; n rows, in any order, of ``len(items)`` tickets.

    Attributes:
        items: identity of each ticket; a ticket may be without rows.
        told_created_at: shape (len(items),), microseconds; when the source says that it was created, or ``NEVER``.
        item: shape (n,), int64, position in ``items``.
        time: shape (n,), int64, microseconds since 1970-01-01T00:00Z, >= 0.
        kind: shape (n,), int8, a ``Kind``.
        rank: shape (n,), int8, a ``Rank``, as ``ROWS`` has it.
        change: shape (n,), int64, ``change_number`` of the source's id of the change.
        status_code: shape (n,), int32, position in ``statuses``; ``UNTOLD`` except on rows of kind ``STATUS``.
        resolution_code: shape (n,), int32, position in ``resolutions``; ``UNTOLD`` where the source told of none.

    Raises:
        InvalidHistory: a column has another shape or type, or a value out of its range.
    """

    items: tuple[str, ...]
    told_created_at: IntArray
    item: IntArray
    time: IntArray
    kind: NDArray[np.int8]
    rank: NDArray[np.int8]
    change: IntArray
    status_code: NDArray[np.int32]
    resolution_code: NDArray[np.int32]
    statuses: tuple[StatusKey, ...] = ()
    resolutions: tuple[ResolutionKey, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in _DTYPES.items():
            expected = (len(self.items),) if name == "told_created_at" else self.item.shape[:1]
            column = getattr(self, name)
            if column.dtype != kind or column.shape != expected:
                raise InvalidHistory(f"the column {name} must be {kind} of shape {expected}", field=name)
        _require_range(self.item, "item", 0, len(self.items))
        _require_range(self.time, "time", 0, FOREVER)
        _require_range(self.kind, "kind", 0, len(Kind))
        _require_range(self.rank, "rank", 0, len(Rank))
        _require_range(self.status_code, "status_code", UNTOLD, len(self.statuses))
        _require_range(self.resolution_code, "resolution_code", UNTOLD, len(self.resolutions))
        if ((self.kind == Kind.STATUS) & (self.status_code == UNTOLD)).any():
            raise InvalidHistory("a row of kind STATUS has no status code", field="status_code")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.item)

    @classmethod
    def from_events(cls, events: Iterable[WorkItemEvent]) -> TicketColumns:
        """
        Return the histories that a set of events tells; the order of the events, and repeated ones, change nothing.

        Events of one change are one (decision 0002); the report that comes with the ticket's fields counts, else the
        earliest. Tickets are in the order of their identities. Without events there are no tickets.
        """
        distinct = distinct_events(events)
        items = {item: number for number, item in enumerate(sorted({event.item for event in distinct}))}
        rows = [event for event in distinct if event.event_type in ROWS]
        statuses = _dictionary(_status_key(event) for event in rows)
        resolutions = _dictionary(_resolution_key(event) for event in rows)
        return cls(
            items=tuple(items),
            told_created_at=_told_created_at(distinct, items),
            item=np.array([items[event.item] for event in rows], dtype=np.int64),
            time=np.array([to_micros(event.event_timestamp) for event in rows], dtype=np.int64),
            kind=np.array([ROWS[event.event_type][0] for event in rows], dtype=np.int8),
            rank=np.array([ROWS[event.event_type][1] for event in rows], dtype=np.int8),
            change=np.array([change_number(event.source_change_id) for event in rows], dtype=np.int64),
            status_code=_codes(rows, _status_key, statuses),
            resolution_code=_codes(rows, _resolution_key, resolutions),
            statuses=tuple(statuses),
            resolutions=tuple(resolutions),
        )


OrderedColumns = NewType("OrderedColumns", TicketColumns)
"""Columns whose rows ``in_order`` has put into order: ticket by ticket, each as it happened."""

_DTYPES: Mapping[str, type[np.generic]] = {
    "item": np.int64,
    "told_created_at": np.int64,
    "time": np.int64,
    "kind": np.int8,
    "rank": np.int8,
    "change": np.int64,
    "status_code": np.int32,
    "resolution_code": np.int32,
}


def in_order(columns: TicketColumns) -> OrderedColumns:
    """
    Return the rows ticket by ticket in the order in which they happened.

    In one instant creation comes first and deletion last; between them the source's number of the change decides, then
    what happened, then the names of status and resolution, so that equal sets come into equal order (decision 0003).
    """
    order = np.lexsort((columns.time, columns.item))
    item, time = columns.item[order], columns.time[order]
    starts = np.ones(len(order), dtype=np.bool_)
    starts[1:] = (item[1:] != item[:-1]) | (time[1:] != time[:-1])
    if not starts.all():
        _order_within_instants(columns, order, starts)
    return OrderedColumns(columns if (order[1:] > order[:-1]).all() else _taken(columns, order))


def change_number(source_change_id: str | None) -> int:
    """Return a source's id of a change as a number to sort by: 0 when it has none, or none of at most 18 digits."""
    text = source_change_id or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def event_order(event: WorkItemEvent) -> tuple[object, ...]:
    """Return the key that sorts the events of one ticket as ``in_order`` sorts rows, completed by the whole event."""
    rank = ROWS.get(event.event_type, (None, Rank.TRANSITIONED))[1]
    change = change_number(event.source_change_id)
    return (event.event_timestamp, phase(rank), change, rank, event.event_type.value, repr(event))


def distinct_events(events: Iterable[WorkItemEvent]) -> list[WorkItemEvent]:
    """Return each fact once, by identity and by change; which report of a fact remains depends on the set alone."""
    once = _once(events, attrgetter("identity"))
    numbered = [event for event in once if event.source_change_id is not None]
    unnumbered = [event for event in once if event.source_change_id is None]
    return unnumbered + _once(numbered, attrgetter("change_identity"))


def _once(events: Iterable[WorkItemEvent], key: Callable[[WorkItemEvent], Identity]) -> list[WorkItemEvent]:
    kept: dict[Identity, WorkItemEvent] = {}
    for event in events:
        known = kept.setdefault(key(event), event)
        if known is not event and known != event:
            kept[key(event)] = min(known, event, key=_preference)
    return list(kept.values())


def _preference(event: WorkItemEvent) -> tuple[object, ...]:
    return (event.fields is None, event.event_timestamp, repr(event))


def phase(rank: int) -> int:
    """Return where in one instant events of a rank happened: creation first, deletion last."""
    return 0 if rank == Rank.CREATED else 2 if rank == Rank.DELETED else 1


def _order_within_instants(columns: TicketColumns, order: IntArray, starts: BoolArray) -> None:
    """Sort, in place, the parts of ``order`` whose rows share ticket and instant."""
    shared = ~starts
    shared[:-1] |= ~starts[1:]
    places = np.flatnonzero(shared)
    rows = order[places]
    rank = columns.rank[rows].astype(np.int64)
    instant = np.cumsum(starts[places])
    phase = np.where(rank == Rank.CREATED, 0, np.where(rank == Rank.DELETED, 2, 1))
    names = rank * len(Kind) + columns.kind[rows]
    names = names * (len(columns.statuses) + 1) + _alphabetical(columns.statuses)[columns.status_code[rows]]
    names = names * (len(columns.resolutions) + 1) + _alphabetical(columns.resolutions)[columns.resolution_code[rows]]
    order[places] = rows[np.lexsort((names, columns.change[rows], instant * 3 + phase))]


def _alphabetical(keys: tuple[StatusKey, ...] | tuple[ResolutionKey, ...]) -> IntArray:
    """Return the place of each code among the sorted names, from 1 on; the 0 at the end answers to ``UNTOLD``."""
    places = np.zeros(len(keys) + 1, dtype=np.int64)
    for place, code in enumerate(sorted(range(len(keys)), key=lambda code: _sortable(keys[code])), start=1):
        places[code] = place
    return places


def _sortable(key: tuple[object, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((part is not None, str(part)) for part in key)


def _taken(columns: TicketColumns, order: IntArray) -> TicketColumns:
    rows = {name: getattr(columns, name)[order] for name in _DTYPES if name != "told_created_at"}
    return replace(columns, **rows)


def _require_range(column: NDArray[np.integer], name: str, low: int, end: int) -> None:
    if column.size and not (low <= int(column.min()) and int(column.max()) < end):
        raise InvalidHistory(f"the column {name} leaves the range from {low} to {end - 1}", field=name)


def _dictionary(keys: Iterable[K | None]) -> dict[K, int]:
    distinct = {key for key in keys if key is not None}
    return {key: code for code, key in enumerate(sorted(distinct, key=_sortable))}


def _codes(
    rows: list[WorkItemEvent], key_of: Callable[[WorkItemEvent], K | None], codes: Mapping[K, int]
) -> NDArray[np.int32]:
    keys = map(key_of, rows)
    return np.array([UNTOLD if key is None else codes[key] for key in keys], dtype=np.int32)


def _status_key(event: WorkItemEvent) -> StatusKey | None:
    is_status = ROWS[event.event_type][0] is Kind.STATUS
    return StatusKey(event.project_key, event.to_status) if is_status else None


def _resolution_key(event: WorkItemEvent) -> ResolutionKey | None:
    if event.resolution is not None:
        return ResolutionKey(event.project_key, event.resolution)
    return None if event.fields is None else ResolutionKey(event.project_key, event.fields.resolution)


def _told_created_at(events: Iterable[WorkItemEvent], items: Mapping[str, int]) -> IntArray:
    told = np.full(len(items), FOREVER, dtype=np.int64)
    for event in events:
        if event.fields is not None and event.fields.created_at is not None:
            number = items[event.item]
            told[number] = min(told[number], to_micros(event.fields.created_at))
    return np.where(told == FOREVER, NEVER, told)
