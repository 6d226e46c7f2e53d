"""Deliveries as scripts meet them: the trends, the ledger page by page, incidents, and verdicts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.testing import AsyncTestClient

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.verdicts import MemoryVerdicts
from dpp.application.blames import Blames
from dpp.application.calendars import Calendars
from dpp.application.change_ledger import ChangeLedger
from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.ports import Batch
from dpp.application.queries import Queries
from dpp.application.trends import Trends
from dpp.domain.access import Grant, Permission, Principal, Role, user_principal
from dpp.domain.catalogue import metrics_in
from dpp.domain.errors import DppError
from dpp.domain.events import Facts
from dpp.domain.metric import Zone
from dpp.entrypoints.http import metrics, trends
from dpp.entrypoints.http.errors import on_http_error, on_platform_error
from tests.contracts.stores import delivery, reviewed
from tests.support.access import CountedIds
from tests.support.dashboard_app import CONFIGURATION, CORE_API, MOBILE, PAYMENTS, Feed, FixedClock
from tests.support.delivering import Incident, change, deliver, delivery_reader, deployment, record
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_forecasts import NoHolidays, memory_forecasts
from tests.support.fake_reader import FakeReader
from tests.support.reading import MemoryReading, Ticket

pytestmark = pytest.mark.anyio

EVERYTHING = (Grant(role=Role.PLATFORM_ADMIN),)
VIEWER_OF_PAYMENTS = (Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS),)
#: The moment of these tests lies so many hours after the beginning.
NOW = 345.5


@dataclass
class Api:
    """The endpoints over a store in memory."""

    store: MemoryReading
    client: AsyncTestClient[Litestar]

    async def get(self, path: str, **parameters: str) -> tuple[int, Any]:
        """Return status and body of an answer."""
        response = await self.client.get(f"/api/v1{path}", params=parameters)
        return response.status_code, response.json()

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        """Return status and body of an answer to a body."""
        response = await self.client.post(f"/api/v1{path}", json=body)
        return response.status_code, response.json()


@asynccontextmanager
async def api(grants: Sequence[Grant] = EVERYTHING) -> AsyncIterator[Api]:
    """Yield the endpoints for somebody with these grants."""
    feed, fixed, store = Feed(), FakeReader(), MemoryReading()
    current = CurrentConfiguration(store=feed, feed=feed)
    await current.refresh()
    answering = metrics.Answering(
        queries=Queries(reader=fixed),
        diagnostics=Diagnostics(reader=FakeDiagnosticsReader(), metrics=fixed),
        forecasts=memory_forecasts(fixed, configuration=CONFIGURATION, database=store.database, tables=store.tables),
        configuration=current,
        clock=FixedClock(),
    )
    reader = delivery_reader(store)
    delivering = trends.Delivering(
        trends=Trends(reader=reader, metrics=fixed, calendars=Calendars(NoHolidays())),
        ledger=ChangeLedger(reader=reader),
        blames=Blames(
            reader=reader,
            verdicts=MemoryVerdicts(database=store.database, log=MemoryAccessStore()),
            clock=FixedClock(),
            ids=CountedIds(),
        ),
    )

    async def principal() -> Principal:
        return user_principal(user_id=UUID(int=99), name="Lee", grants=grants)

    router = Router(
        "/api/v1",
        route_handlers=trends.routes(lambda: answering, lambda: delivering),
        dependencies={"principal": Provide(principal)},
    )
    app = Litestar([router], exception_handlers={DppError: on_platform_error, HTTPException: on_http_error})
    async with AsyncTestClient(app) as client:
        yield Api(store=store, client=client)


async def fill(store: MemoryReading) -> None:
    """Put three deployments, three changes and two incidents into a store."""
    facts = Facts(pull_requests=(reviewed("acme-core/service", github_id=5),))
    await store.events.append(Batch(deliveries=[delivery(facts)]))
    repo_id = await store.repository_id("acme-core/service")
    await store.put(Ticket("101", streams=[(0, "PAY-1", PAYMENTS, ())]))
    await deliver(
        store,
        deployments=[
            deployment("a", 300, tech=CORE_API, issue="101", lead=30.0, repo_id=repo_id),
            deployment("b", 320, tech=CORE_API, lead=10.0, rollback=321),
            deployment("c", 330, tech=MOBILE),
        ],
        changes=[
            change(repo_id, 1, opened=270, reviewed=280, merged=290, deployed=300, tech=CORE_API, issue="101"),
            change(repo_id, 2, opened=300, merged=310, deployed=320, tech=CORE_API),
            change(repo_id, 3, opened=340, merged=343.5, tech=MOBILE),
        ],
        incidents=[
            Incident(
                "INC-1",
                300.5,
                ends=((301, None),),
                tech=CORE_API,
                blames=(("a", "blamed", 300.5, None), ("b", "candidate", 300.5, None)),
            ),
            Incident("INC-2", 340, tech=MOBILE),
        ],
    )


async def test_trends_have_the_metrics_of_the_zone_and_what_lies_beside_them() -> None:
    """The six keys that scripts rely on, each a figure with its series, then those beyond the specification."""
    async with api() as to:
        await fill(to.store)
        status, body = await to.get("/metrics/trends", window="10")
    assert (200, 10) == (status, body["meta"]["window_days"])
    data = body["data"]
    names = [metric.name for metric in metrics_in(Zone.TREND)]
    beyond = ["deployment_rework_rate", "failed_deployment_recovery_time", "change_lead_time", "undeployed_changes"]
    assert [*names, *beyond] == list(data)
    for metric in metrics_in(Zone.TREND):
        figure = data[metric.name]
        assert metric.unit == figure["unit"]
        assert {"value", "sample_size", "confidence", "series", "band"} <= figure.keys()
        assert 10 == len(figure["series"])
        assert {"date", "value", "sample_size"} == figure["series"][0].keys()
    assert "2026-03-16" == data["ttr_median"]["series"][-1]["date"]
    # Two of three in ten days still stand; one was taken back, another is blamed.
    assert (1.4, 2, "high") == tuple(data["deployment_frequency"][key] for key in ("value", "sample_size", "band"))
    rate = data["change_failure_rate"]
    assert pytest.approx((200 / 3, 100 / 3, 200 / 3)) == (rate["value"], rate["confirmed_pct"], rate["at_most_pct"])
    assert ("low", 30.0, "elite") == (rate["band"], data["ttr_median"]["value"], data["ttr_median"]["band"])
    assert "2023" in rate["band_source"]
    assert (20.0, "elite") == (data["lead_time_p50"]["value"], data["lead_time_p50"]["band"])
    assert (None, None) == (data["lead_time_p85"]["band"], data["ttr_mean"]["band_source"])
    assert (0.0, None) == (data["deployment_rework_rate"]["value"], data["deployment_rework_rate"]["band"])
    recovery = data["failed_deployment_recovery_time"]
    assert (60.0, 2, 0, "high") == (
        recovery["value"],
        recovery["sample_size"],
        recovery["unrecovered"],
        recovery["band"],
    )
    lead = data["change_lead_time"]
    assert (25.0, 2, "hours") == (lead["value"], lead["sample_size"], lead["unit"])
    assert {"lead_time": 25.0, "coding": None, "pickup": 10.0, "review": 10.0, "deploy": 10.0} == {
        part["part"]: part["p50"] for part in lead["parts"]
    }
    waiting = data["undeployed_changes"]
    assert (1.0, "count", 2.0) == (waiting["value"], waiting["unit"], waiting["oldest_hrs"])
    assert all(data[name]["definition"].endswith(".") for name in beyond)


async def test_trends_of_nothing_are_honest() -> None:
    """Nothing was deployed: the frequency is 0, every rate and time is null, and no band is given."""
    async with api() as to:
        status, body = await to.get("/metrics/trends")
    assert 200 == status
    assert {"deployment_frequency": 0.0, "undeployed_changes": 0.0} == {
        name: figure["value"] for name, figure in body["data"].items() if figure["value"] is not None
    }
    assert None is body["data"]["change_failure_rate"]["band"]


async def test_trends_follow_the_streams_asked_for() -> None:
    """By delivery stream, by technology stream and by both; who sees payments alone is told of payments alone."""

    async def deployed(to: Api, **asked: str) -> int:
        _, body = await to.get("/metrics/trends", **asked)
        sample: int = body["data"]["change_failure_rate"]["sample_size"]
        return sample

    async with api() as to:
        await fill(to.store)
        assert [1, 2, 1, 0] == [
            await deployed(to, stream="payments"),
            await deployed(to, tech_stream="core-api"),
            await deployed(to, stream="payments", tech_stream="core-api"),
            await deployed(to, stream="lending"),
        ]
        assert 1 == await deployed(to, as_of="2026-03-15T00:00:00Z")
    async with api(VIEWER_OF_PAYMENTS) as to:
        await fill(to.store)
        assert 1 == await deployed(to)
        assert 404 == (await to.get("/metrics/trends", stream="lending"))[0]


@pytest.mark.parametrize("moment", ["1971-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
async def test_trends_of_other_ages_are_of_nothing(moment: str) -> None:
    """Every moment that may be asked about has an answer, beyond the years that the calendar covers too."""
    async with api() as to:
        status, body = await to.get("/metrics/trends", as_of=moment, window="1100")
    assert (200, 1100) == (status, len(body["data"]["deployment_frequency"]["series"]))


@pytest.mark.parametrize("asked", [{"window": "0"}, {"window": "1101"}, {"as_of": "1969-01-01T00:00:00Z"}])
async def test_trends_refuse_what_cannot_be(asked: dict[str, str]) -> None:
    """A window that is too short or too long, and a moment before the calendar begins."""
    async with api() as to:
        status, body = await to.get("/metrics/trends", **asked)
    assert (422, "error") == (status, body["status"])


async def test_changes_come_page_by_page() -> None:
    """Each page says where the next one begins; the other state has a list, and cursors, of its own."""
    async with api() as to:
        await fill(to.store)
        _, first = await to.get("/metrics/changes", limit="1")
        cursor = first["meta"]["next_cursor"]
        _, second = await to.get("/metrics/changes", limit="1", cursor=cursor)
        _, waiting = await to.get("/metrics/changes", state="undeployed")
        refused = [
            await to.get("/metrics/changes", state="undeployed", cursor=cursor),
            await to.get("/metrics/changes", cursor="nonsense"),
        ]
        limited = [(await to.get("/metrics/changes", limit=limit))[0] for limit in ("0", "1001")]
    assert [2, 1] == [page["data"][0]["pr_number"] for page in (first, second)]
    assert (None, 1, 30) == (second["meta"]["next_cursor"], second["meta"]["limit"], second["meta"]["window_days"])
    assert ["invalid_cursor"] * 2 == [body["error"]["code"] for _, body in refused]
    assert [422, 422] == limited
    (one,) = second["data"]
    assert ("acme-core/service", "PAY-1", str(PAYMENTS), str(record("of 1"))) == (
        one["repository"],
        one["ticket_id"],
        one["delivery_stream_id"],
        one["deployment_id"],
    )
    assert (30.0, 10.0, 10.0, 10.0, None) == tuple(
        one[f"{part}_hrs"] for part in ("lead_time", "pickup", "review", "deploy", "waiting")
    )
    (idle,) = waiting["data"]
    assert (3, None, 2.0, None) == (
        idle["pr_number"],
        idle["deployed_at"],
        idle["waiting_hrs"],
        waiting["meta"]["window_days"],
    )


async def test_incidents_come_with_what_is_thought_of_each_suspect() -> None:
    """The latest begun first; a page may hold one, and the next goes on behind it."""
    async with api() as to:
        await fill(to.store)
        _, whole = await to.get("/incidents/blames")
        _, first = await to.get("/incidents/blames", limit="1")
        _, second = await to.get("/incidents/blames", limit="1", cursor=first["meta"]["next_cursor"])
    assert ["INC-2", "INC-1"] == [row["incident_id"] for row in whole["data"]]
    assert whole["data"] == first["data"] + second["data"]
    suspects = whole["data"][1]["suspects"]
    assert [("candidate", str(record("b"))), ("blamed", str(record("a")))] == [
        (row["standing"], row["deployment_id"]) for row in suspects
    ]


async def test_a_verdict_is_taken_down() -> None:
    """It answers 201 with the verdict, without telling who gave it."""
    async with api() as to:
        await fill(to.store)
        status, body = await to.post(
            "/incidents/INC-1/verdicts", {"deployment_id": str(record("b")), "verdict": "confirmed", "reason": "seen"}
        )
        assert (201, "confirmed", "INC-1", "seen") == (
            status,
            body["data"]["verdict"],
            body["data"]["incident_id"],
            body["data"]["reason"],
        )
        assert "decided_by" not in body["data"]
        assert ["INC-1"] == [entry.key.key for entry in to.store.database.stale if entry.key.kind == "incident"]


@pytest.mark.parametrize(
    ("incident", "body", "status"),
    [
        ("INC-1", {"deployment_id": str(record("c")), "verdict": "confirmed"}, 404),
        ("INC-9", {"deployment_id": str(record("a")), "verdict": "confirmed"}, 404),
        ("%00", {"deployment_id": str(record("a")), "verdict": "confirmed"}, 404),
        ("INC-1", {"deployment_id": str(record("a")), "verdict": "guilty"}, 400),
        ("INC-1", {"deployment_id": "a", "verdict": "confirmed"}, 400),
        ("INC-1", {"verdict": "confirmed"}, 400),
        ("INC-1", {"deployment_id": str(record("a")), "verdict": "confirmed", "reason": "x" * 2000}, 400),
    ],
)
async def test_a_verdict_that_cannot_be_is_refused(incident: str, body: dict[str, str], status: int) -> None:
    """No such pair, no such word, no readable body: the envelope says so, and nothing is written."""
    async with api() as to:
        await fill(to.store)
        found, told = await to.post(f"/incidents/{incident}/verdicts", body)
        assert (status, "error") == (found, told["status"])
        assert [] == to.store.database.verdicts


def test_verdicts_are_for_those_who_lead() -> None:
    """The route takes the permission to manage streams, which viewers and API keys do not have."""
    (judge,) = [route for route in trends.routes(_never, _never) if "POST" in route.http_methods]
    assert Permission.STREAMS_MANAGE is judge.opt["permission"]
    assert Permission.STREAMS_MANAGE not in Role.TEAM_MEMBER.permissions


def _never() -> Any:
    raise AssertionError("nothing is asked")
