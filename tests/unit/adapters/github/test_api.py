"""The client of GitHub's APIs: within the rate limits, patient with what passes, and in words for what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from dpp.adapters.github.api import GitHubApi, Installed, PermissionMissing, next_cursor
from dpp.adapters.github.app import GitHubApp
from dpp.application.outgoing import Answer, Http, Request
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from tests.support.simulated_github import APP_ID, pem

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = Installed(org="acme", installation="1001")
OTHER = Installed(org="acme-mobile", installation="2002")
ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Scripted(Http):
    """Answers as it is told, one after the other, then with an empty object; a clock that only waiting moves."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.now = START
        self.slept: list[float] = []
        self.asked: list[Request] = []
        self.granted = 0

    async def ask(self, request: Request) -> Answer:
        """Grant a token, or answer the next thing."""
        await asyncio.sleep(0)
        if request.url.endswith("/access_tokens"):
            self.granted += 1
            body = {"token": f"token-{self.granted}", "expires_at": self.now + timedelta(hours=1)}
            return Answer(status=201, body=msgspec.json.encode(body))
        self.asked.append(request)
        return self.answers.pop(0) if self.answers else Answer(status=200, body=b"{}")

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(0)
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def api(http: Scripted, *, threshold: int = 500, api_url: str = "https://github.test/") -> GitHubApi:
    """Return a client over it."""
    app = GitHubApp(http=http, api_url=api_url, app_id=APP_ID, private_key=pem, now=lambda: http.now)
    return GitHubApi(http=http, app=app, api_url=api_url, now=lambda: http.now, sleep=http.sleep, threshold=threshold)


def get(asks: GitHubApi, where: Installed = ACME) -> object:
    """Ask for a resource."""
    return asyncio.run(asks.get(where, "/repos/acme/payments/deployments", decoder=ANYTHING))


def limit(remaining: int, *, seconds: int, status: int = 200, of: int = 5000) -> Answer:
    """Return an answer that says what is left of the limit, which begins anew so many seconds after the start."""
    until = START + timedelta(seconds=seconds)
    told = {"x-ratelimit-limit": of, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": int(until.timestamp())}
    return Answer(status=status, headers={name: str(value) for name, value in told.items()}, body=b"{}")


def refusal(status: int, **headers: str) -> Answer:
    """Return a refusal in words that nobody may see."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=told, body=b'{"message": "as GitHub says it"}')


def test_what_is_shown() -> None:
    """Each request carries the installation's token, and the version of the API that is read."""
    http = Scripted()
    assert {} == get(api(http))
    (request,) = http.asked
    assert "https://github.test/repos/acme/payments/deployments" == request.url
    assert "Bearer token-1" == request.headers["Authorization"]
    assert "2022-11-28" == request.headers["X-GitHub-Api-Version"]
    assert "token-1" not in repr(request)


@pytest.mark.parametrize(
    ("api_url", "address"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://github.acme.example/api/v3/", "https://github.acme.example/api/graphql"),
    ],
)
def test_where_graphql_is(api_url: str, address: str) -> None:
    """An Enterprise Server has GraphQL beside the REST API, and not below it."""
    http = Scripted()
    asyncio.run(api(http, api_url=api_url).graphql(ACME, "query { viewer { login } }", {}, decoder=ANYTHING))
    assert address == http.asked[0].url


@pytest.mark.parametrize(
    ("passing", "pauses"),
    [
        (Answer(status=0), [1.0]),
        (Answer(status=502), [1.0]),
        (Answer(status=200, body=b'{"half'), [1.0]),
        (refusal(429, retry_after="7"), [7.0]),
        (refusal(403, retry_after="7"), [7.0]),
        (limit(0, seconds=20, status=403), [21.0]),
    ],
)
def test_what_passes_is_waited_for(passing: Answer, pauses: Sequence[float]) -> None:
    """A second after silence, a failure or a torn answer; as long as GitHub says at its limits; then it is there."""
    http = Scripted(passing, limit(4000, seconds=3600))
    assert {} == get(api(http))
    assert pauses == http.slept


def test_what_does_not_pass_is_left_for_later() -> None:
    """Four attempts with longer and longer pauses, and then the next run."""
    http = Scripted(*[Answer(status=502)] * 4)
    with pytest.raises(SourceUnavailable, match="status 502") as away:
        get(api(http))
    assert not isinstance(away.value, SourceRefused)
    assert [1.0, 2.0, 4.0] == http.slept
    assert 4 == len(http.asked)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refusal(403), PermissionMissing, "read permissions"),
        (refusal(301), SourceRefused, "api_url"),
        (refusal(410), SourceRefused, "Enterprise Server may be too old"),
    ],
)
def test_a_refusal_says_what_to_do(answer: Answer, error: type[SourceRefused], words: str) -> None:
    """Nothing is tried again that a person has to mend, and no answer of GitHub's is quoted."""
    http = Scripted(answer)
    with pytest.raises(error, match=words) as refused:
        get(api(http))
    assert "as GitHub says it" not in str(refused.value)
    assert [] == http.slept


def test_a_token_that_is_refused_is_renewed_once() -> None:
    """A token may be withdrawn before its time: another one is tried, and if that is refused too, a person is told."""
    http = Scripted(refusal(401))
    assert {} == get(api(http))
    assert ["Bearer token-1", "Bearer token-2"] == [request.headers["Authorization"] for request in http.asked]
    http = Scripted(refusal(401), refusal(401))
    with pytest.raises(SourceRefused, match="suspended"):
        get(api(http))
    assert 2 == len(http.asked)


def test_what_is_not_there_is_none() -> None:
    """A resource that is gone, or that the installation does not see, is no failure."""
    assert None is get(api(Scripted(refusal(404))))


@pytest.mark.parametrize(("remaining", "asked"), [(500, 2), (499, 1)])
def test_the_last_requests_are_left_to_what_cannot_wait(remaining: int, asked: int) -> None:
    """With 500 left the next one goes out; with 499 it does not, for the limit begins anew only in an hour."""
    http = Scripted(limit(remaining, seconds=3600))
    asks = api(http)
    get(asks)
    if remaining < 500:
        with pytest.raises(SourceUnavailable, match="after 13:00 UTC"):
            get(asks)
    else:
        get(asks)
    assert asked == len(http.asked)


def test_a_small_limit_is_left_at_its_half() -> None:
    """A limit of 60, of which 500 are never left, can be used down to 30."""
    http = Scripted(limit(30, seconds=3600, of=60), limit(29, seconds=3600, of=60))
    asks = api(http)
    get(asks), get(asks)
    with pytest.raises(SourceUnavailable, match="29 requests are left"):
        get(asks)


def test_a_limit_that_soon_begins_anew_is_waited_for() -> None:
    """Twenty seconds are waited, and one more for clocks that differ."""
    http = Scripted(limit(10, seconds=20), limit(4999, seconds=3620))
    asks = api(http)
    get(asks)
    assert {} == get(asks)
    assert [21.0] == http.slept


def test_a_limit_that_began_anew_holds_up_nothing() -> None:
    """What was said of an hour that is over counts no more."""
    http = Scripted(limit(10, seconds=3600))
    asks = api(http)
    get(asks)
    http.now = START + timedelta(seconds=3601)
    assert {} == get(asks)
    assert [] == http.slept


def test_several_wait_for_one_limit() -> None:
    """Two that wait for the same limit both go on when it has begun anew."""
    http = Scripted(limit(10, seconds=20))
    asks = api(http)
    get(asks)

    async def both() -> list[object]:
        path = "/repos/acme/payments/deployments"
        return list(await asyncio.gather(*[asks.get(ACME, path, decoder=ANYTHING) for _ in range(2)]))

    assert [{}, {}] == asyncio.run(both())


def test_each_organisation_has_a_limit_of_its_own() -> None:
    """One whose limit is nearly used up does not hold up another."""
    http = Scripted(limit(10, seconds=3600))
    asks = api(http)
    get(asks)
    assert {} == get(asks, OTHER)
    assert {("acme", "core")} == set(asks.limits)


def test_graphql_has_a_limit_of_its_own() -> None:
    """What is left of REST's limit says nothing of GraphQL's."""
    http = Scripted(limit(10, seconds=3600))
    asks = api(http)
    get(asks)
    assert {} == asyncio.run(asks.graphql(ACME, "query { viewer { login } }", {}, decoder=ANYTHING))


@pytest.mark.parametrize("answer", [refusal(429, retry_after="900"), refusal(403, retry_after="900")])
def test_a_long_pause_is_kept(answer: Answer) -> None:
    """Told to wait for a quarter of an hour, the call ends, and nothing of that organisation is asked until then."""
    http = Scripted(answer)
    asks = api(http)
    for seconds in (0, 1, 850):
        http.now = START + timedelta(seconds=seconds)
        with pytest.raises(SourceUnavailable):
            get(asks)
    assert 1 == len(http.asked)
    assert {} == get(asks, OTHER)
    http.now = START + timedelta(seconds=901)
    assert {} == get(asks)
    assert [] == http.slept


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, b'{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}', {}),
        (403, b'{"message": "You have exceeded a secondary rate limit."}', {}),
        (429, b"{}", {}),
    ],
)
def test_a_limit_that_does_not_say_for_how_long(status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """A minute is the least that GitHub asks for: longer than one call waits, so that the next run goes on."""
    http = Scripted(Answer(status=status, body=body, headers=headers))
    with pytest.raises(SourceUnavailable, match="rate limit of acme") as away:
        asyncio.run(api(http).graphql(ACME, "query { viewer { login } }", {}, decoder=ANYTHING))
    assert not isinstance(away.value, SourceRefused)
    assert 1 == len(http.asked)


@pytest.mark.parametrize(("answer", "is_refused"), [(refusal(403), True), (refusal(403, retry_after="60"), False)])
def test_the_log_of_deliveries_is_within_limits_too(answer: Answer, is_refused: bool) -> None:
    """A limit of the App's own is no matter of its permissions."""
    with pytest.raises(SourceUnavailable) as away:
        asyncio.run(api(Scripted(answer)).deliveries({}, decoder=ANYTHING))
    assert is_refused == isinstance(away.value, SourceRefused)


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ("", None),
        ('<https://github.test/x?per_page=50&after=Y3Vyc29yOjE%3D>; rel="next"', "Y3Vyc29yOjE="),
        ('<https://github.test/x?before=a>; rel="prev", <https://github.test/x?cursor=b>; rel="next"', "b"),
        ('<https://github.test/x?after=a>; rel="first"', None),
    ],
)
def test_the_next_page(link: str, cursor: str | None) -> None:
    """Lists with cursors name the next one in the header Link, and on the last page do not."""
    assert cursor == next_cursor(Answer(status=200, headers={"link": link}))
