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
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from time import monotonic
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.unpacking import Columns, Unpacker
from dpp.application.evidence_reader import Among, is_among
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.histories import FOREVER

T = TypeVar("T")
Group: TypeAlias = tuple[Any, ...]
Tell: TypeAlias = Callable[..., Any]

#: Marks of changes are forgotten after ten minutes; who has not asked for so long reads everything anew.
TRUSTED_SECONDS = 300.0
#: Days that nobody has asked for in two such spans are dropped.
ASKED_SECONDS = 3600.0

#: What so many tellers have told of groups is kept.
_TELLERS = 1024
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)

_CHANGED = """
SELECT pg_current_snapshot()::text, coalesce(array_agg(DISTINCT kept || ' ' || place), '{}') FROM kept_changes
WHERE transaction >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::bigint
    AND NOT pg_visible_in_snapshot(transaction::text::xid8, %(seen)s::pg_snapshot)
"""
_SNAPSHOT = "SELECT pg_current_snapshot()::text, '{}'::text[]"


class Places(NamedTuple):
    """
    How rows lie by a number of theirs.

    Attributes:
        width: how many numbers lie in one place.
        lowest: the lowest number.
        together: how many places are searched at once.
        sql_type: what PostgreSQL compares.
        text: writes the number down for it.
        has_end: whether the highest number stands for what has no end.
    """

    width: int
    lowest: int
    together: int
    sql_type: str
    text: Callable[[int], str]
    has_end: bool

    def of(self, numbers: IntArray) -> IntArray:
        """Return the place of each number, shape (n,)."""
        return np.where(numbers == FOREVER, self.place(FOREVER), numbers // self.width - self._before)

    def place(self, number: int) -> int:
        """Return the place of one number, 0 for the lowest."""
        return NO_END if number == FOREVER and self.has_end else number // self.width - self._before

    def bounds(self, first: int, last: int) -> tuple[str, str]:
        """Return the lowest and the highest number of some places."""
        lowest = FOREVER if first == NO_END else (first + self._before) * self.width
        return self.text(lowest), self.text(min((last + self._before + 1) * self.width - 1, FOREVER))

    @property
    def _before(self) -> int:
        return self.lowest // self.width


def _moment(micros: int) -> str:
    return "infinity" if micros >= _LATEST else from_micros(micros).isoformat()


#: The place of what has no end; the same number is in the triggers.
NO_END = 2**31 - 1
#: Later moments have no year of four digits.
_LATEST = to_micros(datetime(9999, 12, 31, tzinfo=UTC))

DAYS = Places(width=86_400_000_000, lowest=0, together=32, sql_type="timestamptz", text=_moment, has_end=True)
"""UTC days since 1970-01-01 of a moment in microseconds; what has no end, or none yet, is after all others."""
SHARES = Places(width=2**54, lowest=-(2**63), together=1024, sql_type="bigint", text=str, has_end=False)
"""Shares of all numbers of 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTable:
    """
    Rows that are kept.

    Attributes:
        name: as ``kept_changes`` has it.
        by: the column by which the rows lie.
        columns: the narrow columns.
        groups: columns with few values, of which rows have a number.
        coded: columns of numbers that take the whole of 64 bits, for which codes from 0 on are kept, the same for equal
            numbers of all tables.
        source: a statement with all of these columns, of the rows with ``by`` from ``wanted.lowest`` up to and
            including ``wanted.highest``.
        places: how the rows lie.
    """

    name: str
    by: str
    columns: Unpacker
    groups: Sequence[str]
    source: str
    places: Places = DAYS
    coded: Sequence[str] = ()

    @property
    def statement(self) -> bytes:
        """The statement that reads the rows of some spans of places; a row of its answer is of one group."""
        of, names = f"{self.places.sql_type}[]", ", ".join(self.groups)
        return f"""
        SELECT {", ".join([self.columns.sent, *self.groups])}
        FROM unnest(%(lowest)s::{of}, %(highest)s::{of}) AS wanted (lowest, highest)
        CROSS JOIN LATERAL ({self.source}) AS one GROUP BY ({names})
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

    def values(self, number: int) -> Group:
        """Return what a number stands for."""
        return self._known[number]

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
    group: NDArray[np.int32]
    groups: Groups

    def only(self, chosen: BoolArray | IntArray | slice) -> Rows:
        """Return those marked, shape (n,), or those at places, in their order."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return Rows(columns=columns, group=self.group[chosen], groups=self.groups)

    def by_group(self) -> list[tuple[Group, int]]:
        """Return the values of each group that has rows, and how many."""
        counts = np.bincount(self.group)
        return [(self.groups.values(number), int(counts[number])) for number in np.flatnonzero(counts).tolist()]

    def beside(self, **columns: NDArray[Any]) -> Rows:
        """Return them with further columns, each of shape (n,)."""
        return Rows(columns={**self.columns, **columns}, group=self.group, groups=self.groups)

    def told(self, tell: Tell, *, dtype: type[np.generic] = np.bool_) -> NDArray[Any]:
        """Return what is told of each row's group, shape (n,)."""
        found: NDArray[Any] = self.groups.told(tell, dtype=dtype)[self.group]
        return found


class Codes:
    """Codes from 0 on for numbers of 64 bits, in the order in which they come."""

    def __init__(self) -> None:
        self._known: IntArray = np.empty(0, dtype=np.int64)
        self._code_of: IntArray = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return self._known.size

    def of(self, numbers: IntArray) -> IntArray:
        """Return the code of each number, shape (n,)."""
        wanted, place_of = np.unique(numbers, return_inverse=True)
        new = np.setdiff1d(wanted, self._known, assume_unique=True)
        if new.size:
            codes = np.concatenate([self._code_of, np.arange(len(self), len(self) + new.size)])
            known = np.concatenate([self._known, new])
            order = np.argsort(known)
            self._known, self._code_of = known[order], codes[order]
        found: IntArray = self._code_of[np.searchsorted(self._known, wanted)][place_of]
        return found


class StreamNumbers:
    """Numbers the delivery streams with which groups begin, as they come."""

    def __init__(self) -> None:
        self.known: dict[UUID | None, int] = {}

    def __call__(self, delivery_stream_id: UUID | None, *_: object) -> int:
        """Return the number of one, None included."""
        return self.known.setdefault(delivery_stream_id, len(self.known))


@dataclass(frozen=True, slots=True)
class Shown:
    """Tells whether a view shows groups that begin with the delivery stream and the technology streams."""

    scope: StreamScope
    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None
    among: Among

    @classmethod
    def by(cls, view: View, among: Among = Among.SHOWN) -> Shown:
        """Return what tells it for a view, whatever its moment; or which groups may be of the view."""
        return cls(view.scope, view.delivery_stream_id, view.tech_stream_id, among)

    def __call__(self, delivery_stream_id: UUID | None, tech_stream_ids: tuple[UUID, ...], *_: object) -> bool:
        """Tell it of one group."""
        view = View(
            scope=self.scope,
            as_of=_ANY_TIME,
            delivery_stream_id=self.delivery_stream_id,
            tech_stream_id=self.tech_stream_id,
        )
        return is_among(view, self.among, delivery_stream_id=delivery_stream_id, tech_stream_ids=tech_stream_ids)

    @property
    def is_restricted(self) -> bool:
        """Whether there are groups that are not shown."""
        return self.is_of_delivery or self.tech_stream_id is not None or self.among is not Among.SHOWN

    @property
    def is_of_delivery(self) -> bool:
        """Whether the answer depends on the delivery stream at all."""
        return self.delivery_stream_id is not None or not self.scope.is_all


def together(chosen: Iterable[tuple[Rows, BoolArray]]) -> Rows:
    """Return the rows that are marked in some parts, one or more; columns that only some parts have are left out."""
    return joined([part.only(np.flatnonzero(marked)) for part, marked in chosen])


def joined(parts: Sequence[Rows], *, names: Collection[str] = ()) -> Rows:
    """Return the rows of some parts, one or more, likewise; with just some columns, if these are named."""
    if len(parts) == 1:
        return parts[0]
    names = names or parts[0].columns.keys() & parts[-1].columns.keys()
    return Rows(
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in names},
        group=np.concatenate([part.group for part in parts]),
        groups=parts[0].groups,
    )


class Wanted(NamedTuple):
    """
    Rows that are asked for.

    Attributes:
        table: which.
        start: those of this moment and later ones; None for all.
        end: those of this moment and earlier ones; None for all, those without an end included.
    """

    table: KeptTable
    start: datetime | None = None
    end: datetime | None = None

    @property
    def lowest(self) -> int:
        """The lowest number that is wanted."""
        return self.table.places.lowest if self.start is None else to_micros(self.start)

    @property
    def highest(self) -> int:
        """The highest number that is wanted."""
        return FOREVER if self.end is None else to_micros(self.end)


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

    async def read(self, connection: Connection, *, lowest: int) -> None:
        """Read what has changed of what is kept, and the places of a number and later ones that are not kept yet."""
        first = self.table.places.place(lowest)
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

    def between(self, lowest: int, highest: int) -> list[Rows]:
        """Return the rows of some numbers, in parts, one or more."""
        places = self.table.places
        first, last = places.place(lowest) // places.together, places.place(highest) // places.together
        parts = [part for part in self._numbers_of_parts if first <= part <= last]
        some = [self._sliced(self._part(part), lowest, highest) for part in parts]
        return some or [self._unpacked([])]

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
        async with self._lock, self._database.reading() as connection:
            if self._asked_at < called_at:
                await self._follow(connection)
            tables = [self._table(one.table) for one in wanted]
            for table, one in zip(tables, wanted, strict=True):
                await table.read(connection, lowest=one.lowest)
            return [table.between(one.lowest, one.highest) for table, one in zip(tables, wanted, strict=True)]

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
