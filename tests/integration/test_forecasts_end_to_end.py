"""Simulated weeks through the front door give forecasts of what the simulation knows to be left and done."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from dpp.adapters.simulation import SimulatedOrganisation
from dpp.application.forecasts import Forecasts
from dpp.domain.forecast import forecast
from dpp.entrypoints.bootstrap.providers import container
from dpp.entrypoints.bootstrap.settings import load
from tests.support.running import RunningPlatform

STREAMS = ("payments", "onboarding", "insights")
LONDON = ZoneInfo("Europe/London")


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("told")]


def made(running: RunningPlatform, as_of: datetime, **asked: object) -> dict[str, Any]:
    """Return the forecast as of a moment."""
    found: dict[str, Any] = running.ask("/api/v1/metrics/forecast", as_of=as_of.isoformat(), **asked)
    return found["monte_carlo_forecast"]  # type: ignore[no-any-return]


def left(organisation: SimulatedOrganisation, stream: str, as_of: datetime) -> int:
    """Return what a stream truly has left: in work, in the backlog, and where nobody has mapped."""
    truth = organisation.truth(as_of=as_of, delivery_stream=stream)
    return truth.wip_total + sum(truth.wip["backlog"].values()) + truth.unmapped


def monday(moment: datetime) -> date:
    """Return the Monday of a moment's week in London."""
    day = moment.astimezone(LONDON).date()
    return day - timedelta(days=day.weekday())


def test_forecasts_and_sprints_of_a_simulated_organisation(
    told: RunningPlatform, told_organisation: SimulatedOrganisation
) -> None:
    """Scope and throughput are the true ones, sprints run, and a stored forecast is judged once its dates are over."""
    running, organisation = told, told_organisation
    end = organisation.end
    for as_of in (end, end - timedelta(days=10, hours=5)):
        for stream in STREAMS:
            found, truth = made(running, as_of, stream=stream), organisation.truth(as_of=as_of, delivery_stream=stream)
            assert left(organisation, stream, as_of) == found["scope_item_count"]
            done = Counter(monday(point.completed_at) for point in truth.scatter)
            missing = 0
            for row in found["throughput"][-3:]:
                missing += row["completed"] - done[date.fromisoformat(row["week"])]
                assert row["completed"] >= done[date.fromisoformat(row["week"])]
            # The scatter leaves out what was done without ever having been in work.
            assert missing <= truth.unstarted
            again = forecast(
                scope=found["scope_item_count"],
                sample=[row["completed"] for row in found["throughput"]],
                made_on=date.fromisoformat(found["forecast_date"]),
                seed=int(found["seed"]),
            )
            assert {f"p{p}_completion_date": str(day) for p, day in again.completion_dates.items() if day} == {
                f"p{p}_completion_date": found[f"p{p}_completion_date"] for p in again.completion_dates if again.runs
            }
        union = made(running, as_of)
        assert sum(left(organisation, stream, as_of) for stream in STREAMS) == union["scope_item_count"]

    in_sprint = end - timedelta(days=4)
    for stream in STREAMS:
        data = running.ask("/api/v1/metrics/realtime", stream=stream, as_of=in_sprint.isoformat())
        confidence = data["sprint_confidence"]
        sprint = confidence["sprint"]
        assert sprint["start_date"] <= str(in_sprint.astimezone(LONDON).date()) <= sprint["end_date"]
        assert confidence["reason"] is None
        assert confidence["sample_size"] >= 20
        assert 0 <= confidence["value"] <= 100
        assert 0 <= confidence["remaining"] <= left(organisation, stream, in_sprint)

    # The worker has made up for forecasts of past weeks of its own, as of today.
    with psycopg.connect(running.database_url) as connection:
        connection.execute("DELETE FROM forecast_snapshots")
    assert 0 < asyncio.run(store(running.data_dir, running.database_url, end))
    assert 0 == asyncio.run(store(running.data_dir, running.database_url, end + timedelta(hours=1)))
    kept = made(running, end)
    later = made(running, datetime.fromisoformat(f"{kept['p95_completion_date']}T12:00:00Z") + timedelta(days=1))
    # Nothing was sent after the end, so nothing was done by any of its dates.
    assert {"judged": 1, "held": 0, "held_pct": 0.0, "pending": 0} == later["calibration"]["p95"]


async def store(data_dir: Path, database_url: str, at: datetime) -> int:
    """Store the day's forecasts as a worker does, and return how many are new."""
    settings = load({"DPP_DATABASE_URL": database_url}, data_dir=data_dir)
    wired = container(settings)
    try:
        return await (await wired.get(Forecasts)).store_forecasts(at=at)
    finally:
        await wired.close()
