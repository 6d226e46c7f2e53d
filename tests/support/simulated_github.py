"""The simulated organisation's GitHub behind the real client, without a socket; and its webhooks read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dpp.adapters.github.api import GitHubApi, Installed
from dpp.adapters.github.app import GitHubApp
from dpp.adapters.github.history import GitHubHistory
from dpp.adapters.github.host import GitHubHost
from dpp.adapters.github.source import GitHubSource
from dpp.adapters.github.webhook import GitHubWebhookReader
from dpp.adapters.outgoing.http import Answer, Http, Request
from dpp.adapters.simulation.github_api import SimulatedGitHub
from dpp.application.reading import Verified
from dpp.domain.events import Facts, Outcome, Source
from tests.support.simulated_jira import configuration, organisation, reading

BASE = "https://github.test/api/v3"
APP_ID = "12345"
CORE = Installed(org="acme-core-api", installation="1001")


@cache
def key() -> rsa.RSAPrivateKey:
    """Return the App's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem() -> bytes:
    """Return it as GitHub gives it."""
    return key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def proves(text: str) -> bool:
    """Whether a statement is signed by the App's key."""
    try:
        told = jwt.decode(text, key().public_key(), algorithms=["RS256"], options={"verify_exp": False})
    except jwt.PyJWTError:
        return False
    return bool(told["iss"] == APP_ID)


@dataclass
class Wired(Http):
    """The fake in place of the network."""

    github: SimulatedGitHub
    slept: list[float] = field(default_factory=list)
    threshold: int = 500

    async def ask(self, request: Request) -> Answer:
        """Ask the fake."""
        path = urlsplit(request.url).path
        # GraphQL of an Enterprise Server lies beside the REST API.
        path = path.removeprefix("/api/v3") if path.startswith("/api/v3") else path.removeprefix("/api")
        found = self.github.answer(request.method, path, request.query, headers=request.headers, body=request.body)
        if found.timed_out:
            return Answer(status=0)
        told = {name.lower(): value for name, value in found.headers.items()}
        return Answer(status=found.status, headers=told, body=found.body)

    async def sleep(self, seconds: float) -> None:
        """Note that somebody waits."""
        self.slept.append(seconds)

    def __post_init__(self) -> None:
        app = GitHubApp(http=self, api_url=BASE, app_id=APP_ID, private_key=pem, now=self.github.now)
        self.api = GitHubApi(
            http=self, app=app, api_url=BASE, now=self.github.now, sleep=self.sleep, threshold=self.threshold
        )
        self.source = GitHubSource(api=self.api, reading=reading, now=self.github.now)
        self.history = GitHubHistory(source=self.source, configuration=configuration)
        self.host = GitHubHost(api=self.api, source=self.source, configuration=configuration)


def wired(*, now: datetime | None = None, threshold: int = 500, page_size: int = 100) -> Wired:
    """Return a fake as of the end of the history."""
    moment = organisation().end if now is None else now
    github = SimulatedGitHub(organisation=organisation(), now=lambda: moment, proves=proves, page_size=page_size)
    return Wired(github, threshold=threshold)


def heard(org: str) -> Iterator[Facts]:
    """Yield the facts of an organisation's webhooks."""
    for delivery in organisation().deliveries():
        if delivery.source != "github":
            continue
        verified = Verified(source=Source.GITHUB, kind=delivery.headers["X-GitHub-Event"], body=delivery.body)
        told = GitHubWebhookReader().normalise(verified, reading=reading())
        if told.outcome is Outcome.UNDERSTOOD and f'"full_name":"{org}/'.encode() in delivery.body:
            yield told.facts
