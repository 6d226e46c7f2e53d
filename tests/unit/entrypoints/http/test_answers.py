"""The reading endpoints as scripts meet them: parameters, envelopes, and what a scope keeps to itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import AsyncTestClient

from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.ingest import Intake
from dpp.application.queries import Queries
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.catalogue import metrics_in
from dpp.domain.errors import DppError
from dpp.domain.events import SprintFact
from dpp.domain.metric import Zone
from dpp.entrypoints.http import admin, metrics, sprints, streams
from dpp.entrypoints.http.errors import on_platform_error
from tests.support.dashboard_app import CONFIGURATION, CORE_API, PAYMENTS, Feed, FixedClock
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_forecasts import memory_forecasts
from tests.support.fake_reader import NOW, FakeReader
from tests.support.reading import MemoryReading, Ticket

pytestmark = pytest.mark.anyio

EVERYTHING = (Grant(role=Role.PLATFORM_ADMIN),)
LEAD_OF_PAYMENTS = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),)


@dataclass
class StillIntake:
    """Holds so many deliveries back."""

    pending: int = 2
    store_is_away: bool = False


@dataclass
class Answers:
    """The endpoints over fixed figures and a store in memory."""

    reader: FakeReader
    store: MemoryReading
    intake: StillIntake
    client: AsyncTestClient[Litestar]

    async def get(self, path: str, **parameters: str) -> tuple[int, Any]:
        """Return status and body of an answer."""
        response = await self.client.get(f"/api/v1{path}", params=parameters)
        return response.status_code, response.json()


@asynccontextmanager
async def answers(grants: Sequence[Grant] = EVERYTHING) -> AsyncIterator[Answers]:
    """Yield the endpoints for somebody with these grants."""
    feed, reader, store, intake = Feed(), FakeReader(), MemoryReading(), StillIntake()
    current = CurrentConfiguration(store=feed, feed=feed)
    await current.refresh()
    answering = metrics.Answering(
        queries=Queries(reader=reader),
        diagnostics=Diagnostics(reader=FakeDiagnosticsReader(), metrics=reader),
        forecasts=memory_forecasts(reader, configuration=CONFIGURATION, database=store.database, tables=store.tables),
        configuration=current,
        clock=FixedClock(),
    )
    operating = admin.Operating(
        answering=answering, reader=store.operations, events=store.events, intake=cast(Intake, intake)
    )

    async def principal() -> Principal:
        return user_principal(user_id=UUID(int=99), name="Lee", grants=grants)

    handlers = [
        *metrics.routes(lambda: answering),
        *streams.routes(lambda: current.value),
        *admin.routes(lambda: operating),
        *sprints.routes(lambda: operating),
    ]
    app = Litestar(
        [Router("/api/v1", route_handlers=handlers, dependencies={"principal": Provide(principal)})],
        exception_handlers={DppError: on_platform_error},
    )
    async with AsyncTestClient(app) as client:
        yield Answers(reader=reader, store=store, intake=intake, client=client)


async def test_figures_come_in_their_envelope_with_what_was_asked() -> None:
    """Streams by name and by id, the window of the diagnostic figures, and the present as the moment."""
    async with answers() as to:
        status, body = await to.get("/metrics/diagnostic", stream="payments", tech_stream=str(CORE_API), window="90")
    names = [metric.name for metric in metrics_in(Zone.DIAGNOSTIC)]
    assert (200, "ok", names) == (status, body["status"], list(body["data"]))
    assert {
        "stream_type": "delivery",
        "stream_id": str(PAYMENTS),
        "tech_stream_id": str(CORE_API),
        "window_days": 90,
        "as_of": "2026-03-16T09:30:00Z",
        "computed_at": "2026-03-16T09:30:00Z",
    } == body["meta"]


async def test_real_time_figures_ignore_the_window() -> None:
    """Whatever window is asked for, the configured one counts."""
    async with answers() as to:
        status, body = await to.get("/metrics/realtime", window="7")
    assert (200, 30) == (status, body["meta"]["window_days"])


async def test_only_the_present_is_live() -> None:
    """A given moment is looked at as that moment, even when it is this one."""
    async with answers() as to:
        await to.get("/metrics/realtime")
        await to.get("/metrics/realtime", as_of="2026-03-16T09:30:00Z")
        assert [True, False] == sorted({view.is_live for view in to.reader.views}, reverse=True)
        assert {NOW} == {view.as_of for view in to.reader.views}


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"stream": "nothing"}, 404, "stream_not_found"),
        ({"as_of": "yesterday"}, 422, None),
        ({"as_of": "2026-03-16T09:30:00"}, 422, None),
        ({"window": "0"}, 422, None),
    ],
)
async def test_what_cannot_be_is_said_in_the_envelope(
    parameters: dict[str, str], status: int, code: str | None
) -> None:
    """A stable code, and never a figure."""
    async with answers() as to:
        got, body = await to.get("/metrics/diagnostic", **parameters)
    assert (status, "error") == (got, body["status"])
    assert code in (None, body["error"]["code"])
    assert "data" not in body


async def test_a_hidden_stream_is_neither_listed_nor_found() -> None:
    """A lead of one stream does not learn the names of the others."""
    async with answers(LEAD_OF_PAYMENTS) as to:
        _, delivery = await to.get("/streams/delivery")
        _, tech = await to.get("/streams/tech")
        status, body = await to.get("/metrics/realtime", stream="lending")
    assert ["payments"] == [row["name"] for row in delivery["data"]]
    assert [] == tech["data"]
    assert (404, "stream_not_found") == (status, body["error"]["code"])


async def test_every_stream_is_listed_to_whoever_sees_all() -> None:
    """Delivery streams with their size, technology streams with their organisation."""
    async with answers() as to:
        _, delivery = await to.get("/streams/delivery")
        _, tech = await to.get("/streams/tech")
    names = [row.name for row in CONFIGURATION.delivery_streams]
    assert names == [row["name"] for row in delivery["data"]]
    assert ["acme-core", "acme-mobile"] == [row["github_org"] for row in tech["data"]]


async def test_sprints_are_listed_by_stream_and_state() -> None:
    """Those of hidden streams are not."""
    async with answers(LEAD_OF_PAYMENTS) as to:
        for key, stream in (("7", PAYMENTS), ("8", UUID(int=2))):
            to.store.database.sprints[key] = SprintFact(
                event_timestamp=NOW,
                jira_sprint_id=key,
                name=f"Sprint {key}",
                state="active",
                start_date=date(2026, 3, 9),
            )
            await to.store.put(Ticket(key, streams=[(0, f"PAY-{key}", stream, ())], jira_sprint_id=key))
        _, every = await to.get("/sprints")
        _, closed = await to.get("/sprints", stream="payments", state="closed")
    assert [("7", str(PAYMENTS), "2026-03-09", None)] == [
        (row["jira_sprint_id"], row["delivery_stream_id"], row["start_date"], row["end_date"]) for row in every["data"]
    ]
    assert [] == closed["data"]


async def test_the_health_of_integrations_says_what_is_pending() -> None:
    """Deliveries that are not stored and things that are not derived are both pending."""
    async with answers() as to:
        status, body = await to.get("/admin/integration-health")
        assert (200, 2, 2, 0) == (
            status,
            *(body["data"][name] for name in ("pending", "pending_deliveries", "pending_derivations")),
        )
        assert "2026-03-09T09:30:00Z" == body["meta"]["since"]
        assert datetime.fromisoformat(body["meta"]["computed_at"]) == NOW


async def test_the_quality_of_the_data_has_all_five_rates() -> None:
    """In percent, with their targets, over everything known."""
    async with answers() as to:
        status, body = await to.get("/admin/data-quality", stream="payments")
    assert (200, 5, None) == (status, len(body["data"]), body["meta"]["window_days"])
    assert 94.0 == body["data"]["pr_ticket_linkage_rate"]["value"]
