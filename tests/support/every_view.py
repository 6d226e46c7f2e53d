"""Every page of the application, as its routes tell, and everybody who may open it: nothing here is a list to forget.

A page is what answers a GET outside of the API with HTML; parts that pages fetch for themselves, and files, are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from types import MappingProxyType

import httpx
from dishka import AsyncContainer
from litestar import Litestar
from litestar.routes import HTTPRoute

from dpp.adapters.simulation import SimulatedOrganisation, Size
from dpp.application.ports import ConfigurationStore
from dpp.application.scopes import named_grants
from dpp.application.users import Users
from dpp.domain.access import Role
from dpp.entrypoints.bootstrap.serving import application
from dpp.entrypoints.bootstrap.settings import load
from dpp.entrypoints.cli.common import run
from tests.support.running import RunningPlatform

WEEKS = 6
PASSWORD = "a long enough password"
#: Each role, for one stream where a role may be; None stands for somebody who has not signed in.
STREAM_OF: Mapping[Role, str | None] = MappingProxyType(
    {Role.VIEWER: "payments", Role.TEAM_MEMBER: "onboarding", Role.STREAM_LEAD: None, Role.PLATFORM_ADMIN: None}
)
#: Further addresses of a page that look different enough to be seen.
VARIANTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "/": ("/?stream=payments",),
        "/wall": ("/wall?stream=payments",),
        "/cross-stream": ("/cross-stream?tech_stream=core-api",),
    }
)
#: No pages; the last are there only where people sign in by an identity provider, whose own test opens them.
NO_PAGES = ("/api/", "/static/", "/fragments/", "/health", "/sign-in/oidc")


@dataclass(frozen=True)
class Site:
    """A running platform with a history, and somebody of each role.

    Attributes:
        address: of the server.
        cookies: session of each role.
        pages: paths that somebody of a role may open; of None those that are open to all.
    """

    address: str
    cookies: Mapping[Role, str]
    pages: Mapping[Role | None, tuple[str, ...]]
    refused: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)

    def client(self, role: Role | None) -> httpx.Client:
        """Return a client that is signed in as a role."""
        return client_of(self.address, self.cookies[role] if role else None)


def organisation() -> SimulatedOrganisation:
    """Return an organisation whose last whole week ends now."""
    now = datetime.now(tz=UTC).replace(minute=0, second=0, microsecond=0)
    return SimulatedOrganisation(8, start=now - timedelta(weeks=WEEKS), weeks=WEEKS, size=Size.SMALL)


def client_of(address: str, session: str | None) -> httpx.Client:
    """Return a client with a session, which follows no redirect."""
    cookies = {"dpp_session": session} if session else {}
    return httpx.Client(base_url=address, cookies=cookies, trust_env=False, timeout=30)


def site_of(running: RunningPlatform) -> Site:
    """Add somebody of each role to a platform that has data, and find out which pages each may open."""
    settings = load({"DPP_DATABASE_URL": running.database_url}, data_dir=running.data_dir)
    run(settings, _add_everybody)
    address = running.address()
    cookies = {role: _sign_in(address, role) for role in Role}
    with client_of(address, cookies[Role.PLATFORM_ADMIN]) as administrator:
        paths = with_examples(patterns_of(application(settings)), administrator)
    pages: dict[Role | None, tuple[str, ...]] = {None: _opened(client_of(address, None), paths)[0]}
    refused = {}
    for role in Role:
        pages[role], refused[role] = _opened(client_of(address, cookies[role]), paths)
    return Site(address=address, cookies=cookies, pages=pages, refused=refused)


def patterns_of(app: Litestar) -> tuple[str, ...]:
    """Return the paths that may be pages; a parameter stands in braces."""
    gets = (route for route in app.routes if isinstance(route, HTTPRoute) and "GET" in route.methods)
    return tuple(sorted(route.path for route in gets if not route.path.startswith(NO_PAGES)))


def with_examples(patterns: Iterable[str], client: httpx.Client) -> tuple[str, ...]:
    """
    Return the paths, those with a parameter as some page links to them.

    Raises:
        AssertionError: nothing links to a path with a parameter: no page leads there, or the site lacks the thing.
    """
    patterns = tuple(patterns)
    found = {pattern: pattern for pattern in patterns if "{" not in pattern}
    open_ = [pattern for pattern in patterns if "{" in pattern]
    looked: set[str] = set()
    while open_ and (new := set(found.values()) - looked):
        looked |= new
        links = {link for path in sorted(new) for link in links_on(client.get(path))}
        for pattern in open_:
            wanted = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", pattern))
            fitting = [link for link in sorted(links) if wanted.fullmatch(link.partition("?")[0])]
            if fitting:
                found[pattern] = fitting[0]
        open_ = [pattern for pattern in open_ if pattern not in found]
    assert not open_, f"nothing links to {open_}"
    return tuple(found[pattern] for pattern in sorted(found))


def links_on(answer: httpx.Response) -> list[str]:
    """Return the links of a page to places of the platform; none for what is no page."""
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return []
    return [unescape(link).partition("#")[0] for link in re.findall(r'<a [^>]*href="(/[^"]*)"', answer.text)]


async def _add_everybody(wired: AsyncContainer) -> None:
    configuration = await (await wired.get(ConfigurationStore)).load()
    users = await wired.get(Users)
    for role, stream in STREAM_OF.items():
        grants = named_grants(configuration, role=role, delivery_streams=[stream] if stream else [], tech_streams=[])
        await users.add(email=email_of(role), password=PASSWORD, grants=grants, actor="a test")


def email_of(role: Role) -> str:
    """Return what somebody of a role signs in with."""
    return f"{role.value.replace('_', '-')}@acme.example"


def _sign_in(address: str, role: Role) -> str:
    with client_of(address, None) as client:
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
        assert token is not None
        sent = {"email": email_of(role), "password": PASSWORD, "next": "/", "csrf_token": token[1]}
        client.post("/sign-in", data=sent)
        return client.cookies["dpp_session"]


def _opened(client: httpx.Client, paths: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths that open as pages, and those that are refused as pages."""
    opened, refused = [], []
    with client:
        for path in paths:
            answer = client.get(path)
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            if answer.status_code == 200:
                opened.append(path)
            elif answer.status_code == 403:
                refused.append(path)
            else:
                raise AssertionError(f"{path} answers {answer.status_code}: {answer.text[:300]}")
    return tuple(opened), tuple(refused)
