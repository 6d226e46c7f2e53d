"""HTTP statuses of the error families; the only place that knows them."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from dpp.application.rates import TooManyRequests
from dpp.application.reading import MalformedPayload
from dpp.application.throttle import TooManyAttempts
from dpp.domain.errors import (
    Conflict,
    DppError,
    Forbidden,
    InvalidInput,
    NotEnoughData,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from dpp.entrypoints.http.envelope import failure
from dpp.entrypoints.http.paging import InvalidCursor
from dpp.entrypoints.http.query_names import UnreadableQuery, what_is_meant

log = structlog.get_logger(__name__)

#: The most specific family comes first.
STATUS: tuple[tuple[type[DppError], int], ...] = (
    (MalformedPayload, 400),
    (InvalidCursor, 404),
    (UnreadableQuery, 400),
    (InvalidInput, 422),
    (NotEnoughData, 422),
    (TooManyAttempts, 429),
    (TooManyRequests, 429),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (Unavailable, 503),
)

RETRY_SECONDS = 5


def on_platform_error(_request: Request[Any, Any, Any], error: DppError) -> Response[bytes]:
    """Answer an error that the platform raised on purpose."""
    status = next((status for family, status in STATUS if isinstance(error, family)), 500)
    headers = {"retry-after": str(RETRY_SECONDS)} if status == 503 else {}
    if isinstance(error, TooManyAttempts | TooManyRequests):
        headers["retry-after"] = str(error.retry_after)
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="dpp"'
    return failure(error.code, str(error), status=status, headers=headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework refused: an unknown path, a wrong method, an unreadable parameter."""
    codes = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 429: "too_many"}
    message = _unreadable(request, error) if isinstance(error, ValidationException) else str(error.detail)
    code = codes.get(error.status_code, "error")
    return failure(code, message, status=error.status_code, headers=error.headers)


def _unreadable(request: Request[Any, Any, Any], error: ValidationException) -> str:
    """Name the parameters that could not be read, and what to give for them."""
    handler = request.scope.get("route_handler")
    parts = []
    for row in error.extra if isinstance(error.extra, list) and handler is not None else ():
        known_as, remedy = what_is_meant(handler, str(row.get("key", "")))
        parts.append(f"{known_as or 'the body'} cannot be read: {remedy or row.get('message', '')}")
    return "; ".join(parts) or str(error.detail)


def on_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a fault of ours: the log has the details, the caller none."""
    log.error("request_failed", method=request.method, path=request.scope.get("path_template"), exc_info=error)
    return failure("internal", "Something went wrong here; it has been logged.", status=500)
