"""Repositories and Jira projects over HTTP: as they were found, and what people say of them (§4.2.4, §5.2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter

from dpp.application.administration_reader import FoundRepository
from dpp.application.configuration_edits import Add, Change, revision_of, table_of
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import folded
from dpp.entrypoints.http.administration import api, bodies
from dpp.entrypoints.http.administration import bodies_rules as rules
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described

Organisation = Annotated[str, PathParameter(description="Of the repository", max_length=200)]
RepositoryName = Annotated[str, PathParameter(description="The repository's own", max_length=200)]
ProjectKey = Annotated[str, PathParameter(description="Key of the Jira project, such as PAY", max_length=40)]

_UNTOLD = ("deploy_target", "is_deployable", "default_branch")


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    @get("/admin/repositories", opt=api.READS, tags=api.TAGS, responses={200: described(rules.RepositoriesAnswer)})
    async def repositories(principal: NamedDependency[Principal]) -> Response[Any]:
        """List repositories: where each was found, what people say of it, and what holds."""
        to = administering()
        looking = await to.looking(principal)
        rows = await repository_rows(to, principal, looking)
        return answer(rows, meta=looking.meta)

    @patch("/admin/repositories/{organisation:str}/{name:str}", **api.changing(opt=api.WRITES))
    async def change_repository(
        principal: NamedDependency[Principal],
        organisation: Organisation,
        name: RepositoryName,
        if_match: bodies.IfMatch,
        data: JSONBody[rules.RepositoryChanges],
    ) -> Response[Any]:
        """Say of a repository what was not found, or not found right: where it deploys to, and whether it does.

        It need not be known yet. Whoever leads its technology stream may say whether it deploys, and its main branch.
        """
        edit = override(f"{organisation}/{name}", data.values(), revision=api.revision(if_match))
        return api.changed(principal, await administering().change(principal, edit))

    @get(
        "/admin/jira-projects",
        opt={"permission": Permission.ADMIN_READ},
        tags=api.TAGS,
        responses={200: described(rules.ProjectsAnswer)},
    )
    async def projects(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the Jira projects whose tickets are understood, and how."""
        looking = await administering().whole(principal)
        return answer(project_rows(looking), meta=looking.meta)

    @post("/admin/jira-projects", **api.changing(201))
    async def add_project(principal: NamedDependency[Principal], data: JSONBody[rules.NewProject]) -> Response[Any]:
        """Describe a Jira project; its tickets of the past are read by that as well."""
        edit = Add(section="jira_projects", values=data.values())
        return api.changed(principal, await administering().change(principal, edit), status=201)

    @patch("/admin/jira-projects/{key:str}", **api.changing())
    async def change_project(
        principal: NamedDependency[Principal],
        key: ProjectKey,
        if_match: bodies.IfMatch,
        data: JSONBody[rules.ProjectChanges],
    ) -> Response[Any]:
        """Change how tickets of a Jira project are read."""
        edit = Change(section="jira_projects", name=key, values=data.values(), revision=api.revision(if_match))
        return api.changed(principal, await administering().change(principal, edit))

    return [repositories, change_repository, projects, add_project, change_project]


def override(full_name: str, values: dict[str, Any], *, revision: str) -> Change:
    """Return the change that says something of a repository, known or not."""
    return Change(
        section="repositories",
        name=full_name,
        values=values,
        revision=revision,
        if_missing={"full_name": full_name},
    )


async def repository_rows(to: Administering, principal: Principal, looking: Looking) -> list[rules.RepositoryShown]:
    """Return the repositories that somebody manages: those that were found, and those that were only described."""
    found = await to.reader.repositories(to.view(principal))
    rows = [_found(row, looking) for row in found]
    known = {folded(name) for row in found for name in (row.full_name, *row.former_names)}
    return sorted([*rows, *_described(looking, known)], key=lambda row: folded(row.full_name))


def _described(looking: Looking, known: set[str]) -> Iterator[rules.RepositoryShown]:
    configuration = looking.configuration
    for row in configuration.repositories:
        stream = configuration.tech_stream_of(org=row.full_name.partition("/")[0])
        may_see = looking.authority.reads_all or (stream is not None and looking.authority.sees(stream))
        if folded(row.full_name) not in known and may_see:
            yield rules.RepositoryShown(
                repo_id=None,
                full_name=row.full_name,
                former_names=[],
                found_by="configuration",
                tech_stream=stream.name if stream else None,
                default_branch=row.default_branch,
                is_deployable=row.is_deployable,
                deploy_target=row.deploy_target,
                is_archived=False,
                last_named_at=None,
                pull_requests=0,
                last_deployed_at=None,
                told=_told(looking, row.full_name),
                revision=repository_revision(looking, row.full_name),
            )


def _found(row: FoundRepository, looking: Looking) -> rules.RepositoryShown:
    described = next((name for name in (row.full_name, *row.former_names) if _table(looking, name)), row.full_name)
    return rules.RepositoryShown(
        repo_id=row.repo_id,
        full_name=row.full_name,
        former_names=list(row.former_names),
        found_by="github" if row.is_known_to_github else "push",
        tech_stream=_stream_name(looking, row.tech_stream_id),
        default_branch=row.default_branch,
        is_deployable=row.is_deployable,
        deploy_target=row.deploy_target,
        is_archived=not row.is_active,
        last_named_at=row.named_at,
        pull_requests=row.pull_requests,
        last_deployed_at=row.last_deployed_at,
        told=_told(looking, described),
        revision=repository_revision(looking, row.full_name),
    )


def repository_revision(looking: Looking, full_name: str) -> str:
    """Return the revision of what people say of a repository, also where they have said nothing."""
    return revision_of(_table(looking, full_name) or {"full_name": full_name})


def _table(looking: Looking, full_name: str) -> dict[str, Any] | None:
    return table_of(looking.document, "repositories", full_name)


def _told(looking: Looking, full_name: str) -> rules.RepositoryTold:
    table = _table(looking, full_name) or {}
    return rules.RepositoryTold(**{key: table.get(key) for key in _UNTOLD})


def _stream_name(looking: Looking, stream_id: UUID | None) -> str | None:
    return next((row.name for row in looking.configuration.tech_streams if row.stream_id == stream_id), None)


def project_rows(looking: Looking) -> list[rules.ProjectShown]:
    """Return the Jira projects, in the order of the configuration."""
    configuration = looking.configuration
    return [
        rules.ProjectShown(
            key=row.key,
            delivery_stream_from=list(row.delivery_stream_from),
            delivery_stream=row.delivery_stream,
            fields=looking.document["jira_projects"][index].get("fields", {}),
            cancelled_resolutions=list(row.cancelled_resolutions),
            statuses=sum(mapping.project == row.key for mapping in configuration.status_mappings),
            revision=looking.revision("jira_projects", index),
        )
        for index, row in enumerate(configuration.jira_projects)
    ]
