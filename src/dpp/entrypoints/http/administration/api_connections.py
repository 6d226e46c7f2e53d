"""The connections to GitHub and Jira over HTTP: where they are, what they lack, whether they answer (§5.2, §5.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from dpp.application.configuration_edits import ReplaceTable
from dpp.application.connections import ConnectedSource, SecretState
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.administration import api, bodies
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described

Address = Annotated[str, Meta(min_length=1, max_length=500)]
Account = Annotated[str, Meta(min_length=1, max_length=200)]
Source = Annotated[ConnectedSource, PathParameter(description="The source")]


class GitHubChanges(bodies.Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where GitHub answers, and as which App it is asked; null for the address of github.com, or for no App."""

    api_url: Address | UnsetType | None = UNSET
    app_id: Account | UnsetType | None = UNSET


class JiraChanges(bodies.Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Jira answers, and as whom it is asked; null for no Jira, or for a personal access token."""

    base_url: Address | UnsetType | None = UNSET
    user: Account | UnsetType | None = UNSET


class SecretShown(Struct, frozen=True, kw_only=True):
    """A secret that the connection needs, and whether it is there; never what it is."""

    name: str
    purpose: str
    is_set: bool


class AnswersShown(Struct, frozen=True, kw_only=True):
    """How a source answered when it was asked last; ``reason`` says what to do since it does not."""

    answered_at: datetime | None
    failed_at: datetime | None
    reason: str | None


class GitHubShown(Struct, frozen=True, kw_only=True):
    """The connection to GitHub; ``organisations`` are those in which the App is installed."""

    api_url: str
    app_id: str | None
    organisations: list[str]
    secrets: list[SecretShown]
    answers: AnswersShown | None
    revision: str


class JiraShown(Struct, frozen=True, kw_only=True):
    """The connection to Jira; ``projects`` are those whose tickets are read."""

    base_url: str | None
    user: str | None
    projects: list[str]
    secrets: list[SecretShown]
    answers: AnswersShown | None
    revision: str


class ConnectionsShown(Struct, frozen=True, kw_only=True):
    """Both connections."""

    github: GitHubShown
    jira: JiraShown


class ExaminedShown(Struct, frozen=True, kw_only=True):
    """One thing that a source was asked for: whether it came, and what came or what to do."""

    about: str
    is_well: bool
    found: str


class Tested(Struct, frozen=True, kw_only=True):
    """What a test of a connection found."""

    is_well: bool
    examined: list[ExaminedShown]


class ConnectionsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the connections."""

    status: Literal["ok"]
    data: ConnectionsShown
    meta: bodies.Version


class TestedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a test."""

    status: Literal["ok"]
    data: Tested


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    @get(
        "/admin/connections",
        opt={"permission": Permission.ADMIN_READ},
        tags=api.TAGS,
        responses={200: described(ConnectionsAnswer)},
    )
    async def connections(principal: NamedDependency[Principal]) -> Response[Any]:
        """Show where GitHub and Jira are, which secrets are missing, and how they answered last."""
        to = administering()
        looking = await to.whole(principal)
        return answer(await _shown(to, looking), meta=looking.meta)

    async def changed(principal: Principal, section: str, if_match: str, data: bodies.Given) -> Response[Any]:
        edit = ReplaceTable(section=section, values=data.values(), revision=api.revision(if_match))
        return api.changed(principal, await administering().change(principal, edit))

    @patch("/admin/connections/github", **api.changing())
    async def change_github(
        principal: NamedDependency[Principal], if_match: bodies.IfMatch, data: JSONBody[GitHubChanges]
    ) -> Response[Any]:
        """Change where GitHub answers or as which App it is asked; the App's key goes there from then on."""
        return await changed(principal, "github", if_match, data)

    @patch("/admin/connections/jira", **api.changing())
    async def change_jira(
        principal: NamedDependency[Principal], if_match: bodies.IfMatch, data: JSONBody[JiraChanges]
    ) -> Response[Any]:
        """Change where Jira answers or as whom it is asked; the token goes there from then on."""
        return await changed(principal, "jira", if_match, data)

    @post(
        "/admin/connections/{source:str}/test",
        opt={"permission": Permission.ADMIN_WRITE},
        tags=api.TAGS,
        status_code=200,
        responses={
            200: ResponseSpec(data_container=TestedAnswer, description="What was found", generate_examples=False)
        },
    )
    async def test(principal: NamedDependency[Principal], source: Source) -> Response[Any]:
        """Ask a source, at its configured address, whether it answers; nothing is stored but that it does."""
        to = administering()
        to.check_whole(principal)
        found = await to.connections.examine(principal, source)
        rows = [ExaminedShown(about=row.about, is_well=row.is_well, found=row.found) for row in found]
        return answer(Tested(is_well=all(row.is_well for row in rows), examined=rows))

    return [connections, change_github, change_jira, test]


async def _shown(to: Administering, looking: Looking) -> ConnectionsShown:
    configuration = looking.configuration
    states = {state.source: state for state in await to.backfill.states()}

    def answers(source: ConnectedSource) -> AnswersShown | None:
        state = states.get(source.value)
        if state is None:
            return None
        return AnswersShown(answered_at=state.answered_at, failed_at=state.failed_at, reason=state.reason)

    return ConnectionsShown(
        github=GitHubShown(
            api_url=configuration.github.api_url,
            app_id=configuration.github.app_id,
            organisations=[
                row.github_org for row in configuration.tech_streams if row.is_active and row.github_install_id
            ],
            secrets=_secrets(to.connections.secrets_of(ConnectedSource.GITHUB)),
            answers=answers(ConnectedSource.GITHUB),
            revision=looking.revision_of_section("github"),
        ),
        jira=JiraShown(
            base_url=configuration.jira.base_url,
            user=configuration.jira.user,
            projects=[row.key for row in configuration.jira_projects],
            secrets=_secrets(to.connections.secrets_of(ConnectedSource.JIRA)),
            answers=answers(ConnectedSource.JIRA),
            revision=looking.revision_of_section("jira"),
        ),
    )


def _secrets(states: list[SecretState]) -> list[SecretShown]:
    return [SecretShown(name=state.secret.name, purpose=state.secret.purpose, is_set=state.is_set) for state in states]
