"""The page of one's own sessions (§3.3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.domain.access import Permission, Principal
from dpp.domain.errors import NotFound
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.people.api_sessions import shown
from dpp.entrypoints.http.people.serving import AnyRequest, Provide, Serving

SESSIONS = "/sessions"


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``serving`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return serving().framing

    @get(SESSIONS, **frame.reading(framing, Permission.METRICS_READ))
    async def sessions(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List one's own open sessions."""
        return await _list(request, principal, serving())

    @post(SESSIONS, **frame.writing(framing, Permission.METRICS_READ))
    async def end(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """End one of them, or all but this one."""
        to, given = serving(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            return await _list(request, principal, to, given=given.with_problems({}, [forms.EXPIRED]), status=403)
        this = await to.own_session(request, principal)
        try:
            wanted = UUID(given.value("session_id")) if given.value("session_id") else None
        except ValueError:
            raise NotFound("You have no session with that id") from None
        if wanted is None:
            await to.signin.end_other_sessions(principal.id, but=this.session_id)
        else:
            await to.signin.end_session(principal.id, wanted)
        return frame.gone_on(SESSIONS, done="ended")

    return [sessions, end]


async def _list(
    request: AnyRequest, principal: Principal, to: Serving, *, given: forms.Typed | None = None, status: int = 200
) -> Response[Any]:
    this = await to.own_session(request, principal)
    rows = [shown(one, this) for one in await to.signin.sessions_of(principal.id)]
    context = {"path": SESSIONS, "rows": rows, "filled": given or forms.Typed(), "has_passwords": to.has_passwords}
    return frame.page(request, principal, to.framing, "admin/sessions.html", context, status=status)
