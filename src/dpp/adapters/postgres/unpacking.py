"""The rows of a query as numpy columns: each column comes as one value, the binary forms of its cells in a row.

Twenty thousand rows so take about ten milliseconds, no object being made for any cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dpp.adapters.postgres.packing import EPOCH_MICROS
from dpp.domain.histories import FOREVER
from dpp.domain.positions import LABELS

Columns = Mapping[str, NDArray[Any]]


def _instants(sent: NDArray[Any]) -> NDArray[Any]:
    cells = sent.astype(np.int64)
    # Infinity is the largest number, here as there; PostgreSQL counts from another year.
    return np.where(cells == FOREVER, FOREVER, cells + np.where(cells == FOREVER, 0, EPOCH_MICROS))


def _texts(sent: NDArray[Any]) -> NDArray[Any]:
    return np.array(sent.tobytes().decode().split("\0")[:-1], dtype=np.object_)


class _Form(NamedTuple):
    """How a cell is sent, and how the cells are read."""

    send: str
    dtype: str
    read: Callable[[NDArray[Any]], NDArray[Any]]


class Kind(Enum):
    """What the cells of a column are."""

    INSTANT = _Form("timestamptz_send(coalesce({}, 'infinity'))", ">i8", _instants)
    """Microseconds since 1970-01-01T00:00Z; ``FOREVER`` for null and infinity."""
    HOURS = _Form("float8send(coalesce({}, 'nan'))", ">f8", lambda cells: cells.astype(np.float64))
    """A number, nan for null."""
    FLAG = _Form("boolsend({})", "?", lambda cells: cells.astype(np.bool_))
    NUMBER = _Form("int8send({})", ">i8", lambda cells: cells.astype(np.int64))
    CODE = _Form("int4send({})", ">i4", lambda cells: cells.astype(np.int64))
    LABELLED = _Form("{}", ">f8", lambda cells: cells.astype(np.float64).reshape(-1, len(LABELS)))
    """A number for each of ``LABELS``, sent as one value; shape (n, len(LABELS))."""
    TEXT = _Form("convert_to({}, 'UTF8') || '\\x00'::bytea", "u1", _texts)
    """Words; none is null, and PostgreSQL has no text with the character 0, which ends each."""
    ID = _Form("uuid_send(coalesce({}, '00000000-0000-0000-0000-000000000000'))", "S16", lambda cells: cells)
    """Sixteen bytes, of which numpy drops those at the end that are 0: equal ids stay equal; empty for null."""


def uuids(ids: NDArray[Any]) -> list[UUID]:
    """Return the ids of a column of ``Kind.ID``, none of them null."""
    return [UUID(bytes=one.ljust(16, b"\0")) for one in ids.tolist()]


class Unpacker:
    """Reads the columns of one query."""

    def __init__(self, **columns: Kind) -> None:
        """``columns``: by the names that the query's ``FROM`` gives them."""
        self._columns = columns
        self.names = tuple(columns)
        sent = (f"string_agg({kind.value.send.format(name)}, ''::bytea)" for name, kind in columns.items())
        self.sent = ", ".join(sent)
        """The values of the columns, as they stand in a list of what is selected."""
        self.select = f"SELECT {self.sent}"
        """The beginning of the statement; what follows is its ``FROM``. The order of the rows is any."""

    def nothing(self) -> Columns:
        """Return the columns of no row."""
        return self.unpack([None] * len(self._columns))

    def unpack(self, row: Sequence[bytes | None]) -> Columns:
        """Return the columns of the one row that the statement gives; empty ones where there was nothing."""
        return {
            name: kind.value.read(np.frombuffer(cells or b"", dtype=kind.value.dtype))
            for (name, kind), cells in zip(self._columns.items(), row, strict=True)
        }
