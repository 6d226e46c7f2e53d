"""The page of the connections to GitHub and Jira (§5.2, §5.3, §7.1.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.administration import InvalidChange
from dpp.application.configuration_edits import ReplaceTable, RevisionConflict
from dpp.application.connections import ConnectedSource, ConnectionBusy, Examined, NotConnected
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import NotFound
from dpp.entrypoints.http.administration import filling, forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Provide
from dpp.entrypoints.http.administration.filling import FieldOf
from dpp.entrypoints.http.administration.pages_platform import OVERTAKEN

PATH = "/admin/connections"
FIELDS: Mapping[ConnectedSource, tuple[FieldOf, ...]] = {
    ConnectedSource.GITHUB: (FieldOf(key="api_url"), FieldOf(key="app_id")),
    ConnectedSource.JIRA: (FieldOf(key="base_url"), FieldOf(key="user")),
}

AnyRequest = Request[Any, Any, Any]


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return administering().framing

    @get(PATH, **frame.reading(framing, Permission.ADMIN_READ))
    async def connections(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show both connections."""
        return await _page(request, principal, administering())

    @post(f"{PATH}/{{name:str}}", **frame.writing(framing, Permission.ADMIN_WRITE))
    async def change(request: AnyRequest, principal: NamedDependency[Principal], name: FromPath[str]) -> Response[Any]:
        """Change one of them, or show what was typed with what to mend."""
        to, given, source = administering(), await forms.typed(request), _named(name)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _page(request, principal, to, about=source, given=expired, status=403)
        values = filling.values_of(given, FIELDS[source])
        edit = ReplaceTable(section=source.value, values=values, revision=given.value("revision"))
        try:
            await to.change(principal, edit)
        except RevisionConflict:
            wrong = given.with_problems({}, [OVERTAKEN])
            return await _page(request, principal, to, about=source, given=wrong, status=409)
        except InvalidChange as error:
            wrong = filling.told(given, error.problems, fields=[one.key for one in FIELDS[source]])
            return await _page(request, principal, to, about=source, given=wrong, status=422)
        return frame.gone_on(PATH, done=f"{source}-saved")

    @post(f"{PATH}/{{name:str}}/test", **frame.writing(framing, Permission.ADMIN_WRITE))
    async def test(request: AnyRequest, principal: NamedDependency[Principal], name: FromPath[str]) -> Response[Any]:
        """Ask a source whether it answers, and show what it said."""
        to, given, source = administering(), await forms.typed(request), _named(name)
        to.check_whole(principal)
        if not frame.is_ours(request, given, to.framing):
            expired = forms.Typed(general=(forms.EXPIRED,))
            return await _page(request, principal, to, about=source, given=expired, status=403)
        try:
            found = await to.connections.examine(principal, source)
        except (NotConnected, ConnectionBusy) as error:
            found = [Examined("the connection", False, str(error))]
        return await _page(request, principal, to, about=source, examined=found)

    return [connections, change, test]


def _named(name: str) -> ConnectedSource:
    if name not in {*ConnectedSource}:
        raise NotFound(f"There is no source {name!r}")
    return ConnectedSource(name)


async def _page(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    *,
    about: ConnectedSource | None = None,
    given: forms.Typed | None = None,
    examined: Sequence[Examined] = (),
    status: int = 200,
) -> Response[Any]:
    """Show the page; ``about`` says which of the two ``given`` and ``examined`` belong to."""
    looking = await to.whole(principal)
    configuration = looking.configuration
    states = {state.source: state for state in await to.backfill.states()}
    shown = {}
    for source in ConnectedSource:
        # A file leaves out what is as without it.
        table = dict(looking.document.get(source.value, {}))
        if source is ConnectedSource.GITHUB:
            table.setdefault("api_url", configuration.github.api_url)
        typed = given if about is source and given is not None else None
        revision = looking.revision_of_section(source.value)
        shown[source.value] = {
            "filled": typed or filling.filled(table),
            "revision": typed.value("revision") if typed and status != 409 else revision,
            "now": table if typed and status == 409 else None,
            "secrets": to.connections.secrets_of(source),
            "state": states.get(source.value),
            "examined": examined if about is source else (),
        }
    context = {
        "path": PATH,
        "shown": shown,
        "tech_streams": [row for row in configuration.tech_streams if row.is_active],
        "projects": configuration.jira_projects,
        "is_admin": looking.authority.is_admin,
        "is_connected": {"github": bool(configuration.github.app_id), "jira": bool(configuration.jira.base_url)},
    }
    return frame.page(request, principal, to.framing, "admin/connections.html", context, status=status)
