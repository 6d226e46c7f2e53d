"""Which tables were taken out of the platform goes on record (§8.4): who, which address, and narrowed by what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from litestar import Request
from litestar.types import Message, Scope

from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.ports import Clock
from dpp.domain.access import Principal
from dpp.domain.errors import DppError
from dpp.entrypoints.http.representations import CSV, FORMAT, TABLE

log = structlog.get_logger(__name__)

ACTION = "export.csv"
#: Characters of a value that are kept; no filter is longer, and the log is no place for whatever somebody sends.
MAX_VALUE = 200
MAX_FILTERS = 20
_MARK = "has_exported"
#: Pages leave names alone that they do not know, and what goes by one of these is not for the log.
_SECRET = frozenset({"token", "csrf_token", "password", "secret", "api_key", "access_token", "authorization"})


async def mark_exports(message: Message, scope: Scope) -> None:
    """Mark a connection over which a table is being sent; a ``before_send`` hook."""
    if message["type"] != "http.response.start" or message["status"] != 200:
        return
    if any(name.lower() == b"content-type" and _is_csv(value) for name, value in message["headers"]):
        scope["state"][_MARK] = True


def recorder(
    audit: Callable[[], AuditLog], clock: Callable[[], Clock]
) -> Callable[[Request[Any, Any, Any]], Awaitable[None]]:
    """Build the ``after_response`` hook that puts a table on record which has been sent.

    The caller has the whole answer by then. While the store is away a warning in the process's log stands for the
    entry.
    """

    async def record(request: Request[Any, Any, Any]) -> None:
        state = request.scope["state"]
        principal = state.get("principal")
        if not state.get(_MARK) or not isinstance(principal, Principal):
            return
        subject = f"path:{request.url.path}"
        try:
            entry = AuditEntry(
                occurred_at=clock().now(),
                actor=principal.actor,
                action=ACTION,
                subject=subject,
                details={"table": request.query_params.get(TABLE), "filters": _filters(request)},
            )
            await audit().record(entry)
        except DppError as error:
            log.warning("export.not_recorded", actor=principal.actor, subject=subject, reason=error.code)

    return record


def _is_csv(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().lower() == CSV.encode()


def _filters(request: Request[Any, Any, Any]) -> dict[str, object]:
    given = request.query_params
    names = [name for name in given if name not in {FORMAT, TABLE} and name.lower() not in _SECRET]
    return {
        name[:MAX_VALUE]: [value[:MAX_VALUE] for value in given.getall(name)[:MAX_FILTERS]]
        for name in names[:MAX_FILTERS]
    }
