"""API keys over HTTP (§3.2.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct

from dpp.application.access_ports import KeyRecord
from dpp.application.keys import NewKey, is_good
from dpp.application.scopes import named_scope
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described
from dpp.entrypoints.http.people.naming import scope_names
from dpp.entrypoints.http.people.serving import TAGS, Provide, Serving, changing, check_whole, person

KeyId = Annotated[UUID, PathParameter(description="Of the key, as the list tells")]
PermissionName = Literal["events:write", "metrics:read", "admin:read", "admin:write"]
Days = Annotated[int, Meta(ge=1, le=3650)]
Overlap = Annotated[int, Meta(ge=0, le=90)]
Names = Annotated[list[str], Meta(max_length=200)]


class KeyShown(Struct, frozen=True, kw_only=True):
    """A key, without its secret; no streams stand for all of them."""

    key_id: UUID
    name: str
    permissions: list[str]
    delivery_streams: list[str]
    tech_streams: list[str]
    is_good: bool
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class NewKeyAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make; without streams for all of them, without days for ever."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
    permissions: Annotated[list[PermissionName], Meta(min_length=1, max_length=4)]
    delivery_streams: Names = []
    tech_streams: Names = []
    expires_in_days: Days | None = None


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days the old key goes on beside the new one."""

    overlap_days: Overlap = 7


class KeyMade(Struct, frozen=True, kw_only=True):
    """A key that was just made; ``key`` is shown here and never again."""

    key_id: UUID
    key: str
    expires_at: datetime | None


class KeyEnded(Struct, frozen=True, kw_only=True):
    """A key that is good no more."""

    key_id: UUID


class KeysAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of all keys, oldest first."""

    status: Literal["ok"]
    data: list[KeyShown]


class KeyMadeAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a new key."""

    status: Literal["ok"]
    data: KeyMade


class KeyEndedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a key that was switched off."""

    status: Literal["ok"]
    data: KeyEnded


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``serving`` gives what they need once the platform has started."""

    @get(
        "/admin/keys",
        opt={"permission": Permission.ADMIN_READ},
        tags=TAGS,
        responses={200: described(KeysAnswer)},
    )
    async def keys(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the API keys, those that are over included."""
        check_whole(principal)
        to = serving()
        return answer([key_shown(row, to) for row in await to.keys.all()])

    @post("/admin/keys", **changing(201, KeyMadeAnswer, "The key, this once"))
    async def make(principal: NamedDependency[Principal], data: JSONBody[NewKeyAsked]) -> Response[Any]:
        """Make a key; it can do no more than whoever makes it."""
        return answer(_made(await made(serving(), principal, data)), status=201)

    @post("/admin/keys/{key_id:uuid}/rotate", **changing(201, KeyMadeAnswer, "The new key, this once"))
    async def rotate(principal: NamedDependency[Principal], key_id: KeyId, data: JSONBody[Rotation]) -> Response[Any]:
        """Make a key in place of another one, which goes on for some days."""
        return answer(_made(await rotated(serving(), principal, key_id, data.overlap_days)), status=201)

    @delete("/admin/keys/{key_id:uuid}", **changing(200, KeyEndedAnswer, "The key that is over"))
    async def end(principal: NamedDependency[Principal], key_id: KeyId) -> Response[Any]:
        """Switch a key off; every process knows within seconds."""
        check_whole(principal)
        await serving().keys.deactivate(key_id, actor=principal.actor)
        return answer(KeyEnded(key_id=key_id))

    return [keys, make, rotate, end]


async def made(to: Serving, principal: Principal, asked: NewKeyAsked) -> NewKey:
    """Make a key."""
    check_whole(principal)
    scope = named_scope(to.configuration, delivery_streams=asked.delivery_streams, tech_streams=asked.tech_streams)
    return await to.keys.create(
        name=asked.name,
        permissions=asked.permissions,
        scope=scope,
        actor=principal.actor,
        created_by=person(principal),
        expires_after=None if asked.expires_in_days is None else timedelta(days=asked.expires_in_days),
        within=principal,
    )


async def rotated(to: Serving, principal: Principal, key_id: UUID, overlap_days: int) -> NewKey:
    """Make a key in place of another one."""
    check_whole(principal)
    return await to.keys.rotate(
        key_id,
        overlap=timedelta(days=overlap_days),
        actor=principal.actor,
        created_by=person(principal),
        within=principal,
    )


def key_shown(row: KeyRecord, to: Serving) -> KeyShown:
    """Return what an administrator may know of a key."""
    delivery, tech = scope_names(row.scope, to.configuration)
    return KeyShown(
        key_id=row.key_id,
        name=row.display_name,
        permissions=sorted(row.permissions),
        delivery_streams=list(delivery),
        tech_streams=list(tech),
        is_good=is_good(row, to.clock.now()),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )


def _made(key: NewKey) -> KeyMade:
    return KeyMade(key_id=key.key_id, key=key.key, expires_at=key.expires_at)
