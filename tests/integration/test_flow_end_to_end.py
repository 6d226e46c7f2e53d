"""Simulated weeks through the front door: flow and bottlenecks agree with the payloads and with each other."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dpp.adapters.simulation import Delivery, SimulatedOrganisation
from dpp.adapters.simulation.company import ZONE
from tests.support.running import RunningPlatform

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("told")]


def raised_flags(deliveries: Iterable[Delivery], *, since: datetime) -> Counter[str | None]:
    """Count the flags that the payloads say were raised since a moment, by the technology named in the same change."""
    found: dict[tuple[str, str], str | None] = {}
    for delivery in deliveries:
        payload: dict[str, Any] = json.loads(delivery.body) if "jira" in delivery.path else {}
        items = {item["field"]: item for item in payload.get("changelog", {}).get("items", [])}
        if items.get("Flagged", {}).get("toString") and payload["timestamp"] >= since.timestamp() * 1000:
            change = (payload["issue"]["id"], payload["changelog"]["id"])
            found[change] = items.get("Blocking Technology", {}).get("toString")
    return Counter(found.values())


def test_figures_over_time_agree_with_each_other_and_with_the_payloads(
    told: RunningPlatform, told_organisation: SimulatedOrganisation
) -> None:
    """Blocks are those of the payloads; each day of the flow is work in progress as of its end, and what came less what
    went; every unfinished ticket has an age or was never begun; blocked time adds up by its causes.
    """
    running, organisation = told, told_organisation
    end = organisation.end
    found = running.ask("/api/v1/metrics/cross-stream", as_of=end.isoformat())["cross_stream_bottleneck"]
    expected = raised_flags(organisation.deliveries(), since=end - timedelta(days=14))
    counted = {row["tech_stream"]: row["block_count_14d"] for row in found["tech_streams"]}
    names = {stream.name: stream.display_name for stream in organisation.plan.company.tech_streams}
    assert {name: expected[display] for name, display in names.items()} == counted
    assert (expected[None], sum(counted.values())) == (found["unnamed_block_count_14d"], found["sample_size"])
    assert found["sample_size"] > 5
    assert found["root_cause"] == found["tech_streams"][0]["tech_stream"]

    for stream in (None, "payments"):
        asked: dict[str, object] = {"stream": stream} if stream else {}
        window = {**asked, "window": 10, "as_of": end.isoformat()}
        flow = running.ask("/api/v1/metrics/cumulative-flow", **window)["cumulative_flow"]
        arrivals = running.ask("/api/v1/metrics/arrivals", **window)["arrivals"]
        level = arrivals["opening"]
        for day, span in zip(flow["days"], arrivals["days"], strict=True):
            level += span["arrived"] - span["departed"]
            assert (day["date"], day["in_progress"]) == (span["date"], level)
        assert arrivals["value"] > 2
        for day in flow["days"][-4:]:
            wip = running.ask("/api/v1/metrics/realtime", **asked, as_of=end_of(day["date"], end))["wip_by_stage"]
            assert (wip["stages"], wip["unmapped"]) == (day["stages"], day["unmapped"])
        ageing = running.ask("/api/v1/metrics/ageing", **asked, as_of=end.isoformat())["ageing_work"]
        unfinished = wip["value"] + wip["unmapped"] + sum(wip["stages"]["backlog"].values())
        assert unfinished == ageing["value"] + ageing["unbegun"]
        assert ageing["value"] == sum(ageing["bands"].values())
        blocked = running.ask("/api/v1/metrics/blocked", **window)["blocked_time"]
        assert blocked["value"] == pytest.approx(sum(row["blocked_days"] for row in blocked["tech_streams"]))
        assert 0 < blocked["value"] < blocked["in_progress_days"]


def end_of(day: str, end: datetime) -> str:
    """Return the last instant of a day by the organisation's clock, or the end of all if that is earlier."""
    return min(
        datetime.fromisoformat(day).replace(tzinfo=ZONE) + timedelta(days=1) - timedelta(microseconds=1), end
    ).isoformat()
