"""The page of API keys (§3.2.3, §7.1.3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.keys import NewKey
from dpp.domain.access import KEY_PERMISSIONS, Permission, Principal
from dpp.domain.errors import Forbidden, InvalidInput, NotFound
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.people import api_keys
from dpp.entrypoints.http.people.serving import AnyRequest, Provide, Serving, check_whole

KEYS = "/admin/keys"
LONGEST_DAYS = 3650


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``serving`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return serving().framing

    @get(KEYS, **frame.reading(framing, Permission.ADMIN_READ))
    async def keys(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List the keys."""
        return await _list(request, principal, serving())

    @post(KEYS, **frame.writing(framing, Permission.ADMIN_WRITE))
    async def make(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Make a key and show it, this once."""
        to, given = serving(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            return await _list(request, principal, to, given=given.with_problems({}, [forms.EXPIRED]), status=403)
        try:
            made = await api_keys.made(to, principal, _asked(given))
        except (InvalidInput, NotFound, Forbidden) as error:
            return await _list(request, principal, to, given=_mended(given, error), status=422)
        return await _list(request, principal, to, made=made)

    @post(f"{KEYS}/{{key_id:uuid}}", **frame.writing(framing, Permission.ADMIN_WRITE))
    async def change(
        request: AnyRequest, principal: NamedDependency[Principal], key_id: FromPath[UUID]
    ) -> Response[Any]:
        """Replace a key with an overlap, or switch it off."""
        to, given = serving(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            return await _list(request, principal, to, given=given.with_problems({}, [forms.EXPIRED]), status=403)
        try:
            if given.value("do") == "rotate":
                made = await api_keys.rotated(to, principal, key_id, api_keys.Rotation().overlap_days)
                return await _list(request, principal, to, made=made)
            check_whole(principal)
            await to.keys.deactivate(key_id, actor=principal.actor)
        except (InvalidInput, Forbidden) as error:
            return await _list(request, principal, to, given=_mended(given, error), status=422)
        return frame.gone_on(KEYS, done="ended")

    return [keys, make, change]


def _asked(given: forms.Typed) -> api_keys.NewKeyAsked:
    days = given.number("expires_in_days")
    if isinstance(days, str) or (days is not None and not 1 <= days <= LONGEST_DAYS):
        raise InvalidInput(f"Give a number of days from 1 to {LONGEST_DAYS}, or none", field="expires_in_days")
    return api_keys.NewKeyAsked(
        name=given.value("name"),
        permissions=[one for one in sorted(KEY_PERMISSIONS) if one in given.column("permission")],  # type: ignore[misc]
        delivery_streams=[name for name in given.column("delivery_stream") if name],
        tech_streams=[name for name in given.column("tech_stream") if name],
        expires_in_days=days,
    )


def _mended(given: forms.Typed, error: Exception) -> forms.Typed:
    field = getattr(error, "field", None)
    known = {"name", "permission", "expires_in_days"}
    return given.with_problems({field: str(error)}) if field in known else given.with_problems({}, [str(error)])


async def _list(
    request: AnyRequest,
    principal: Principal,
    to: Serving,
    *,
    given: forms.Typed | None = None,
    made: NewKey | None = None,
    status: int = 200,
) -> Response[Any]:
    check_whole(principal)
    configuration = to.configuration
    context = {
        "path": KEYS,
        "rows": [api_keys.key_shown(row, to) for row in await to.keys.all()],
        "made": made,
        "permissions": sorted(KEY_PERMISSIONS),
        "delivery_streams": [(row.name, row.display_name) for row in configuration.delivery_streams],
        "tech_streams": [(row.name, row.display_name) for row in configuration.tech_streams],
        "overlap": api_keys.Rotation().overlap_days,
        "filled": given or forms.Typed(),
    }
    return frame.page(request, principal, to.framing, "admin/keys.html", context, status=status)
