"""Rows of derived tables that a process has read once, kept as numpy columns until the database says that they changed.

Figures of a window add up tens of thousands of narrow rows, of which the next question wants the same: to find, send
and read them takes the database and the process tens of milliseconds, to look at them in memory one or two. Nothing
that is answered is kept here, only rows; which of them a view shows is decided anew for every question.

Rows lie in the UTC days of one of their times. Triggers note the days whose rows a transaction has changed
(``kept_changes``); before rows are used the days are asked for that were noted by transactions which the last question
did not see yet, and these days are read again. So rows are never older than the question (decision 0044).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from time import monotonic
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.unpacking import Columns, Unpacker
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.histories import FOREVER

Group: TypeAlias = tuple[Any, ...]
Tell: TypeAlias = Callable[..., Any]

#: Marks of changes are forgotten after ten minutes; who has not asked for so long reads everything anew.
TRUSTED_SECONDS = 300.0
#: Days that nobody has asked for in two such spans are dropped.
ASKED_SECONDS = 3600.0

#: What so many tellers have told of groups is kept.
_TELLERS = 256
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)

_DAY = 86_400_000_000
#: Days lie together in parts of so many.
_PART_DAYS = 32
#: The day of what has no end; the same number is in the triggers.
_NO_END = 2**31 - 1
_INFINITY = "infinity"

_CHANGED = """
SELECT pg_current_snapshot()::text, ARRAY(
    SELECT DISTINCT day FROM kept_changes
    WHERE kept = %(kept)s AND transaction >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::bigint
        AND NOT pg_visible_in_snapshot(transaction::text::xid8, %(seen)s::pg_snapshot)
)
"""
_SNAPSHOT = "SELECT pg_current_snapshot()::text, '{}'::int[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTable:
    """
    Rows that are kept.

    Attributes:
        name: as ``kept_changes`` has it.
        by: the column, an instant, in whose days the rows lie; null is after all others.
        columns: the narrow columns.
        groups: columns with few values, of which rows have a number.
        source: a statement with all of these columns, of the rows with ``by`` from ``wanted.start_at`` up to and
            including ``wanted.end_at``.
    """

    name: str
    by: str
    columns: Unpacker
    groups: Sequence[str]
    source: str

    @property
    def statement(self) -> bytes:
        """The statement that reads the rows of some spans of time; a row of its answer is of one group."""
        names = ", ".join(self.groups)
        return f"""
        SELECT {self.columns.sent}, {names}
        FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS wanted (start_at, end_at)
        CROSS JOIN LATERAL ({self.source}) AS one GROUP BY {names}
        """.encode()  # noqa: S608 - constants


class Groups:
    """Numbers for the values of groups, the same ones for all tables whose groups have the same columns."""

    def __init__(self) -> None:
        self._known: list[Group] = []
        self._number_of: dict[Group, int] = {}
        self._told: dict[Tell, NDArray[Any]] = {}

    def number(self, values: Sequence[Any]) -> int:
        """Return the number of a group's values, as the database sends them."""
        group = tuple(tuple(value) if isinstance(value, list) else value for value in values)
        if group not in self._number_of:
            self._number_of[group] = len(self._known)
            self._known.append(group)
        return self._number_of[group]

    def told(self, tell: Tell, *, dtype: type[np.generic] = np.bool_) -> NDArray[Any]:
        """Return what is told of the values of each group, and keep it: ``tell`` is a value that says who tells."""
        told = self._told.pop(tell, np.empty(0, dtype=dtype))
        if len(told) < len(self._known):
            more = np.fromiter((tell(*group) for group in self._known[len(told) :]), dtype=dtype)
            told = np.concatenate([told, more])
        # The one used last is last.
        self._told[tell] = told
        if len(self._told) > _TELLERS:
            del self._told[next(iter(self._told))]
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """
    Some rows of a table, n of them, in the order of ``KeptTable.by``.

    Attributes:
        columns: each of shape (n,).
        group: shape (n,), the number of each row's group.
        groups: what the numbers stand for.
    """

    columns: Columns
    group: IntArray
    groups: Groups

    def only(self, chosen: BoolArray | IntArray | slice) -> Rows:
        """Return those marked, shape (n,), or those at places, in their order."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return Rows(columns=columns, group=self.group[chosen], groups=self.groups)

    def told(self, tell: Tell, *, dtype: type[np.generic] = np.bool_) -> NDArray[Any]:
        """Return what is told of each row's group, shape (n,)."""
        found: NDArray[Any] = self.groups.told(tell, dtype=dtype)[self.group]
        return found


@dataclass(frozen=True, slots=True)
class Shown:
    """Tells whether a view shows groups that begin with the delivery stream and the technology streams."""

    scope: StreamScope
    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None

    @classmethod
    def by(cls, view: View) -> Shown:
        """Return what tells it for a view, whatever its moment."""
        return cls(view.scope, view.delivery_stream_id, view.tech_stream_id)

    def __call__(self, delivery_stream_id: UUID | None, tech_stream_ids: tuple[UUID, ...], *_: object) -> bool:
        """Tell it of one group."""
        view = View(
            scope=self.scope,
            as_of=_ANY_TIME,
            delivery_stream_id=self.delivery_stream_id,
            tech_stream_id=self.tech_stream_id,
        )
        return view.shows(delivery_stream_id=delivery_stream_id, tech_stream_ids=tech_stream_ids)


def together(chosen: Iterable[tuple[Rows, BoolArray | slice]]) -> Rows:
    """Return the rows that are marked in some parts, one or more, or lie in a slice of them."""
    some = [part.only(marked if isinstance(marked, slice) else np.flatnonzero(marked)) for part, marked in chosen]
    names = some[0].columns.keys() & some[-1].columns.keys()
    return Rows(
        columns={name: np.concatenate([part.columns[name] for part in some]) for name in names},
        group=np.concatenate([part.group for part in some]),
        groups=some[0].groups,
    )


class _Span(NamedTuple):
    """Days, the last one included."""

    first: int
    last: int

    def texts(self) -> tuple[str, str]:
        start = from_micros(self.first * _DAY) if self.first != _NO_END else None
        end = from_micros((self.last + 1) * _DAY - 1) if self.last != _NO_END else None
        return (start.isoformat() if start else _INFINITY), (end.isoformat() if end else _INFINITY)


class _Table:
    """What is kept of one table."""

    def __init__(self, table: KeptTable, groups: Groups) -> None:
        self.table = table
        self.groups = groups
        self.lock = asyncio.Lock()
        self.days: dict[int, Rows] = {}
        self._parts: dict[int, Rows] = {}
        self.first_day = _NO_END + 1
        self._snapshot: str | None = None
        self._seen_at = self._asked_since = -np.inf
        self._asked = [_NO_END, _NO_END]

    async def follow(self, connection: Connection, *, first_day: int) -> None:
        """Read what has changed of what is kept, and the days from the first wanted one on that are not kept yet."""
        now = monotonic()
        if now - self._seen_at > TRUSTED_SECONDS:
            self._forget()
        self._forget_unasked(now, first_day)
        query, seen = (_CHANGED, self._snapshot) if self._snapshot else (_SNAPSHOT, None)
        cursor = await connection.execute(query, {"kept": self.table.name, "seen": seen})
        snapshot, changed = await cursor.fetchone() or ("", [])
        if self._snapshot and _next(snapshot) < _next(self._snapshot):
            # Another database, or an earlier one: of what was done there nothing is known here.
            self._forget()
        wanted = {day for day in changed if day >= self.first_day}
        spans = [*_spans(wanted), *([_Span(first_day, self._last_before())] if first_day < self.first_day else ())]
        if spans:
            found = await self._read(connection, spans)
            for day in wanted:
                self.days.pop(day, None)
            self.days |= found
            for day in wanted | found.keys():
                self._parts.pop(day // _PART_DAYS, None)
        self.first_day = min(self.first_day, first_day)
        self._snapshot, self._seen_at = snapshot, now

    def _forget(self) -> None:
        self._snapshot, self.first_day = None, _NO_END + 1
        self.days.clear()
        self._parts.clear()

    def _last_before(self) -> int:
        return min(self.first_day - 1, _NO_END)

    def _forget_unasked(self, now: float, first_day: int) -> None:
        if now - self._asked_since > ASKED_SECONDS:
            self._asked_since, self._asked = now, [self._asked[1], _NO_END]
            if self.first_day < min(self._asked):
                self.first_day = min(self._asked)
                self.days = {day: rows for day, rows in self.days.items() if day >= self.first_day}
                self._parts.clear()
        self._asked[1] = min(self._asked[1], first_day)

    async def _read(self, connection: Connection, spans: Sequence[_Span]) -> dict[int, Rows]:
        starts, ends = zip(*(span.texts() for span in spans), strict=True)
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(self.table.statement, {"starts": list(starts), "ends": list(ends)})
            sent = await cursor.fetchall()
        return _by_day(self._rows(sent), by=self.table.by)

    def _rows(self, sent: Sequence[tuple[Any, ...]]) -> Rows:
        width = len(self.table.columns.names)
        parts = [self.table.columns.unpack(row[:width]) for row in sent]
        numbers = [self.groups.number(row[width:]) for row in sent]
        sizes = [len(part[self.table.by]) for part in parts]
        nothing = self.table.columns.nothing()
        columns = {name: np.concatenate([nothing[name], *(part[name] for part in parts)]) for name in nothing}
        return Rows(columns=columns, group=np.repeat(np.array(numbers, dtype=np.int32), sizes), groups=self.groups)

    def between(self, first_day: int, last_day: int) -> list[Rows]:
        """Return the rows of these days, and of some before and after them."""
        first, last = first_day // _PART_DAYS, last_day // _PART_DAYS
        parts = sorted({day // _PART_DAYS for day in self.days})
        return [self._part(part) for part in parts if first <= part <= last] or [self._rows([])]

    def _part(self, part: int) -> Rows:
        if part not in self._parts:
            days = sorted(day for day in self.days if day // _PART_DAYS == part)
            self._parts[part] = together((self.days[day], slice(None)) for day in days)
        return self._parts[part]


class KeptRows:
    """Reads rows of derived tables, each of them once; one per process.

    Args:
        database: is asked for rows, and what has changed.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._tables: dict[str, _Table] = {}
        self._groups: dict[Sequence[str], Groups] = {}

    async def between(self, table: KeptTable, start: datetime, end: datetime | None = None) -> list[Rows]:
        """Return the rows of a span of time in parts, one or more, and others of the weeks before and after it.

        Args:
            table: which rows.
            start: rows from then on.
            end: rows up to then; None for all later ones, and those without an end.

        Raises:
            Unavailable: the database does not answer.
        """
        kept = self._table(table)
        first, last = _day(start), _NO_END if end is None else _day(end)
        async with kept.lock, self._database.reading() as connection:
            await kept.follow(connection, first_day=first)
            return kept.between(first, last)

    def _table(self, table: KeptTable) -> _Table:
        if table.name not in self._tables:
            groups = self._groups.setdefault(table.groups, Groups())
            self._tables[table.name] = _Table(table, groups)
        return self._tables[table.name]


def _next(snapshot: str) -> int:
    """Return the number of the first transaction that had not begun."""
    return int(snapshot.split(":")[1])


def _day(moment: datetime) -> int:
    return to_micros(moment) // _DAY


def _spans(days: Iterable[int]) -> Iterable[_Span]:
    """Return the fewest spans that have just these days."""
    numbered = enumerate(sorted(days))
    for _, run in groupby(numbered, key=lambda one: one[1] - one[0]):
        some = [day for _, day in run]
        yield _Span(some[0], some[-1])


def _by_day(rows: Rows, *, by: str) -> dict[int, Rows]:
    instants = rows.columns[by]
    days = np.where(instants == FOREVER, _NO_END, instants // _DAY)
    order = np.argsort(instants, kind="stable")
    ordered, days = rows.only(order), days[order]
    found, starts = np.unique(days, return_index=True)
    edges = pairwise([*starts.tolist(), len(days)])
    return {day: ordered.only(slice(*edge)) for day, edge in zip(found.tolist(), edges, strict=True)}
