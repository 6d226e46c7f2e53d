"""Why a ticket was flagged, where the delivery of the flag brings a comment along (§5.2.3)."""

from __future__ import annotations

import re

from msgspec import Raw

from dpp.adapters.jira import payloads
from dpp.adapters.jira.payloads import Unreadable, read
from dpp.domain.scrubbing import scrub

MAX_REASON = 1_000
"""Characters of a reason that are kept."""
MAX_DEPTH = 12
"""Levels of a document tree that are looked at."""

# Jira puts a heading of its own above the comment that it asks for when a flag is added.
_HEADING = re.compile(r"^\s*(?:\(flag\)|:flag_on:)?\s*flag added\s*", re.IGNORECASE)


def blocked_reason(raw: Raw) -> str | None:
    """
    Return the text of the comment without addresses and mentions; None without one, or with one of another shape.

    The flag is the fact; its reason is a courtesy for which no delivery is refused.
    """
    try:
        comment = read(payloads.COMMENT, raw, at="comment") if raw else None
    except Unreadable:
        return None
    text = _text(comment.body, MAX_DEPTH) if comment else ""
    return scrub(_HEADING.sub("", text.replace("\0", "")).strip())[:MAX_REASON] or None


def _text(body: object, depth: int) -> str:
    """Return a text as it is, and of a document tree its text nodes; mentions are nodes of another type."""
    if isinstance(body, str):
        return body
    if isinstance(body, list) and depth:
        return " ".join(filter(None, (_text(part, depth - 1) for part in body)))
    if isinstance(body, dict) and depth:
        if body.get("type") == "text":
            return _text(body.get("text"), 0)
        return _text(body.get("content"), depth - 1)
    return ""
