"""One answer in the forms that a request can ask for, and what is said to whoever has it already."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from litestar import Litestar, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from litestar.testing import AsyncTestClient
from msgspec import Struct

from dpp.domain.errors import DppError
from dpp.entrypoints.http import paging, shapes
from dpp.entrypoints.http.csv_tables import tables_of
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.errors import on_http_error, on_platform_error
from dpp.entrypoints.http.etags import is_known, tag_of
from dpp.entrypoints.http.metrics import WindowDays, described
from dpp.entrypoints.http.query_names import known_parameters
from dpp.entrypoints.http.sprints import State
from dpp.entrypoints.http.streams import TechStreamsAnswer
from tests.support.dashboard_app import CORE_API

pytestmark = pytest.mark.anyio


class Told(Struct, frozen=True, kw_only=True):
    when: datetime


STREAM = {"stream_id": CORE_API, "name": "core-api", "display_name": "=Core", "description": None}
ROWS: list[dict[str, Any]] = [STREAM | {"github_org": "acme", "lead_time_method": "pr", "is_active": True}]


@asynccontextmanager
async def client() -> AsyncIterator[AsyncTestClient[Litestar]]:
    """Yield a client of three routes: one that declares its answer, one that does not, one that changes something."""
    times = itertools.count()

    @get("/streams/tech", responses={200: described(TechStreamsAnswer)})
    async def tech(
        who: NamedDependency[str], window: WindowDays = None, wanted: State = None, cursor: paging.Cursor = None
    ) -> Response[Any]:
        rows = ROWS * (window or 1)
        return answer(
            rows, meta={"computed_at": next(times), "window": window, "next_cursor": "abc" if cursor else None}
        )

    async def who() -> str:
        return "Lee"

    @get("/plain")
    async def plain() -> Response[Any]:
        return answer({"a": 1})

    @post("/change")
    async def change() -> Response[Any]:
        return answer({"a": 1}, status=202)

    @post("/told")
    async def told(data: JSONBody[Told]) -> Response[Any]:
        return answer({"when": data.when}, status=201)

    app = Litestar(
        [
            Router(
                "/api/v1",
                route_handlers=[tech, plain, change, told],
                guards=[known_parameters],
                dependencies={"who": Provide(who)},
            )
        ],
        exception_handlers={DppError: on_platform_error, HTTPException: on_http_error},
    )
    async with AsyncTestClient(app) as to:
        yield to


async def test_an_answer_that_is_known_is_not_sent_again() -> None:
    """The same data have the same tag whenever they were worked out, and 304 has no body; other data are sent."""
    async with client() as to:
        first = await to.get("/api/v1/streams/tech")
        again = await to.get("/api/v1/streams/tech", headers={"if-none-match": f'"other", {first.headers["etag"]}'})
        other = await to.get("/api/v1/streams/tech?window=2", headers={"if-none-match": first.headers["etag"]})
    assert (200, 304, 200) == (first.status_code, again.status_code, other.status_code)
    assert (b"", first.headers["etag"]) == (again.content, again.headers["etag"])
    assert "content-type" not in again.headers
    for response in (first, again):
        assert "private, no-cache" == response.headers["cache-control"]
        assert {"Authorization", "Cookie", "Accept"} <= set(response.headers["vary"].split(", "))
    assert first.headers["etag"] != other.headers["etag"]


async def test_what_is_changed_has_no_tag() -> None:
    """Only what is read can be known."""
    async with client() as to:
        response = await to.post("/api/v1/change", headers={"if-none-match": "*"})
    assert (202, {"status": "ok", "data": {"a": 1}}) == (response.status_code, response.json())
    assert "etag" not in response.headers


def test_tags_are_weak_and_tell_parts_apart() -> None:
    """The boundaries of the parts count, and the comparison does not ask how strong a tag is."""
    assert tag_of(b"ab", b"c") != tag_of(b"a", b"bc")
    tag = tag_of(b"a")
    assert tag.startswith('W/"')
    assert is_known(tag, if_none_match=tag.removeprefix("W/"))
    assert is_known(tag, if_none_match="*")
    assert not is_known(tag, if_none_match=None)
    assert not is_known(tag, if_none_match='W/"0"')


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("?format=csv", "*/*"),
        ("", "text/csv"),
        ("", "application/json;q=0.5, text/csv"),
        ("?table=tech", "*/*"),
    ],
)
async def test_a_table_comes_as_csv(query: str, accept: str) -> None:
    """By the parameter or by the header, with a name for the file, and a text that looks like a formula guarded."""
    async with client() as to:
        response = await to.get(f"/api/v1/streams/tech{query}", headers={"accept": accept})
    assert (200, "text/csv; charset=utf-8") == (response.status_code, response.headers["content-type"])
    assert 'attachment; filename="dpp-streams-tech.csv"' == response.headers["content-disposition"]
    assert (
        "stream_id,name,display_name,description,github_org,lead_time_method,is_active\r\n"
        f"{CORE_API},core-api,'=Core,,acme,pr,true\r\n"
    ) == response.text


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json, text/csv", ""]
)
async def test_json_comes_unless_csv_is_wanted_more(accept: str) -> None:
    """Browsers and scripts that say nothing get JSON."""
    async with client() as to:
        response = await to.get("/api/v1/streams/tech", headers={"accept": accept})
    assert "application/json" == response.headers["content-type"]


async def test_csv_and_json_have_tags_of_their_own() -> None:
    """One is no answer to who asks for the other."""
    async with client() as to:
        tags = [(await to.get(f"/api/v1/streams/tech?format={form}")).headers["etag"] for form in ("json", "csv")]
    assert 2 == len(set(tags))


async def test_a_list_that_goes_on_links_to_its_next_page() -> None:
    """With the filters that were given."""
    async with client() as to:
        response = await to.get("/api/v1/streams/tech?window=2&cursor=x")
        last = await to.get("/api/v1/streams/tech")
    assert '</api/v1/streams/tech?window=2&cursor=abc>; rel="next"' == response.headers["link"]
    assert "link" not in last.headers


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        ("streams/tech?windw=30", 400, "unknown_parameter", ("windw", "window may be meant", "cursor, format, state")),
        ("streams/tech?who=me", 400, "unknown_parameter", ("who",)),
        ("streams/tech?wanted=active", 400, "unknown_parameter", ("wanted",)),
        ("streams/tech?window=1&window=2", 400, "unknown_parameter", ("window", "2 times", "once")),
        ("streams/tech?window=null", 400, "invalid_request", ("window cannot be null", "leave it out")),
        ("streams/tech?window=soon", 400, "invalid_request", ("window", "a whole number, or leave it out")),
        ("streams/tech?state=done", 400, "invalid_request", ("state cannot", "active or closed or future")),
        ("streams/tech?format=xml", 422, "invalid_input", ("'xml'", "json or csv")),
        ("streams/tech?format=json&table=x", 404, "table_not_found", ("'x'", "there are tech")),
        ("streams/tech?table=", 404, "table_not_found", ("there are tech",)),
        ("streams/tech?format=", 422, "invalid_input", ("json or csv",)),
        ("streams/tech?format=csv&table=x", 404, "table_not_found", ("'x'", "there are tech")),
        ("plain?format=csv", 400, "unknown_parameter", ("format", "takes none")),
        ("plain?x=1", 400, "unknown_parameter", ("x", "takes none")),
    ],
)
async def test_what_cannot_be_asked_is_refused(path: str, status: int, code: str, words: tuple[str, ...]) -> None:
    """With the name of what is wrong and what to do instead."""
    async with client() as to:
        response = await to.get(f"/api/v1/{path}")
    error = response.json()["error"]
    assert (status, code) == (response.status_code, error["code"]), error
    assert all(word in error["message"] for word in words), error


@pytest.mark.parametrize(
    ("body", "words"),
    [(b'{"when": "soon"}', ("when", "ISO")), (b"{", ("malformed", "truncated")), (b"[]", ("object",))],
)
async def test_what_is_wrong_in_a_body_is_named(body: bytes, words: tuple[str, ...]) -> None:
    """In the envelope, with the field where there is one."""
    async with client() as to:
        response = await to.post("/api/v1/told", content=body, headers={"content-type": "application/json"})
    error = response.json()["error"]
    assert (400, "invalid_request") == (response.status_code, error["code"])
    assert any(word in error["message"] for word in words), error


async def test_a_method_that_is_not_there_is_refused_with_those_that_are() -> None:
    """In the envelope, with the header that the standard asks for."""
    async with client() as to:
        response = await to.delete("/api/v1/plain")
    assert (405, "method_not_allowed") == (response.status_code, response.json()["error"]["code"])
    assert "GET" in response.headers["allow"]


def test_every_figure_of_an_answer_is_in_its_table() -> None:
    """Of the shapes that are published."""
    names = tables_of(shapes.RealtimeData, name="realtime").names
    assert {"figures", "wip_by_stage", "cycle_time_scatter"} <= set(names)
