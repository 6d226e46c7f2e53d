"""Administration as a whole application over memory stores, for whoever has the grants that a test gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

from httpx import Response
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import AsyncTestClient

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.github.webhook import GitHubWebhookReader
from dpp.adapters.jira.webhook import JiraReader
from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.administration import MemoryAdministrationReader
from dpp.adapters.memory.archive import MemoryArchive
from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.adapters.memory.dead_letters import MemoryDeadLetters
from dpp.adapters.memory.derivations import MemoryDerivationStore
from dpp.adapters.memory.manual_links import MemoryManualLinks
from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.memory.sprint_corrections import MemorySprintCorrections
from dpp.adapters.memory.ticket_histories import MemoryTicketHistories
from dpp.adapters.push.readers import FORMATS, DeploymentReader, IncidentReader, SurveyReader
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.administration import Administration
from dpp.application.backfill import Backfill
from dpp.application.calendars import Calendars
from dpp.application.connections import ConnectedSource, Connections, Probe
from dpp.application.current import CurrentConfiguration
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.doors import Readers
from dpp.application.freshness import Freshness
from dpp.application.ingest import Intake
from dpp.application.keys import ApiKeys
from dpp.application.manual_links import ManualLinks
from dpp.application.mapping_preview import MappingPreviews
from dpp.application.ports import Clock
from dpp.application.queries import Queries
from dpp.application.repairing import Repairing
from dpp.application.secrets import SecretMissing, Secrets
from dpp.application.signin import SignIn
from dpp.application.sprint_corrections import SprintCorrections
from dpp.application.taking_in import TakingIn
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.configuration import Configuration
from dpp.domain.errors import DppError, Unauthenticated
from dpp.domain.privacy import Pseudonymiser
from dpp.entrypoints.http.admin import Operating
from dpp.entrypoints.http.administration import routes
from dpp.entrypoints.http.administration.administering import Administering
from dpp.entrypoints.http.administration.frame import Framing
from dpp.entrypoints.http.auth import COOKIE, CSRF_HEADER, Gate, guard, provide_principal
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.metrics import Answering
from dpp.entrypoints.http.security import headers_hook
from tests.support.access import CountedIds
from tests.support.derivation import CONFIGURATION, DERIVE, at
from tests.support.derived_stores import MemoryStores
from tests.support.intake import Box, Reversed
from tests.support.noted_jobs import NotedJobs

READERS = Readers(
    github=GitHubWebhookReader(),
    jira=JiraReader(),
    deployment=DeploymentReader(),
    incident=IncidentReader(),
    survey=SurveyReader(),
    formats=FORMATS,
)
ADMIN = (Grant(role=Role.PLATFORM_ADMIN),)
NOW = at(24 * 60)
TOKEN = "a-session-token"


class StandingClock(Clock):
    """Stands still."""

    def now(self) -> datetime:
        """Return the same moment."""
        return NOW


class OneSession(SignIn):
    """Knows one session, of somebody with the grants that it is given."""

    def __init__(self, grants: Sequence[Grant]) -> None:
        """``grants``: what they may do."""
        self._grants = tuple(grants)

    async def who(self, token: str, *, is_use: bool = True) -> Principal:
        """Know that person by the session."""
        if token != TOKEN:
            raise Unauthenticated("The session is over")
        return user_principal(user_id=UUID(int=99), name="Lee Lead", grants=self._grants)


class FewSecrets(Secrets):
    """Has secrets of these names."""

    def __init__(self, *names: str) -> None:
        """``names``: of those that are there."""
        self._names = names

    def get(self, name: str) -> bytes:
        """Return a secret."""
        if name not in self._names:
            raise SecretMissing(f"the secret {name} is not set")
        return b"what nobody may see"

    def candidates(self, name: str) -> tuple[bytes, ...]:
        """Return it."""
        return (self.get(name),)


class NoKeys(ApiKeys):
    """Knows no key."""

    def __init__(self) -> None:
        """Nothing is needed to know nothing."""

    async def verify(self, header: str | None) -> Principal:
        """Refuse."""
        raise Unauthenticated("no key")


@dataclass
class Administrated:
    """A platform in memory, and a browser of somebody who is signed in."""

    client: AsyncTestClient[Litestar]
    stores: MemoryStores
    gate: Gate
    log: MemoryAccessStore
    own: dict[str, str] = field(default_factory=lambda: {"sec-fetch-site": "same-origin"})

    async def page(self, path: str) -> Response:
        """Open a page."""
        return await self.client.get(path)

    async def send(self, path: str, fields: Mapping[str, str | Sequence[str]], *, token: str | None = None) -> Response:
        """Send a form with the session's token, or another one."""
        csrf = self.gate.csrf_token(TOKEN) if token is None else token
        return await self.client.post(
            path, data={"csrf_token": csrf, **fields}, headers=self.own, follow_redirects=False
        )

    async def call(self, method: str, path: str, body: Any = None, *, revision: str | None = None) -> Response:
        """Call the API as a script of the page would."""
        headers = {CSRF_HEADER: self.gate.csrf_token(TOKEN)}
        if revision is not None:
            headers["if-match"] = revision
        return await self.client.request(method, f"/api/v1/admin{path}", json=body, headers=headers)

    async def configuration(self) -> Configuration:
        """Return what is stored."""
        return await self.stores.configurations.load()


@dataclass
class _Behind:
    """What lies behind the routes at the moment: building those takes longer than most tests."""

    gate: Gate | None = None
    administering: Administering | None = None

    def the_gate(self) -> Gate:
        assert self.gate is not None
        return self.gate

    def the_administering(self) -> Administering:
        assert self.administering is not None
        return self.administering


_behind = _Behind()


@cache
def _app() -> Litestar:
    closed: dict[str, Any] = {
        "guards": [guard(_behind.the_gate)],
        "dependencies": {"principal": Provide(provide_principal)},
    }

    async def start() -> None:
        await _behind.the_administering().operating.intake.start()

    async def stop() -> None:
        await _behind.the_administering().operating.intake.stop()

    return Litestar(
        [
            Router("/api/v1", route_handlers=routes.api(_behind.the_administering), **closed),
            Router("/", route_handlers=routes.pages(_behind.the_administering), **closed),
        ],
        # The client runs the application on an event loop of its own, and the intake belongs there.
        on_startup=[start],
        on_shutdown=[stop],
        before_send=[headers_hook()],
        exception_handlers={DppError: on_platform_error},
        openapi_config=None,
    )


@asynccontextmanager
async def administrated(
    grants: Sequence[Grant] = ADMIN,
    *,
    configuration: Configuration = CONFIGURATION,
    deliveries: Sequence[AcceptedDelivery] = (),
    probes: Mapping[ConnectedSource, Probe] | None = None,
) -> AsyncIterator[Administrated]:
    """Yield administration for somebody with these grants, over a platform that has taken these deliveries."""
    stores = MemoryStores()
    assert isinstance(stores.derivations, MemoryDerivationStore)
    await stores.configure(configuration)
    await stores.append(deliveries)
    await stores.drain()
    gate = Gate(keys=NoKeys(), signin=OneSession(grants), session_key=b"k" * 32)
    current = CurrentConfiguration(store=stores.configurations, feed=stores.feed)
    await current.refresh()
    clock, log, box, codec = StandingClock(), MemoryAccessStore(), Box(), JsonDeliveryCodec()
    intake = Intake(
        archive=MemoryArchive(),
        store=stores.events,
        codec=codec,
        sealer=Reversed(),
        repair_box=box,
        clock=clock,
        ids=CountedIds(),
    )
    pseudonymiser = Pseudonymiser(b"a key of the tests, 32 bytes long")
    metrics = MemoryMetricsReader(database=stores.database, tables=stores.tables)
    operations = MemoryOperationsReader(database=stores.database, tables=stores.tables)
    nobody: Any = None
    operating = Operating(
        answering=Answering(
            queries=Queries(reader=metrics),
            diagnostics=nobody,
            forecasts=nobody,
            configuration=current,
            clock=clock,
        ),
        reader=operations,
        events=stores.events,
        intake=intake,
    )
    notes = MemoryBackfillStore(database=stores.database)
    administering = Administering(
        framing=Framing(gate=gate, configuration=current),
        administration=Administration(
            store=stores.configurations, file=TomlConfigurationFile(LibraryHolidays()), clock=clock
        ),
        previews=MappingPreviews(
            histories=MemoryTicketHistories(database=stores.database, derivations=stores.derivations),
            derive=DERIVE,
            reader=metrics,
        ),
        reader=MemoryAdministrationReader(database=stores.database, tables=stores.tables),
        repairing=Repairing(
            letters=MemoryDeadLetters(database=stores.database),
            sealer=Reversed(),
            readers=READERS,
            intake=intake,
            configuration=current,
            pseudonymiser=pseudonymiser,
            log=log,
            clock=clock,
        ),
        links=ManualLinks(
            store=MemoryManualLinks(database=stores.database, tables=stores.tables, log=log),
            clock=clock,
            ids=CountedIds(),
        ),
        freshness=Freshness(operations, Calendars(LibraryHolidays())),
        operating=operating,
        backfill=Backfill(
            store=notes,
            sources=dict,
            accept=TakingIn(intake=intake, store=stores.events),
            clock=clock,
            ids=CountedIds(),
        ),
        connections=Connections(
            probes=probes or {}, secrets=FewSecrets("jira_webhook_secret"), notes=notes, log=log, clock=clock
        ),
        sprint_corrections=SprintCorrections(
            store=MemorySprintCorrections(database=stores.database, tables=stores.tables, log=log),
            configuration=stores.configurations,
            jobs=NotedJobs(),
            clock=clock,
            ids=CountedIds(),
        ),
        current=current,
        clock=clock,
    )
    _behind.gate, _behind.administering = gate, administering
    async with AsyncTestClient(_app(), base_url="http://127.0.0.1") as client:
        client.cookies.set(COOKIE, TOKEN)
        yield Administrated(client, stores, gate, log)


class _Fields(HTMLParser):
    """Gathers what a browser would send of the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._name: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.values[name] = given.get("value", "")
        elif tag in ("textarea", "select") and name:
            self._name, self._options = name, []
            self.values[name] = ""
        elif tag == "option" and self._name:
            self._options.append((given.get("value", ""), "selected" in given))

    def handle_data(self, data: str) -> None:
        if self._name and not self._options:
            self.values[self._name] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._name and self._options:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            self.values[self._name] = (chosen or [self._options[0][0]])[0]
        if tag in ("textarea", "select"):
            self._name, self._options = None, []


def shown_values(page: str) -> dict[str, str]:
    """Return what a browser would send of a page's forms, by name; of several fields of one name the last."""
    fields = _Fields()
    fields.feed(page)
    return {name: value.strip() for name, value in fields.values.items() if name not in ("csrf_token", "do")}
