"""Changing one's own password: over HTTP, and on a page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from dpp.application.own_password import change_own_password
from dpp.application.signin import NewSession
from dpp.application.throttle import TooManyAttempts
from dpp.application.users import MAX_PASSWORD, MIN_PASSWORD
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.auth import COOKIE
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.people.page_sessions import SESSIONS
from dpp.entrypoints.http.people.serving import AnyRequest, Provide, Serving, changing

PAGE = f"{SESSIONS}/password"
DIFFERENT = "The two are not the same; type the new password twice"


class ChangedPassword(Struct, frozen=True, kw_only=True):
    """The password as it is now, and the one that is to take its place."""

    current: Annotated[str, Meta(max_length=MAX_PASSWORD)]
    password: Annotated[str, Meta(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]


class SessionBegun(Struct, frozen=True, kw_only=True):
    """When the new session, whose cookie comes with the answer, ends at the latest."""

    expires_at: datetime


class SessionBegunAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a new session."""

    status: Literal["ok"]
    data: SessionBegun


def api(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the route of the API; ``serving`` gives what it needs once the platform has started."""

    settings = changing(200, SessionBegunAnswer, "Changed", permission=Permission.METRICS_READ)

    @put("/password", **settings)
    async def change(
        request: AnyRequest, principal: NamedDependency[Principal], data: JSONBody[ChangedPassword]
    ) -> Response[Any]:
        """Change one's own password; takes a person, not a key. Every session ends, and a new one begins here."""
        to = serving()
        session = await _change(request, principal, to, current=data.current, new=data.password)
        changed = answer(SessionBegun(expires_at=session.expires_at))
        changed.set_cookie(to.framing.gate.cookies.write(request, COOKIE, session.token))
        return changed

    return [change]


def page(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes of the page; ``serving`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return serving().framing

    @get(PAGE, **frame.reading(framing, Permission.METRICS_READ))
    async def form(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show the form."""
        to = serving()
        await to.own_session(request, principal)
        to.check_passwords()
        return await _form(request, principal, to)

    @post(PAGE, **frame.writing(framing, Permission.METRICS_READ))
    async def change(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Change the password and go on to the sessions, of which one is left."""
        to, given = serving(), await forms.typed(request)
        await to.own_session(request, principal)
        if not frame.is_ours(request, given, to.framing):
            return await _form(request, principal, to, general=forms.EXPIRED, status=403)
        new = given.value("password")
        try:
            if new != given.value("again"):
                raise InvalidInput(DIFFERENT, field="again")
            session = await _change(request, principal, to, current=given.value("current"), new=new)
        except TooManyAttempts as error:
            return await _form(request, principal, to, general=str(error), status=429, retry_after=error.retry_after)
        except InvalidInput as error:
            return await _form(request, principal, to, problems={error.field or "password": str(error)}, status=422)
        gone = frame.gone_on(SESSIONS, done="password")
        gone.set_cookie(to.framing.gate.cookies.write(request, COOKIE, session.token))
        return gone

    return [form, change]


async def _change(request: AnyRequest, principal: Principal, to: Serving, *, current: str, new: str) -> NewSession:
    await to.own_session(request, principal)
    to.check_passwords()
    return await change_own_password(
        principal.id,
        current=current,
        new=new,
        address=to.framing.gate.address(request),
        signin=to.signin,
        users=to.users,
    )


async def _form(
    request: AnyRequest,
    principal: Principal,
    to: Serving,
    *,
    problems: dict[str, str] | None = None,
    general: str | None = None,
    status: int = 200,
    retry_after: int | None = None,
) -> Response[Any]:
    # Nothing that was typed comes back: it is all passwords.
    filled = forms.Typed(problems=problems or {}, general=(general,) if general else ())
    user = await to.users.user(principal.id)
    context = {
        "path": PAGE,
        "filled": filled,
        "user_name": user.email,
        "shortest": MIN_PASSWORD,
        "longest": MAX_PASSWORD,
    }
    shown = frame.page(request, principal, to.framing, "admin/own_password.html", context, status=status)
    if retry_after is not None:
        shown.headers["retry-after"] = str(retry_after)
    return shown
