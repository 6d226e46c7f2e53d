"""From the bytes of a push to its items: one object, or a list of them, which is accepted or refused as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from dpp.application.reading import MalformedPayload
from dpp.domain.errors import InvalidInput

T = TypeVar("T")

_SHAPE = re.compile(r"(?P<problem>.*) - at `\$\.(?P<field>.*)`")
_POSITION = re.compile(r"JSON is malformed: (?P<what>.*) \(byte (?P<position>\d+)\)")
_LIST = Decoder(list[Raw])
_ANYTHING = Decoder(Raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One pushed object. ``index`` is its place in a list, from 0; None when it came alone."""

    raw: bytes
    index: int | None = None

    def field(self, name: str) -> str:
        """Return how a field of this item is named to its sender."""
        return name if self.index is None else f"[{self.index}].{name}"


def items_of(body: bytes) -> Iterator[Item]:
    """
    Yield the objects of a body.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: it is an empty list.
    """
    if not body.lstrip().startswith(b"["):
        _decode(body, decoder=_ANYTHING)
        yield Item(raw=body)
        return
    raws = _decode(body, decoder=_LIST)
    if not raws:
        raise InvalidInput("the list is empty; push one object, or a list of at least one")
    for index, raw in enumerate(raws):
        yield Item(raw=bytes(raw), index=index)


def inner(raw: Raw) -> Item | None:
    """Return what a member holds that is decoded later, ``Raw()`` being its default; None when it is absent or null."""
    content = bytes(raw)
    return None if content in (b"", b"null") else Item(raw=content)


def decode(item: Item, *, decoder: Decoder[T]) -> T:
    """
    Return an item in its type.

    Raises:
        MalformedPayload: it is not JSON.
        InvalidInput: it is no object, or a field is of another type; the error names the field.
    """
    try:
        return _decode(item.raw, decoder=decoder)
    except ValidationError as error:
        found = _SHAPE.fullmatch(str(error))
        if found is None:
            raise InvalidInput("each push is a JSON object with the fields that the documentation names") from None
        field = item.field(found["field"])
        raise InvalidInput(f"{field}: {found['problem'].lower()}", field=field) from None


def _decode(body: bytes, *, decoder: Decoder[T]) -> T:
    try:
        return decoder.decode(body)
    except ValidationError:
        raise
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse(error, body)


def _refuse(error: Exception, body: bytes) -> NoReturn:
    if isinstance(error, RecursionError):
        raise MalformedPayload("the body nests objects and arrays too deeply") from None
    if isinstance(error, UnicodeDecodeError):
        raise MalformedPayload(f"the body is not JSON: no UTF-8 at byte {_first_invalid_byte(body)}") from None
    found = _POSITION.fullmatch(str(error))
    if found is None:
        raise MalformedPayload(f"the body is not JSON: it breaks off at byte {len(body)}") from None
    # The library counts what follows a complete value from 1, and everything else from 0.
    position = int(found["position"]) - found["what"].startswith("trailing")
    raise MalformedPayload(f"the body is not JSON: {found['what']} at byte {position}") from None


def _first_invalid_byte(body: bytes) -> int:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(body)
