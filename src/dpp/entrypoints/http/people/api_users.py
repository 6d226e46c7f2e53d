"""Users and their roles over HTTP (§3.3, §7.1.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct

from dpp.application.access_ports import GivenGrant, User
from dpp.application.password_links import PasswordLink
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import NotFound
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described
from dpp.entrypoints.http.people.naming import RoleGiven, RoleShown, grant_of, role_shown
from dpp.entrypoints.http.people.serving import TAGS, Provide, Serving, changing, check_whole, person

SET_PASSWORD = "/set-password"  # noqa: S105 - an address
UserId = Annotated[UUID, PathParameter(description="Of the user, as the list tells")]
Email = Annotated[str, Meta(min_length=3, max_length=320)]
Roles = Annotated[list[RoleGiven], Meta(min_length=1, max_length=200)]


class UserShown(Struct, frozen=True, kw_only=True):
    """A person who may sign in, or, when not active, may no longer."""

    user_id: UUID
    email: str
    display_name: str
    is_active: bool
    has_password: bool
    last_login_at: datetime | None
    roles: list[RoleShown]


class NewUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who is to sign in with a password."""

    email: Email
    roles: Roles
    display_name: Annotated[str, Meta(max_length=200)] | None = None


class NewRoles(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All roles that a user is to have from now on."""

    roles: Roles


class LinkShown(Struct, frozen=True, kw_only=True):
    """The address, on this platform, at which a user sets a password: once, until it expires."""

    user_id: UUID
    path: str
    expires_at: datetime


class SessionsEnded(Struct, frozen=True, kw_only=True):
    """How many sessions of a user were open until now."""

    user_id: UUID
    sessions: int


class UsersAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of all users, in the order of their addresses."""

    status: Literal["ok"]
    data: list[UserShown]


class UserAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a user."""

    status: Literal["ok"]
    data: UserShown


class LinkAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a link."""

    status: Literal["ok"]
    data: LinkShown


class SessionsEndedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the number of sessions that were ended."""

    status: Literal["ok"]
    data: SessionsEnded


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``serving`` gives what they need once the platform has started."""

    @get(
        "/admin/users",
        opt={"permission": Permission.ADMIN_READ},
        tags=TAGS,
        responses={200: described(UsersAnswer)},
    )
    async def users(principal: NamedDependency[Principal]) -> Response[Any]:
        """List everybody who may or might sign in, with their roles."""
        check_whole(principal)
        to = serving()
        return answer([user_shown(user, given, to) for user, given in await to.users.all()])

    @post("/admin/users", **changing(201, UserAnswer, "The user"))
    async def add(principal: NamedDependency[Principal], data: JSONBody[NewUser]) -> Response[Any]:
        """Add a person, who sets a password by the link of `POST /admin/users/{user_id}/password-link`."""
        to = serving()
        to.check_passwords()
        return answer(await added(to, principal, data), status=201)

    @put("/admin/users/{user_id:uuid}/roles", **changing(200, UserAnswer, "The user"))
    async def roles(principal: NamedDependency[Principal], user_id: UserId, data: JSONBody[NewRoles]) -> Response[Any]:
        """Replace a user's roles; they count from the user's next request."""
        to = serving()
        await give(to, principal, user_id, data.roles)
        return answer(await shown(to, user_id))

    @post("/admin/users/{user_id:uuid}/disable", **changing(200, UserAnswer, "The user"))
    async def disable(principal: NamedDependency[Principal], user_id: UserId) -> Response[Any]:
        """Keep a user out: every session of theirs is over at once."""
        return answer(await switched(serving(), principal, user_id, is_active=False))

    @post("/admin/users/{user_id:uuid}/enable", **changing(200, UserAnswer, "The user"))
    async def enable(principal: NamedDependency[Principal], user_id: UserId) -> Response[Any]:
        """Let a user in again; old sessions stay over."""
        return answer(await switched(serving(), principal, user_id, is_active=True))

    @post("/admin/users/{user_id:uuid}/sign-out", **changing(200, SessionsEndedAnswer, "How many were ended"))
    async def sign_out(principal: NamedDependency[Principal], user_id: UserId) -> Response[Any]:
        """End every session of a user."""
        to = serving()
        check_whole(principal)
        ended = await to.users.sign_out(user_id, actor=principal.actor)
        return answer(SessionsEnded(user_id=user_id, sessions=ended))

    @post("/admin/users/{user_id:uuid}/password-link", **changing(201, LinkAnswer, "The link"))
    async def link(principal: NamedDependency[Principal], user_id: UserId) -> Response[Any]:
        """Make a link by which a user sets a password: once, within a day."""
        to = serving()
        made = await linked(to, principal, user_id)
        return answer(LinkShown(user_id=user_id, path=path_of(made), expires_at=made.expires_at), status=201)

    return [users, add, roles, disable, enable, sign_out, link]


async def added(to: Serving, principal: Principal, new: NewUser) -> UserShown:
    """Add a user who has no password yet."""
    check_whole(principal)
    grants = [grant_of(given, to.configuration) for given in new.roles]
    await to.users.check_may_change(principal, grants=grants)
    user = await to.users.add(
        email=new.email,
        password=None,
        grants=grants,
        actor=principal.actor,
        display_name=new.display_name,
        granted_by=person(principal),
    )
    return await shown(to, user.user_id)


async def give(to: Serving, principal: Principal, user_id: UUID, roles: Sequence[RoleGiven]) -> None:
    """Replace a user's roles."""
    check_whole(principal)
    grants = [grant_of(given, to.configuration) for given in roles]
    await to.users.check_may_change(principal, user_id, grants=grants)
    await to.users.set_grants(user_id, grants, actor=principal.actor, granted_by=person(principal))


async def switched(to: Serving, principal: Principal, user_id: UUID, *, is_active: bool) -> UserShown:
    """Let a user in, or keep them out."""
    check_whole(principal)
    await to.users.check_may_change(principal, user_id)
    await to.users.set_active(user_id, is_active=is_active, actor=principal.actor)
    return await shown(to, user_id)


async def linked(to: Serving, principal: Principal, user_id: UUID) -> PasswordLink:
    """Make a link for a user, and put that on record."""
    check_whole(principal)
    to.check_passwords()
    await to.users.check_may_change(principal, user_id)
    made = await to.links.make(user_id)
    await to.users.note(user_id, "user.password_link_made", actor=principal.actor)
    return made


def path_of(link: PasswordLink) -> str:
    """Return where a link leads, on this platform."""
    return f"{SET_PASSWORD}?token={link.token}"


async def shown(to: Serving, user_id: UUID) -> UserShown:
    """Return a user as the list shows them.

    Raises:
        NotFound: there is no such user.
    """
    for user, given in await to.users.all():
        if user.user_id == user_id:
            return user_shown(user, given, to)
    raise NotFound("There is no user with that id")


def user_shown(user: User, given: Sequence[GivenGrant], to: Serving) -> UserShown:
    """Return what an administrator may know of a user."""
    return UserShown(
        user_id=user.user_id,
        email=user.email,
        display_name=user.display_name,
        is_active=user.is_active,
        has_password=user.password_hash is not None,
        last_login_at=user.last_login_at,
        roles=[role_shown(one, to.configuration) for one in given],
    )
