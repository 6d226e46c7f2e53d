"""What is on record of requests that were refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar, Request, Router, get, post
from litestar.params import FromPath
from litestar.testing import TestClient
from structlog.testing import capture_logs

from dpp.domain.access import Grant, Permission, Principal, PrincipalKind, Role, StreamScope
from dpp.domain.errors import DppError
from dpp.entrypoints.http.auth import COOKIE, CSRF_FIELD, CSRF_HEADER, CSRF_IN_FORM, Gate, guard
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.refusals import BURST, Refusal, Refusals
from dpp.entrypoints.http.security import own_host_only
from tests.support.access import Access

HERE, PUBLIC = "http://127.0.0.1", "https://dpp.acme.example"
PASSWORD = "correct horse battery"
Browser = TestClient[Litestar]


@pytest.fixture
def access() -> Access:
    """One person, who may look."""
    access = Access()
    adding = access.users.add(email="a@x.org", password=PASSWORD, grants=[Grant(role=Role.VIEWER)], actor="test")
    asyncio.run(adding)
    return access


@pytest.fixture
def browser(access: Access) -> Iterator[Browser]:
    """The browser of that person."""
    gate = Gate(keys=access.keys, signin=access.signin, session_key=b"k" * 32)

    @get("/admin/{name:str}", opt={"permission": Permission.ADMIN_READ})
    async def admin(name: FromPath[str]) -> str:
        return name

    @post("/api/{name:str}", opt={"permission": Permission.METRICS_READ})
    async def change(name: FromPath[str]) -> str:
        return name

    @post("/form", opt={"permission": Permission.METRICS_READ, CSRF_IN_FORM: True})
    async def form(request: Request[Any, Any, Any]) -> bool:
        return gate.is_own_form(request, token=dict(await request.form()).get(CSRF_FIELD, ""))

    app = Litestar(
        [Router("/", route_handlers=[admin, change, form], guards=[guard(lambda: gate)])],
        middleware=[own_host_only(public_url=PUBLIC)],
        exception_handlers={DppError: on_platform_error},
        openapi_config=None,
    )
    token = asyncio.run(access.signin.sign_in("a@x.org", PASSWORD, None)).token
    with TestClient(app, base_url=HERE) as client:
        client.cookies.set(COOKIE, token)
        yield client


def refusals(logs: list[Any]) -> list[tuple[str, str | None, str, str | None]]:
    """Return reason, who, method and path of what was logged as refused."""
    return [
        (row["reason"], row["who"], row["method"], row["path"]) for row in logs if row["event"] == "request_refused"
    ]


def test_each_refusal_is_logged_with_its_reason_and_nothing_that_was_sent(browser: Browser, access: Access) -> None:
    """A role that lacks, a token that is wrong, an old form and a foreign host: who and where, by patterns and ids."""
    with capture_logs() as logs:
        browser.get("/admin/secret-name")
        browser.post("/api/secret-name", headers={CSRF_HEADER: "secret-token"})
        browser.post("/form", data={CSRF_FIELD: "secret-token"})
        browser.get("/admin/secret-name", headers={"host": "secret.evil.example"})
    ((ada, _),) = asyncio.run(access.users.all())
    who = f"user:{ada.user_id}"
    assert [
        ("permission", who, "GET", "/admin/{name}"),
        ("csrf", who, "POST", "/api/{name}"),
        ("form", None, "POST", "/form"),
        ("host", None, "GET", "/admin/{name}"),
    ] == refusals(logs)
    assert "secret" not in repr(logs)


def test_what_is_let_in_is_not_logged(browser: Browser, access: Access) -> None:
    """Good requests leave no line."""
    gate = Gate(keys=access.keys, signin=access.signin, session_key=b"k" * 32)
    token = gate.csrf_token(browser.cookies[COOKIE])
    with capture_logs() as logs:
        assert 201 == browser.post("/api/name", headers={CSRF_HEADER: token}).status_code
        assert browser.post("/form", data={CSRF_FIELD: token}).json() is True
    assert [] == refusals(logs)


def test_masses_of_refusals_do_not_fill_the_log(access: Access) -> None:
    """So many lines for a caller, then one a minute; another caller's are there all the same."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    noting = Refusals(now=lambda: now)
    request: Any = type("Request", (), {"scope": {"method": "GET", "path_template": "/admin"}})()
    (ada, _), *_ = asyncio.run(access.users.all())
    other = Principal(kind=PrincipalKind.USER, id=ada.user_id, name="", permissions=frozenset(), scope=StreamScope())
    with capture_logs() as logs:
        for _ in range(BURST * 3):
            noting.note(request, Refusal.HOST)
        noting.note(request, Refusal.HOST, other)
    assert BURST + 1 == len(logs)
    now += timedelta(minutes=1)
    with capture_logs() as logs:
        for _ in range(BURST):
            noting.note(request, Refusal.HOST)
    assert 1 == len(logs)
