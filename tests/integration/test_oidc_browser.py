"""Signing in by OpenID Connect in a real browser, with a certified provider and the whole platform."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import load
from tests.conftest import missing
from tests.support import axe_rules
from tests.support.browsing import browser
from tests.support.node_packages import NotInstallable
from tests.support.oidc_process import OidcProcess, installed, oidc_process
from tests.support.postgres import TestServer
from tests.support.running import RunningPlatform, free_port
from tests.support.walking import WATCH, Walk

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("oidc")]

CLIENT_ID, CLIENT_SECRET = "dpp", "a secret that the provider has given out"
ORGANISATION = """
[[delivery_streams]]
name = "payments"
display_name = "Payments"

[[delivery_streams]]
name = "lending"
display_name = "Lending"

[[group_roles]]
group = "dpp-admins"
role = "platform_admin"

[[group_roles]]
pattern = '^dpp-(?P<delivery_stream>.+)-leads$'
role = "stream_lead"
"""
COOL_DOWN_SECONDS = 20
#: For shared cores.
expect.set_options(timeout=15_000)


class SignedInByProvider(RunningPlatform):
    """A platform whose people sign in by way of a provider."""

    issuer = ""

    def _environment(self) -> dict[str, str]:
        oidc = {
            "AUTH_METHOD": "oidc",
            "OIDC_ISSUER_URL": self.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_REDIRECT_URI": f"{self.address()}/sign-in/oidc/callback",
        }
        return super()._environment() | oidc


@dataclass
class Site:
    """A platform, its provider, and a person's browser window."""

    platform: SignedInByProvider
    provider: OidcProcess
    page: Page

    def sign_in(self, name: str, *, at: str = "/") -> None:
        """Open a page of the platform and sign in at the provider."""
        self.page.goto(self.platform.address() + at)
        self.identify(name)

    def identify(self, name: str) -> None:
        """Say at the provider who one is, and agree to what it asks."""
        expect(self.page).to_have_url(re.compile(re.escape(self.provider.issuer) + "/interaction/"))
        self.page.get_by_placeholder("Enter any login").fill(name)
        self.page.get_by_placeholder("and password").fill("any")
        self.page.get_by_role("button", name="Sign-in").click()
        self.page.get_by_role("button", name="Continue").click()

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Ask the platform's database."""
        with psycopg.connect(self.platform.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    def look(self, *, at: str, rules: str) -> list[str]:
        """Look at the page that is open at every width in both themes; return what is wrong with it."""
        walked = Walk(self.platform.address(), "oidc", self.page, here=at)
        walked.check(rules)
        walked.look()
        return walked.faults

    def log(self) -> str:
        """Return what the server has logged."""
        return (self.platform.data_dir / "serve.log").read_text()


@pytest.fixture(scope="session")
def provider_folder(node: str) -> Path:
    """The provider's program, fetched when it is not here yet."""
    try:
        return installed(node)
    except NotInstallable as error:
        missing(f"the npm package oidc-provider ({error})")


@pytest.fixture(scope="session")
def rules(node: str) -> str:
    """The rules of accessibility."""
    try:
        return axe_rules.script(node)
    except NotInstallable as error:
        missing(f"the npm package axe-core ({error})")


@dataclass
class Pair:
    """A platform and its provider."""

    platform: SignedInByProvider
    provider: OidcProcess


@pytest.fixture(scope="module", params=["claims in the token"])
def pair(
    request: pytest.FixtureRequest,
    node: str,
    provider_folder: Path,
    postgres_server: TestServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    """A platform and its provider, running."""
    folder = tmp_path_factory.mktemp("platform")
    local.prepare(load({}, data_dir=folder))
    (folder / "secrets" / "oidc_client_secret").write_text(CLIENT_SECRET + "\n")
    (folder / "organisation.toml").write_text(ORGANISATION)
    with postgres_server.database(template=postgres_server.template) as url:
        platform = SignedInByProvider(folder, url, ports={"serve": free_port()})
        with oidc_process(
            provider_folder,
            node,
            redirect_uri=f"{platform.address()}/sign-in/oidc/callback",
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            claims_in_token=request.param == "claims in the token",
        ) as provider:
            platform.issuer = provider.issuer
            platform.command("config", "apply", str(folder / "organisation.toml"))
            try:
                platform.serve()
                yield Pair(platform, provider)
            finally:
                platform.stop()


@pytest.fixture
def site(pair: Pair, browser: Browser) -> Iterator[Site]:
    """A platform that nobody has signed in to, and a browser that knows neither it nor the provider."""
    pair.provider.fault("none")
    with psycopg.connect(pair.platform.database_url) as connection:
        connection.execute("TRUNCATE sessions, user_roles, users, api_keys")
    context = browser.new_context()
    context.set_default_timeout(10_000)
    context.add_init_script(WATCH)
    yield Site(pair.platform, pair.provider, context.new_page())
    context.close()


@pytest.mark.parametrize("pair", ["claims in the token", "claims beside the token"], indirect=True)
def test_a_person_signs_in_sees_their_streams_and_signs_out(site: Site) -> None:
    """From any page through the provider and back to it, with the role of a group, and out again on both sides."""
    site.sign_in("ada", at="/?stream=payments")
    expect(site.page).to_have_url(f"{site.platform.address()}/?stream=payments")
    expect(site.page.get_by_title("Signed in as Ada Lovelace")).to_be_visible()
    assert site.page.get_by_text("Lending").count() == 0
    assert [("ada@acme.example", None, "stream_lead", "payments", "oidc")] == site.ask(
        "SELECT u.email, u.password_hash, r.role, s.name, a.auth_method FROM users u JOIN user_roles r USING (user_id) "
        "JOIN delivery_streams s ON s.stream_id = r.delivery_stream_id JOIN sessions a ON a.user_id = u.user_id"
    )
    (session,) = [cookie for cookie in site.page.context.cookies() if cookie["name"] == "dpp_session"]
    assert (True, "Lax") == (session["httpOnly"], session["sameSite"])
    assert not [cookie for cookie in site.page.context.cookies() if cookie["name"].startswith("dpp_oidc_")]

    site.page.get_by_role("button", name="Sign out").click()
    expect(site.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert [(True,)] == site.ask("SELECT is_revoked FROM sessions")
    site.page.get_by_role("link", name="Sign out at localhost too").click()
    site.page.get_by_role("button", name="Yes, sign me out").click()
    site.sign_in("ada")
    expect(site.page.get_by_title("Signed in as Ada Lovelace")).to_be_visible()
    assert [] == site.page.evaluate("window.violations")
    assert 1 == len(site.ask("SELECT FROM users"))
    assert not [word for word in (CLIENT_SECRET, session["value"], "ada@acme", "eyJ") if word in site.log()]


def test_a_provider_session_signs_in_again_by_itself(site: Site) -> None:
    """Whoever is still signed in at the provider comes straight back, with a session of a new id."""
    site.sign_in("root")
    expect(site.page.get_by_title("Signed in as Grace Hopper")).to_be_visible()
    before = site.ask("SELECT session_id FROM sessions")
    site.page.context.clear_cookies(name="dpp_session")
    site.page.goto(f"{site.platform.address()}/?window=14")
    expect(site.page.get_by_title("Signed in as Grace Hopper")).to_be_visible()
    assert 2 == len({*before, *site.ask("SELECT session_id FROM sessions")})


def test_somebody_without_a_role_sees_nothing(site: Site, rules: str) -> None:
    """A person whose groups bring nothing is told to ask for a role, and can sign out, on pages in order."""
    site.sign_in("alan")
    expect(site.page.get_by_role("heading", name="You may not see this page")).to_be_visible()
    assert [] == site.look(at="without a role", rules=rules)
    site.page.set_viewport_size({"width": 1440, "height": 900})
    site.page.get_by_role("button", name="Sign out").click()
    expect(site.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert [] == site.look(at="signed out", rules=rules)


def test_too_many_groups_are_told_with_the_cure(site: Site, rules: str) -> None:
    """A person of too many groups gets no session, but the reason and what to do, on a page in order."""
    site.sign_in("many")
    expect(site.page.get_by_role("alert")).to_contain_text("application roles")
    assert [] == site.look(at="not signed in", rules=rules)
    assert [] == site.ask("SELECT FROM sessions")
    assert [] == site.ask("SELECT FROM user_roles")


def test_an_answer_works_once_and_in_its_browser(site: Site, browser: Browser) -> None:
    """A callback that is opened again, with or without what the browser had kept, or in another browser, is refused."""
    page, seen = site.page, []
    page.on("request", lambda request: seen.append(request) if "/callback?" in request.url else None)
    site.sign_in("root")
    expect(page.get_by_title("Signed in as Grace Hopper")).to_be_visible()
    (callback,) = seen
    assert isinstance(callback, Request)
    kept = callback.all_headers()["cookie"]
    page.context.clear_cookies()

    page.goto(callback.url)
    expect(page.get_by_role("alert")).to_contain_text("not begun in this browser")
    name, _, value = next(part for part in kept.split("; ") if part.startswith("dpp_oidc_")).partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": f"{site.platform.address()}/sign-in/oidc/"}])
    page.goto(callback.url)
    expect(page.get_by_role("alert")).to_contain_text("over already")

    stranger = browser.new_context()
    elsewhere = stranger.new_page()
    elsewhere.goto(callback.url)
    expect(elsewhere.get_by_role("alert")).to_contain_text("not begun in this browser")
    stranger.close()
    assert 1 == len(site.ask("SELECT FROM sessions"))


def test_a_changed_nonce_is_noticed(site: Site) -> None:
    """When somebody on the way puts another nonce into the request, the token that answers it is refused."""
    page = site.page
    begun = page.request.get(f"{site.platform.address()}/sign-in/oidc", max_redirects=0)
    asked = begun.headers["location"]
    page.goto(asked.replace(parse_qs(urlsplit(asked).query)["nonce"][0], "another"))
    site.identify("root")
    expect(page.get_by_role("alert")).to_contain_text("another sign-in")


def test_nobody_is_led_elsewhere_and_no_password_opens(site: Site) -> None:
    """A link to another site leads to the start page after signing in, and the password door is shut."""
    site.platform.command("users", "add", "local@acme.example", "--role", "viewer", "--password", "correct horse")
    answer = site.page.request.post(
        f"{site.platform.address()}/sign-in",
        form={"email": "local@acme.example", "password": "correct horse"},
        max_redirects=0,
    )
    assert (303, "/sign-in/oidc") == (answer.status, answer.headers["location"])
    site.sign_in("root", at="/sign-in/oidc?next=//evil.example/")
    expect(site.page).to_have_url(f"{site.platform.address()}/")


# The last one: what the platform knows of the provider's keys is another thing afterwards.
def test_faulty_tokens_open_nothing_and_rotated_keys_do(site: Site) -> None:
    """Every kind of faulty token is refused with words, none with a session; a rotated key is found by itself."""
    page, address = site.page, site.platform.address()
    site.provider.fault("expired")
    site.sign_in("root")
    faults = {
        "expired": "it has expired",
        "nonce": "another sign-in",
        "issuer": "another issuer",
        "audience": "another application",
        "unsigned": "algorithm is not allowed",
        "password": "algorithm is not allowed",
        "unpublished": "does not publish",
    }
    for fault, words in faults.items():
        site.provider.fault(fault)
        page.goto(f"{address}/sign-in/oidc")
        expect(page.get_by_role("alert")).to_contain_text(words)
    assert [] == site.ask("SELECT FROM sessions")
    assert [] == site.ask("SELECT FROM users")

    site.provider.fault("rotated")
    deadline = time.monotonic() + COOL_DOWN_SECONDS
    while page.get_by_title("Signed in as Grace Hopper").count() == 0:
        assert time.monotonic() < deadline, "the rotated key was not found"
        page.goto(f"{address}/sign-in/oidc")
    assert 1 == len(site.ask("SELECT FROM sessions"))
