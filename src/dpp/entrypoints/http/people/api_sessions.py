"""One's own sessions over HTTP (§3.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, delete, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter
from msgspec import Struct

from dpp.application.access_ports import Session
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described
from dpp.entrypoints.http.people.serving import TAGS, AnyRequest, Provide

SessionId = Annotated[UUID, PathParameter(description="Of the session, as the list tells")]


class SessionShown(Struct, frozen=True, kw_only=True):
    """A sign-in that is open; ``is_this`` marks the one that asks."""

    session_id: UUID
    signed_in_by: str
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime
    is_this: bool


class Ended(Struct, frozen=True, kw_only=True):
    """How many sessions were ended."""

    sessions: int


class SessionsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of one's open sessions, the one used last first."""

    status: Literal["ok"]
    data: list[SessionShown]


class EndedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the number of sessions that were ended."""

    status: Literal["ok"]
    data: Ended


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``serving`` gives what they need once the platform has started."""
    opt = {"permission": Permission.METRICS_READ}
    ended = {200: ResponseSpec(data_container=EndedAnswer, description="How many", generate_examples=False)}

    @get("/sessions", opt=opt, tags=TAGS, responses={200: described(SessionsAnswer)})
    async def sessions(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List one's own open sessions; takes a person, not a key."""
        to = serving()
        this = await to.own_session(request, principal)
        return answer([shown(one, this) for one in await to.signin.sessions_of(principal.id)])

    @delete("/sessions/{session_id:uuid}", opt=opt, tags=TAGS, status_code=200, responses=ended)
    async def end(request: AnyRequest, principal: NamedDependency[Principal], session_id: SessionId) -> Response[Any]:
        """End one of one's own sessions."""
        to = serving()
        await to.own_session(request, principal)
        await to.signin.end_session(principal.id, session_id)
        return answer(Ended(sessions=1))

    @delete("/sessions", opt=opt, tags=TAGS, status_code=200, responses=ended)
    async def end_others(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """End all of one's own sessions but the one that asks."""
        to = serving()
        this = await to.own_session(request, principal)
        return answer(Ended(sessions=await to.signin.end_other_sessions(principal.id, but=this.session_id)))

    return [sessions, end, end_others]


def shown(session: Session, this: Session) -> SessionShown:
    """Return what a person may know of a session of theirs."""
    return SessionShown(
        session_id=session.session_id,
        signed_in_by={"oidc": "identity provider", "database": "password"}.get(session.auth_method, "other"),
        created_at=session.created_at,
        last_activity_at=session.last_activity_at,
        expires_at=session.expires_at,
        is_this=session.session_id == this.session_id,
    )
