"""Which rows are kept, where they lie, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from dpp.adapters.postgres.unpacking import Unpacker
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.histories import FOREVER

#: Spans that are asked for include both of their ends.
TICK = timedelta(microseconds=1)


def number_of(name: str) -> str:
    """Return the expression for the number that stands for a text, such as a ticket's identity; null for null.

    That two of a million texts share one of 64 bits is less likely than one in ten million.
    """
    return f"hashtextextended({name}, 0)"


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
