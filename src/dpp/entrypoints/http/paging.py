"""Pages of lists that grow: a cursor names the last row sent, so that rows that come meanwhile move nothing."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import Parameter

from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.query_names import UnreadableQuery

DEFAULT_LIMIT = 200
MAX_LIMIT = 1000

T = TypeVar("T")

Limit = Annotated[
    int | None,
    Parameter(
        description=f"Rows at most, 1 to {MAX_LIMIT}; without it, {DEFAULT_LIMIT}",
        schema_extra={"minimum": 1, "maximum": MAX_LIMIT},
    ),
]
Cursor = Annotated[
    str | None,
    Parameter(description="`meta.next_cursor` of the page before, with the same filters; without it, page 1"),
]


class InvalidCursor(UnreadableQuery):
    """The cursor is none of ours, or of another list."""

    code = "invalid_cursor"


class Paged(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next page begins; ``next_cursor`` is null on the last page."""

    limit: int
    next_cursor: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor carries: which list it belongs to, the last row's place in it, and which row it was."""

    of: str
    place: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Rows of a list, with what the envelope says of them."""

    rows: Sequence[T]
    meta: Paged


def page(
    rows: Sequence[T], *, key: Callable[[T], str], of: Sequence[object], limit: int | None, cursor: str | None
) -> Page[T]:
    """
    Return one page of a list.

    The next page begins after the row that the cursor names, wherever it is by now; when that row is gone, at the place
    where it was.

    Args:
        rows: the whole list, in an order of its own.
        key: what identifies a row for ever.
        of: the list's name and filters; a cursor of another list is refused.
        limit: rows at most; None for ``DEFAULT_LIMIT``.
        cursor: ``next_cursor`` of the page before; None for the first page.

    Raises:
        InvalidInput: ``limit`` is below 1 or above ``MAX_LIMIT``.
        InvalidCursor: the cursor is of another list, or none of ours.
    """
    size = DEFAULT_LIMIT if limit is None else limit
    if not 1 <= size <= MAX_LIMIT:
        raise InvalidInput(f"limit must be between 1 and {MAX_LIMIT}, not {size}", field="limit")
    name = blake2b(repr(tuple(map(str, of))).encode(), digest_size=6).hexdigest()
    start = _after(rows, key=key, mark=_read(cursor, of=name)) if cursor else 0
    end = start + size
    shown = rows[start:end]
    following = _write(_Mark(name, end - 1, key(shown[-1]))) if end < len(rows) else None
    return Page(rows=shown, meta=Paged(limit=size, next_cursor=following))


def _after(rows: Sequence[T], *, key: Callable[[T], str], mark: _Mark) -> int:
    found = next((place for place, row in enumerate(rows) if key(row) == mark.key), None)
    return mark.place if found is None else found + 1


def _write(mark: _Mark) -> str:
    return urlsafe_b64encode(msgspec.json.encode(mark)).decode().rstrip("=")


def _read(cursor: str, *, of: str) -> _Mark:
    try:
        mark = msgspec.json.decode(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)), type=_Mark)
    except (NotBase64, msgspec.DecodeError, UnicodeDecodeError, ValueError):
        mark = None
    if mark is None or mark.of != of or mark.place < 0:
        raise InvalidCursor(
            "cursor belongs to no page of this list; take meta.next_cursor of an answer with the same filters, "
            "or leave it out to begin at page 1"
        )
    return mark
