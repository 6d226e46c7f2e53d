"""How the configured sources are asked when an administrator wants to know whether they answer."""

from __future__ import annotations

from collections.abc import Sequence

from dishka import Provider, Scope, provide

from dpp.adapters.github.host import GitHubHost
from dpp.application.access_ports import AccessStore
from dpp.application.backfill import BackfillStore
from dpp.application.connections import ConnectedSource, Connections, Examined, NotConnected, Probe
from dpp.application.ports import Clock
from dpp.application.secrets import Secrets
from dpp.application.source_errors import SourceUnavailable
from dpp.entrypoints.bootstrap.sources import GitHubAtHand, JiraAtHand


class GitHubProbe(Probe):
    """Asks for the repositories of each organisation in which the App is installed."""

    def __init__(self, github: GitHubAtHand) -> None:
        """``github``: the one that is configured."""
        self._github = github

    async def examine(self) -> Sequence[Examined]:
        """Ask one organisation after the other; one that refuses keeps no other from its answer."""
        host = self._github.host()
        if host is None:
            raise NotConnected("No GitHub App is configured; give its number as app_id")
        organisations = host.organisations()
        if not organisations:
            raise NotConnected("No technology stream has an installation; give github_install_id of one that is in use")
        return [await _register_of(host, organisation) for organisation in organisations]


async def _register_of(host: GitHubHost, organisation: str) -> Examined:
    try:
        page = await host.register(organisation)
    except SourceUnavailable as error:
        return Examined(organisation, False, str(error))
    return Examined(organisation, True, f"{page.things} repositories")


class JiraProbe(Probe):
    """Asks for the custom fields, for which Jira wants to know who asks."""

    def __init__(self, jira: JiraAtHand) -> None:
        """``jira``: the one that is configured."""
        self._jira = jira

    async def examine(self) -> Sequence[Examined]:
        """Ask."""
        source = self._jira.get()
        if source is None:
            raise NotConnected("No Jira is configured; give its address as base_url")
        found = await source.proposed_fields()
        known = ", ".join(sorted({one.meaning for one in found})) or "none; see which the account may see"
        return [Examined("custom fields", True, f"recognised by name: {known}")]


class Connecting(Provider):
    """Connections to sources, as administrators look after them."""

    scope = Scope.APP

    @provide
    def connections(
        self,
        github: GitHubAtHand,
        jira: JiraAtHand,
        secrets: Secrets,
        notes: BackfillStore,
        log: AccessStore,
        clock: Clock,
    ) -> Connections:
        """Look after the connections."""
        probes = {ConnectedSource.GITHUB: GitHubProbe(github), ConnectedSource.JIRA: JiraProbe(jira)}
        return Connections(probes=probes, secrets=secrets, notes=notes, log=log, clock=clock)
