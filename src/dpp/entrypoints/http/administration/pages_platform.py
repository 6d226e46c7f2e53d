"""Pages of the platform as a whole: its calendar and safeguards, and the configuration as a file (§7.1.3)."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from dpp.application.administration import InvalidChange
from dpp.application.configuration_edits import ReplaceTable, RevisionConflict
from dpp.application.configure import Applied, InvalidConfiguration
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import Conflict
from dpp.entrypoints.http.administration import filling, forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Provide
from dpp.entrypoints.http.administration.filling import FieldOf, Kind

PLATFORM = "/admin/platform"
FILE = "/admin/configuration"
SETTINGS = tuple(
    FieldOf(key=key, kind=Kind.NUMBER)
    for key in ("window_days", "minimum_contributors", "correlation_window_minutes", "survey_last_day")
)
OVERTAKEN = (
    "Somebody else has changed these settings since you opened the page. What you typed is still here, and what is "
    "there now stands below; saving again replaces it."
)
FASTER = (
    "Somebody else changed the configuration in the same moment. Nothing was overwritten; please send it once more."
)

AnyRequest = Request[Any, Any, Any]


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return administering().framing

    @get(PLATFORM, **frame.reading(framing, Permission.ADMIN_READ))
    async def platform(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show the calendar and what holds for every stream."""
        return await _platform(request, principal, administering())

    @post(PLATFORM, **frame.writing(framing, Permission.ADMIN_WRITE))
    async def change_platform(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Change them, or show what was typed with what to mend."""
        to, given = administering(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _platform(request, principal, to, given=expired, status=403)
        values = filling.values_of(given, SETTINGS) | filling.calendar_of(given)
        edit = ReplaceTable(section="platform", values=values, revision=given.value("revision"))
        try:
            await to.change(principal, edit)
        except RevisionConflict:
            wrong = given.with_problems({}, [OVERTAKEN])
            return await _platform(request, principal, to, given=wrong, status=409)
        except InvalidChange as error:
            names = (*(one.key for one in SETTINGS), *filling.CALENDAR)
            wrong = filling.told(given, error.problems, fields=names)
            return await _platform(request, principal, to, given=wrong, status=422)
        return frame.gone_on(PLATFORM, done="saved")

    @get(FILE, **frame.reading(framing, Permission.ADMIN_READ))
    async def file(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show the configuration as a file, for looking at it and for changing it as a whole."""
        return await _file(request, principal, administering())

    @get(f"{FILE}/dpp.toml", **frame.reading(framing, Permission.ADMIN_READ))
    async def download(principal: NamedDependency[Principal]) -> Response[str]:
        """Send the configuration as a file that ``dpp config apply`` takes."""
        to = administering()
        text = to.administration.text((await to.whole(principal)).configuration)
        headers = {"content-disposition": 'attachment; filename="dpp.toml"', **frame.NO_STORE}
        return Response(text, media_type=MediaType.TEXT, headers=headers)

    @post(FILE, **frame.writing(framing, Permission.ADMIN_WRITE))
    async def apply(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Say what a file would change, or apply it."""
        to, given = administering(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _file(request, principal, to, given=expired, status=403)
        is_trial = given.value("do") != "apply"
        try:
            applied = await to.apply(principal, given.value("text"), dry_run=is_trial)
        except InvalidConfiguration as error:
            wrong = given.with_problems({}, map(str, error.problems))
            return await _file(request, principal, to, given=wrong, status=422)
        except Conflict:
            wrong = given.with_problems({}, [FASTER])
            return await _file(request, principal, to, given=wrong, status=409)
        return await _file(request, principal, to, given=given, applied=applied, is_trial=is_trial)

    return [platform, change_platform, file, download, apply]


async def _platform(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    looking = await to.whole(principal)
    table = looking.document["platform"]
    revision = looking.revision_of_section("platform")
    configuration = looking.configuration
    context = {
        "path": PLATFORM,
        "revision": given.value("revision") if given and status != 409 else revision,
        "filled": given or filling.filled(table, calendar=table),
        "now": table if status == 409 else None,
        "is_admin": looking.authority.is_admin,
        "own_calendars": [row for row in configuration.delivery_streams if row.calendar is not None],
    }
    return frame.page(request, principal, to.framing, "admin/platform.html", context, status=status)


async def _file(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    *,
    given: forms.Typed | None = None,
    applied: Applied | None = None,
    is_trial: bool = True,
    status: int = 200,
) -> Response[Any]:
    looking = await to.whole(principal)
    text = to.administration.text(looking.configuration)
    shown = given if given and (status != 200 or is_trial) else forms.Typed(values={"text": text})
    context = {
        "path": FILE,
        "version": looking.configuration.version,
        "filled": shown,
        "applied": applied,
        "is_trial": is_trial,
        "is_admin": looking.authority.is_admin,
    }
    return frame.page(request, principal, to.framing, "admin/configuration.html", context, status=status)
