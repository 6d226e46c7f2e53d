"""Rows as PostgreSQL's binary COPY takes them: column by column, so that a hundred thousand of them take a second."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from psycopg import postgres, sql
from psycopg.adapt import PyFormat, Transformer
from sqlalchemy import Boolean, DateTime, Double, Integer, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from dpp.adapters.postgres.engine import Connection
from dpp.domain.histories import FOREVER

Encode: TypeAlias = Callable[[Any], bytes]

#: PostgreSQL counts from 2000-01-01T00:00Z.
EPOCH_MICROS = 946_684_800_000_000

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_INSTANT = struct.Struct("!iq")
_DOUBLE = struct.Struct("!id")
_INTEGER = struct.Struct("!ii")
_ARRAY = struct.Struct("!iiIii")
_TRUE, _FALSE = b"\0\0\0\1\1", b"\0\0\0\1\0"
_TEXT_OID = postgres.types["text"].oid
_UUID_OID = postgres.types["uuid"].oid


def _sized(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


@lru_cache(maxsize=65_536)
def _text(value: str) -> bytes:
    return _sized(value.encode())


def _instant(value: int) -> bytes:
    # Infinity is the largest number, here as there.
    return _INSTANT.pack(8, value if value == FOREVER else value - EPOCH_MICROS)


def _uuid(value: UUID) -> bytes:
    return b"\0\0\0\x10" + value.bytes


def _double(value: float) -> bytes:
    return _DOUBLE.pack(8, value)


def _integer(value: int) -> bytes:
    return _INTEGER.pack(4, value)


def _boolean(value: bool) -> bytes:
    return _TRUE if value else _FALSE


@lru_cache(maxsize=4_096)
def _numeric(value: float) -> bytes:
    decimal = Decimal(repr(value))
    return _sized(bytes(Transformer().get_dumper(decimal, PyFormat.BINARY).dump(decimal) or b""))


def _jsonb(value: Mapping[str, object]) -> bytes:
    return _sized(b"\1" + msgspec.json.encode(value))


def _array(cells: Sequence[bytes], oid: int) -> bytes:
    if not cells:
        return _sized(struct.pack("!iiI", 0, 0, oid))
    return _sized(_ARRAY.pack(1, 0, oid, len(cells), 1) + b"".join(cells))


@lru_cache(maxsize=16_384)
def _texts(value: tuple[str, ...]) -> bytes:
    return _array([_text(item) for item in value], _TEXT_OID)


@lru_cache(maxsize=16_384)
def _uuids(value: tuple[UUID, ...]) -> bytes:
    return _array([_uuid(item) for item in value], _UUID_OID)


def _encoder(kind: object) -> Encode:
    if isinstance(kind, ARRAY):
        return _uuids if isinstance(kind.item_type, Uuid) else _texts
    # Double is a kind of Numeric to SQLAlchemy, so the order matters.
    kinds: tuple[tuple[type, Encode], ...] = (
        (DateTime, _instant),
        (Double, _double),
        (Numeric, _numeric),
        (Boolean, _boolean),
        (Integer, _integer),
        (Uuid, _uuid),
        (JSONB, _jsonb),
        (Text, _text),
    )
    return next(encode for known, encode in kinds if isinstance(kind, known))


class Packer:
    """Writes rows of one table."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        """``columns``: names, in the order of the rows' cells; cells of a row beyond them are left out."""
        self._columns = columns
        self._encoders = [_encoder(table.c[name].type) for name in columns]
        self._nullable = [bool(table.c[name].nullable) for name in columns]
        self._command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
        )

    def pack(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """Return the rows as one COPY stream."""
        columns = list(zip(*rows, strict=True))[: len(self._columns)]
        cells = [
            [_NULL if cell is None else encode(cell) for cell in column] if nullable else map(encode, column)
            for column, encode, nullable in zip(columns, self._encoders, self._nullable, strict=bool(columns))
        ]
        head = struct.pack("!h", len(self._columns))
        return b"".join((_HEADER, *map(b"".join, zip(repeat(head), *cells)), _TRAILER)) if columns else b""

    async def write(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Append the rows to the table."""
        if not rows:
            return
        async with connection.cursor() as cursor, cursor.copy(self._command) as copy:
            await copy.write(self.pack(rows))
