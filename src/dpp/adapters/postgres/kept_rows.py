"""Rows of derived tables that a process has read once, kept as numpy columns until the database says that they changed.

Figures of a window add up tens of thousands of narrow rows, of which the next question wants the same: to find, send
and read them takes the database and the process tens of milliseconds, to look at them in memory one or two. Nothing
that is answered is kept here, only rows; which of them a view shows is decided anew for every question.

Rows lie in places: the UTC days of one of their times, or shares of a number. Triggers note the places whose rows a
transaction has changed (``kept_changes``); before rows are used the places are asked for that were noted by
transactions which the last question did not see yet, and these are read again. So rows are never older than the
question. Each kept table follows from the rows of one table alone, so that who changes that one knows all that there is
to note (decision 0044).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import groupby, pairwise
from time import monotonic, time
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.kept_tables import NO_END, KeptTable, Wanted
from dpp.adapters.postgres.row_groups import Codes, Groups, StreamNumbers
from dpp.adapters.postgres.rows import Rows, joined
from dpp.application.views import MAX_WINDOW_DAYS

T = TypeVar("T")

#: Marks of changes are forgotten after ten minutes; who has not asked for so long reads everything anew.
TRUSTED_SECONDS = 300.0
#: Days that nobody has asked for in two such spans are dropped.
ASKED_SECONDS = 3600.0

#: What is older than the longest window and a season is read for the one who asks and not kept: some 36 months of rows
#: are the most that a process has.
KEPT_DAYS = MAX_WINDOW_DAYS + 100

_CHANGED = """
SELECT pg_current_snapshot()::text, coalesce(array_agg(DISTINCT kept || ' ' || place), '{}') FROM kept_changes
WHERE transaction >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::bigint
    AND NOT pg_visible_in_snapshot(transaction::text::xid8, %(seen)s::pg_snapshot)
"""
_SNAPSHOT = "SELECT pg_current_snapshot()::text, '{}'::text[]"


class _Span(NamedTuple):
    """Places, the last one included."""

    first: int
    last: int


class _Table:
    """What is kept of one table."""

    def __init__(self, table: KeptTable, groups: Groups, codes: Codes) -> None:
        self.table = table
        self.groups = groups
        self._codes = codes
        self._numbers_of_parts: list[int] = []
        self._rows_of: dict[int, Rows] = {}
        self._changed: set[int] = set()
        self._parts: dict[int, Rows] = {}
        self._first = NO_END + 1
        self._asked_since = -np.inf
        self._asked = [NO_END, NO_END]

    @property
    def size(self) -> int:
        """How many rows are kept."""
        return sum(rows.group.size for rows in self._rows_of.values())

    def change(self, place: int) -> None:
        """Note that rows of a place have changed."""
        if place >= self._first:
            self._changed.add(place)

    async def read(self, connection: Connection, wanted: Wanted) -> list[Rows]:
        """Return the rows that are wanted, in parts, one or more."""
        first, last = (self.table.places.place(number) for number in (wanted.lowest, wanted.highest))
        if wanted.start is not None and first < _earliest():
            found = await self._found(connection, [_Span(first, last)])
            parts = [found[place] for place in sorted(found)]
        else:
            await self._follow(connection, first)
            parts = self._between(first, last)
        return [self._sliced(part, wanted.lowest, wanted.highest) for part in parts] or [self._unpacked([])]

    async def _follow(self, connection: Connection, first: int) -> None:
        """Read what has changed of what is kept, and the places from a first one on that are not kept yet."""
        self._forget_unasked(first)
        spans = list(_spans(self._changed))
        if first < self._first:
            spans.append(_Span(first, min(self._first - 1, NO_END)))
        if not spans:
            return
        found = await self._found(connection, spans)
        touched = self._changed | found.keys()
        for place in self._changed:
            self._rows_of.pop(place, None)
        self._rows_of |= found
        for place in touched:
            self._parts.pop(place // self.table.places.together, None)
        self._numbers_of_parts = sorted({place // self.table.places.together for place in self._rows_of})
        self._first, self._changed = min(self._first, first), set()

    def _forget_unasked(self, first: int) -> None:
        now = monotonic()
        if now - self._asked_since > ASKED_SECONDS:
            self._asked_since, self._asked = now, [self._asked[1], NO_END]
            self._forget_before(min(self._asked))
        self._asked[1] = min(self._asked[1], first)

    def _forget_before(self, place: int) -> None:
        if self._first < place:
            self._first = place
            self._rows_of = {kept: rows for kept, rows in self._rows_of.items() if kept >= place}
            self._changed = {kept for kept in self._changed if kept >= place}
            self._numbers_of_parts = sorted({kept // self.table.places.together for kept in self._rows_of})
            self._parts.clear()

    async def _found(self, connection: Connection, spans: Sequence[_Span]) -> dict[int, Rows]:
        lowest, highest = zip(*(self.table.places.bounds(*span) for span in spans), strict=True)
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(self.table.statement, {"lowest": list(lowest), "highest": list(highest)})
            sent = await cursor.fetchall()
        return _by_place(self._unpacked(sent), self.table)

    def _unpacked(self, sent: Sequence[tuple[Any, ...]]) -> Rows:
        width = len(self.table.columns.names)
        parts = [self.table.columns.unpack(row[:width]) for row in sent]
        numbers = [self.groups.number(row[width:]) for row in sent]
        sizes = [len(part[self.table.by]) for part in parts]
        nothing = self.table.columns.nothing()
        columns = {name: np.concatenate([nothing[name], *(part[name] for part in parts)]) for name in nothing}
        columns |= {name: self._codes.of(columns[name]) for name in self.table.coded}
        group = np.repeat(np.array(numbers, dtype=np.int32), sizes)
        return Rows(columns=columns, group=group, groups=self.groups)

    def _between(self, first: int, last: int) -> list[Rows]:
        """Return the rows of some places, and of others near them."""
        some = self.table.places.together
        return [self._part(part) for part in self._numbers_of_parts if first // some <= part <= last // some]

    def _sliced(self, part: Rows, lowest: int, highest: int) -> Rows:
        numbers = part.columns[self.table.by]
        start, end = np.searchsorted(numbers, lowest), np.searchsorted(numbers, highest, side="right")
        return part if end - start == numbers.size else part.only(slice(int(start), int(end)))

    def _part(self, part: int) -> Rows:
        if part not in self._parts:
            places = sorted(place for place in self._rows_of if place // self.table.places.together == part)
            self._parts[part] = joined([self._rows_of[place] for place in places])
        return self._parts[part]


class KeptRows:
    """Reads rows of derived tables, each of them once; one per process.

    Args:
        database: is asked for rows, and what has changed.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._snapshot: str | None = None
        self._asked_at = -np.inf
        self._tables: dict[str, _Table] = {}
        self._groups: dict[Sequence[str], Groups] = {}
        self.streams = StreamNumbers()
        self.codes = Codes()
        #: The code of the number 0, which stands for nothing.
        (self.none,) = self.codes.of(np.zeros(1, dtype=np.int64)).tolist()
        self._made: dict[Callable[..., Any], tuple[Rows, Any]] = {}

    @property
    def size(self) -> int:
        """How many rows are kept."""
        return sum(table.size for table in self._tables.values())

    def made(self, make: Callable[[Rows, Codes], T], rows: Rows) -> T:
        """Return what is made of some rows, and keep it while it is asked for the same rows."""
        of, made = self._made.get(make, (None, None))
        if of is not rows:
            made = make(rows, self.codes)
            self._made[make] = rows, made
        return cast("T", made)

    async def read(self, *wanted: Wanted) -> list[list[Rows]]:
        """Return rows as they are now or were since the call, those of each table in parts, one or more, in order.

        Raises:
            Unavailable: the database does not answer.
        """
        called_at = monotonic()
        # In this order, so that all who ask learn at once that the database is away, and not one after the other.
        async with self._database.reading() as connection, self._lock:
            if self._asked_at < called_at:
                await self._follow(connection)
            tables = [self._table(one.table) for one in wanted]
            return [await table.read(connection, one) for table, one in zip(tables, wanted, strict=True)]

    async def _follow(self, connection: Connection) -> None:
        """Find out what has changed since the last question."""
        now = monotonic()
        if now - self._asked_at > TRUSTED_SECONDS:
            self._forget()
        query, seen = (_CHANGED, {"seen": self._snapshot}) if self._snapshot else (_SNAPSHOT, None)
        cursor = await connection.execute(query, seen)
        snapshot, changed = await cursor.fetchone() or ("", [])
        if self._snapshot and _next(snapshot) < _next(self._snapshot):
            # Another database, or an earlier one: of what was done there nothing is known here.
            self._forget()
        for kept, _, place in (one.rpartition(" ") for one in changed):
            if kept in self._tables:
                self._tables[kept].change(int(place))
        self._snapshot, self._asked_at = snapshot, now

    def _forget(self) -> None:
        self._snapshot = None
        self._tables.clear()

    def _table(self, table: KeptTable) -> _Table:
        if table.name not in self._tables:
            groups = self._groups.setdefault(table.groups, Groups())
            self._tables[table.name] = _Table(table, groups, self.codes)
        return self._tables[table.name]


def _earliest() -> int:
    """Return the first day that is kept."""
    return int(time() // timedelta(days=1).total_seconds()) - KEPT_DAYS


def _next(snapshot: str) -> int:
    """Return the number of the first transaction that had not begun."""
    return int(snapshot.split(":")[1])


def _spans(places: Iterable[int]) -> Iterable[_Span]:
    """Return the fewest spans that have just these places."""
    numbered = enumerate(sorted(places))
    for _, run in groupby(numbered, key=lambda one: one[1] - one[0]):
        some = [place for _, place in run]
        yield _Span(some[0], some[-1])


def _by_place(rows: Rows, table: KeptTable) -> dict[int, Rows]:
    numbers = rows.columns[table.by]
    order = np.argsort(numbers, kind="stable")
    ordered, places = rows.only(order), table.places.of(numbers[order])
    found, starts = np.unique(places, return_index=True)
    edges = pairwise([*starts.tolist(), len(places)])
    return {place: ordered.only(slice(*edge)) for place, edge in zip(found.tolist(), edges, strict=True)}
