"""The outline of a payload: what is in it, without what it says, so that nobody reads about a person (§4.6, §8.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 30
#: Of a long list so many entries are shown; the others are counted.
SHOWN_ENTRIES = 3
#: Bytes above which a body is only measured.
MAX_BYTES = 5_000_000

#: Keys whose values are words of the format and never of a person; only values that look like such words are shown.
WORDS = frozenset(
    {
        *("action", "event_type", "eventType", "issue_event_type_name", "object_kind", "specversion", "state"),
        *("status", "type", "webhookEvent"),
    }
)
_WORD = re.compile(r"[a-z][a-z0-9_.:-]{0,60}|[0-9]{1,2}(\.[0-9]{1,3}){0,2}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?\d\d)?")
_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$:/-]{0,60}|\d{1,12}")


def outline(body: bytes) -> str | None:
    """
    Return a payload's structure as indented JSON, its values replaced by what kind of value they are.

    Times, booleans, nulls and the words of ``WORDS`` are left as they are: they help to mend a reader and tell of no
    person. A key that could be a name or an address is replaced as well.

    Args:
        body: as it came.

    Returns:
        None when it is no JSON, or too large to be looked at.
    """
    if len(body) > MAX_BYTES:
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return json.dumps(_outlined(value, key="", depth=0), indent=2, ensure_ascii=False)


def _outlined(value: Any, *, key: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return "… (deeper than is shown)"
    if isinstance(value, dict):
        return _table(value, depth=depth)
    if isinstance(value, list):
        shown = [_outlined(item, key="", depth=depth + 1) for item in value[:SHOWN_ENTRIES]]
        more = len(value) - SHOWN_ENTRIES
        return [*shown, f"… ({more} more)"] if more > 0 else shown
    if isinstance(value, str):
        return _text(value, key=key)
    if isinstance(value, bool) or value is None:
        return value
    return "(number)"


def _table(value: Mapping[str, Any], *, depth: int) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for position, (key, item) in enumerate(value.items(), start=1):
        name = key if _KEY.fullmatch(key) else f"(key {position}, {len(key)} characters)"
        shown[name] = _outlined(item, key=key, depth=depth + 1)
    return shown


def _text(value: str, *, key: str) -> str:
    if _TIME.fullmatch(value) or (key in WORDS and _WORD.fullmatch(value)):
        return value
    return "(empty text)" if not value else f"(text, {len(value)} characters)"
