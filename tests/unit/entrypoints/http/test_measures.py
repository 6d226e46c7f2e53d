"""Figures of past days and restatements as scripts meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.testing import AsyncTestClient

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.measures import MemoryMeasures
from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.figure_history import FigureHistory
from dpp.application.measures import Cause, DayFigure, MeasuredDays, StaleDays, StaleStream, StreamKey
from dpp.application.queries import Queries
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.errors import DppError
from dpp.domain.metric import Dimension
from dpp.entrypoints.http import measures, metrics
from dpp.entrypoints.http.errors import on_http_error, on_platform_error
from tests.support.dashboard_app import CONFIGURATION, CORE_API, LENDING, PAYMENTS, Feed, FixedClock
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_forecasts import memory_forecasts
from tests.support.fake_reader import FakeReader
from tests.support.reading import MemoryReading

pytestmark = pytest.mark.anyio

EVERYTHING = (Grant(role=Role.PLATFORM_ADMIN),)
VIEWER_OF_PAYMENTS = (Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS),)
FIRST = date(2026, 3, 2)
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
GONE = UUID(int=77)
STREAMS = (
    StreamKey(Dimension.DELIVERY, PAYMENTS),
    StreamKey(Dimension.DELIVERY, LENDING),
    StreamKey(Dimension.DELIVERY, GONE),
    StreamKey(Dimension.TECH, CORE_API),
)


@dataclass
class Api:
    """The endpoints over a store in memory."""

    client: AsyncTestClient[Litestar]

    async def get(self, path: str, **parameters: str) -> tuple[int, Any]:
        """Return status and body of an answer."""
        response = await self.client.get(f"/api/v1/metrics/{path}", params=parameters)
        return response.status_code, response.json()


def _figures(wip: float) -> list[DayFigure]:
    return [
        *(DayFigure(FIRST + place * DAY, "wip_by_stage", None, wip, "count", int(wip)) for place in range(2)),
        DayFigure(FIRST, "cycle_time_p85", 85, 2.5, "days", 4),
    ]


async def _filled() -> MemoryMeasures:
    """Return a store with two days of each stream, both measured twice after they were over."""
    store = MemoryMeasures(database=MemoryDatabase())
    closes_at = {day: datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY for day in (FIRST, FIRST + DAY)}
    for wip, cause in ((3.0, Cause.DAY_ENDED), (4.0, Cause.LATE_EVENT)):
        why = StaleDays(datetime(2026, 3, 3, 9, tzinfo=UTC), cause, "1 ticket")

        async def measure(_stale: StaleStream, *, wip: float = wip, why: StaleDays = why) -> MeasuredDays:
            first_days = [(FIRST + DAY, why)]
            return MeasuredDays(closes_at=closes_at, figures=_figures(wip), computed_at=NOW, first_days=first_days)

        await store.mark(STREAMS, why)
        while await store.measure_next(measure):
            pass
    return store


@asynccontextmanager
async def api(grants: Sequence[Grant] = EVERYTHING) -> AsyncIterator[Api]:
    """Yield the endpoints for somebody with these grants."""
    feed, fixed, reading = Feed(), FakeReader(), MemoryReading()
    current = CurrentConfiguration(store=feed, feed=feed)
    await current.refresh()
    answering = metrics.Answering(
        queries=Queries(reader=fixed),
        diagnostics=Diagnostics(reader=FakeDiagnosticsReader(), metrics=fixed),
        forecasts=memory_forecasts(
            fixed, configuration=CONFIGURATION, database=reading.database, tables=reading.tables
        ),
        configuration=current,
        clock=FixedClock(),
    )
    history = FigureHistory(store=await _filled())

    async def principal() -> Principal:
        return user_principal(user_id=UUID(int=99), name="Lee", grants=grants)

    router = Router(
        "/api/v1",
        route_handlers=measures.routes(lambda: answering, lambda: history),
        dependencies={"principal": Provide(principal)},
    )
    app = Litestar([router], exception_handlers={DppError: on_platform_error, HTTPException: on_http_error})
    async with AsyncTestClient(app) as client:
        yield Api(client)


async def test_figures_come_by_day_stream_and_metric() -> None:
    """A row says which day, stream and metric it is of, its value with unit and sample, and when it was taken."""
    async with api() as to:
        status, body = await to.get("daily", stream="payments")
    assert 200 == status
    assert [("2026-03-02", "cycle_time_p85"), ("2026-03-02", "wip_by_stage"), ("2026-03-03", "wip_by_stage")] == [
        (row["day"], row["metric"]) for row in body["data"]
    ]
    assert {
        "day": "2026-03-02",
        "stream_type": "delivery",
        "stream_id": str(PAYMENTS),
        "stream": "payments",
        "metric": "cycle_time_p85",
        "percentile": 85,
        "value": 2.5,
        "unit": "days",
        "sample_size": 4,
        "computed_at": "2026-03-09T12:00:00Z",
    } == body["data"][0]
    assert (200, None, "delivery") == tuple(body["meta"][name] for name in ("limit", "next_cursor", "stream_type"))


async def test_restatements_tell_what_changed_and_why() -> None:
    """Of each change both values and samples are told, with its cause; a day before the cause's time keeps its own."""
    async with api() as to:
        status, body = await to.get("restatements", tech_stream="core-api", **{"from": "2026-03-03"})
    assert 200 == status
    (row,) = body["data"]
    assert str(UUID(row["restatement_id"])) == row.pop("restatement_id")
    assert {
        "day": "2026-03-03",
        "stream_type": "tech",
        "stream_id": str(CORE_API),
        "stream": "core-api",
        "metric": "wip_by_stage",
        "percentile": None,
        "unit": "count",
        "old_value": 3.0,
        "new_value": 4.0,
        "old_sample_size": 3,
        "new_sample_size": 4,
        "cause": "late_event",
        "cause_detail": "1 ticket",
        "cause_since": "2026-03-03T09:00:00Z",
        "restated_at": "2026-03-09T12:00:00Z",
    } == row


@pytest.mark.parametrize(("path", "rows"), [("daily", 12), ("restatements", 8)])
async def test_pages_make_up_the_list(path: str, rows: int) -> None:
    """Page by page every row comes once, in the order of the whole list; the last page says that it is the last."""
    async with api() as to:
        _, whole = await to.get(path)
        assert rows == len(whole["data"])
        found, cursor = [], None
        while True:
            _, body = await to.get(path, limit="5", **({"cursor": cursor} if cursor else {}))
            found += body["data"]
            cursor = body["meta"]["next_cursor"]
            if cursor is None:
                break
    assert whole["data"] == found


@pytest.mark.parametrize("path", ["daily", "restatements"])
async def test_a_scope_hides_other_streams(path: str) -> None:
    """Who may see one stream gets its rows alone, and no other stream by name."""
    async with api(VIEWER_OF_PAYMENTS) as to:
        _, body = await to.get(path)
        assert {str(PAYMENTS)} == {row["stream_id"] for row in body["data"]}
        for parameters in ({"stream": "lending"}, {"tech_stream": "core-api"}, {"stream": str(GONE)}):
            status, refused = await to.get(path, **parameters)
            assert (404, "stream_not_found") == (status, refused["error"]["code"])


async def test_a_stream_that_is_configured_no_more_has_no_name() -> None:
    """Its figures are still told to whoever sees everything."""
    async with api() as to:
        _, body = await to.get("daily")
    assert {None} == {row["stream"] for row in body["data"] if row["stream_id"] == str(GONE)}


@pytest.mark.parametrize("path", ["daily", "restatements"])
async def test_what_cannot_be_asked_is_refused(path: str) -> None:
    """Both kinds of stream, days in the wrong order, metrics that have no number a day, limits and foreign cursors."""
    async with api() as to:
        for parameters, expected in (
            ({"stream": "payments", "tech_stream": "core-api"}, (422, "invalid_input")),
            ({"from": "2026-03-03", "to": "2026-03-02"}, (422, "invalid_input")),
            ({"metric": "team_pulse"}, (422, "invalid_input")),
            ({"metric": "velocity"}, (404, "unknown_metric")),
            ({"limit": "0"}, (422, "invalid_input")),
            ({"limit": "1001"}, (422, "invalid_input")),
            ({"cursor": "nonsense"}, (404, "invalid_cursor")),
            ({"from": "yesterday"}, (400, "invalid_request")),
        ):
            status, body = await to.get(path, **parameters)
            assert expected == (status, body["error"]["code"]), parameters
        _, first = await to.get(path, limit="1")
        status, body = await to.get(path, metric="wip_by_stage", cursor=first["meta"]["next_cursor"])
        assert (404, "invalid_cursor") == (status, body["error"]["code"])


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("daily", "day,stream_type,stream_id,stream,metric,percentile,value,unit,sample_size,computed_at"),
        ("restatements", "restatement_id,day,stream_type,stream_id,stream,metric,percentile,unit,old_value,new_value"),
    ],
)
async def test_lists_can_be_had_as_tables(path: str, columns: str) -> None:
    """As CSV a list has a column for each thing that a row says, and a line for each row."""
    async with api() as to:
        response = await to.client.get(f"/api/v1/metrics/{path}", params={"format": "csv", "stream": "payments"})
    lines = response.text.splitlines()
    assert (200, True) == (response.status_code, lines[0].startswith(columns))
    assert (4 if path == "daily" else 3) == len(lines)
