"""Simulated weeks through the front door give the figures that the simulation knows to be true."""

import random
import signal
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dpp.adapters.simulation import Delivery, SimulatedOrganisation, Size, shuffled
from dpp.adapters.simulation.true_delivery import DeploymentFigures, RestoreFigures
from tests.support.running import RunningPlatform, platform
from tests.support.surveys import shown_pulse, true_pulse

WEEKS = 4
DELIVERY_STREAMS = (None, "payments", "onboarding", "insights")
TECH_STREAMS = (None, "core-api", "auth", "frontend", "data-layer")


@pytest.fixture(scope="module")
def organisation() -> SimulatedOrganisation:
    """Some weeks across the change of clocks, so that its arithmetic is tried too."""
    return SimulatedOrganisation(4, start=datetime(2026, 10, 5, tzinfo=UTC), weeks=WEEKS, size=Size.MEDIUM)


@pytest.fixture
def running(tmp_path: Path, database_url: str, organisation: SimulatedOrganisation) -> Iterator[RunningPlatform]:
    """A platform that is configured for the organisation."""
    with platform(tmp_path, database_url, configuration=organisation.configuration_toml()) as started:
        yield started


def figures(running: RunningPlatform, **asked: object) -> dict[str, Any]:
    """Return the figures of the API in the form of the true ones."""
    realtime = running.ask("/api/v1/metrics/realtime", **asked)
    diagnostic = running.ask("/api/v1/metrics/diagnostic", window=30, **asked)
    flow = diagnostic["flow_efficiency"]
    wip = realtime["wip_by_stage"]
    return {
        "wip": wip["stages"],
        "wip_total": wip["value"],
        "unmapped": wip["unmapped"],
        **{f"cycle_time_p{p}": realtime[f"cycle_time_p{p}"]["value"] for p in (50, 85, 95)},
        "cycle_time_sample": realtime["cycle_time_p50"]["sample_size"],
        "scatter": [
            (row["ticket_id"], datetime.fromisoformat(row["completed_at"]), row["cycle_time_days"])
            for row in realtime["cycle_time_scatter"]["points"]
        ],
        "flow_efficiency": flow["value"],
        "flow_sample": flow["sample_size"],
        "stage_durations": flow["stage_durations"],
        **reviews_and_defects(diagnostic),
        **deployments_and_restores(running.ask("/api/v1/metrics/trends", window=30, **asked)),
        "pulse": shown_pulse(running.ask("/api/v1/metrics/pulse", **asked)),
    }


def reviews_and_defects(diagnostic: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures about reviews and defects in the form of the true ones."""
    escape = diagnostic["defect_escape_rate"]
    return {
        **{f"review_turnaround_p{p}": diagnostic[f"review_turnaround_p{p}"]["value"] for p in (50, 85)},
        "review_sample": diagnostic["review_turnaround_p50"]["sample_size"],
        "defect_escape_rate": escape["value"],
        "defect_sample": escape["sample_size"],
        "defect_matrix": {
            (pair["introduced_in_stage"], pair["found_in_stage"]): pair["count"] for pair in escape["matrix"]
        },
        "unattributed_pct": escape["unattributed_pct"],
    }


def deployments_and_restores(trends: Mapping[str, Any]) -> dict[str, Any]:
    """Return the delivery metrics in the form of the true ones."""
    names = ("deployment_frequency", "change_failure_rate", "lead_time_p50", "lead_time_p85", "ttr_median", "ttr_mean")
    return {
        **{name: trends[name]["value"] for name in names},
        **{f"{name}_sample": trends[name]["sample_size"] for name in names},
    }


def true_deployments_and_restores(deployments: DeploymentFigures, restore: RestoreFigures) -> dict[str, Any]:
    """Return what the simulation knows of them."""
    lead, restored = deployments.lead_time_sample, restore.sample
    return {
        "deployment_frequency": near(deployments.per_week),
        "deployment_frequency_sample": deployments.successes,
        "change_failure_rate": near(deployments.change_failure_rate),
        "change_failure_rate_sample": deployments.total,
        **{"lead_time_p50": near(deployments.lead_time_p50), "lead_time_p50_sample": lead},
        **{"lead_time_p85": near(deployments.lead_time_p85), "lead_time_p85_sample": lead},
        **{"ttr_median": near(restore.median), "ttr_median_sample": restored},
        **{"ttr_mean": near(restore.mean), "ttr_mean_sample": restored},
    }


def near(value: float | None) -> Any:
    """Return what equals a number to within rounding; a missing figure equals a missing one only."""
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)


def true_figures(
    organisation: SimulatedOrganisation, as_of: datetime, *, stream: str | None, tech_stream: str | None
) -> dict[str, Any]:
    """Return what the simulation knows."""
    truth = organisation.truth(as_of=as_of, delivery_stream=stream, tech_stream=tech_stream)
    return {
        "wip": truth.wip,
        "wip_total": truth.wip_total,
        "unmapped": truth.unmapped,
        **{f"cycle_time_p{p}": near(getattr(truth, f"cycle_time_p{p}")) for p in (50, 85, 95)},
        "cycle_time_sample": truth.cycle_time_sample,
        "scatter": [(row.ticket_id, row.completed_at, near(row.cycle_time_days)) for row in truth.scatter],
        "flow_efficiency": near(truth.flow_efficiency),
        "flow_sample": truth.flow_sample,
        "stage_durations": pytest.approx(truth.stage_durations, rel=1e-9, abs=1e-9),
        **{f"review_turnaround_p{p}": near(getattr(truth, f"review_turnaround_p{p}")) for p in (50, 85)},
        "review_sample": truth.review_sample,
        "defect_escape_rate": near(truth.defects.escape_rate),
        "defect_sample": truth.defects.sample,
        "defect_matrix": truth.defects.matrix,
        "unattributed_pct": near(truth.defects.unattributed_pct),
        **true_deployments_and_restores(truth.deployments, truth.restore),
        "pulse": true_pulse(truth.pulse),
    }


def assert_true(running: RunningPlatform, organisation: SimulatedOrganisation) -> None:
    """Compare every stream, every technology stream and every pair, now and as of an earlier time."""
    running.wait_until_settled()
    for as_of in (organisation.end, organisation.end - timedelta(days=9, hours=3)):
        for stream in DELIVERY_STREAMS:
            for tech_stream in TECH_STREAMS:
                expected = true_figures(organisation, as_of, stream=stream, tech_stream=tech_stream)
                asked = {"as_of": as_of.isoformat(), "stream": stream, "tech_stream": tech_stream}
                assert expected == figures(running, **asked), asked


def test_in_order(running: RunningPlatform, organisation: SimulatedOrganisation) -> None:
    """Deliveries in the order of their sending give exactly the true figures, and there are completions to compare."""
    assert [] == running.send(organisation.deliveries())
    assert_true(running, organisation)
    truth = organisation.truth(as_of=organisation.end)
    assert min(truth.cycle_time_sample, truth.review_sample, truth.defects.sample) > 20
    assert truth.deployments.total > 40
    assert truth.restore.sample > 10


def test_in_any_order_through_several_processes(running: RunningPlatform, organisation: SimulatedOrganisation) -> None:
    """Shuffled and doubled deliveries, taken by two servers and derived by two workers, give the same figures."""
    running.serve("serve2")
    running.work("worker2")
    deliveries = shuffled(organisation.deliveries(), random.Random(11), duplicate_share=0.2)
    assert [] == running.send(deliveries, servers=("serve", "serve2"))
    assert_true(running, organisation)


def test_with_a_killed_server_and_a_killed_worker(
    running: RunningPlatform, organisation: SimulatedOrganisation
) -> None:
    """A server and a worker killed in the middle, and a restart, lose nothing that was acknowledged."""
    deliveries: list[Delivery] = list(organisation.deliveries())
    third = len(deliveries) // 3
    unsent = running.send(deliveries[:third])
    running.kill("serve")
    running.kill("worker")
    running.serve()
    unsent += running.send(deliveries[third : 2 * third])
    running.work()
    running.kill("serve", signal.SIGTERM)
    unsent += running.send(deliveries[2 * third : 2 * third + 20])
    running.serve()
    unsent += running.send(deliveries[2 * third + 20 :])
    assert 20 == len(unsent)
    assert [] == running.send(unsent)
    assert_true(running, organisation)
