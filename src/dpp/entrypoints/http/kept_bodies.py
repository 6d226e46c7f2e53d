"""What kept answers look like when they are sent, so that an answer that is given again is not written again.

Answers about the present are kept as objects (§7.3.4). As long as one is the same object, so are its shape, its JSON
and what that is compressed to. What is about another moment is asked for once, and nothing of it is kept here.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Answers whose bodies are kept; a body may have some hundred kilobytes.
MOST = 64

#: A stronger compression takes several times as long, and makes a tenth less of it.
LEVEL = 1


@dataclass(slots=True)
class _Kept:
    """``given`` and ``data`` are held so that nothing else gets their identities meanwhile."""

    given: tuple[Any, ...]
    data: object
    encoded: bytes | None = None
    tags: dict[bytes, str] = field(default_factory=dict)
    body: bytes | None = None
    zipped: bytes = b""


_by_answers: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()
_by_data: dict[int, _Kept] = {}


def remembered(shape: Callable[P, T]) -> Callable[P, T]:
    """Give the same shape again for the same answers about the present; ``shape`` takes answers by position alone."""

    @wraps(shape)
    def shaped(*args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs or not all(answer.asked.is_live for answer in args):  # type: ignore[attr-defined]
            return shape(*args, **kwargs)
        key = (shape, *map(id, args))
        kept = _by_answers.get(key)
        if kept is None:
            kept = _keep(key, _Kept(args, shape(*args, **kwargs)))
        data: T = kept.data  # type: ignore[assignment]
        return data

    return shaped


def _keep(key: tuple[object, ...], kept: _Kept) -> _Kept:
    while len(_by_answers) >= MOST:
        _, oldest = _by_answers.popitem(last=False)
        _by_data.pop(id(oldest.data), None)
    _by_answers[key] = kept
    _by_data[id(kept.data)] = kept
    return kept


def encoded(data: object, encode: Callable[[object], bytes]) -> bytes:
    """Return data as JSON."""
    kept = _by_data.get(id(data))
    if kept is None:
        return encode(data)
    if kept.encoded is None:
        kept.encoded = encode(data)
    return kept.encoded


def tagged(data: object, beside: bytes, tag: Callable[[], str]) -> str:
    """Return the tag of data and of what is sent beside them."""
    kept = _by_data.get(id(data))
    if kept is None:
        return tag()
    if beside not in kept.tags:
        kept.tags = {beside: tag()}
    return kept.tags[beside]


def zipped(data: object, body: bytes) -> bytes:
    """Return the body in which data are sent, compressed."""
    kept = _by_data.get(id(data))
    if kept is not None and kept.body == body:
        return kept.zipped
    small = gzip.compress(body, compresslevel=LEVEL, mtime=0)
    if kept is not None:
        kept.body, kept.zipped = body, small
    return small
