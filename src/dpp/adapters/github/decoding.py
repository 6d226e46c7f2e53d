"""From bytes to typed payloads: what is no JSON is refused, what is JSON of another shape is kept for repair."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, NoReturn, TypeVar
from urllib.parse import unquote_to_bytes

from msgspec import DecodeError, Meta, Raw, ValidationError
from msgspec.json import Decoder

from dpp.application.reading import MalformedPayload

T = TypeVar("T")

#: A time with a zone; one without a zone could be any of 24 hours, so it is refused.
Time = Annotated[datetime, Meta(tz=True)]
#: Seconds since 1970, up to the year 9999; GitHub writes some times of pushes and installations like this.
Epoch = Annotated[int, Meta(ge=0, le=253_402_300_799)]
#: Numbers that GitHub gives to things, as wide as a database's bigint.
Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Name = Annotated[str, Meta(min_length=1)]

#: Earlier years stand for "not yet" (0001-01-01, epoch 0); the last one would overflow in another zone.
_FIRST_YEAR, _LAST_YEAR = 1971, 9998

_FORM = b"payload="
_POSITION = re.compile(r"JSON is malformed: (?P<what>.*) \(byte (?P<position>\d+)\)")
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_ANYTHING = Decoder(Raw)


class NotUnderstood(Exception):
    """A payload is JSON, but not of a shape that can be read; ``args[0]`` names the field and quotes no value."""


def json_of(body: bytes) -> bytes:
    """
    Return the JSON of a delivery.

    That is the body itself or, when the webhook is configured as a form, its field ``payload``. Escaped NUL characters
    are dropped: they mean nothing, and databases refuse them in text.
    """
    if body.startswith(_FORM):
        value, _, _ = body.removeprefix(_FORM).partition(b"&")
        body = unquote_to_bytes(value.replace(b"+", b" "))
    return _NUL.sub(rb"\1", body) if b"\\u0000" in body else body


def decode(body: bytes, *, decoder: Decoder[T]) -> T:
    """
    Return the payload in its type.

    Raises:
        MalformedPayload: the body is not JSON.
        NotUnderstood: it is JSON of another shape.
    """
    try:
        return decoder.decode(body)
    except ValidationError as error:
        _require_json(body)
        # The library's texts name types, bounds and the path, never what was there.
        raise NotUnderstood(str(error)) from None
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse(error, body)


def _require_json(body: bytes) -> None:
    """A shape may turn out wrong before the end of the body has been looked at."""
    try:
        _ANYTHING.decode(body)
    except (DecodeError, RecursionError) as error:
        _refuse(error, body)


def _refuse(error: Exception, body: bytes) -> NoReturn:
    if isinstance(error, RecursionError):
        raise MalformedPayload("the body nests objects and arrays too deeply to be a webhook") from None
    if isinstance(error, UnicodeDecodeError):
        position = _first_invalid_byte(body)
        raise MalformedPayload(f"the body is not JSON: no UTF-8 at byte {position}") from None
    found = _POSITION.search(str(error))
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


def moment(value: datetime | int | None) -> datetime | None:
    """Return a time in UTC; None when there is none, or one of those that stand for "not yet"."""
    if isinstance(value, int):
        value = datetime.fromtimestamp(value, UTC)
    if value is None or not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        return None
    return value.astimezone(UTC)


def required(value: T | None, *, field: str) -> T:
    """Return the value; raises ``NotUnderstood``, naming the field, when there is none."""
    if value is None:
        raise NotUnderstood(f"Object missing required field `{field}`")
    return value


def required_moment(*values: datetime | int | None, field: str) -> datetime:
    """Return the first time that says something; raises ``NotUnderstood``, naming the field, when none does."""
    for value in values:
        if (found := moment(value)) is not None:
            return found
    raise NotUnderstood(f"no readable time of its own in `{field}`")
