"""Tags of answers (RFC 9110 §8.8): whoever has what an answer would say already is told so, without a body.

A tag is made from what an answer says and not from who asked or when it was worked out; the answer is always worked out
first, within the caller's scope, so that "not modified" tells nobody anything that they could not have read.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType

#: What of the description of an answer moves with the clock while the answer stays the same.
MOVING = frozenset({"as_of", "computed_at", "since"})

#: Answers are for the caller alone, and may be kept if they are asked about before they are used again.
HEADERS: Mapping[str, str] = MappingProxyType(
    {"cache-control": "private, no-cache", "vary": "Authorization, Cookie, Accept"}
)


def tag_of(*parts: bytes) -> str:
    """Return a weak tag: answers with the same parts mean the same, compressed or not, whatever their time of day."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return f'W/"{digest.hexdigest()}"'


def is_known(tag: str, *, if_none_match: str | None) -> bool:
    """Whether the caller has the answer with this tag, by their ``If-None-Match`` (weak comparison)."""
    if not if_none_match:
        return False
    given = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in given or tag.removeprefix("W/") in given
