"""The whole application as it is served, over stores in memory and the history of ``explaining``, for one person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from litestar import Litestar

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.memory.administration import MemoryAdministrationReader
from dpp.adapters.memory.archive import MemoryArchive
from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.adapters.memory.dead_letters import MemoryDeadLetters
from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.derivations import MemoryDerivationStore
from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.adapters.memory.manual_links import MemoryManualLinks
from dpp.adapters.memory.measure_reader import MemoryMeasureReader
from dpp.adapters.memory.measures import MemoryMeasures
from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.memory.sprint_corrections import MemorySprintCorrections
from dpp.adapters.memory.sprints import MemorySprints, MemorySprintStore
from dpp.adapters.memory.ticket_histories import MemoryTicketHistories
from dpp.adapters.memory.verdicts import MemoryVerdicts
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.administration import Administration
from dpp.application.backfill import Backfill
from dpp.application.blames import Blames
from dpp.application.calendars import Calendars
from dpp.application.change_ledger import ChangeLedger
from dpp.application.connections import Connections
from dpp.application.current import CurrentConfiguration
from dpp.application.doors import Doors
from dpp.application.figure_history import FigureHistory
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.freshness import Freshness
from dpp.application.ingest import Intake
from dpp.application.manual_links import ManualLinks
from dpp.application.mapping_preview import MappingPreviews
from dpp.application.measure import Measurer
from dpp.application.password_links import PasswordLinks
from dpp.application.repairing import Repairing
from dpp.application.sprint_corrections import SprintCorrections
from dpp.application.survey import Survey
from dpp.application.taking_in import TakingIn
from dpp.domain.access import Grant, Role
from dpp.domain.configuration import Configuration
from dpp.domain.privacy import Pseudonymiser
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.auth import COOKIE, Gate
from dpp.entrypoints.http.parts import Parts
from tests.support.access import Access, HandClock
from tests.support.administering import READERS
from tests.support.derivation import DERIVE, at
from tests.support.explaining import NOW, Organisation
from tests.support.fake_forecasts import NoHolidays
from tests.support.intake import Box, Reversed
from tests.support.noted_jobs import NotedJobs

EMAIL, PASSWORD = "lead@acme.example", "correct horse battery"


@dataclass
class _Behind:
    """What lies behind the routes at the moment: building those takes longer than most tests."""

    whole: WholeApp | None = None


_behind = _Behind()


@cache
def _app() -> Litestar:
    def opened() -> AbstractAsyncContextManager[Parts]:
        assert _behind.whole is not None
        return _behind.whole.opened()

    return create(opened)


@dataclass
class WholeApp:
    """
    The application, with somebody who may sign in.

    Attributes:
        organisation: what happened; it begins when the application starts.
        grants: what that person may do.
        moment: when they ask, in hours since the history's beginning.
        token: of their session, once the application has started.
    """

    organisation: Organisation = field(default_factory=Organisation)
    grants: Sequence[Grant] = (Grant(role=Role.PLATFORM_ADMIN),)
    moment: float = NOW
    token: str = ""

    def __post_init__(self) -> None:
        """Have everything in hand that the stores share."""
        it = self.organisation
        self.clock = HandClock(time=at(self.moment))
        self.access = Access(clock=self.clock)
        self.measures = MemoryMeasures(database=it.stores.database)
        self.sprints = MemorySprints()

    def app(self) -> Litestar:
        """Return the application, which opens these stores the next time that it starts."""
        _behind.whole = self
        return _app()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Parts]:
        """Let the history begin, and yield what answers."""
        await self.organisation.begin()
        await self._enter()
        parts = self._parts()
        await parts.configuration.refresh()
        await parts.intake.start()
        try:
            yield parts
        finally:
            await parts.intake.stop()

    @property
    def cookies(self) -> dict[str, str]:
        """What the person's browser sends."""
        return {COOKIE: self.token}

    @property
    def gate(self) -> Gate:
        """What makes the tokens of forms."""
        access = self.access
        return Gate(keys=access.keys, signin=access.signin, session_key=access.secrets.get("session_key"))

    async def measure(self) -> None:
        """Keep the figures of every day, as the worker does."""
        it, parts = self.organisation, self._shared()

        async def configuration() -> Configuration:
            return it.configuration

        calendars = Calendars(NoHolidays())
        measurer = Measurer(
            store=self.measures,
            reader=MemoryMeasureReader(**parts),
            deliveries=MemoryDeliveryReader(**parts),
            derivations=it.stores.derivations,
            calendars=calendars,
            configuration=configuration,
            clock=self.clock,
        )
        await measurer.close_days()
        await measurer.measure_stale(is_patient=False)

    async def _enter(self) -> None:
        users, store = self.access.users, self.access.store
        user = await users.add(email=EMAIL, password=PASSWORD, grants=[Grant(role=Role.VIEWER)], actor="test")
        await store.set_grants(user.user_id, list(self.grants), granted_by=None, at=self.clock.now())
        self.token = (await self.access.signin.sign_in(EMAIL, PASSWORD, "127.0.0.1")).token

    def _shared(self) -> dict[str, Any]:
        return {"database": self.organisation.stores.database, "tables": self.organisation.stores.tables}

    def _parts(self) -> Parts:
        it, access, clock, parts = self.organisation, self.access, self.clock, self._shared()
        calendars, deliveries = Calendars(NoHolidays()), MemoryDeliveryReader(**parts)
        current = CurrentConfiguration(store=it.stores.configurations, feed=it.stores.feed)
        metrics, operations = MemoryMetricsReader(**parts), MemoryOperationsReader(**parts)
        pseudonymiser = Pseudonymiser(b"a key of the tests, 32 bytes long")
        codec, sealer = JsonDeliveryCodec(), Reversed()
        intake = Intake(
            archive=MemoryArchive(),
            store=it.stores.events,
            codec=codec,
            sealer=sealer,
            repair_box=Box(),
            clock=clock,
            ids=access.ids,
        )
        assert isinstance(it.stores.derivations, MemoryDerivationStore)
        return Parts(
            doors=Doors(
                intake=intake,
                configuration=current,
                secrets=access.secrets,
                pseudonymiser=pseudonymiser,
                readers=READERS,
                keys=access.keys,
                clock=clock,
            ),
            intake=intake,
            configuration=current,
            feed=it.stores.feed,
            queries=it.queries,
            diagnostics=it.diagnostics,
            trends=it.trends,
            change_ledger=ChangeLedger(reader=deliveries),
            blames=Blames(
                reader=deliveries,
                verdicts=MemoryVerdicts(database=it.stores.database, log=access.store),
                clock=clock,
                ids=access.ids,
            ),
            manual_links=ManualLinks(store=MemoryManualLinks(log=access.store, **parts), clock=clock, ids=access.ids),
            forecasts=it.forecasts,
            backfill=Backfill(
                store=MemoryBackfillStore(database=it.stores.database),
                sources=dict,
                accept=TakingIn(intake=intake, store=it.stores.events),
                clock=clock,
                ids=access.ids,
            ),
            connections=Connections(
                probes={},
                secrets=access.secrets,
                notes=MemoryBackfillStore(database=it.stores.database),
                log=access.store,
                clock=clock,
            ),
            sprint_corrections=SprintCorrections(
                store=MemorySprintCorrections(log=access.store, **parts),
                configuration=it.stores.configurations,
                jobs=NotedJobs(),
                clock=clock,
                ids=access.ids,
            ),
            sprint_store=MemorySprintStore(kept=self.sprints, **parts),
            pulse=it.pulse,
            survey=Survey(intake=intake, configuration=current, pseudonymiser=pseudonymiser, clock=clock),
            cross_stream=it.cross_stream,
            flow_over_time=FlowOverTime(
                reader=MemoryFlowReader(**parts),
                bottlenecks=MemoryBottleneckReader(**parts),
                metrics=metrics,
                calendars=calendars,
            ),
            figure_history=FigureHistory(store=self.measures),
            explanations=it.explanations,
            administration=Administration(
                store=it.stores.configurations, file=TomlConfigurationFile(LibraryHolidays()), clock=clock
            ),
            administration_reader=MemoryAdministrationReader(**parts),
            mapping_previews=MappingPreviews(
                histories=MemoryTicketHistories(database=it.stores.database, derivations=it.stores.derivations),
                derive=DERIVE,
                reader=metrics,
            ),
            repairing=Repairing(
                letters=MemoryDeadLetters(database=it.stores.database),
                sealer=sealer,
                readers=READERS,
                intake=intake,
                configuration=current,
                pseudonymiser=pseudonymiser,
                log=access.store,
                clock=clock,
            ),
            operations=operations,
            freshness=Freshness(operations, calendars),
            events=it.stores.events,
            keys=access.keys,
            signin=access.signin,
            users=access.users,
            password_links=PasswordLinks(store=access.store, users=access.users, secrets=access.secrets, clock=clock),
            audit=access.store,
            secrets=access.secrets,
            clock=clock,
        )
