"""The pulse, shared bottlenecks and flow over time as scripts meet them: envelopes, shapes, what a scope hides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import AsyncTestClient

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.adapters.memory.pulse import MemoryPulse, write_answers
from dpp.application.calendars import Calendars
from dpp.application.cross_stream import CrossStream
from dpp.application.current import CurrentConfiguration
from dpp.application.derived_rows import WorkItemRow
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.ports import Batch
from dpp.application.pulse import Pulse
from dpp.application.pulse_ports import PulseResponse
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.calendar import to_micros
from dpp.domain.errors import DppError
from dpp.domain.events import Facts, TicketFields, WorkItemEvent, WorkItemEventType
from dpp.domain.pulse import Period
from dpp.entrypoints.http import cross_stream, flow_over_time, metrics, pulse
from dpp.entrypoints.http.errors import on_platform_error
from tests.contracts.stores import delivery
from tests.support.dashboard_app import CONFIGURATION, CORE_API, LENDING, PAYMENTS, Feed, FixedClock
from tests.support.fake_forecasts import NoHolidays
from tests.support.fake_reader import NOW
from tests.support.reading import T0, MemoryReading, Ticket

pytestmark = pytest.mark.anyio

EVERYTHING = (Grant(role=Role.PLATFORM_ADMIN),)
LEAD_OF_PAYMENTS = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),)
LEAD_OF_CORE = (*LEAD_OF_PAYMENTS, Grant(role=Role.STREAM_LEAD, tech_stream_id=CORE_API))

NOW_HOURS = (NOW - T0) / timedelta(hours=1)
"""Monday, two weeks after the beginning, at half past nine."""


@dataclass
class Begun(Ticket):
    """A ticket that is worked on from its first stay on, and blocked since some hour."""

    blocked: float | None = None

    @property
    def work_item(self) -> WorkItemRow:
        """How it stands."""
        begun = to_micros(T0 + timedelta(hours=self.stays[0][0]))
        since = None if self.blocked is None else to_micros(T0 + timedelta(hours=self.blocked))
        return super().work_item._replace(first_in_progress=begun, blocked_since=since)


def ticket(issue: str, stream: UUID, begun: float, **more: Any) -> Begun:
    """Return a ticket that has been in dev since some hour."""
    return Begun(issue, streams=[(begun, f"PAY-{issue}", stream, ())], stays=[(begun, "dev", True)], **more)


def blocked(issue: str, hours: float) -> Facts:
    """Return that a ticket is blocked by the core API."""
    event = WorkItemEvent(
        event_type=WorkItemEventType.BLOCKED,
        event_timestamp=T0 + timedelta(hours=hours),
        ticket_id=f"PAY-{issue}",
        project_key="PAY",
        issue_id=issue,
        fields=TicketFields(blocking_tech_stream="Core API"),
    )
    return Facts(work_items=(event,))


def answer(who: int, score: int, stream: UUID) -> PulseResponse:
    """Return an answer to the survey of March."""
    return PulseResponse(
        survey_period=Period(2026, 3),
        delivery_stream_id=stream,
        respondent_hash=str(who),
        pace_score=score,
        tooling_score=score,
        clarity_score=3,
        answered_at=T0,
        free_text="the boss shouts",
    )


async def filled() -> tuple[MemoryReading, MemoryPulse]:
    """Return stores with three tickets, two of them blocked, and the answers of two teams."""
    store = MemoryReading()
    await store.configurations.save(CONFIGURATION, expected_version=0, actor="a test", at=T0)
    await store.events.append(Batch(deliveries=[delivery(blocked("1", 200)), delivery(blocked("2", 200))]))
    await store.put(
        ticket("1", PAYMENTS, 0, blocked=200),
        ticket("2", LENDING, 0, blocked=200),
        ticket("3", PAYMENTS, 24 * 14),
        Ticket("4", streams=[(0, "PAY-4", PAYMENTS, ())], cycles=[(100, None, 4.0, 50.0, {})]),
    )
    surveys = MemoryPulse(database=store.database)
    write_answers(store.database.surveys, [answer(who, 2 + who % 3, PAYMENTS) for who in range(6)])
    write_answers(store.database.surveys, [answer(who, 5, LENDING) for who in range(2)])
    return store, surveys


@asynccontextmanager
async def answers(grants: Sequence[Grant] = EVERYTHING) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """Yield the endpoints for somebody with these grants."""
    feed = Feed()
    current = CurrentConfiguration(store=feed, feed=feed)
    await current.refresh()
    store, surveys = await filled()
    # What else answers over HTTP is not there: these routes must not need it.
    parts: dict[str, Any] = dict.fromkeys(field.name for field in fields(metrics.Answering))
    answering = metrics.Answering(**{**parts, "configuration": current, "clock": FixedClock()})
    bottlenecks = MemoryBottleneckReader(database=store.database, tables=store.tables)
    flow = FlowOverTime(
        reader=MemoryFlowReader(database=store.database, tables=store.tables),
        bottlenecks=bottlenecks,
        metrics=store.metrics,
        calendars=Calendars(NoHolidays()),
    )

    async def principal() -> Principal:
        return user_principal(user_id=UUID(int=99), name="Lee", grants=grants)

    handlers = [
        *pulse.routes(lambda: answering, lambda: Pulse(reader=surveys)),
        *cross_stream.routes(lambda: answering, lambda: CrossStream(reader=bottlenecks, metrics=store.metrics)),
        *flow_over_time.routes(lambda: answering, lambda: flow),
    ]
    app = Litestar(
        [Router("/api/v1", route_handlers=handlers, dependencies={"principal": Provide(principal)})],
        exception_handlers={DppError: on_platform_error},
    )
    async with AsyncTestClient(app) as client:
        yield client


async def data(path: str, grants: Sequence[Grant] = EVERYTHING, **parameters: str) -> Any:
    """Return the data of an answer."""
    async with answers(grants) as client:
        response = await client.get(f"/api/v1/metrics/{path}", params=parameters)
    assert 200 == response.status_code, response.text
    return response.json()["data"]


async def test_the_pulse_has_scores_by_period_and_never_a_free_text() -> None:
    """Payments' six answers average 3 for pace; lending's two are withheld, and what anybody wrote is nowhere."""
    found = (await data("pulse"))["team_pulse"]
    assert (3.0, "score", 6) == (found["value"], found["unit"], found["sample_size"])
    (march,) = found["periods"]
    assert {
        "survey_period": "2026-03",
        "response_count": 6,
        "team_size": None,
        "response_rate_pct": None,
        "pace_avg": 3.0,
        "pace_trend": None,
        "tooling_avg": 3.0,
        "tooling_trend": None,
        "clarity_avg": 3.0,
        "clarity_trend": None,
        "overall_avg": 3.0,
        "suppressed": False,
        "is_open": False,
        "withheld_teams": 1,
    } == march
    assert "shouts" not in str(found)


async def test_a_small_teams_pulse_is_suppressed_for_everybody() -> None:
    """Lending's two answers are counted, also for administrators, and nothing else is said of them."""
    found = (await data("pulse", stream="lending", periods="3"))["team_pulse"]
    (march,) = found["periods"]
    assert (None, 0, True, 2, None) == (
        found["value"],
        found["sample_size"],
        march["suppressed"],
        march["response_count"],
        march["pace_avg"],
    )


async def test_shared_bottlenecks_name_whom_they_hold_up() -> None:
    """The core API blocks a ticket of payments and one of lending: medium, with no confidence known."""
    found = (await data("cross-stream"))["cross_stream_bottleneck"]
    assert (2.0, "severity", "medium", "core-api", 2) == (
        found["value"],
        found["unit"],
        found["worst_severity"],
        found["root_cause"],
        found["sample_size"],
    )
    core, mobile = found["tech_streams"]
    assert {
        "tech_stream": "core-api",
        "tech_stream_id": str(CORE_API),
        "impacted_delivery_streams": ["payments", "lending"],
        "blocked_delivery_streams": ["payments", "lending"],
        "block_count_14d": 2,
        "avg_confidence_pct": None,
        "confidence_assumed": True,
        "avg_cycle_time_p85": 4.0,
        "severity": "medium",
    } == core
    assert [("core-api", "payments", 0, 1, 1), ("core-api", "lending", 0, 1, 1)] == [
        tuple(row[name] for name in MATRIX) for row in found["matrix"]
    ]
    assert ("mobile", [], 0, "none") == (
        mobile["tech_stream"],
        mobile["impacted_delivery_streams"],
        mobile["block_count_14d"],
        mobile["severity"],
    )


async def test_a_bottleneck_shows_a_lead_their_own_streams() -> None:
    """Who leads payments and the core API sees payments impacted alone; without the core API nothing is named."""
    found = (await data("cross-stream", LEAD_OF_CORE))["cross_stream_bottleneck"]
    assert [("core-api", ["payments"], 1, "low")] == [
        (row["tech_stream"], row["impacted_delivery_streams"], row["block_count_14d"], row["severity"])
        for row in found["tech_streams"]
    ]
    nothing = (await data("cross-stream", LEAD_OF_PAYMENTS))["cross_stream_bottleneck"]
    assert ([], 1, None) == (nothing["tech_streams"], nothing["unnamed_block_count_14d"], nothing["value"])
    assert "lending" not in str(found).lower() + str(nothing).lower()


async def test_ageing_work_comes_oldest_first_with_its_band() -> None:
    """Since the first Monday ten working days and a bit, above the one cycle time of four; the new one is below."""
    found = (await data("ageing", stream="payments"))["ageing_work"]
    assert (2, "count", 0) == (found["value"], found["unit"], found["unbegun"])
    assert [("PAY-1", "above_p95", True), ("PAY-3", "below_p50", False)] == [
        (row["ticket_id"], row["band"], row["is_blocked"]) for row in found["tickets"]
    ]
    assert 10 + 9.5 / 24 == pytest.approx(found["tickets"][0]["age_days"])
    assert {"below_p50": 1, "p50_to_p85": 0, "p85_to_p95": 0, "above_p95": 1} == found["bands"]
    assert 4.0 == found["cycle_times"]["cycle_time_p85"]["value"]


async def test_the_flow_has_a_row_for_each_day() -> None:
    """Two tickets up to yesterday, three today."""
    found = (await data("cumulative-flow", window="3"))["cumulative_flow"]
    assert [("2026-03-14", 2), ("2026-03-15", 2), ("2026-03-16", 3)] == [
        (row["date"], row["in_progress"]) for row in found["days"]
    ]
    assert {"active": 3, "queue": 0} == found["days"][2]["stages"]["dev"]


async def test_arrivals_are_told_by_day_and_by_week_beside_departures() -> None:
    """One came today, in the week that began today; nothing left."""
    found = await data("arrivals", window="2")
    assert (1, 0, 0, 2) == (
        found["arrivals"]["value"],
        found["departures"]["value"],
        found["finished"]["value"],
        found["arrivals"]["opening"],
    )
    assert [("2026-03-15", 0), ("2026-03-16", 1)] == [
        (row["date"], row["arrived"]) for row in found["arrivals"]["days"]
    ]
    assert ["2026-03-09", "2026-03-16"] == [row["date"] for row in found["arrivals"]["weeks"]]


async def test_blocked_time_is_told_by_what_blocked_within_what_may_be_named() -> None:
    """Since Tuesday at eight of the second week, 4.06 days of payments are lost to the core API, or to nobody named."""
    found = (await data("blocked", LEAD_OF_CORE))["blocked_time"]
    lost = 4 - 8 / 24 + 9.5 / 24
    assert lost == pytest.approx(found["value"])
    assert [("core-api", 1)] == [(row["tech_stream"], row["tickets"]) for row in found["tech_streams"]]
    assert 100 * lost / found["in_progress_days"] == pytest.approx(found["share_pct"])
    (unnamed,) = (await data("blocked", LEAD_OF_PAYMENTS))["blocked_time"]["tech_streams"]
    assert (None, None) == (unnamed["tech_stream"], unnamed["tech_stream_id"])
    assert lost == pytest.approx(unnamed["blocked_days"])


MATRIX = ("tech_stream", "delivery_stream", "open_tickets", "block_count_14d", "blocked_tickets")
PATHS = ("pulse", "cross-stream", "ageing", "cumulative-flow", "arrivals", "blocked")


@pytest.mark.parametrize("path", PATHS)
async def test_every_endpoint_takes_the_filters_of_the_others(path: str) -> None:
    """Streams, a window and a moment; the envelope says what was asked, and a hidden stream is not found."""
    parameters = {"stream": "payments", "tech_stream": "core-api", "window": "14", "as_of": "2026-03-10T00:00:00Z"}
    async with answers() as client:
        response = await client.get(f"/api/v1/metrics/{path}", params=parameters)
        body = response.json()
    assert (200, "ok") == (response.status_code, body["status"])
    assert ("delivery", str(PAYMENTS), str(CORE_API), "2026-03-10T00:00:00Z") == (
        body["meta"]["stream_type"],
        body["meta"]["stream_id"],
        body["meta"]["tech_stream_id"],
        body["meta"]["as_of"],
    )
    async with answers(LEAD_OF_PAYMENTS) as client:
        hidden = await client.get(f"/api/v1/metrics/{path}", params={"stream": "lending"})
    assert (404, "stream_not_found") == (hidden.status_code, hidden.json()["error"]["code"])


@pytest.mark.parametrize("path", PATHS)
async def test_what_a_scope_hides_is_in_no_answer(path: str) -> None:
    """Whoever sees payments reads nothing of lending, its tickets or its answers."""
    async with answers(LEAD_OF_PAYMENTS) as client:
        text = (await client.get(f"/api/v1/metrics/{path}")).text
    assert "lending" not in text.lower()
    assert str(LENDING) not in text
    assert "PAY-2" not in text


@pytest.mark.parametrize(
    ("path", "parameters"), [("pulse", {"periods": "0"}), *((path, {"window": "0"}) for path in PATHS[1:])]
)
async def test_what_cannot_be_asked_is_refused(path: str, parameters: dict[str, str]) -> None:
    """No months and no days are none that could be shown."""
    async with answers() as client:
        response = await client.get(f"/api/v1/metrics/{path}", params=parameters)
    assert (422, "invalid_input") == (response.status_code, response.json()["error"]["code"])
