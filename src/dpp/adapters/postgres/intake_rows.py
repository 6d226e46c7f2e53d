"""Rows on their way to the database.

They travel as JSON and are taken apart by ``json_populate_recordset``, which knows the columns' types from the table
itself: lists of texts need no escaping, and one statement serves a single row and five hundred.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

Row = dict[str, object]

_encoder = msgspec.json.Encoder()


def as_json(rows: Iterable[object]) -> str:
    """Encode rows, mappings or dataclasses, as a JSON array of objects.

    PostgreSQL cannot keep the character NUL in a text; the replacement character takes its place.
    """
    text = _encoder.encode(list(rows)).decode()
    return _without_nul(text) if "\\u0000" in text else text


def _without_nul(text: str) -> str:
    """Replace escaped NULs; an escaped backslash before ``u0000`` is text and stays."""
    return "\\\\".join(part.replace("\\u0000", "\N{REPLACEMENT CHARACTER}") for part in text.split("\\\\"))
