"""On a running platform every figure's evidence agrees with the figure, whoever asks for whatever stream."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import numpy as np
import pytest

from dpp.domain.catalogue import METRICS
from dpp.domain.metric import Metric, Zone
from tests.support.running import RunningPlatform

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("told")]

#: Within the last week of what the platform has heard of.
AS_OF = "2026-10-30T12:00:00Z"
ASKED: tuple[dict[str, str], ...] = (
    {},
    {"stream": "payments"},
    {"tech_stream": "core-api"},
    {"stream": "onboarding", "tech_stream": "frontend"},
)
#: Figures that are means, percentiles or counts of what their items give.
MEAN = {"flow_efficiency", "defect_escape_rate", "change_failure_rate", "ttr_mean"}
COUNT = {"wip_by_stage", "cycle_time_scatter", "monte_carlo_forecast"}


@dataclass
class Asking:
    """A running platform with a history, and what is asked of it as of one moment."""

    running: RunningPlatform
    client: httpx.Client
    told: dict[tuple[Zone, str], dict[str, Any]] = field(default_factory=dict)

    def figure(self, metric: Metric, **asked: str) -> dict[str, Any]:
        """Return the figure of the metric's own endpoint, which is asked once for all of its metrics."""
        question = (metric.zone, str(asked))
        if question not in self.told:
            self.told[question] = self.running.ask(f"/api/v1/metrics/{metric.zone}", as_of=AS_OF, **asked)
        return dict(self.told[question][metric.name])

    def evidence(self, metric: Metric, **asked: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the first page of its evidence, and the items of all pages."""
        pages = []
        more: dict[str, str] = {}
        while True:
            path = f"/api/v1/metrics/{metric.name}/evidence"
            response = self.client.get(path, params={"as_of": AS_OF, "limit": 150, **asked, **more})
            assert 200 == response.status_code, response.text
            pages.append(response.json())
            if not (following := pages[-1]["meta"]["next_cursor"]):
                break
            more = {"cursor": following}
        return pages[0]["data"], [item for page in pages for item in page["data"]["items"]]


@pytest.fixture(scope="module")
def asking(told: RunningPlatform) -> Iterator[Asking]:
    """A platform that has heard of everything."""
    with told.client() as client:
        yield Asking(told, client)


def reckoned(metric: Metric, data: dict[str, Any], items: list[dict[str, Any]]) -> float | None:
    """Work a figure out from its items."""
    counted = [item for item in items if item["counted"] and item["role"] == "value"]
    values = [item["value"] for item in counted if item["value"] is not None]
    if metric.name in COUNT:
        return float(len(counted))
    if metric.name == "deployment_frequency":
        begin, end = (datetime.fromisoformat(data["window"][name]) for name in ("from", "to"))
        return len(counted) * 7 / (end - begin).days
    if not values:
        return None
    return float(np.mean(values)) if metric.name in MEAN else float(np.quantile(values, (metric.percentile or 0) / 100))


RECKONED = [row for row in METRICS.values() if row.percentile or row.name in MEAN | COUNT | {"deployment_frequency"}]


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_evidence_and_endpoint_say_the_same(asking: Asking, metric: Metric, asked: dict[str, str]) -> None:
    """Value, unit, sample, confidence and bounds are those of the metric's endpoint for the same question."""
    told = asking.figure(metric, **asked)
    data, items = asking.evidence(metric, **asked)
    assert {name: told[name] for name in data["figure"]} == data["figure"]
    assert ("bounds" in told) is ("bounds" in data["figure"])
    if metric in RECKONED and told["value"] is not None:
        assert pytest.approx(told["value"]) == reckoned(metric, data, items)


def test_figures_of_a_stream_have_something_behind_them(asking: Asking) -> None:
    """The history is rich enough for nearly all: only what needs a survey, or the present, may be without items."""
    bare = {metric.name for metric in METRICS.values() if not asking.evidence(metric, stream="payments")[1]}
    assert bare <= {"team_pulse", "sprint_confidence", "reviewer_concentration", "cross_stream_bottleneck"}


def test_items_lead_to_their_sources(asking: Asking) -> None:
    """Every pull request has an address on GitHub, under the name by which it is listed."""
    _, items = asking.evidence(METRICS["review_turnaround_p50"], stream="payments")
    for item in items:
        repository, _, number = item["name"].partition("#")
        assert item["url"].endswith(f"/{repository}/pull/{number}")


def test_sources_tell_how_fresh_they_are(asking: Asking) -> None:
    """Each door that the simulation came through has a time."""
    data, _ = asking.evidence(METRICS["wip_by_stage"])
    assert data["sources"]
    assert all(datetime.fromisoformat(row["last_event_at"]).tzinfo is not None for row in data["sources"])


def test_every_zone_is_covered() -> None:
    """The endpoints that were compared are those of all zones."""
    assert set(Zone) == {metric.zone for metric in METRICS.values()}
