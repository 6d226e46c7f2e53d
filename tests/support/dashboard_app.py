"""The dashboard as a whole application, around a reader with fixed rows and a sign-in with one password."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Litestar, Router
from litestar.di import Provide

from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.keys import ApiKeys
from dpp.application.ports import Change, ChangeFeed, Clock, ConfigurationStore
from dpp.application.queries import Queries
from dpp.application.signin import NewSession, SignIn, SignInFailed
from dpp.application.throttle import TooManyAttempts
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.configuration import CalendarRules, Configuration, DeliveryStream, PlatformSettings, TechStream
from dpp.domain.errors import DppError, Unauthenticated, Unavailable
from dpp.entrypoints.http import live, security, signin_pages
from dpp.entrypoints.http.auth import Gate, guard, provide_principal
from dpp.entrypoints.http.dashboard import assets, explain_page, pages, restatements_page, wall_page
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.metrics import Answering
from dpp.entrypoints.http.signin_pages import SigningIn
from tests.support.dashboard_rows import Rows
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_reader import NOW, FakeReader
from tests.support.heard import Heard

PAYMENTS, LENDING = UUID(int=1), UUID(int=2)
CORE_API, MOBILE = UUID(int=11), UUID(int=12)
EMAIL, PASSWORD, TOKEN = "lead@acme.example", "correct horse", "a-session-token"

CONFIGURATION = Configuration(
    version=3,
    platform=PlatformSettings(calendar=CalendarRules(time_zone="Europe/London")),
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),
        DeliveryStream(stream_id=LENDING, name="lending", display_name="Lending <& savings>"),
    ),
    tech_streams=(
        TechStream(
            stream_id=CORE_API, name="core-api", display_name="Core API", github_org="acme-core", github_install_id="1"
        ),
        TechStream(
            stream_id=MOBILE, name="mobile", display_name="Mobile", github_org="acme-mobile", github_install_id="2"
        ),
    ),
)
ADMIN = (Grant(role=Role.PLATFORM_ADMIN),)


class FixedClock(Clock):
    """Stands still."""

    def now(self) -> datetime:
        """Return the same moment."""
        return NOW


@dataclass
class Feed(ChangeFeed, ConfigurationStore):
    """News that a test publishes by hand, and a configuration that it may replace."""

    configuration: Configuration = CONFIGURATION
    listeners: list[asyncio.Queue[Change | None]] = field(default_factory=list)

    async def publish(self, change: Change) -> None:
        """Tell every open page."""
        for listener in self.listeners:
            listener.put_nowait(change)

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[AsyncIterator[Change]]:
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self.listeners.append(queue)

        async def changes() -> AsyncIterator[Change]:
            while True:
                change = await queue.get()
                if change is None:
                    raise Unavailable("The news broke off")
                yield change

        try:
            yield changes()
        finally:
            self.listeners.remove(queue)

    def break_off(self) -> None:
        """End every stream of news, as a lost database connection does."""
        for listener in self.listeners:
            listener.put_nowait(None)

    def subscribe(self) -> Any:
        """Hear of changes."""
        return self._subscribed()

    async def load(self) -> Configuration:
        """Return the configuration."""
        return self.configuration

    async def save(
        self, configuration: Configuration, *, expected_version: int, actor: str, at: datetime
    ) -> Configuration:
        """Replace the configuration."""
        self.configuration = configuration
        return configuration


@dataclass
class OnePassword(SignIn):
    """Knows one person, one password, one session and those that its sign-ins open."""

    grants: Sequence[Grant] = ADMIN
    tokens: list[str] = field(default_factory=lambda: [TOKEN])
    is_over: bool = False
    is_throttled: bool = False

    async def sign_in(self, email: str, password: str, address: str | None) -> NewSession:
        """Let that person in."""
        if self.is_throttled:
            raise TooManyAttempts(90)
        if (email.strip().lower(), password) != (EMAIL, PASSWORD):
            raise SignInFailed("wrong")
        self.is_over = False
        self.tokens.append(f"{TOKEN}-{len(self.tokens)}")
        return NewSession(token=self.tokens[-1], expires_at=NOW + timedelta(hours=8))

    async def who(self, token: str, *, is_use: bool = True) -> Principal:
        """Know that person by the session."""
        if token not in self.tokens or self.is_over:
            raise Unauthenticated("The session is over")
        return user_principal(user_id=UUID(int=99), name="Lee Lead", grants=self.grants)

    async def sign_out(self, token: str) -> None:
        """End that session."""
        self.tokens = [one for one in self.tokens if one != token]


class NoKeys(ApiKeys):
    """Knows no key."""

    def __init__(self) -> None:
        """Nothing is needed to know nothing."""

    async def verify(self, authorization: str | None) -> Principal:
        """Refuse."""
        raise Unauthenticated("no key")


@dataclass
class Dashboard:
    """The parts of the application that a test looks at or changes.

    Attributes:
        rows: what lies in memory; filled when the application starts, if ``is_filled``.
    """

    reader: FakeReader = field(default_factory=FakeReader)
    diagnosed: FakeDiagnosticsReader = field(default_factory=FakeDiagnosticsReader)
    rows: Rows = field(default_factory=Rows)
    heard: Heard = field(default_factory=Heard)
    is_filled: bool = True
    signin: OnePassword = field(default_factory=OnePassword)
    feed: Feed = field(default_factory=Feed)
    public_url: str | None = None

    def app(self) -> Litestar:
        """Build the application."""
        gate = Gate(keys=NoKeys(), signin=self.signin, session_key=b"k" * 32)
        current = CurrentConfiguration(store=self.feed, feed=self.feed)
        diagnostics = Diagnostics(reader=self.diagnosed, metrics=self.reader)
        answering = Answering(
            queries=Queries(reader=self.reader),
            diagnostics=diagnostics,
            forecasts=self.rows.forecasts(self.reader, configuration=self.feed.configuration),
            configuration=current,
            clock=FixedClock(),
        )
        showing = pages.Showing(
            answering=answering,
            trends=self.rows.trends(self.reader),
            ledger=self.rows.ledger(),
            pulse=self.rows.pulse(),
            flow=self.rows.flow(self.reader),
            explanations=self.rows.explanations(
                self.reader,
                queries=answering.queries,
                diagnostics=answering.diagnostics,
                configuration=self.feed.configuration,
            ),
            history=self.rows.history(),
            freshness=self.heard.freshness(),
            gate=gate,
            public_url=self.public_url,
        )
        shown = [
            *pages.routes(lambda: showing),
            *explain_page.routes(lambda: showing),
            *restatements_page.routes(lambda: showing),
            *wall_page.routes(lambda: showing),
        ]
        signing_in = SigningIn(signin=self.signin, gate=gate, public_url=self.public_url)
        closed = {"guards": [guard(lambda: gate)], "dependencies": {"principal": Provide(provide_principal)}}

        async def load() -> None:
            await current.refresh()
            if self.is_filled:
                await self.rows.fill(stream=PAYMENTS, tech=CORE_API, other_tech=MOBILE)

        return Litestar(
            [
                Router(path="/", route_handlers=shown, **closed),  # type: ignore[arg-type]
                Router(path="/api/v1", route_handlers=[live.route(lambda: self.feed, lambda: gate)], **closed),  # type: ignore[arg-type]
                *signin_pages.routes(lambda: signing_in),
                *assets.routes(),
            ],
            on_startup=[load],
            before_send=[security.headers_hook(public_url=self.public_url)],
            exception_handlers={DppError: on_platform_error},
            openapi_config=None,
        )
