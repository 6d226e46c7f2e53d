"""Users, keys, sessions and the audit log, in the API and on their pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx import Response
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import AsyncTestClient

from dpp.application.access_ports import AuditEntry
from dpp.application.current import CurrentConfiguration
from dpp.application.password_links import PasswordLinks
from dpp.application.throttle import PER_ACCOUNT
from dpp.application.users import MIN_PASSWORD
from dpp.domain.access import Grant, Role
from dpp.domain.errors import DppError, Unauthenticated
from dpp.entrypoints.http.administration.frame import Framing
from dpp.entrypoints.http.auth import COOKIE, CSRF_HEADER, Gate, guard, provide_principal
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.people import routes, set_password_page
from dpp.entrypoints.http.people.serving import Serving
from tests.support.access import Access
from tests.support.derivation import CONFIGURATION

PASSWORD = "correct horse battery"
ADMIN, LEAD = Grant(role=Role.PLATFORM_ADMIN), Grant(role=Role.STREAM_LEAD)


class Configured(CurrentConfiguration):
    """Knows one configuration."""

    def __init__(self) -> None:
        """Nothing is loaded."""

    @property
    def value(self) -> Any:
        """The configuration of the tests."""
        return CONFIGURATION


@dataclass
class People:
    """An application about people, and the browser of its first administrator."""

    client: AsyncTestClient[Litestar]
    access: Access
    gate: Gate
    token: str
    cookies: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.cookies = {"cookie": f"{COOKIE}={self.token}", "sec-fetch-site": "same-origin"}

    async def call(self, method: str, path: str, body: Any = None) -> Response:
        """Call the API as the administrator."""
        headers = {**self.cookies, CSRF_HEADER: self.gate.csrf_token(self.token)}
        return await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def page(self, path: str) -> Response:
        """Open a page as the administrator."""
        return await self.client.get(path, headers=self.cookies)

    async def send(self, path: str, **fields: str | list[str]) -> Response:
        """Send a form as the administrator."""
        data = {"csrf_token": self.gate.csrf_token(self.token), **fields}
        return await self.client.post(path, data=data, headers=self.cookies, follow_redirects=False)


@asynccontextmanager
async def served(*, has_passwords: bool = True) -> AsyncIterator[People]:
    """Serve the routes over memory stores."""
    access = Access()
    await access.users.ensure_admin(password=PASSWORD)
    token = (await access.signin.sign_in("admin@localhost", PASSWORD, None)).token
    gate = Gate(keys=access.keys, signin=access.signin, session_key=access.secrets.get("session_key"))
    configured = Configured()
    links = PasswordLinks(store=access.store, users=access.users, secrets=access.secrets, clock=access.clock)
    serving = Serving(
        framing=Framing(gate=gate, configuration=configured),
        users=access.users,
        keys=access.keys,
        signin=access.signin,
        links=links,
        log=access.store,
        current=configured,
        clock=access.clock,
        has_passwords=has_passwords,
    )
    closed: dict[str, Any] = {
        "guards": [guard(lambda: gate)],
        "dependencies": {"principal": Provide(provide_principal)},
    }
    app = Litestar(
        [
            Router("/api/v1", route_handlers=routes.api(lambda: serving), **closed),
            Router("/", route_handlers=routes.pages(lambda: serving), **closed),
            Router("/", route_handlers=set_password_page.routes(lambda: serving)),
        ],
        exception_handlers={DppError: on_platform_error},
    )
    async with AsyncTestClient(app, base_url="http://127.0.0.1") as client:
        yield People(client, access, gate, token)


def story(tell: Callable[[People], Awaitable[None]], *, has_passwords: bool = True) -> None:
    """Tell a story."""

    async def whole() -> None:
        async with served(has_passwords=has_passwords) as people:
            await tell(people)

    asyncio.run(whole())


async def latest(people: People, count: int) -> list[AuditEntry]:
    """Return the latest entries of the log, oldest first."""
    return list(await people.access.store.entries(limit=count))[::-1]


def test_somebody_is_added_and_sets_their_own_password() -> None:
    """The administrator never learns the password: a link is handed on, and with it the person signs in."""

    async def tell(people: People) -> None:
        body = {"email": "Ada@Example.org", "roles": [{"role": "stream_lead", "delivery_stream": "payments"}]}
        added = await people.call("POST", "/admin/users", body)
        assert 201 == added.status_code
        user = added.json()["data"]
        assert ("ada@example.org", False) == (user["email"], user["has_password"])
        role = {"role": "stream_lead", "delivery_stream": "payments", "tech_stream": None, "from_groups": False}
        assert [role] == user["roles"]
        link = (await people.call("POST", f"/admin/users/{user['user_id']}/password-link")).json()["data"]["path"]
        form = await people.client.get(link)
        assert 200 == form.status_code
        token = link.partition("token=")[2]
        fields = {"token": token, "password": "a new long password", "again": "a new long password"}
        assert 422 == (await people.client.post("/set-password", data={**fields, "again": "else"})).status_code
        done = await people.client.post("/set-password", data=fields, follow_redirects=False)
        assert (303, "/sign-in") == (done.status_code, done.headers["location"])
        await people.access.signin.sign_in("ada@example.org", "a new long password", None)
        assert 403 == (await people.client.get(link)).status_code
        assert ["user.added", "user.password_link_made", "user.password_changed"] == [
            entry.action for entry in await latest(people, 5) if entry.action.startswith("user.")
        ][-3:]

    story(tell)


def test_roles_and_access_change_at_once() -> None:
    """Roles are replaced as a whole; a disabled account is out; the last administrator stays one."""

    async def tell(people: People) -> None:
        ada = await people.access.users.add(email="a@x", password=PASSWORD, grants=[LEAD], actor="test")
        session = await people.access.signin.sign_in("a@x", PASSWORD, None)
        roles = {"roles": [{"role": "viewer", "tech_stream": "core"}]}
        changed = await people.call("PUT", f"/admin/users/{ada.user_id}/roles", roles)
        assert [("viewer", "core")] == [(one["role"], one["tech_stream"]) for one in changed.json()["data"]["roles"]]
        ended = await people.call("POST", f"/admin/users/{ada.user_id}/sign-out")
        assert 1 == ended.json()["data"]["sessions"]
        assert not await people.access.signin.sessions_of(ada.user_id)
        assert session.token
        off = await people.call("POST", f"/admin/users/{ada.user_id}/disable")
        assert not off.json()["data"]["is_active"]
        (admin,) = [user for user, _ in await people.access.users.all() if user.email == "admin@localhost"]
        refused = await people.call("POST", f"/admin/users/{admin.user_id}/disable")
        assert (409, "last_administrator") == (refused.status_code, refused.json()["error"]["code"])
        unknown = await people.call("PUT", f"/admin/users/{ada.user_id}/roles", {"roles": [{"role": "boss"}]})
        assert 400 == unknown.status_code

    story(tell)


def test_a_key_for_administration_raises_nobody() -> None:
    """Neither a role nor a link lets a key reach more than it has: it cannot touch an administrator."""

    async def tell(people: People) -> None:
        key = await people.access.keys.create(
            name="k",
            permissions=["admin:write", "admin:read"],
            scope=Grant(role=Role.VIEWER).scope,
            actor="test",
        )
        ((admin, _),) = await people.access.users.all()
        headers = {"authorization": f"Bearer {key.key}"}
        body = {"email": "b@x", "roles": [{"role": "platform_admin"}]}
        made = await people.client.post("/api/v1/admin/users", json=body, headers=headers)
        link = await people.client.post(f"/api/v1/admin/users/{admin.user_id}/password-link", headers=headers)
        more = {"name": "more", "permissions": ["events:write"]}
        other = await people.client.post("/api/v1/admin/keys", json=more, headers=headers)
        assert [403] * 3 == [made.status_code, link.status_code, other.status_code]

    story(tell)


def test_with_an_identity_provider_there_are_no_passwords() -> None:
    """Where people sign in by a provider, nobody is added and no link is made: a password would open nothing."""

    async def tell(people: People) -> None:
        ((admin, _),) = await people.access.users.all()
        body = {"email": "b@x", "roles": [{"role": "viewer"}]}
        for answer in (
            await people.call("POST", "/admin/users", body),
            await people.call("POST", f"/admin/users/{admin.user_id}/password-link"),
            await people.call("PUT", "/password", {"current": PASSWORD, "password": "pewter lamp orchard"}),
        ):
            assert (409, "no_passwords") == (answer.status_code, answer.json()["error"]["code"])

    story(tell, has_passwords=False)


def test_a_key_is_made_replaced_and_switched_off() -> None:
    """A key is told once; the list has everything but the secret; a replaced one goes on for its overlap."""

    async def tell(people: People) -> None:
        body = {"name": "ci", "permissions": ["events:write"], "tech_streams": ["core"], "expires_in_days": 30}
        made = (await people.call("POST", "/admin/keys", body)).json()["data"]
        await people.access.keys.verify(f"Bearer {made['key']}")
        new = await people.call("POST", f"/admin/keys/{made['key_id']}/rotate", {"overlap_days": 2})
        assert 201 == new.status_code
        listed = (await people.call("GET", "/admin/keys")).text
        assert made["key"].rpartition("_")[2] not in listed
        assert ["core"] in [row["tech_streams"] for row in (await people.call("GET", "/admin/keys")).json()["data"]]
        off = await people.call("DELETE", f"/admin/keys/{new.json()['data']['key_id']}")
        assert 200 == off.status_code
        states = [row["is_good"] for row in (await people.call("GET", "/admin/keys")).json()["data"]]
        assert [True, False] == states
        people.access.clock.forward(hours=1)
        assert 404 == (await people.call("DELETE", "/admin/keys/00000000-0000-0000-0000-00000000ffff")).status_code

    story(tell)


def test_people_see_and_end_their_own_sessions() -> None:
    """One's own sessions are listed and ended, this one stays; another person's cannot be reached."""

    async def tell(people: People) -> None:
        await people.access.signin.sign_in("admin@localhost", PASSWORD, None)
        await people.access.users.add(email="a@x", password=PASSWORD, grants=[LEAD], actor="test")
        await people.access.signin.sign_in("a@x", PASSWORD, None)
        ada = await people.access.store.user_by_email("a@x")
        assert ada is not None
        rows = (await people.call("GET", "/sessions")).json()["data"]
        assert [False, True] == sorted(row["is_this"] for row in rows)
        (foreign,) = await people.access.signin.sessions_of(ada.user_id)
        assert 404 == (await people.call("DELETE", f"/sessions/{foreign.session_id}")).status_code
        assert 1 == (await people.call("DELETE", "/sessions")).json()["data"]["sessions"]
        assert [True] == [row["is_this"] for row in (await people.call("GET", "/sessions")).json()["data"]]
        assert 1 == len(await people.access.signin.sessions_of(ada.user_id))

    story(tell)


NEW = "pewter lamp orchard"


def test_people_change_their_own_password() -> None:
    """It takes the present one; every other session ends, and this browser has a new one, by the API and the page."""

    async def tell(people: People) -> None:
        other = (await people.access.signin.sign_in("admin@localhost", PASSWORD, None)).token
        body = {"current": PASSWORD, "password": NEW}
        changed = await people.call("PUT", "/password", body)
        assert 200 == changed.status_code
        token = changed.cookies[COOKIE]
        for over in (other, people.token):
            with pytest.raises(Unauthenticated):
                await people.access.signin.who(over)
        assert "Administrator" == (await people.access.signin.who(token)).name
        assert ["user.password_changed", "sign_in"] == [entry.action for entry in await latest(people, 2)]
        renewed = People(people.client, people.access, people.gate, token)
        shown = await renewed.page("/sessions/password")
        assert ('name="current"' in shown.text, NEW in shown.text) == (True, False)
        assert 'autocomplete="username" value="admin@localhost"' in shown.text
        sent = await renewed.send("/sessions/password", current=NEW, password=PASSWORD, again=PASSWORD)
        assert (303, "/sessions?done=password") == (sent.status_code, sent.headers["location"])
        assert (
            "Your password is changed"
            in (
                await People(people.client, people.access, people.gate, sent.cookies[COOKIE]).page(
                    "/sessions?done=password"
                )
            ).text
        )

    story(tell)


@pytest.mark.parametrize(
    ("current", "new", "field", "words"),
    [
        ("not the present one", NEW, "current", "not your password as it is now"),
        (PASSWORD, "short", "password", "12 to 1024 characters"),
        (PASSWORD, "administrator of delivery", "password", "soon guessed"),
        (PASSWORD, PASSWORD, "password", "choose another one"),
    ],
)
def test_a_password_that_cannot_be_taken_changes_nothing(current: str, new: str, field: str, words: str) -> None:
    """What is wrong stands at its field, no password comes back in the page, and every session goes on."""

    async def tell(people: People) -> None:
        sent = await people.send("/sessions/password", current=current, password=new, again=new)
        assert 422 == sent.status_code
        assert words in sent.text
        assert f'id="{field}-problem"' in sent.text
        assert f'"{current}"' not in sent.text
        assert f'"{new}"' not in sent.text
        if len(new) >= MIN_PASSWORD:
            refused = await people.call("PUT", "/password", {"current": current, "password": new})
            assert (422, True) == (refused.status_code, words in refused.json()["error"]["message"])
        assert 200 == (await people.call("GET", "/sessions")).status_code
        await people.access.signin.sign_in("admin@localhost", PASSWORD, None)

    story(tell)


def test_guessing_at_the_present_password_is_slowed_down() -> None:
    """Whoever finds a browser open guesses no faster than at the sign-in."""

    async def tell(people: People) -> None:
        body = {"current": "not the present one", "password": NEW}
        answers = [await people.call("PUT", "/password", body) for _ in range(PER_ACCOUNT + 1)]
        assert [422] * PER_ACCOUNT + [429] == [answer.status_code for answer in answers]
        assert answers[-1].headers["retry-after"]
        page = await people.send("/sessions/password", current=PASSWORD, password=NEW, again=NEW)
        assert (429, "Too many sign-ins have failed" in page.text) == (page.status_code, True)

    story(tell)


def test_two_new_passwords_must_be_the_same() -> None:
    """A slip of the finger is found before it locks somebody out."""

    async def tell(people: People) -> None:
        sent = await people.send("/sessions/password", current=PASSWORD, password=NEW, again=NEW + "x")
        assert (422, True) == (sent.status_code, "type the new password twice" in sent.text)

    story(tell)


def test_the_log_is_filtered_and_paged() -> None:
    """Filters narrow, pages meet, and a cursor that is none of ours is refused."""

    async def tell(people: People) -> None:
        for number in range(5):
            entry = AuditEntry(occurred_at=people.access.clock.now(), actor="key:1", action=f"told.{number}")
            await people.access.store.record(entry)
        first = (await people.call("GET", "/admin/audit?actor=key&limit=3")).json()
        rest = (await people.call("GET", f"/admin/audit?actor=key&cursor={first['meta']['next_cursor']}")).json()
        told = [row["action"] for row in first["data"] + rest["data"]]
        assert [f"told.{number}" for number in (4, 3, 2, 1, 0)] == told
        assert rest["meta"]["next_cursor"] is None
        assert ["told.2"] == [
            row["action"] for row in (await people.call("GET", "/admin/audit?action=told.2")).json()["data"]
        ]
        for wrong in ("nonsense", "YXVkaXR8MA", "%C3%A9"):
            assert 404 == (await people.call("GET", f"/admin/audit?cursor={wrong}")).status_code
        assert 422 == (await people.call("GET", "/admin/audit?limit=0")).status_code

    story(tell)


def test_the_pages_do_what_the_api_does() -> None:
    """A person, a key and roles are made by forms; what is wrong stays typed, with what to mend."""

    async def tell(people: People) -> None:
        wrong = await people.send("/admin/users", email="no address", role="viewer", delivery_stream="", tech_stream="")
        assert 422 == wrong.status_code
        assert 'value="no address"' in wrong.text
        added = await people.send("/admin/users", email="a@x.org", role="viewer", delivery_stream="", tech_stream="")
        assert 303 == added.status_code
        place = added.headers["location"].partition("?")[0]
        link = await people.send(place, do="link")
        assert re.search(r"/set-password\?token=[\w-]{40,}", link.text)
        roles = {"role": ["stream_lead", ""], "delivery_stream": ["payments", ""], "tech_stream": ["", ""]}
        assert 303 == (await people.send(place, do="roles", **roles)).status_code
        assert "stream lead (payments)" in (await people.page("/admin/users")).text
        none = await people.send(place, do="roles", role=[""], delivery_stream=[""], tech_stream=[""])
        assert 422 == none.status_code
        made = await people.send("/admin/keys", name="ci", permission=["events:write"], expires_in_days="30")
        key = re.search(r"dpp_[0-9a-f]{32}_[\w-]+", made.text)
        assert key is not None
        assert key[0] not in (await people.page("/admin/keys")).text
        assert 422 == (await people.send("/admin/keys", name="ci", expires_in_days="soon")).status_code
        log = await people.page("/admin/audit?action=key.created")
        assert ("key.created" in log.text, "user.added" in log.text) == (True, False)
        dated = await people.page("/admin/audit?action=key&from=2026-03-01&to=2026-03-02")
        export = re.search(r'href="(/api/v1/admin/audit[^"]+)" download', dated.text)
        assert export is not None
        table = await people.page(export[1].replace("&amp;", "&"))
        assert (200, "text/csv; charset=utf-8") == (table.status_code, table.headers["content-type"])
        assert ("key.created" in table.text, "user.added" in table.text) == (True, False)
        assert "Give a day" in (await people.page("/admin/audit?from=soon")).text

    story(tell)


def test_forms_need_their_token() -> None:
    """Without the token of the session a form changes nothing."""

    async def tell(people: People) -> None:
        for path in ("/admin/users", "/admin/keys", "/sessions", "/sessions/password"):
            answer = await people.client.post(path, data={"csrf_token": "x"}, headers=people.cookies)
            assert 403 == answer.status_code
        assert 1 == len(await people.access.users.all())
        assert not await people.access.keys.all()

    story(tell)


def test_nobody_takes_their_own_rights_away() -> None:
    """On the pages an administrator neither disables nor demotes themself."""

    async def tell(people: People) -> None:
        ((admin, _),) = await people.access.users.all()
        place = f"/admin/users/{admin.user_id}"
        for fields in ({"do": "disable"}, {"do": "roles", "role": "viewer", "delivery_stream": "", "tech_stream": ""}):
            assert 422 == (await people.send(place, **fields)).status_code

    story(tell)
