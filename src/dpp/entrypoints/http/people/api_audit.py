"""The audit log over HTTP (§8.4)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Struct

from dpp.application.access_ports import AuditQuery, RecordedEntry
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http import paging
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described
from dpp.entrypoints.http.people.serving import TAGS, Provide, check_whole

MOST = 200

Actor = Annotated[
    str | None, QueryParameter(description="Who: `user:<id>`, or a kind alone: `user`, `key`, `cli`", max_length=200)
]
Action = Annotated[
    str | None, QueryParameter(description="What: `sign_in.failed`, or its beginning: `sign_in`", max_length=200)
]
Subject = Annotated[
    str | None, QueryParameter(description="About what: `user:<id>`, or a kind alone: `user`", max_length=200)
]
Since = Annotated[datetime | None, QueryParameter(name="from", description="Entries from this moment on")]
Until = Annotated[datetime | None, QueryParameter(name="to", description="Entries before this moment")]


class EntryShown(Struct, frozen=True, kw_only=True):
    """What was done, by whom, about what; ``details`` have before and after where something was changed."""

    number: int
    occurred_at: datetime
    actor: str
    action: str
    subject: str | None
    details: Mapping[str, Any] | None


class AuditAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a page of the audit log, the latest entry first."""

    status: Literal["ok"]
    data: list[EntryShown]
    meta: paging.Paged


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the route; ``serving`` gives what it needs once the platform has started."""

    @get(
        "/admin/audit",
        opt={"permission": Permission.ADMIN_READ},
        tags=TAGS,
        responses={200: described(AuditAnswer)},
    )
    async def audit(
        principal: NamedDependency[Principal],
        actor: Actor = None,
        action: Action = None,
        subject: Subject = None,
        since: Since = None,
        until: Until = None,
        limit: paging.Limit = None,
        cursor: paging.Cursor = None,
    ) -> Response[Any]:
        """List what was done: sign-ins, changes with before and after, use of keys, exports."""
        check_whole(principal)
        size = MOST if limit is None else limit
        if not 1 <= size <= paging.MAX_LIMIT:
            raise InvalidInput(f"limit must be between 1 and {paging.MAX_LIMIT}, not {size}", field="limit")
        query = AuditQuery(
            actor=actor, action=action, subject=subject, since=_zoned(since, "from"), until=_zoned(until, "to")
        )
        before = _read(cursor)
        found = await serving().log.search(query, before=before, limit=size + 1)
        more = _write(found[size - 1].number) if len(found) > size else None
        return answer([shown(row) for row in found[:size]], meta={"limit": size, "next_cursor": more})

    return [audit]


def shown(row: RecordedEntry) -> EntryShown:
    """Return an entry as administrators see it."""
    entry = row.entry
    return EntryShown(
        number=row.number,
        occurred_at=entry.occurred_at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        details=entry.details,
    )


def _zoned(moment: datetime | None, field: str) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise InvalidInput("A moment needs its offset, such as 2026-03-01T00:00:00Z", field=field)
    return moment


def _write(number: int) -> str:
    return urlsafe_b64encode(f"audit|{number}".encode()).decode().rstrip("=")


def _read(cursor: str | None) -> int | None:
    """Return the number that a cursor carries; numbers name a place whatever the filters are."""
    if not cursor:
        return None
    try:
        kind, _, number = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode().partition("|")
        place = int(number) if kind == "audit" and number.isascii() and number.isdigit() else 0
    except (NotBase64, ValueError):
        place = 0
    if not 1 <= place < 2**63:
        raise paging.InvalidCursor(
            "cursor belongs to no page of this list; take meta.next_cursor of an answer, or leave it out for page 1"
        )
    return place
