"""The addresses by which people sign in by way of the identity provider, as a browser sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from dpp.domain.errors import Unauthenticated
from dpp.entrypoints.http import signin_oidc, signin_pages
from dpp.entrypoints.http.auth import COOKIE, Gate
from dpp.entrypoints.http.cookies import HOST_PREFIX, SECURE_PREFIX
from dpp.entrypoints.http.signin_oidc import REFUSED_AT_ONCE
from dpp.entrypoints.http.signin_pages import SigningIn
from tests.support.identity_provider import ISSUER
from tests.support.oidc_site import Site

Browser = TestClient[Litestar]
SITE = "http://127.0.0.1"
DISCOVERY = "/tenant/.well-known/openid-configuration"


@pytest.fixture
def site() -> Site:
    """A platform and its provider."""
    return Site()


def browser(site: Site, *, by_provider: bool = True, public_url: str | None = None, at: str = SITE) -> Browser:
    """Return a browser in front of the platform's addresses."""
    gate = Gate(keys=site.access.keys, signin=site.access.signin, session_key=b"k" * 32, public_url=public_url)
    to = SigningIn(signin=site.access.signin, gate=gate, oidc=site.oidc if by_provider else None, public_url=public_url)
    routes = [*signin_pages.routes(lambda: to), *signin_oidc.routes(lambda: to)]
    return TestClient(Litestar(routes, openapi_config=None), base_url=at)


@pytest.fixture
def anybody(site: Site) -> Iterator[Browser]:
    """A browser that nobody has signed in with."""
    with browser(site) as client:
        client.follow_redirects = False
        yield client


def set_cookies(answer: httpx.Response) -> dict[str, Morsel[str]]:
    """Return the cookies that an answer sets, by name."""
    found: dict[str, Morsel[str]] = {}
    for header in answer.headers.get_list("set-cookie"):
        found |= SimpleCookie(header)
    return found


def came_back(site: Site, client: Browser, *, wanted: str = "/", **changed: str) -> httpx.Response:
    """Go to the provider and come back."""
    begun = client.get("/sign-in/oidc", params={"next": wanted})
    assert 303 == begun.status_code
    return client.get("/sign-in/oidc/callback", params=site.provider.visit(begun.headers["location"]) | changed)


def test_the_sign_in_page_leads_to_the_provider(site: Site, anybody: Browser) -> None:
    """Whoever is to sign in is sent on at once, with where they wanted to be; a posted password is not looked at."""
    sent = anybody.get("/sign-in", params={"next": "/?stream=payments"})
    assert (303, "/sign-in/oidc?next=%2F%3Fstream%3Dpayments") == (sent.status_code, sent.headers["location"])
    posted = anybody.post("/sign-in", data={"email": "ada@example.org", "password": "x" * 12})
    assert (303, "/sign-in/oidc") == (posted.status_code, posted.headers["location"])
    assert 0 == site.access.passwords.checks


def test_a_browser_goes_to_the_provider_and_comes_back(site: Site, anybody: Browser) -> None:
    """The way back sets the session's cookie, forgets the sign-in's, and leads on; nothing of it is kept in caches."""
    begun = anybody.get("/sign-in/oidc?next=/%3Fstream%3Dpayments")
    ((name, kept),) = set_cookies(begun).items()
    assert name.startswith("dpp_oidc_")
    assert ("/sign-in/oidc", "600", True, "lax") == (
        kept["path"],
        kept["max-age"],
        kept["httponly"],
        kept["samesite"].lower(),
    )
    answer = anybody.get("/sign-in/oidc/callback", params=site.provider.visit(begun.headers["location"]))
    assert (303, "/?stream=payments", "no-store") == (
        answer.status_code,
        answer.headers["location"],
        answer.headers["cache-control"],
    )
    cookies = set_cookies(answer)
    assert "0" == cookies[name]["max-age"]
    assert (True, "lax", "/") == (
        cookies[COOKIE]["httponly"],
        cookies[COOKIE]["samesite"].lower(),
        cookies[COOKIE]["path"],
    )


def test_several_tabs_do_not_collide(site: Site, anybody: Browser) -> None:
    """Two sign-ins that one browser begins at the same time both come to their end."""
    begun = [anybody.get("/sign-in/oidc", params={"next": f"/?window={days}"}) for days in (7, 14)]
    ends = [
        anybody.get("/sign-in/oidc/callback", params=site.provider.visit(each.headers["location"])) for each in begun
    ]
    assert ["/?window=7", "/?window=14"] == [each.headers["location"] for each in ends]


def test_whoever_is_signed_in_goes_on(site: Site, anybody: Browser) -> None:
    """Beginning again with an open session asks nobody."""
    came_back(site, anybody)
    answer = anybody.get("/sign-in/oidc", params={"next": "/?window=7"})
    assert "/?window=7" == answer.headers["location"]


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example"])
def test_nobody_is_led_elsewhere(site: Site, anybody: Browser, elsewhere: str) -> None:
    """A way on that leads to another site is the start page."""
    assert "/" == came_back(site, anybody, wanted=elsewhere).headers["location"]


@pytest.mark.parametrize(
    ("url", "at", "is_secure"),
    [(None, SITE, False), (None, "https://dpp.example.org", True), ("https://dpp.example.org", SITE, True)],
)
def test_cookies_are_for_tls_alone(site: Site, url: str | None, at: str, is_secure: bool) -> None:
    """But for plain http on the reader's own machine, cookies go over TLS alone, and their names bind them to it."""
    with browser(site, public_url=url, at=at) as client:
        client.follow_redirects = False
        begun = client.get("/sign-in/oidc")
        kept = set_cookies(begun)
        client.cookies.update({name: morsel.value for name, morsel in kept.items()})
        end = client.get("/sign-in/oidc/callback", params=site.provider.visit(begun.headers["location"]))
        given = {name: morsel for name, morsel in set_cookies(end).items() if morsel.value}
        assert {is_secure} == {bool(morsel["secure"]) for morsel in (*kept.values(), *given.values())}
        assert [HOST_PREFIX + COOKIE if is_secure else COOKIE] == [*given]
        assert {is_secure} == {name.startswith(SECURE_PREFIX) for name in kept}


def test_a_cookie_without_its_prefix_is_nobodys(site: Site) -> None:
    """Where TLS is, a good session under the name that another host could have set opens nothing."""
    with browser(site) as client:
        client.follow_redirects = False
        came_back(site, client)
        token = client.cookies[COOKIE]
    at = "https://dpp.example.org"
    with browser(site, public_url=at, at=at) as client:
        client.follow_redirects = False
        bare = client.get("/sign-in/oidc", headers={"cookie": f"{COOKIE}={token}"})
        bound = client.get("/sign-in/oidc", headers={"cookie": f"{HOST_PREFIX}{COOKIE}={token}"})
    assert bare.headers["location"].startswith("https://login.example.org/")
    assert "/" == bound.headers["location"]


def test_a_new_sign_in_ends_the_session_that_the_browser_had(site: Site, anybody: Browser) -> None:
    """Coming back from the provider while another tab has signed in leaves one session open, the new one."""
    slow = anybody.get("/sign-in/oidc")
    came_back(site, anybody)
    before = anybody.cookies[COOKIE]
    assert (
        303 == anybody.get("/sign-in/oidc/callback", params=site.provider.visit(slow.headers["location"])).status_code
    )
    assert before != anybody.cookies[COOKIE]
    with pytest.raises(Unauthenticated):
        asyncio.run(site.access.signin.who(before))
    assert asyncio.run(site.access.signin.who(anybody.cookies[COOKIE])).name


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"state": "another"}, "not begun in this browser"),
        ({"state": ""}, "not begun in this browser"),
        ({"code": "another"}, "over already"),
        ({"code": ""}, "did not sign you in"),
        ({"iss": "https://evil.example"}, "another identity provider"),
        ({"error": "access_denied", "error_description": "call 555"}, "declined the sign-in"),
    ],
)
def test_a_refusal_is_a_page_with_a_way_to_try_again(
    site: Site, anybody: Browser, changed: dict[str, str], words: str
) -> None:
    """What went wrong is said in our own words, without a session, and the way to begin again is on the page."""
    answer = came_back(site, anybody, **changed)
    assert 401 == answer.status_code
    assert words in answer.text
    assert 'href="/sign-in/oidc"' in answer.text
    assert "555" not in answer.text
    assert COOKIE not in set_cookies(answer)


def test_a_callback_out_of_nowhere_is_refused(anybody: Browser) -> None:
    """Without anything, with too much and with odd characters, the callback is a page that says so."""
    for query in ({}, {"state": "x" * 5000, "code": "y"}, {"state": "ü;=\n", "code": "y"}):
        answer = anybody.get("/sign-in/oidc/callback?" + urlencode(query))
        assert (401, True) == (answer.status_code, "not begun in this browser" in answer.text)
        assert COOKIE not in set_cookies(answer)


def test_refused_answers_are_slowed_down(site: Site, anybody: Browser) -> None:
    """After twenty refusals an address must wait some seconds, and only that."""
    asked = {anybody.get("/sign-in/oidc/callback?state=x&code=y").status_code for _ in range(REFUSED_AT_ONCE)}
    assert {401} == asked
    slowed = anybody.get("/sign-in/oidc/callback?state=x&code=y")
    assert (429, True) == (slowed.status_code, 1 <= int(slowed.headers["retry-after"]) <= 6)


def test_a_provider_that_is_away_is_told(site: Site, anybody: Browser) -> None:
    """While the provider does not answer the page says so, with status 503 and a way to try again."""
    site.provider.broken[DISCOVERY] = httpx.ConnectError("away")
    answer = anybody.get("/sign-in/oidc", params={"next": "/?window=7"})
    assert (503, "5") == (answer.status_code, answer.headers["retry-after"])
    assert f"{ISSUER}/.well-known/openid-configuration does not answer" in answer.text
    assert 'href="/sign-in/oidc?next=%2F%3Fwindow%3D7"' in answer.text
    site.provider.broken.clear()
    begun = anybody.get("/sign-in/oidc")
    site.provider.broken["/token"] = httpx.Response(502)
    params = site.provider.visit(begun.headers["location"])
    assert 503 == anybody.get("/sign-in/oidc/callback", params=params).status_code


def test_signing_out_offers_to_sign_out_there_too(site: Site, anybody: Browser) -> None:
    """After signing out the session is over, and a link leads to the provider's own way out, if it has one."""
    came_back(site, anybody)
    token = anybody.cookies[COOKIE]
    gate = Gate(keys=site.access.keys, signin=site.access.signin, session_key=b"k" * 32)
    out = anybody.post("/sign-out", data={"csrf_token": gate.csrf_token(token)})
    assert (303, "/sign-in/oidc/signed-out") == (out.status_code, out.headers["location"])
    assert "0" == set_cookies(out)[COOKIE]["max-age"]
    page = anybody.get("/sign-in/oidc/signed-out").text
    assert 'href="https://login.example.org/sign-out?client_id=dpp+at+acme"' in page
    site.access.clock.forward(hours=2)
    site.provider.description = {"end_session_endpoint": None}
    assert "Sign out at" not in anybody.get("/sign-in/oidc/signed-out").text


def test_there_is_no_such_door_where_people_have_passwords(site: Site) -> None:
    """With sign-in by password none of the provider's addresses is there, and the form is."""
    with browser(site, by_provider=False) as client:
        for path in ("", "/callback?state=x&code=y", "/signed-out"):
            assert 404 == client.get(f"/sign-in/oidc{path}").status_code
        page = client.get("/sign-in").text
        assert 'type="password"' in page
        assert "/sign-in/oidc" not in page
