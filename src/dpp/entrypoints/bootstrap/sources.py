"""Sources that are asked: their histories, and what runs by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dishka import AsyncContainer, Provider, Scope, provide

from dpp.adapters.github.api import GitHubApi
from dpp.adapters.github.app import PRIVATE_KEY, GitHubApp
from dpp.adapters.github.history import GitHubHistory
from dpp.adapters.github.host import GitHubHost
from dpp.adapters.github.source import GitHubSource
from dpp.adapters.jira.api import JiraApi
from dpp.adapters.jira.backfill import JiraHistory
from dpp.adapters.jira.proposing import as_toml
from dpp.adapters.jira.source import JiraSource
from dpp.adapters.outgoing.http import HttpxHttp
from dpp.adapters.outgoing.http import client as http_client
from dpp.adapters.postgres.backfill import PostgresBackfillStore
from dpp.adapters.postgres.known_tickets import PostgresKnownTickets
from dpp.adapters.postgres.source_limits import PostgresSourceLimits
from dpp.adapters.postgres.sprints import PostgresSprintStore
from dpp.application.administration_reader import AdministrationReader
from dpp.application.backfill import Backfill, BackfillStore, SourceHistory, UnknownSource
from dpp.application.calendars import Calendars
from dpp.application.code_polling import CodePolling
from dpp.application.current import CurrentConfiguration
from dpp.application.derivation import DerivationStore
from dpp.application.ingest import Intake
from dpp.application.jobs import Jobs
from dpp.application.noting_limits import NotingLimits
from dpp.application.off_peak import OffPeak
from dpp.application.outgoing import Http
from dpp.application.ports import Clock, EventStore, Ids
from dpp.application.reading import Reading
from dpp.application.secrets import Secrets
from dpp.application.source_limits import SourceLimit, SourceLimitStore
from dpp.application.sprint_snapshots import SprintSnapshots, SprintStore
from dpp.application.taking_in import TakingIn
from dpp.application.ticket_polling import KnownTickets, TicketPolling
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.configuration import GitHubConnection, JiraConnection
from dpp.domain.privacy import Pseudonymiser
from dpp.entrypoints.bootstrap.settings import Settings

DERIVED_WITHIN_SECONDS = 30
JIRA_TOKEN = "jira_api_token"  # noqa: S105 - the name of a secret, not the secret


class JiraAtHand:
    """The Jira of the present configuration: made anew when its address or user changes."""

    def __init__(self, make: Callable[[JiraConnection], JiraSource], current: CurrentConfiguration) -> None:
        self._make = make
        self._current = current
        self._made: tuple[JiraConnection, JiraSource] | None = None

    def get(self) -> JiraSource | None:
        """Return it; None while none is configured."""
        connection = self._current.value.jira
        if not connection.base_url:
            return None
        if self._made is None or self._made[0] != connection:
            self._made = (connection, self._make(connection))
        return self._made[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedGitHub:
    """One GitHub, asked for histories and by the clock, within one account of its rate limits."""

    api: GitHubApi
    history: GitHubHistory
    host: GitHubHost


class GitHubAtHand:
    """The GitHub of the present configuration: made anew when its address or the App changes."""

    def __init__(self, make: Callable[[GitHubConnection], AskedGitHub], current: CurrentConfiguration) -> None:
        self._make = make
        self._current = current
        self._made: tuple[GitHubConnection, AskedGitHub] | None = None

    def get(self) -> AskedGitHub | None:
        """Return it; None while no App is configured."""
        connection = self._current.value.github
        if not connection.app_id:
            return None
        if self._made is None or self._made[0] != connection:
            self._made = (connection, self._make(connection))
        return self._made[1]

    def limits(self) -> Sequence[SourceLimit]:
        """Return what it said last of its limits."""
        return self._made[1].api.told_limits() if self._made else ()

    def host(self) -> GitHubHost | None:
        """Return it as what is asked by the clock."""
        found = self.get()
        return found.host if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked by the clock; each method returns how much it did."""

    polling: TicketPolling
    code: CodePolling
    snapshots: SprintSnapshots
    derivations: DerivationStore
    backfill: Backfill
    current: CurrentConfiguration
    jobs: Jobs
    clock: Clock
    hours: OffPeak

    async def snapshot_sprints(self) -> int:
        """Ask for sprints, then take snapshots; these are taken whether or not anybody answers."""
        try:
            if (await self.polling.sprints()).filled:
                await self._until_derived()
        finally:
            taken = await self.snapshots.take(now=self.clock.now())
        return taken

    async def _until_derived(self) -> None:
        """Wait, but not for long, until the figures follow from what was taken in; what does not counts next time."""
        for _ in range(DERIVED_WITHIN_SECONDS):
            if not (await self.derivations.pending()).entries:
                return
            await asyncio.sleep(1)

    async def close_sprints(self) -> int:
        """Work out what the closed sprints came to."""
        return await self.snapshots.close(now=self.clock.now())

    async def backlog_state(self) -> int:
        """Ask what is unfinished."""
        return (await self.polling.backlog()).filled

    async def find_jira_gaps(self) -> int:
        """Ask what has changed since the last time."""
        return (await self.polling.gaps(last=await self._last("find_jira_gaps"))).filled

    async def enrich_pull_requests(self) -> int:
        """Ask for tickets that are known by name only."""
        return (await self.polling.named()).filled

    async def sync_repositories(self) -> int:
        """Ask which repositories there are."""
        return await self.code.sync_repositories()

    async def find_github_gaps(self) -> int:
        """Ask what has changed since the last time, and for webhooks that failed."""
        return await self.code.find_gaps(last=await self._last("find_github_gaps"))

    async def _last(self, name: str) -> datetime | None:
        """Return when a task last came to its end."""
        return next((state.last_succeeded for state in await self.jobs.states() if state.name == name), None)

    async def run_backfills(self) -> int:
        """Read the histories that were asked for, in the hours for that."""
        return await self.backfill.run_waiting(may_go_on=self._may_go_on)

    def _may_go_on(self) -> bool:
        zone = ZoneInfo(self.current.value.platform.calendar.time_zone)
        return self.hours.allows(self.clock.now().astimezone(zone).hour)


class Sources(Provider):
    """What is needed to ask sources."""

    scope = Scope.APP

    backfill_store = provide(PostgresBackfillStore, provides=BackfillStore)
    source_limits = provide(PostgresSourceLimits, provides=SourceLimitStore)
    sprint_store = provide(PostgresSprintStore, provides=SprintStore)
    known_tickets = provide(PostgresKnownTickets, provides=KnownTickets)

    @provide
    def jira(
        self, http: Http, current: CurrentConfiguration, secrets: Secrets, people: Pseudonymiser, clock: Clock
    ) -> JiraAtHand:
        """The Jira that is configured."""

        def make(connection: JiraConnection) -> JiraSource:
            api = JiraApi(
                http=http,
                base_url=connection.base_url or "",
                user=connection.user,
                token=lambda: secrets.get(JIRA_TOKEN),
                sleep=asyncio.sleep,
            )
            return JiraSource(
                api=api,
                reading=lambda: Reading(configuration=current.value, pseudonymiser=people),
                now=clock.now,
            )

        return JiraAtHand(make, current)

    @provide
    async def http(self) -> AsyncIterator[Http]:
        """Ask other systems over connections of its own."""
        async with http_client() as client:
            yield HttpxHttp(client)

    @provide
    def github(
        self,
        settings: Settings,
        http: Http,
        current: CurrentConfiguration,
        secrets: Secrets,
        people: Pseudonymiser,
        clock: Clock,
    ) -> GitHubAtHand:
        """The GitHub that is configured."""

        def make(connection: GitHubConnection) -> AskedGitHub:
            app = GitHubApp(
                http=http,
                api_url=connection.api_url,
                app_id=connection.app_id or "",
                private_key=lambda: secrets.get(PRIVATE_KEY),
                now=clock.now,
            )
            api = GitHubApi(
                http=http,
                app=app,
                api_url=connection.api_url,
                now=clock.now,
                sleep=asyncio.sleep,
                threshold=settings.github_rate_reserve,
            )
            source = GitHubSource(
                api=api,
                reading=lambda: Reading(configuration=current.value, pseudonymiser=people),
                now=clock.now,
            )
            return AskedGitHub(
                api=api,
                history=GitHubHistory(source=source, configuration=lambda: current.value),
                host=GitHubHost(api=api, source=source, configuration=lambda: current.value),
            )

        return GitHubAtHand(make, current)

    @provide
    async def taking_in(self, intake: Intake, store: EventStore) -> AsyncIterator[TakingIn]:
        """Take histories in like deliveries."""
        taking = TakingIn(intake=intake, store=store)
        yield taking
        await taking.end()

    @provide
    def backfill(
        self,
        store: BackfillStore,
        jira: JiraAtHand,
        github: GitHubAtHand,
        current: CurrentConfiguration,
        accept: NotingLimits,
        limits: SourceLimitStore,
        clock: Clock,
        ids: Ids,
    ) -> Backfill:
        """Read the histories of the sources that are configured."""
        return Backfill(
            store=store,
            sources=lambda: histories(jira, github, current),
            accept=accept,
            clock=clock,
            ids=ids,
            limits=limits,
        )

    @provide
    def noting_limits(self, taking: TakingIn, github: GitHubAtHand, limits: SourceLimitStore) -> NotingLimits:
        """Note what sources say of their limits with each page."""
        return NotingLimits(accept=taking, told=github.limits, store=limits)

    @provide
    def code(
        self,
        github: GitHubAtHand,
        accept: NotingLimits,
        store: BackfillStore,
        clock: Clock,
        reader: AdministrationReader,
    ) -> CodePolling:
        """Ask GitHub by the clock."""

        async def registered() -> Sequence[str]:
            everything = View(scope=StreamScope.everything(), as_of=clock.now(), is_live=True)
            found = await reader.repositories(everything)
            return [one.full_name for one in found if one.is_active and one.is_known_to_github]

        return CodePolling(host=github.host, accept=accept, store=store, now=clock.now, registered=registered)

    @provide
    def polling(
        self,
        jira: JiraAtHand,
        current: CurrentConfiguration,
        known: KnownTickets,
        taking: TakingIn,
        store: BackfillStore,
        clock: Clock,
    ) -> TicketPolling:
        """Ask Jira by the clock."""
        return TicketPolling(
            source=jira.get,
            configuration=lambda: current.value,
            known=known,
            accept=taking,
            store=store,
            now=clock.now,
        )

    @provide
    def snapshots(self, store: SprintStore, current: CurrentConfiguration, calendars: Calendars) -> SprintSnapshots:
        """Take snapshots of sprints."""
        return SprintSnapshots(store=store, configuration=current.get, calendars=calendars)

    @provide
    def asking(
        self,
        settings: Settings,
        polling: TicketPolling,
        code: CodePolling,
        snapshots: SprintSnapshots,
        derivations: DerivationStore,
        backfill: Backfill,
        current: CurrentConfiguration,
        jobs: Jobs,
        clock: Clock,
    ) -> Asking:
        """What is asked by the clock."""
        return Asking(
            polling=polling,
            code=code,
            snapshots=snapshots,
            derivations=derivations,
            backfill=backfill,
            current=current,
            jobs=jobs,
            clock=clock,
            hours=settings.backfill_hours,
        )


class ProposedFields(NamedTuple):
    """The fields that are likely meant: as a table of the configuration file, and by meaning."""

    toml: str
    fields: Mapping[str, Mapping[str, object]]


async def proposed_fields(wired: AsyncContainer) -> ProposedFields:
    """Ask the configured Jira for its fields.

    Raises:
        UnknownSource: none is configured.
        SourceRefused, SourceUnavailable: it does not answer; the message says what to do.
    """
    jira = (await wired.get(JiraAtHand)).get()
    if jira is None:
        raise UnknownSource("No Jira is configured; give base_url under [jira] and apply the configuration")
    found = await jira.proposed_fields()
    fields = {one.meaning: {"id": one.field.id, "is_certain": one.is_certain} for one in found}
    return ProposedFields(toml=as_toml(found), fields=fields)


def histories(jira: JiraAtHand, github: GitHubAtHand, current: CurrentConfiguration) -> Mapping[str, SourceHistory]:
    """Return the configured sources that have a history to tell, by the names that people call them."""
    found: dict[str, SourceHistory] = {}
    if (asked := github.get()) is not None:
        found["github"] = asked.history
    if (source := jira.get()) is not None:
        found["jira"] = JiraHistory(source=source, configuration=lambda: current.value)
    return found
