"""Evidence as scripts meet it: the shape, pages, a table, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.testing import AsyncTestClient

from dpp.application.current import CurrentConfiguration
from dpp.application.ports import Clock
from dpp.domain import catalogue
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.catalogue import METRICS
from dpp.domain.companions import COMPANIONS
from dpp.domain.errors import DppError
from dpp.entrypoints.http import evidence, metrics
from dpp.entrypoints.http.errors import on_http_error, on_platform_error
from tests.support.derivation import PAYMENTS, at
from tests.support.explaining import NOW, Organisation

pytestmark = pytest.mark.anyio

EVERYTHING = (Grant(role=Role.PLATFORM_ADMIN),)
OF_PAYMENTS = (Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS),)


class Then(Clock):
    """Stands still at the end of the history."""

    def now(self) -> datetime:
        """Return the moment of asking."""
        return at(NOW)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
async def organisation() -> Organisation:
    """An organisation whose history nothing changes."""
    found = Organisation()
    await found.begin()
    return found


@asynccontextmanager
async def client(
    organisation: Organisation, grants: Sequence[Grant] = EVERYTHING
) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """Yield the endpoints for somebody with these grants."""
    current = CurrentConfiguration(store=organisation.stores.configurations, feed=organisation.stores.feed)
    await current.refresh()
    answering = metrics.Answering(
        queries=organisation.queries,
        diagnostics=organisation.diagnostics,
        forecasts=organisation.forecasts,
        configuration=current,
        clock=Then(),
    )

    async def principal() -> Principal:
        return user_principal(user_id=UUID(int=99), name="Lee", grants=grants)

    routes = [
        *metrics.routes(lambda: answering),
        *evidence.routes(lambda: answering, lambda: organisation.explanations),
    ]
    router = Router("/api/v1", route_handlers=routes, dependencies={"principal": Provide(principal)})
    app = Litestar([router], exception_handlers={DppError: on_platform_error, HTTPException: on_http_error})
    async with AsyncTestClient(app) as found:
        yield found


async def ask(to: AsyncTestClient[Litestar], metric: str, **asked: str) -> Any:
    """Return the body of an answer."""
    response = await to.get(f"/api/v1/metrics/{metric}/evidence", params=asked)
    assert 200 == response.status_code, response.text
    return response.json()


async def test_every_metric_is_explained(organisation: Organisation) -> None:
    """Each, and each figure beside them, has words, a figure as the endpoints have it, and counts that fit the list."""
    async with client(organisation) as to:
        for name in (*METRICS, *COMPANIONS):
            metric = catalogue.explained(name)
            more = {"tech_stream": "core"} if name == "technology_impact" else {}
            body = await ask(to, name, stream="payments", **more)
            data = body["data"]
            assert (name, metric.title, metric.explanation.definition) == (
                *(data["metric"], data["title"], data["definition"]),
            )
            assert {"value", "unit", "sample_size", "confidence"} <= set(data["figure"])
            counted = [item for item in data["items"] if item["counted"] and item["role"] == "value"]
            assert len(counted) == data["counted"]
            left_out = sum(not item["counted"] for item in data["items"])
            assert left_out == sum(row["count"] for row in data["left_out"])
            assert all(row["meaning"].endswith(".") for row in (*data["left_out"], *data["doubtful"]))
            assert (200, None) == (body["meta"]["limit"], body["meta"]["next_cursor"])


async def test_the_figure_is_that_of_the_endpoint(organisation: Organisation) -> None:
    """The JSON of a figure is the same on both ways, bounds included."""
    async with client(organisation) as to:
        for zone, names in (
            ("realtime", ("cycle_time_p50", "cycle_time_p85", "cycle_time_p95")),
            ("diagnostic", ("review_turnaround_p50", "review_turnaround_p85")),
        ):
            told = (await to.get(f"/api/v1/metrics/{zone}", params={"stream": "payments"})).json()["data"]
            for name in names:
                figure = (await ask(to, name, stream="payments"))["data"]["figure"]
                assert told[name] == figure
                assert figure["bounds"]["low"] <= figure["value"] <= figure["bounds"]["high"]
                assert figure["bounds"]["missing"] > 0


async def test_a_list_comes_page_by_page(organisation: Organisation) -> None:
    """The pages make the whole list, each item once; a cursor of another list is refused."""
    async with client(organisation) as to:
        whole = (await ask(to, "cycle_time_p85"))["data"]["items"]
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            body = await ask(to, "cycle_time_p85", limit="4", **cursor)
            found += body["data"]["items"]
            following = body["meta"]["next_cursor"]
            if following is None:
                break
            cursor = {"cursor": following}
        assert whole == found
        assert len(whole) > 8
        other = await to.get("/api/v1/metrics/flow_efficiency/evidence", params=cursor)
    assert (404, "invalid_cursor") == (other.status_code, other.json()["error"]["code"])


async def test_what_counts_and_what_is_left_out_can_be_asked_for_alone(organisation: Organisation) -> None:
    """The two lists together are the whole one; the counts stay those of the whole."""
    async with client(organisation) as to:
        whole = (await ask(to, "wip_by_stage", stream="payments"))["data"]
        counted = (await ask(to, "wip_by_stage", stream="payments", counted="true"))["data"]
        left_out = (await ask(to, "wip_by_stage", stream="payments", counted="false"))["data"]
    assert {True} == {item["counted"] for item in counted["items"]}
    assert {False} == {item["counted"] for item in left_out["items"]}
    assert len(whole["items"]) == len(counted["items"]) + len(left_out["items"])
    assert whole["left_out"] == counted["left_out"] == left_out["left_out"]


async def test_the_items_are_a_table(organisation: Organisation) -> None:
    """As CSV, a line for each item under the names of its fields."""
    async with client(organisation) as to:
        items = (await ask(to, "lead_time_p50"))["data"]["items"]
        response = await to.get("/api/v1/metrics/lead_time_p50/evidence", params={"table": "items"})
    lines = response.text.splitlines()
    assert "kind,name,at,value,unit,detail,counted,remark,role,url,until" == lines[0]
    assert len(items) == len(lines) - 1


async def test_items_lead_to_their_sources(organisation: Organisation) -> None:
    """Tickets lead to Jira, pull requests to the pages beside the API."""
    async with client(organisation) as to:
        (ticket, *_) = (await ask(to, "cycle_time_p50", stream="payments"))["data"]["items"]
        (request, *_) = (await ask(to, "review_turnaround_p50", stream="payments"))["data"]["items"]
    assert f"https://acme.atlassian.net/browse/{ticket['name']}" == ticket["url"]
    repository, _, number = request["name"].partition("#")
    assert f"https://ghe.acme.example/{repository}/pull/{number}" == request["url"]


async def test_the_window_is_told(organisation: Organisation) -> None:
    """From its first instant to the moment of asking; what has no window has none."""
    async with client(organisation) as to:
        window = (await ask(to, "flow_efficiency", window="7"))["data"]["window"]
        none = (await ask(to, "wip_by_stage", window="7"))["data"]["window"]
    begin, end = (datetime.fromisoformat(window[name]) for name in ("from", "to"))
    assert (7, at(NOW), None) == ((end - begin).days, end, none)


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("lines_of_code", {}, 404),
        ("wip_by_stage", {"stream": "nobody"}, 404),
        ("wip_by_stage", {"window": "0"}, 422),
        ("wip_by_stage", {"limit": "0"}, 422),
        ("wip_by_stage", {"as_of": "yesterday"}, 422),
        ("wip_by_stage", {"cursor": "nonsense"}, 404),
    ],
)
async def test_what_cannot_be_explained_is_refused(
    organisation: Organisation, path: str, asked: dict[str, str], status: int
) -> None:
    """With the status of what is wrong, as everywhere."""
    async with client(organisation) as to:
        response = await to.get(f"/api/v1/metrics/{path}/evidence", params=asked)
    assert status == response.status_code


async def test_a_narrow_scope_is_told_of_its_own_alone(organisation: Organisation) -> None:
    """A viewer of payments finds no other ticket, no other stream and no bounds that others' things would give."""
    async with client(organisation, OF_PAYMENTS) as to:
        hidden = await to.get("/api/v1/metrics/wip_by_stage/evidence", params={"stream": "logistics"})
        data = (await ask(to, "cycle_time_p85", stream="payments"))["data"]
    assert 404 == hidden.status_code
    assert "bounds" not in data["figure"]
    assert {"PAY"} == {item["name"].partition("-")[0] for item in data["items"]}
