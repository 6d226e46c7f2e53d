"""The forecast as scripts meet it: names, envelopes, and questions that cannot be asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.testing import AsyncTestClient

from dpp.adapters.memory.forecasting import MemoryForecasts, MemorySprintSnapshot
from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.enrich import sprint_uuid
from dpp.application.queries import Queries
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.errors import DppError
from dpp.domain.events import SprintFact
from dpp.domain.forecast import forecast as make
from dpp.domain.resampling import seed_of
from dpp.entrypoints.http import forecast, metrics
from dpp.entrypoints.http.errors import on_platform_error
from tests.support.dashboard_app import CONFIGURATION, PAYMENTS, Feed, FixedClock
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_forecasts import memory_forecasts
from tests.support.fake_reader import NOW, FakeReader
from tests.support.reading import T0, MemoryReading, Ticket

pytestmark = pytest.mark.anyio

TODAY = date(2026, 3, 16)
#: Eight weeks before the week of asking, with what was done in each.
FIRST = datetime(2026, 1, 19, tzinfo=NOW.tzinfo)
WEEKS = (3, 5, 0, 7, 4, 6, 2, 5)
EVERYTHING = (Grant(role=Role.PLATFORM_ADMIN),)
LEAD_OF_PAYMENTS = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),)


def hours(moment: datetime) -> float:
    """Return a moment as rows of these tests are told."""
    return (moment - T0) / timedelta(hours=1)


async def fill(rows: MemoryReading, kept: MemoryForecasts) -> None:
    """Give payments eight weeks, twelve items left, a closed sprint and a running one of which four items remain."""
    begun = hours(FIRST)
    for week, items in enumerate(WEEKS):
        for number in range(items):
            done, key = begun + week * 168 + 10, f"PAY-{week}{number}"
            cycle: Any = (done, None, 1.0, 50.0, {})
            stays = [(begun, "dev", True), (done, "done", False)]
            await rows.put(Ticket(key, streams=[(begun, key, PAYMENTS, ())], stays=stays, cycles=[cycle]))
    for number in range(12):
        key = f"PAY-9{number}"
        await rows.put(
            Ticket(key, streams=[(begun, key, PAYMENTS, ())], stays=[(begun, "qa", True)], jira_sprint_id="8")
        )
    for key, start in (("7", date(2026, 3, 2)), ("8", TODAY)):
        rows.database.sprints[key] = SprintFact(
            event_timestamp=NOW,
            jira_sprint_id=key,
            name=f"Sprint {key}",
            state="active",
            start_date=start,
            end_date=start + timedelta(days=11),
        )
    closed = Ticket("7", streams=[(begun, "PAY-7", PAYMENTS, ())], stays=[(begun, "done", False)], jira_sprint_id="7")
    await rows.put(closed)
    kept.snapshots.append(MemorySprintSnapshot(sprint_uuid("8"), TODAY, NOW, 4))


@asynccontextmanager
async def client(grants: Sequence[Grant] = EVERYTHING) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """Yield the endpoints for somebody with these grants."""
    feed, reader, rows, kept = Feed(), FakeReader.empty(), MemoryReading(), MemoryForecasts()
    await fill(rows, kept)
    current = CurrentConfiguration(store=feed, feed=feed)
    await current.refresh()
    answering = metrics.Answering(
        queries=Queries(reader=reader),
        diagnostics=Diagnostics(reader=FakeDiagnosticsReader(), metrics=reader),
        forecasts=memory_forecasts(
            reader, configuration=CONFIGURATION, database=rows.database, tables=rows.tables, kept=kept
        ),
        configuration=current,
        clock=FixedClock(),
    )

    async def principal() -> Principal:
        return user_principal(user_id=UUID(int=99), name="Lee", grants=grants)

    app = Litestar(
        [
            Router(
                "/api/v1",
                route_handlers=[*forecast.routes(lambda: answering), *metrics.routes(lambda: answering)],
                dependencies={"principal": Provide(principal)},
            )
        ],
        exception_handlers={DppError: on_platform_error},
        openapi_config=OpenAPIConfig(title="Forecasts", version="1"),
    )
    async with AsyncTestClient(app) as found:
        yield found


async def ask(to: AsyncTestClient[Litestar], path: str = "forecast", **asked: str) -> Any:
    """Return the data of an answer."""
    response = await to.get(f"/api/v1/metrics/{path}", params=asked)
    assert 200 == response.status_code, response.text
    return response.json()["data"]


async def test_a_forecast_has_its_dates_and_all_it_was_made_from() -> None:
    """Under the names that scripts rely on; the seed is text, as a number it would lose digits in a browser."""
    async with client() as to:
        response = await to.get("/api/v1/metrics/forecast", params={"stream": "payments"})
    body = response.json()
    found = body["data"]["monte_carlo_forecast"]
    seed = seed_of(stream=PAYMENTS, day=TODAY)
    made = make(scope=12, sample=WEEKS, made_on=TODAY, seed=seed)
    assert ["monte_carlo_forecast"] == list(body["data"])
    assert ("delivery", str(PAYMENTS), None) == tuple(
        body["meta"][name] for name in ("stream_type", "stream_id", "window_days")
    )
    nobody = {"judged": 0, "held": 0, "held_pct": None, "pending": 0}
    assert {
        "value": 12,
        "unit": "count",
        "sample_size": 8,
        "confidence": {"level": "full", "reasons": []},
        "method": "monte_carlo",
        "reason": None,
        "forecast_date": "2026-03-16",
        "scope_item_count": 12,
        "throughput_samples": 8,
        "throughput": [
            {"week": str(FIRST.date() + timedelta(weeks=number)), "completed": items}
            for number, items in enumerate(WEEKS)
        ],
        "low_confidence": False,
        "weeks_until_probabilistic": 0,
        **{f"p{percent}_completion_date": str(day) for percent, day in made.completion_dates.items()},
        "estimated_weeks": None,
        "estimated_completion_date": None,
        "distribution": [
            {
                "date": str(bar.completion_date),
                "runs": bar.runs,
                "share_pct": bar.share_pct,
                "cumulative_pct": bar.cumulative_pct,
            }
            for bar in made.distribution
        ],
        "cut_pct": 0.0,
        "simulation_runs": 10_000,
        "seed": str(seed),
        "calibration": dict.fromkeys(("p50", "p70", "p85", "p95"), nobody),
        "what_if": None,
    } == found


async def test_a_young_stream_has_an_estimate_without_dates() -> None:
    """As of the third week: three and five items in two weeks, everything else to do, four weeks to wait."""
    async with client() as to:
        found = (await ask(to, stream="payments", as_of="2026-02-02T12:00:00Z"))["monte_carlo_forecast"]
    assert ("linear", True, 4, None, []) == tuple(
        found[name]
        for name in (
            "method",
            "low_confidence",
            "weeks_until_probabilistic",
            "p50_completion_date",
            "distribution",
        )
    )
    # 12 and the 24 of the weeks from the fourth on, at four a week.
    assert (36, 9.0, "2026-04-06") == tuple(
        found[name] for name in ("scope_item_count", "estimated_weeks", "estimated_completion_date")
    )


async def test_what_if_is_told_beside_the_forecast() -> None:
    """Scope, date and confidence in one question; the sprint's cut with them."""
    async with client() as to:
        found = (await ask(to, stream="payments", scope_change="8", by_date="2026-04-13", confidence="85"))[
            "monte_carlo_forecast"
        ]
    assert 12 == found["scope_item_count"]
    imagined = found["what_if"]
    assert (20, 8, 85.0, "monte_carlo") == tuple(
        imagined[name] for name in ("scope_item_count", "scope_change", "confidence_pct", "method")
    )
    assert imagined["completion_date"] == imagined["p85_completion_date"] > found["p85_completion_date"]
    by_date = imagined["by_date"]
    assert ("2026-04-13", ["p50", "p70", "p85", "p95"]) == (by_date["date"], list(by_date["items"]))
    assert max(0, 20 - by_date["items"]["p85"]) == by_date["scope_cut"]
    sprint = imagined["sprint"]
    assert ("8", 4, True) == (sprint["sprint"]["jira_sprint_id"], sprint["remaining"], 0 <= sprint["scope_cut"] <= 4)


async def test_the_running_sprint_is_among_the_real_time_figures() -> None:
    """Ten working days are left of which today is one; the snapshot tells what remains."""
    async with client() as to:
        found = (await ask(to, "realtime", stream="payments"))["sprint_confidence"]
    assert found["value"] is not None
    assert {
        "value": found["value"],
        "unit": "percent",
        "sample_size": 10,
        "confidence": {"level": "full", "reasons": []},
        "remaining": 4,
        "remaining_as_of": "2026-03-16",
        "working_days_left": 10,
        "sprint": {
            "sprint_id": str(sprint_uuid("8")),
            "jira_sprint_id": "8",
            "name": "Sprint 8",
            "start_date": "2026-03-16",
            "end_date": "2026-03-27",
        },
        "reason": None,
    } == found


async def test_a_technology_stream_gets_a_reason_instead_of_a_figure() -> None:
    """In the forecast and in the real-time figures."""
    async with client() as to:
        made = (await ask(to, tech_stream="core-api"))["monte_carlo_forecast"]
        confidence = (await ask(to, "realtime", tech_stream="core-api"))["sprint_confidence"]
    assert (None, None, "technology_stream", None, []) == tuple(
        made[name] for name in ("value", "method", "reason", "calibration", "throughput")
    )
    assert (None, "technology_stream") == (confidence["value"], confidence["reason"])


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"stream": "nothing"}, 404),
        ({"as_of": "yesterday"}, 422),
        ({"by_date": "2026-03-15"}, 422),
        ({"by_date": "soon"}, 400),
        ({"confidence": "0"}, 422),
        ({"confidence": "nan"}, 422),
        ({"confidence": "1e999"}, 400),
        ({"scope_change": "1000001"}, 422),
        ({"scope_change": "1.5"}, 400),
    ],
)
async def test_what_cannot_be_told_is_refused(asked: dict[str, str], status: int) -> None:
    """With the status of what is wrong."""
    async with client() as to:
        response = await to.get("/api/v1/metrics/forecast", params=asked)
    assert status == response.status_code


async def test_a_hidden_stream_has_no_forecast() -> None:
    """A lead of one stream does not learn of another; all streams together are one to them."""
    async with client(LEAD_OF_PAYMENTS) as to:
        hidden = await to.get("/api/v1/metrics/forecast", params={"stream": "lending"})
        union = (await ask(to))["monte_carlo_forecast"]
    assert (404, 12) == (hidden.status_code, union["value"])


async def test_the_published_description_has_what_is_sent() -> None:
    """Every field that an answer has is described, and no other but bounds, which only figures with a gap have."""
    async with client() as to:
        schemas = (await to.get("/schema/openapi.json")).json()["components"]["schemas"]
        found = (await ask(to, stream="payments", by_date="2026-04-13", confidence="85"))["monte_carlo_forecast"]
    assert set(found) | {"bounds"} == set(schemas["MonteCarloForecast"]["properties"])
    assert set(found["what_if"]) == set(schemas["WhatIf"]["properties"])
    assert set(found["what_if"]["by_date"]) == set(schemas["DoneByDate"]["properties"])
