"""Every route of the application, asked by everybody: each is for whom it says, and for nobody else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast
from uuid import UUID

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from dpp.domain.access import KEY_PERMISSIONS, Grant, Permission, Role, StreamScope
from dpp.domain.errors import Unavailable
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.auth import COOKIE, CSRF_FIELD, CSRF_HEADER, CSRF_IN_FORM, OR_PERMISSION, SAFE_METHODS, Gate
from dpp.entrypoints.http.parts import Parts
from tests.support.access import Access
from tests.unit.entrypoints.test_app import OPEN, handlers

PASSWORD = "correct horse battery"
STREAM, TECH = UUID(int=1), UUID(int=11)
EXAMPLES = {"uuid": str(UUID(int=7)), "str": "realtime", "int": "1", "path": "app.css", "date": "2026-03-01"}

#: What the specification gives each role (§3.3), written down once more: whoever changes the roles changes it here too.
VIEWER = {Permission.METRICS_READ}
MEMBER = VIEWER | {Permission.SURVEY_SUBMIT}
LEAD = MEMBER | {Permission.STREAMS_MANAGE, Permission.DIAGNOSTICS_READ}
ALL = set(Permission)
PEOPLE: Mapping[str, tuple[Grant, set[Permission]]] = {
    "viewer": (Grant(role=Role.VIEWER), VIEWER),
    "viewer of a stream": (Grant(role=Role.VIEWER, delivery_stream_id=STREAM), VIEWER),
    "member": (Grant(role=Role.TEAM_MEMBER), MEMBER),
    "member of a technology": (Grant(role=Role.TEAM_MEMBER, tech_stream_id=TECH), MEMBER),
    "lead": (Grant(role=Role.STREAM_LEAD), LEAD),
    "lead of a stream": (Grant(role=Role.STREAM_LEAD, delivery_stream_id=STREAM), LEAD),
    "administrator": (Grant(role=Role.PLATFORM_ADMIN), ALL),
    # Limited to a stream, administration is no more than leading it.
    "administrator of a stream": (Grant(role=Role.PLATFORM_ADMIN, delivery_stream_id=STREAM), LEAD),
}
#: Figures of the process itself, which are of all streams: whoever sees some streams only is refused.
OF_ALL_STREAMS = ("/metrics",)
#: One's own sessions: a key has none.
OF_PEOPLE = ("/sessions", "/api/v1/sessions")


class Asker(NamedTuple):
    """Somebody who asks: with what, what they may do, and whether for all streams."""

    name: str
    headers: dict[str, str]
    may: set[Permission]
    sees_all: bool


class Away:
    """A part that does not answer, whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable(f"{name} is away")


class Onlooker:
    """The parts of an application of which only those work that tell who is asking; the others are away."""

    def __init__(self, access: Access) -> None:
        self.keys, self.signin, self.secrets, self.clock = access.keys, access.signin, access.secrets, access.clock
        self.oidc, self.public_url = None, None

    def __getattr__(self, name: str) -> Any:
        return Away()


class Walk(NamedTuple):
    """The application, whoever may ask, and its routes by method and address."""

    client: TestClient[Any]
    askers: list[Asker]
    routes: Sequence[tuple[str, str, HTTPRouteHandler]]


async def signed_in(access: Access, name: str, grant: Grant, gate: Gate) -> dict[str, str]:
    """Add somebody with a grant, and return what their browser sends."""
    email = f"{name.replace(' ', '.')}@example.org"
    user = await access.users.add(email=email, password=PASSWORD, grants=[Grant(role=Role.VIEWER)], actor="test")
    # Past the checks of the application: whatever is stored must be read safely.
    await access.store.set_grants(user.user_id, [grant], granted_by=None, at=access.clock.now())
    token = (await access.signin.sign_in(email, PASSWORD, name)).token
    return {"cookie": f"{COOKIE}={token}", CSRF_HEADER: gate.csrf_token(token)}


async def everybody(access: Access) -> list[Asker]:
    """Return all kinds of people and keys."""
    gate = Gate(keys=access.keys, signin=access.signin, session_key=access.secrets.get("session_key"))
    askers = [
        Asker(name, await signed_in(access, name, grant, gate), may, grant.scope.is_all)
        for name, (grant, may) in PEOPLE.items()
    ]
    for permission in sorted(KEY_PERMISSIONS):
        key = await access.keys.create(
            name=permission, permissions=[permission], scope=StreamScope.everything(), actor="test"
        )
        askers.append(
            Asker(f"key for {permission}", {"authorization": f"Bearer {key.key}"}, {permission}, sees_all=True)
        )
    return askers


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    """The whole application, as it is served."""
    access = Access()
    access.secrets.put("session_key", b"k" * 32)
    askers = asyncio.run(everybody(access))

    @asynccontextmanager
    async def parts() -> AsyncIterator[Parts]:
        yield cast(Parts, Onlooker(access))

    app = create(parts)
    routes = [
        (method, re.sub(r"\{\w+:(\w+)\}", lambda found: EXAMPLES[found[1]], path), handler)
        for path, handler in handlers(app)
        for method in sorted(handler.http_methods - {"OPTIONS"})
        if not path.startswith(OPEN)
    ]
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        client.follow_redirects = False
        yield Walk(client, askers, routes)


def outcome(
    walk: Walk, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> str:
    """Tell whether a request got past the guard, and if not how it was turned away."""
    answer = walk.client.request(method, path, headers=dict(headers), data=form)
    if answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"):
        return "nobody"
    return {401: "nobody", 403: "refused"}.get(answer.status_code, "passed")


def test_each_route_is_for_whom_it_says(walk: Walk) -> None:
    """Every role and every kind of key gets past the guard of exactly those routes whose permission they have."""
    wrong = []
    for method, path, handler in walk.routes:
        wanted = {handler.opt["permission"], handler.opt.get(OR_PERMISSION)}
        for asker in walk.askers:
            may_see = asker.sees_all or path not in OF_ALL_STREAMS
            may_see = may_see and not (path.startswith(OF_PEOPLE) and asker.name.startswith("key"))
            expected = "passed" if wanted & asker.may and may_see else "refused"
            form = {CSRF_FIELD: asker.headers.get(CSRF_HEADER, "")} if handler.opt.get(CSRF_IN_FORM) else None
            found = outcome(walk, method, path, asker.headers, form)
            if found != expected:
                wrong.append(f"{asker.name}: {method} {path} {found}, not {expected}")
    assert [] == wrong


@pytest.mark.parametrize(
    "headers",
    [{}, {"cookie": f"{COOKIE}=made-up"}, {"authorization": "Bearer made-up"}, {"authorization": "Basic YTpi"}],
    ids=["nothing", "session", "key", "another scheme"],
)
def test_nobody_gets_past_without_proof(walk: Walk, headers: Mapping[str, str]) -> None:
    """Without proof, and with one that is made up, every route that is not open by design turns the caller away."""
    answers = {walk.client.request(method, path, headers=dict(headers)).status_code for method, path, _ in walk.routes}
    assert answers <= {401, 429, 303}
    assert [] == [
        (method, path)
        for method, path, _ in walk.routes
        if outcome(walk, method, path, headers) == "passed" and "authorization" not in headers
    ]


def test_nothing_changes_by_cookie_without_the_token(walk: Walk) -> None:
    """Every state-changing request of a session needs the token, in its header or in its form."""
    (admin,) = [asker for asker in walk.askers if asker.name == "administrator"]
    cookie = {"cookie": admin.headers["cookie"]}
    changing = [route for route in walk.routes if route[0] not in SAFE_METHODS]
    assert len(changing) > 5
    for method, path, handler in changing:
        if not handler.opt.get(CSRF_IN_FORM):
            assert "refused" == outcome(walk, method, path, cookie), (method, path)
            wrong = {**cookie, CSRF_HEADER: "0" * 64}
            assert "refused" == outcome(walk, method, path, wrong), (method, path)
