"""No secret, password, session or key shows: not in an answer, not in the process's log, not in a repr."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import structlog
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from structlog.processors import format_exc_info
from structlog.typing import EventDict

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.archive import MemoryArchive
from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.secrets import MemorySecrets
from dpp.application.current import CurrentConfiguration
from dpp.application.doors import Doors
from dpp.application.ingest import Intake
from dpp.application.keys import NewKey
from dpp.application.password_links import PasswordLink, PasswordLinks
from dpp.application.secrets import GENERATABLE
from dpp.application.signin import NewSession
from dpp.domain.access import Grant, Permission, Role, StreamScope
from dpp.domain.errors import Unavailable
from dpp.domain.privacy import Pseudonymiser
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.auth import COOKIE, Gate
from dpp.entrypoints.http.parts import Parts
from tests.support.access import Access
from tests.support.administering import READERS
from tests.support.intake import Box, Reversed, Store
from tests.support.oidc_site import Site

#: Those that the platform makes up, and those that people bring.
NAMES = (
    *GENERATABLE,
    *("pagerduty_webhook_secret", "jira_api_token", "github_app_private_key", "oidc_client_secret"),
)
MARKED = {f"{name}{suffix}": f"MARKED-{name}{suffix}-ZQ".encode() for name in NAMES for suffix in ("", ".previous")}
PASSWORD, WRONG_PASSWORD = "MARKED-password-ZQ", "MARKED-wrong-password-ZQ"
WRONG_KEY, WRONG_TOKEN, WRONG_LINK, WRONG_SESSION, WRONG_CODE = (
    f"MARKED-{what}-ZQ" for what in ("key", "jira-path", "link", "session", "code")
)
OWN = {"sec-fetch-site": "same-origin"}
PAGE = "http://127.0.0.1"
OF_OTHERS = "httpx"
"""What the client of the tests logs is no log of the platform."""


class Broken:
    """A part with a fault."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} has a fault")


class Away:
    """A part that does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable(f"{name} is away")


class World:
    """What the application of a test consists of; everything that is not named here does not answer."""

    def __init__(self, *, by_provider: bool = False) -> None:
        site = Site()
        site.secrets = MemorySecrets(MARKED)
        self.access = Access(secrets=site.secrets)
        site.access = self.access
        self.provider = site.provider
        self.provider.clock = self.access.clock
        self.oidc = site.process() if by_provider else None
        self.public_url = None
        self.secrets, self.clock, self.audit = self.access.secrets, self.access.clock, self.access.store
        self.keys, self.signin, self.users = self.access.keys, self.access.signin, self.access.users
        self.password_links = PasswordLinks(
            store=self.access.store, users=self.users, secrets=self.secrets, clock=self.clock
        )
        database = MemoryDatabase()
        self.configuration = CurrentConfiguration(
            store=MemoryConfigurationStore(database=database), feed=MemoryChangeFeed()
        )
        self.intake = Intake(
            archive=MemoryArchive(),
            store=Store(database),
            codec=JsonDeliveryCodec(),
            sealer=Reversed(),
            repair_box=Box(),
            clock=self.clock,
            ids=self.access.ids,
        )
        self.pseudonymiser = Pseudonymiser(MARKED["anonymisation_key"])
        self.doors = Doors(
            intake=self.intake,
            configuration=self.configuration,
            secrets=self.secrets,
            pseudonymiser=self.pseudonymiser,
            readers=READERS,
            keys=self.keys,
            clock=self.clock,
        )
        self.backfill = Broken()
        self.gate = Gate(keys=self.keys, signin=self.signin, session_key=MARKED["session_key"])
        self.session, self.key, self.link = asyncio.run(self._people())

    def __getattr__(self, name: str) -> Any:
        """A part that the test does not need."""
        return Away()

    async def _people(self) -> tuple[NewSession, NewKey, PasswordLink]:
        user = await self.users.ensure_admin(password=PASSWORD)
        assert user is not None
        key = await self.keys.create(
            name="ci", permissions=[Permission.METRICS_READ], scope=StreamScope.everything(), actor="test"
        )
        link = await self.password_links.make(user.user_id)
        return await self.signin.sign_in("admin@localhost", PASSWORD, None), key, link

    def app(self) -> Litestar:
        """The whole application."""

        @asynccontextmanager
        async def parts() -> AsyncIterator[Parts]:
            yield cast(Parts, self)

        return create(parts)

    def hidden(self) -> set[str]:
        """Return everything that must show nowhere."""
        own = {self.session.token, self.key.key, self.link.token}
        return own | {"MARKED-"} | {self.key.key.rpartition("_")[2]}


@dataclass
class Seen:
    """What left the application: answers with their headers, and lines of the log."""

    answers: list[Response] = field(default_factory=list)
    logged: list[EventDict] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def texts(self) -> Iterator[str]:
        """Yield all of it as text, tracebacks included."""
        for one in self.answers:
            yield f"{one.status_code} {one.headers!r} {one.text}"
        for entry in self.logged:
            yield repr(format_exc_info(None, "", dict(entry)))
        yield from self.lines


def _exercise(world: World, client: TestClient[Litestar], seen: Seen) -> None:
    """Do what goes wrong, one thing after the other."""
    form = client.get("/sign-in")
    token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    assert token is not None
    fields = {"csrf_token": token[1], "email": "admin@localhost", "password": WRONG_PASSWORD}
    wrong = client.post("/sign-in", data=fields, headers=OWN)
    fields["csrf_token"] = "another"
    foreign = client.post("/sign-in", data=fields, headers=OWN)
    own_key = {"authorization": f"Bearer {world.key.key}"}
    cookie = {"cookie": f"{COOKIE}={world.session.token}"}
    signed = {"x-hub-signature-256": f"sha256={'0' * 64}", "x-hub-signature": "sha256=00", "x-github-event": "push"}
    void = {"token": WRONG_LINK, "password": WRONG_PASSWORD, "again": WRONG_PASSWORD}
    statuses = {
        "sign in": (401, wrong),
        "sign in by a form that is not ours": (403, foreign),
        "key": (401, client.get("/api/v1/streams/delivery", headers={"authorization": f"Bearer {WRONG_KEY}"})),
        "half a key": (
            401,
            client.get(
                "/api/v1/streams/delivery",
                headers={"authorization": f"Bearer {world.key.key.rpartition('_')[0]}_{WRONG_KEY}"},
            ),
        ),
        "a key at a door": (
            401,
            client.post("/api/v1/events/deployment", json={}, headers={"authorization": f"Bearer {WRONG_KEY}"}),
        ),
        "a key for something else": (403, client.post("/api/v1/events/deployment", json={}, headers=own_key)),
        "session": (401, client.get("/api/v1/streams/delivery", headers={"cookie": f"{COOKIE}={WRONG_SESSION}"})),
        "no token of a form": (403, client.post("/api/v1/admin/backfill/github/acme", headers=cookie)),
        "github": (401, client.post("/api/v1/webhooks/github", content=b"{}", headers=signed)),
        "jira": (401, client.post("/api/v1/webhooks/jira", content=b"{}", headers=signed)),
        "jira by path": (401, client.post(f"/api/v1/webhooks/jira/{WRONG_TOKEN}", content=b"{}")),
        "link": (403, client.get("/set-password", params={"token": WRONG_LINK})),
        "form of a link": (403, client.post("/set-password", data=void, headers=OWN)),
        "away": (503, client.get("/api/v1/streams/delivery", headers=own_key)),
        "fault": (500, client.get("/api/v1/admin/backfill", headers=cookie)),
        "nowhere": (404, client.get("/api/v1/nothing", headers={**own_key, **cookie})),
    }
    seen.answers += [form, *(answer for _, answer in statuses.values())]
    told = {name: answer.status_code for name, (_, answer) in statuses.items()}
    assert {name: status for name, (status, _) in statuses.items()} == told


def _by_provider(world: World, client: TestClient[Litestar], seen: Seen) -> None:
    """Come back from a provider that does not know the platform by its secret, and with a code that nobody gave."""
    begun = client.get("/sign-in/oidc")
    assert 303 == begun.status_code
    misconfigured = client.get("/sign-in/oidc/callback", params=world.provider.visit(begun.headers["location"]))
    again = client.get("/sign-in/oidc")
    given = world.provider.visit(again.headers["location"]) | {"code": WRONG_CODE}
    stolen = client.get("/sign-in/oidc/callback", params=given)
    assert {True} == {answer.status_code >= 400 for answer in (misconfigured, stolen)}
    reasons = [entry.details and entry.details["reason"] for entry in asyncio.run(world.access.store.entries())[:2]]
    assert 2 * ["identity_provider_unavailable"] == reasons
    seen.answers += [begun, misconfigured, again, stolen]


@pytest.mark.parametrize("by_provider", [False, True])
def test_nothing_that_goes_wrong_shows_a_secret(by_provider: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Every secret has a mark; the answers and the log of whatever is refused, away or broken are without any."""
    world, seen = World(by_provider=by_provider), Seen()
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        client = TestClient(world.app(), base_url=PAGE, raise_server_exceptions=False)
        with client:
            client.follow_redirects = False
            (_by_provider if by_provider else _exercise)(world, client, seen)
    seen.logged += logged
    seen.lines += [record.getMessage() for record in caplog.records if not record.name.startswith(OF_OTHERS)]
    assert ("oidc_sign_in_failed" if by_provider else "request_failed") in {entry["event"] for entry in logged}
    assert [] == [(secret, text) for text in seen.texts() for secret in world.hidden() if secret in text]


def test_no_audit_entry_shows_a_secret() -> None:
    """What is put on record about people who were turned away is without what they typed."""
    world = World()
    with TestClient(world.app(), base_url=PAGE, raise_server_exceptions=False) as client:
        client.follow_redirects = False
        _exercise(world, client, Seen())
    entries = asyncio.run(world.access.store.entries())
    assert "sign_in.failed" in {entry.action for entry in entries}
    assert [] == [entry for entry in entries for secret in world.hidden() if secret in repr(entry)]


def test_no_repr_shows_a_secret() -> None:
    """A part that ends in a log or a traceback takes no secret there."""
    world = World(by_provider=True)
    users = asyncio.run(world.access.store.users())
    keys = asyncio.run(world.access.store.keys())
    shown = [
        *(world.secrets, world.keys, world.signin, world.users, world.password_links, world.doors, world.intake),
        *(world.oidc, world.gate, world.pseudonymiser, world.configuration, world.session, world.key, world.link),
        *(*users, *keys, Grant(role=Role.PLATFORM_ADMIN), asyncio.run(world.signin.who(world.session.token))),
    ]
    assert [] == [type(one) for one in shown for secret in world.hidden() if secret in repr(one)]
