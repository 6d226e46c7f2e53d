"""The App's proof, and its tokens: one for each installation, kept until shortly before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from dpp.adapters.github.app import RENEWED_BEFORE, GitHubApp
from dpp.application.outgoing import Answer, Http, Request
from dpp.application.secrets import SecretMissing
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from tests.support.simulated_github import APP_ID, key, pem

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Granting(Http):
    """Grants numbered tokens for an hour, or answers as it is told; the clock stands until it is moved."""

    def __init__(self) -> None:
        self.now = START
        self.asked: list[Request] = []
        self.instead: Answer | None = None

    async def ask(self, request: Request) -> Answer:
        """Grant a token."""
        self.asked.append(request)
        until = f"{self.now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        body = f'{{"token": "token-{len(self.asked)}", "expires_at": "{until}"}}'.encode()
        return self.instead or Answer(status=201, body=body)


def app(http: Granting, *, private_key: Callable[[], bytes] = pem) -> GitHubApp:
    """Return the App over it."""
    return GitHubApp(
        http=http, api_url="https://github.test/", app_id=APP_ID, private_key=private_key, now=lambda: http.now
    )


def test_the_proof_names_the_app_and_ends_within_ten_minutes() -> None:
    """The statement is signed by the App's key in RS256, and lasts no longer than GitHub takes it."""
    told = jwt.decode(app(Granting()).proof(), key().public_key(), algorithms=["RS256"])
    assert APP_ID == told["iss"]
    assert 0 < told["exp"] - told["iat"] <= 600


def test_a_token_is_asked_for_by_the_proof() -> None:
    """The request names the installation and shows the proof, not another token."""
    http = Granting()
    assert "token-1" == asyncio.run(app(http).token("1001"))
    (request,) = http.asked
    assert ("POST", "https://github.test/app/installations/1001/access_tokens") == (request.method, request.url)
    shown = request.headers["Authorization"].removeprefix("Bearer ")
    assert APP_ID == jwt.decode(shown, key().public_key(), algorithms=["RS256"])["iss"]


def test_each_installation_has_a_token_of_its_own() -> None:
    """A token opens one organisation, and is asked for once."""
    http = Granting()
    mine = app(http)
    tokens = [asyncio.run(mine.token(number)) for number in ("1001", "1002", "1001", "1002")]
    assert ["token-1", "token-2", "token-1", "token-2"] == tokens
    assert 2 == len(http.asked)


@pytest.mark.parametrize(("before_its_end", "token"), [(timedelta(seconds=1), "token-1"), (timedelta(0), "token-2")])
def test_a_token_is_renewed_before_it_ends(before_its_end: timedelta, token: str) -> None:
    """Five minutes before its end a token is given up, a second earlier it still serves."""
    http = Granting()
    mine = app(http)
    asyncio.run(mine.token("1001"))
    http.now = START + timedelta(hours=1) - RENEWED_BEFORE - before_its_end
    assert token == asyncio.run(mine.token("1001"))


def test_a_token_that_was_withdrawn_is_let_go() -> None:
    """After it is forgotten another one is asked for; forgetting what is not known does nothing."""
    http = Granting()
    mine = app(http)
    asyncio.run(mine.token("1001"))
    mine.forget("1001")
    mine.forget("1002")
    assert "token-2" == asyncio.run(mine.token("1001"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "secret github_app_private_key"),
        (403, "app_id under"),
        (404, "github_install_id of its technology stream"),
    ],
)
def test_what_a_person_must_mend_is_named(status: int, words: str) -> None:
    """A key that GitHub does not know, and an App that is not installed, are matters of configuration."""
    http = Granting()
    http.instead = Answer(status=status, body=b'{"message": "as GitHub says it"}')
    with pytest.raises(SourceRefused, match=words) as refused:
        asyncio.run(app(http).token("1001"))
    assert "as GitHub says it" not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=0),
        Answer(status=502),
        Answer(status=201, body=b'{"token": "half'),
        Answer(status=201),
        Answer(status=403, headers={"retry-after": "60"}),
        Answer(status=403, headers={"x-ratelimit-remaining": "0"}),
        Answer(status=429),
    ],
)
def test_what_passes_is_nobodys_fault(answer: Answer) -> None:
    """Silence, a failure, a torn answer and a rate limit are left for later, without blaming the configuration."""
    http = Granting()
    http.instead = answer
    with pytest.raises(SourceUnavailable) as away:
        asyncio.run(app(http).token("1001"))
    assert not isinstance(away.value, SourceRefused)


def missing() -> bytes:
    """Stand for a secret that is not there."""
    raise SecretMissing("Put the secret github_app_private_key where secrets lie")


def unreadable() -> bytes:
    """Stand for a secret that is something else."""
    return b"hunter2: no key at all"


@pytest.mark.parametrize("secret", [missing, unreadable])
def test_without_a_key_nothing_is_asked(secret: Callable[[], bytes]) -> None:
    """A key that is missing or is none is named by the secret's name, never quoted, and GitHub hears nothing."""
    http = Granting()
    with pytest.raises(SourceRefused, match="github_app_private_key") as refused:
        asyncio.run(app(http, private_key=secret).token("1001"))
    assert "hunter2" not in str(refused.value)
    assert [] == http.asked
