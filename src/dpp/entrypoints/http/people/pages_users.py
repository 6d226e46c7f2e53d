"""Pages of users and their roles (§7.1.3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.domain.access import Permission, Principal, Role
from dpp.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.people import api_users
from dpp.entrypoints.http.people.naming import RoleGiven
from dpp.entrypoints.http.people.serving import AnyRequest, Provide, Serving, check_whole

USERS = "/admin/users"
#: Empty rows of the form, for roles that are new.
SPARE = 2
ROLES = tuple((role.value, role.value.replace("_", " ").capitalize()) for role in Role)
SELF = "You cannot do this to yourself; ask another administrator."


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``serving`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return serving().framing

    @get(USERS, **frame.reading(framing, Permission.ADMIN_READ))
    async def users(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List everybody who may or might sign in."""
        return await _list(request, principal, serving())

    @post(USERS, **frame.writing(framing, Permission.ADMIN_WRITE))
    async def add(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Add somebody, or show what was typed with what to mend."""
        to, given = serving(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            return await _list(request, principal, to, given=given.with_problems({}, [forms.EXPIRED]), status=403)
        try:
            to.check_passwords()
            new = api_users.NewUser(
                email=given.value("email"), roles=[_role(given)], display_name=given.text("display_name")
            )
            user = await api_users.added(to, principal, new)
        except (InvalidInput, NotFound, Conflict, Forbidden) as error:
            return await _list(request, principal, to, given=_mended(given, error), status=422)
        return frame.gone_on(f"{USERS}/{user.user_id}", done="added")

    @get(f"{USERS}/{{user_id:uuid}}", **frame.reading(framing, Permission.ADMIN_READ))
    async def user(
        request: AnyRequest, principal: NamedDependency[Principal], user_id: FromPath[UUID]
    ) -> Response[Any]:
        """Show a user with what may be done."""
        return await _one(request, principal, serving(), user_id)

    @post(f"{USERS}/{{user_id:uuid}}", **frame.writing(framing, Permission.ADMIN_WRITE))
    async def change(
        request: AnyRequest, principal: NamedDependency[Principal], user_id: FromPath[UUID]
    ) -> Response[Any]:
        """Do what the form says: give roles, let in, keep out, sign out, or make a link for a password."""
        to, given = serving(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _one(request, principal, to, user_id, given=expired, status=403)
        try:
            return await _done(request, principal, to, user_id, given)
        except (InvalidInput, Conflict, Forbidden) as error:
            return await _one(request, principal, to, user_id, given=_mended(given, error), status=422)

    return [users, add, user, change]


async def _done(
    request: AnyRequest, principal: Principal, to: Serving, user_id: UUID, given: forms.Typed
) -> Response[Any]:
    what = given.value("do")
    if what in ("disable", "roles") and user_id == principal.id:
        raise Forbidden(SELF)
    if what == "roles":
        await api_users.give(to, principal, user_id, _roles(given))
    elif what in ("enable", "disable"):
        await api_users.switched(to, principal, user_id, is_active=what == "enable")
    elif what == "sign-out":
        check_whole(principal)
        await to.users.sign_out(user_id, actor=principal.actor)
    elif what == "link":
        link = await api_users.linked(to, principal, user_id)
        return await _one(request, principal, to, user_id, link=f"{_origin(request, to)}{api_users.path_of(link)}")
    else:
        raise InvalidInput("The form does not say what to do; use one of its buttons", field="do")
    return frame.gone_on(f"{USERS}/{user_id}", done=what)


def _origin(request: AnyRequest, to: Serving) -> str:
    return (to.framing.public_url or str(request.base_url)).rstrip("/")


def _role(given: forms.Typed) -> RoleGiven:
    return RoleGiven(
        role=Role(given.value("role")).value if given.value("role") in set(Role) else Role.VIEWER.value,
        delivery_stream=given.text("delivery_stream"),
        tech_stream=given.text("tech_stream"),
    )


def _roles(given: forms.Typed) -> list[RoleGiven]:
    rows = zip(given.column("role"), given.column("delivery_stream"), given.column("tech_stream"), strict=False)
    wanted = [
        RoleGiven(role=Role(role).value, delivery_stream=delivery or None, tech_stream=tech or None)
        for role, delivery, tech in rows
        if role in set(Role)
    ]
    if not wanted:
        raise InvalidInput("A user needs a role; to keep somebody out, disable the account", field="role")
    return wanted


def _mended(given: forms.Typed, error: Exception) -> forms.Typed:
    field = getattr(error, "field", None)
    known = {"email", "role", "display_name"}
    return given.with_problems({field: str(error)}) if field in known else given.with_problems({}, [str(error)])


def _choices(to: Serving) -> dict[str, Any]:
    configuration = to.configuration
    every = ("", "all")
    return {
        "roles": ROLES,
        "delivery_streams": [every, *((row.name, row.display_name) for row in configuration.delivery_streams)],
        "tech_streams": [every, *((row.name, row.display_name) for row in configuration.tech_streams)],
        "has_passwords": to.has_passwords,
        "path": USERS,
    }


async def _list(
    request: AnyRequest, principal: Principal, to: Serving, *, given: forms.Typed | None = None, status: int = 200
) -> Response[Any]:
    check_whole(principal)
    rows = [api_users.user_shown(user, held, to) for user, held in await to.users.all()]
    context = {**_choices(to), "rows": rows, "filled": given or forms.Typed()}
    return frame.page(request, principal, to.framing, "admin/users.html", context, status=status)


async def _one(
    request: AnyRequest,
    principal: Principal,
    to: Serving,
    user_id: UUID,
    *,
    given: forms.Typed | None = None,
    link: str | None = None,
    status: int = 200,
) -> Response[Any]:
    check_whole(principal)
    user = await api_users.shown(to, user_id)
    context = {
        **_choices(to),
        "user": user,
        "spare": SPARE,
        "link": link,
        "is_self": user_id == principal.id,
        "filled": given or forms.Typed(),
    }
    return frame.page(request, principal, to.framing, "admin/user.html", context, status=status)
