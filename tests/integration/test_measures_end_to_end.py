"""Simulated weeks give figures for each day that are the API's own, and a changed mapping restates them and says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dpp.adapters.simulation import SimulatedOrganisation
from dpp.application.daily_figures import MEASURED
from dpp.application.measure import Measurer
from dpp.entrypoints.bootstrap.providers import container
from dpp.entrypoints.bootstrap.settings import load
from tests.support.running import RunningPlatform

LONDON = ZoneInfo("Europe/London")
#: Trends of a day have points over 28 and 30 days whatever is asked for.
SHORTEST = 1


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("told")]


def answered(running: RunningPlatform, day: date, **stream: str) -> dict[str, float]:
    """Return what the endpoints answer as of the end of a day; figures without a value are absent."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=LONDON) + timedelta(days=1)
    as_of = midnight.astimezone(UTC).isoformat()
    realtime = running.ask("/api/v1/metrics/realtime", as_of=as_of, **stream)
    diagnostic = running.ask("/api/v1/metrics/diagnostic", as_of=as_of, **stream)
    trends = running.ask("/api/v1/metrics/trends", as_of=as_of, window=SHORTEST, **stream)
    found: dict[str, Any] = {
        **{name: part["value"] for name, part in (realtime | diagnostic).items() if name in MEASURED},
        **{name: part["series"][-1]["value"] for name, part in trends.items() if name in MEASURED},
    }
    assert set(MEASURED) == found.keys()
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("stream", [{"stream": "payments"}, {"tech_stream": "payments-api"}])
def test_stored_days_are_what_the_api_answers(
    told: RunningPlatform, told_organisation: SimulatedOrganisation, stream: dict[str, str]
) -> None:
    """On days all over the history each stored figure is the one that is answered as of the day's end."""
    running = told
    if "tech_stream" in stream:
        stream = {"tech_stream": running.ask("/api/v1/streams/tech")[0]["name"]}
    last = told_organisation.end.date()
    for back in (0, 1, 8, 29, 50):
        day = last - timedelta(days=back)
        rows = running.ask("/api/v1/metrics/daily", **{"from": day, "to": day}, **stream)
        assert answered(running, day, **stream) == {row["metric"]: row["value"] for row in rows}
        assert {str(day)} == {row["day"] for row in rows}
    assert [] == running.ask("/api/v1/metrics/restatements", **stream)


def test_a_changed_mapping_restates_closed_days(told: RunningPlatform) -> None:
    """A status that counts as waiting from now on changes the efficiency of days that are over, by configuration."""
    running = told
    file = running.data_dir / "organisation.toml"
    text = file.read_text(encoding="utf-8")
    changed = text.replace("active = true", "active = false", 1)
    assert text != changed
    file.write_text(changed, encoding="utf-8")
    running.command("config", "apply", str(file))
    running.wait_until_settled()
    asyncio.run(measured(running.data_dir, running.database_url))
    restated = running.ask("/api/v1/metrics/restatements", limit=1000)
    assert {"configuration"} == {row["cause"] for row in restated}
    assert "flow_efficiency" in {row["metric"] for row in restated}
    row = next(row for row in restated if row["metric"] == "flow_efficiency")
    assert row["old_value"] != row["new_value"]
    (now,) = running.ask(
        "/api/v1/metrics/daily",
        **{"metric": "flow_efficiency", "from": row["day"], "to": row["day"]},
        **{"stream" if row["stream_type"] == "delivery" else "tech_stream": row["stream_id"]},
    )
    assert row["new_value"] == now["value"]


async def measured(data_dir: Path, database_url: str) -> None:
    """Measure what is stale as a worker does after some minutes."""
    wired = container(load({"DPP_DATABASE_URL": database_url}, data_dir=data_dir))
    try:
        await (await wired.get(Measurer)).measure_stale(is_patient=False)
    finally:
        await wired.close()
