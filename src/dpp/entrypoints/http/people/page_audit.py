"""The page of the audit log (§8.4)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.access_ports import AuditQuery
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.people.api_audit import shown
from dpp.entrypoints.http.people.serving import AnyRequest, Provide, Serving, check_whole

AUDIT = "/admin/audit"
MOST = 100
TEXTS = ("actor", "action", "subject")


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the route; ``serving`` gives what it needs once the platform has started."""

    def framing() -> frame.Framing:
        return serving().framing

    @get(AUDIT, **frame.reading(framing, Permission.ADMIN_READ))
    async def audit(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show what was done, the latest first, by the filters in the address."""
        to = serving()
        check_whole(principal)
        given = forms.Typed(values=dict(request.query_params))
        query, problems = _query(given, to.framing.zone)
        before = forms.whole(given.value("before"))
        found = await to.log.search(query, before=before if isinstance(before, int) else None, limit=MOST + 1)
        context = {
            "path": AUDIT,
            "rows": [shown(row) for row in found[:MOST]],
            "called": await _called(to),
            "older": _older(given, found[MOST - 1].number) if len(found) > MOST else None,
            "export": _export(query),
            "filled": given.with_problems(problems),
        }
        return frame.page(request, principal, to.framing, "admin/audit.html", context)

    return [audit]


def _query(given: forms.Typed, zone: ZoneInfo) -> tuple[AuditQuery, dict[str, str]]:
    """Return what the filters ask for; a day that is none narrows nothing, and says so."""
    problems: dict[str, str] = {}
    days: dict[str, datetime | None] = {}
    for name, later in (("from", 0), ("to", 1)):
        text = given.text(name)
        try:
            day = date.fromisoformat(text) + timedelta(days=later) if text else None
        except (ValueError, OverflowError):
            day = None
            problems[name] = "Give a day such as 2026-03-01."
        days[name] = None if day is None else datetime.combine(day, time(), zone)
    texts = {name: given.text(name) for name in TEXTS}
    return AuditQuery(**texts, since=days["from"], until=days["to"]), problems


async def _called(to: Serving) -> dict[str, str]:
    """Return what people and keys are called, by how the log names them; the log itself keeps no names."""
    users = {f"user:{user.user_id}": user.display_name for user, _ in await to.users.all()}
    return users | {f"key:{key.key_id}": key.display_name for key in await to.keys.all()}


def _older(given: forms.Typed, number: int) -> str:
    kept = {name: given.value(name) for name in (*TEXTS, "from", "to") if given.text(name)}
    return f"{AUDIT}?{urlencode({**kept, 'before': number})}"


def _export(query: AuditQuery) -> str:
    moments = {"from": query.since, "to": query.until}
    kept = {name: value for name in TEXTS if (value := getattr(query, name))}
    kept |= {name: moment.isoformat() for name, moment in moments.items() if moment}
    return f"/api/v1/admin/audit?{urlencode({**kept, 'limit': 1000, 'format': 'csv'})}"
