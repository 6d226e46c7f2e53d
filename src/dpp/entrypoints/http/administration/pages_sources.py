"""Pages of repositories and Jira projects: as they were found, and what people say of them (§4.2.4, §5.2.4)."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.administration import InvalidChange
from dpp.application.administration_reader import still_unmapped
from dpp.application.configuration_authority import OF_REPOSITORIES
from dpp.application.configuration_edits import Add, Change, RevisionConflict, Taken, missing, position_of
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import JiraFields, folded
from dpp.domain.errors import NotFound
from dpp.entrypoints.http.administration import api_sources, filling, forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Provide
from dpp.entrypoints.http.administration.filling import FieldOf, Kind

REPOSITORIES, PROJECTS = "/admin/repositories", "/admin/jira-projects"
SOURCES = ("field", "project", "label", "component")
CUSTOM_FIELDS = tuple(one.name for one in fields(JiraFields))
OF_PROJECT = (
    FieldOf(key="delivery_stream"),
    FieldOf(key="cancelled_resolutions", kind=Kind.LINES),
    FieldOf(key="delivery_stream_from", kind=Kind.LINES),
)
OVERTAKEN = (
    "Somebody else has changed this since you opened the page. What you typed is still here, and what is there now "
    "stands below; saving again replaces it."
)
#: What people say of whether a repository is deployed, by what is chosen.
DEPLOYABLE: dict[str, bool | None] = {"": None, "yes": True, "no": False}

AnyRequest = Request[Any, Any, Any]


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""
    return [*_repositories(administering), *_projects(administering)]


def _repositories(administering: Provide) -> list[HTTPRouteHandler]:
    def framing() -> frame.Framing:
        return administering().framing

    @get(REPOSITORIES, **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def repositories(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List the repositories."""
        to = administering()
        looking = await to.looking(principal)
        context = {
            "path": REPOSITORIES,
            "repositories": await api_sources.repository_rows(to, principal, looking),
            "is_admin": looking.authority.is_admin,
        }
        return frame.page(request, principal, to.framing, "admin/repositories.html", context)

    @get(f"{REPOSITORIES}/{{organisation:str}}/{{name:str}}", **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def repository(
        request: AnyRequest, principal: NamedDependency[Principal], organisation: FromPath[str], name: FromPath[str]
    ) -> Response[Any]:
        """Show a repository."""
        return await _repository(request, principal, administering(), f"{organisation}/{name}")

    @post(f"{REPOSITORIES}/{{organisation:str}}/{{name:str}}", **frame.writing(framing, Permission.STREAMS_MANAGE))
    async def change(
        request: AnyRequest, principal: NamedDependency[Principal], organisation: FromPath[str], name: FromPath[str]
    ) -> Response[Any]:
        """Say something of a repository, or show what was typed with what to mend."""
        to, given, full_name = administering(), await forms.typed(request), f"{organisation}/{name}"
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _repository(request, principal, to, full_name, given=expired, status=403)
        values = {
            "deploy_target": given.text("deploy_target"),
            "default_branch": given.text("default_branch"),
            "is_deployable": DEPLOYABLE.get(given.value("is_deployable")),
        }
        if not (await to.looking(principal)).authority.is_admin:
            values = {key: value for key, value in values.items() if key in OF_REPOSITORIES}
        try:
            await to.change(principal, api_sources.override(full_name, values, revision=given.value("revision")))
        except RevisionConflict:
            wrong = given.with_problems({}, [OVERTAKEN])
            return await _repository(request, principal, to, full_name, given=wrong, status=409)
        except InvalidChange as error:
            wrong = filling.told(given, error.problems, fields=values)
            return await _repository(request, principal, to, full_name, given=wrong, status=422)
        return frame.gone_on(f"{REPOSITORIES}/{full_name}", done="saved")

    return [repositories, repository, change]


async def _repository(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    full_name: str,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    looking = await to.looking(principal)
    rows = await api_sources.repository_rows(to, principal, looking)
    row = next((one for one in rows if folded(one.full_name) == folded(full_name)), None)
    if row is None:
        raise NotFound("There is no such repository")
    words = {value: name for name, value in DEPLOYABLE.items()}
    told = {
        "deploy_target": row.told.deploy_target or "",
        "default_branch": row.told.default_branch or "",
        "is_deployable": words[row.told.is_deployable],
    }
    context = {
        "path": REPOSITORIES,
        "repository": row,
        "revision": given.value("revision") if given and status != 409 else row.revision,
        "filled": given or forms.Typed(values=told),
        "now": told if status == 409 else None,
        "is_admin": looking.authority.is_admin,
    }
    return frame.page(request, principal, to.framing, "admin/repository.html", context, status=status)


def _projects(administering: Provide) -> list[HTTPRouteHandler]:
    def framing() -> frame.Framing:
        return administering().framing

    @get(PROJECTS, **frame.reading(framing, Permission.ADMIN_READ))
    async def projects(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List the Jira projects, described or only seen."""
        return await _project_list(request, principal, administering())

    @post(PROJECTS, **frame.writing(framing, Permission.ADMIN_WRITE))
    async def add(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Describe a project, or show what was typed with what to mend."""
        to, given = administering(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _project_list(request, principal, to, given=expired, status=403)
        key = given.value("key").strip().upper()
        try:
            await to.change(
                principal,
                Add(section="jira_projects", values={"key": key, "delivery_stream": given.text("delivery_stream")}),
            )
        except Taken as error:
            wrong = given.with_problems({"key": str(error)})
            return await _project_list(request, principal, to, given=wrong, status=409)
        except InvalidChange as error:
            wrong = filling.told(given, error.problems, fields=("key", "delivery_stream"))
            return await _project_list(request, principal, to, given=wrong, status=422)
        return frame.gone_on(f"{PROJECTS}/{key}", done="added")

    @get(f"{PROJECTS}/{{key:str}}", **frame.reading(framing, Permission.ADMIN_READ))
    async def project(request: AnyRequest, principal: NamedDependency[Principal], key: FromPath[str]) -> Response[Any]:
        """Show how a project is read."""
        return await _project(request, principal, administering(), key)

    @post(f"{PROJECTS}/{{key:str}}", **frame.writing(framing, Permission.ADMIN_WRITE))
    async def change(request: AnyRequest, principal: NamedDependency[Principal], key: FromPath[str]) -> Response[Any]:
        """Change how a project is read, or show what was typed with what to mend."""
        to, given = administering(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _project(request, principal, to, key, given=expired, status=403)
        values = filling.values_of(given, OF_PROJECT)
        custom = {name: given.text(f"field_{name}") for name in CUSTOM_FIELDS}
        values["fields"] = {name: value for name, value in custom.items() if value is not None}
        edit = Change(section="jira_projects", name=key, values=values, revision=given.value("revision"))
        try:
            await to.change(principal, edit)
        except RevisionConflict:
            wrong = given.with_problems({}, [OVERTAKEN])
            return await _project(request, principal, to, key, given=wrong, status=409)
        except InvalidChange as error:
            wrong = filling.told(given, error.problems, fields=[one.key for one in OF_PROJECT])
            return await _project(request, principal, to, key, given=wrong, status=422)
        return frame.gone_on(f"{PROJECTS}/{key}", done="saved")

    return [projects, add, project, change]


async def _project_list(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    looking = await to.whole(principal)
    waiting = still_unmapped(
        await to.reader.statuses_without_stage(to.view(principal)), configuration=looking.configuration
    )
    known = {row.key for row in looking.configuration.jira_projects}
    context = {
        "path": PROJECTS,
        "projects": api_sources.project_rows(looking),
        "unknown": sorted({row.project for row in waiting} - known),
        "streams": _stream_choices(looking.configuration.delivery_streams),
        "filled": given or forms.Typed(),
        "is_admin": looking.authority.is_admin,
    }
    return frame.page(request, principal, to.framing, "admin/jira_projects.html", context, status=status)


async def _project(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    key: str,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    looking = await to.whole(principal)
    index = position_of(looking.document, "jira_projects", key)
    if index is None:
        raise missing("jira_projects", key)
    table = looking.document["jira_projects"][index]
    custom = {f"field_{name}": value for name, value in table.get("fields", {}).items()}
    context = {
        "path": PROJECTS,
        "project": table,
        "custom_fields": CUSTOM_FIELDS,
        "sources": SOURCES,
        "streams": _stream_choices(looking.configuration.delivery_streams),
        "revision": given.value("revision") if given and status != 409 else looking.revision("jira_projects", index),
        "filled": given or filling.filled(table, **custom),
        "now": table if status == 409 else None,
        "is_admin": looking.authority.is_admin,
    }
    return frame.page(request, principal, to.framing, "admin/jira_project.html", context, status=status)


def _stream_choices(streams: Any) -> list[tuple[str, str]]:
    return [("", "None"), *((row.name, row.display_name) for row in streams if row.is_active)]
