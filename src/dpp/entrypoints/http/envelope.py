"""The envelope of every answer (§7.3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response
from litestar.enums import MediaType

from dpp.entrypoints.http.representations import Answer

_encoder = msgspec.json.Encoder()


def answer(data: object, *, meta: Mapping[str, Any] | None = None, status: int = 200) -> Response[bytes]:
    """Wrap data that msgspec can encode, with what describes it; what is read goes out as JSON or CSV, with a tag."""
    return Answer(data, meta=meta, status=status)


def failure(code: str, message: str, *, status: int, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """Wrap an error: a stable code, and a message that a person can act on."""
    return Response(
        _encoder.encode({"status": "error", "error": {"code": code, "message": message}}),
        status_code=status,
        media_type=MediaType.JSON,
        headers=dict(headers) if headers else None,
    )
