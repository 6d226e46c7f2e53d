"""The catalogue of metrics."""

import pytest

from dpp.domain.catalogue import METRICS, UnknownMetric, metric, metrics_in
from dpp.domain.metric import Dimension, Unit, Zone
from dpp.domain.quality import QualityRate

NAMES = {
    Zone.REAL_TIME: [
        "wip_by_stage",
        "sprint_confidence",
        "cycle_time_p50",
        "cycle_time_p85",
        "cycle_time_p95",
        "cycle_time_scatter",
    ],
    Zone.DIAGNOSTIC: [
        "flow_efficiency",
        "defect_escape_rate",
        "review_turnaround_p50",
        "review_turnaround_p85",
        "reviewer_concentration",
    ],
    Zone.TREND: [
        "deployment_frequency",
        "change_failure_rate",
        "ttr_median",
        "ttr_mean",
        "lead_time_p50",
        "lead_time_p85",
    ],
    Zone.FORECAST: ["monte_carlo_forecast"],
    Zone.HEALTH: ["team_pulse"],
    Zone.CROSS_STREAM: ["cross_stream_bottleneck"],
}


@pytest.mark.parametrize("zone", list(Zone))
def test_every_zone_has_its_metrics(zone: Zone) -> None:
    """Each zone has the metrics of §6 under the names that scripts rely on."""
    assert NAMES[zone] == [metric.name for metric in metrics_in(zone)]


def test_every_metric_answers_and_provokes() -> None:
    """A metric without a question, an action, an input or a stream to belong to is none."""
    for declared in METRICS.values():
        assert declared.question.endswith("?")
        assert declared.action.endswith(".")
        assert declared.inputs
        assert declared.dimensions
        assert set(declared.affected_by) <= set(QualityRate)


def test_names_and_percentiles_agree() -> None:
    """A name that ends with a percentile declares it, and no two metrics share a title."""
    for name, declared in METRICS.items():
        prefix, _, percent = name.rpartition("_p")
        assert not (prefix and percent.isdigit()) or int(percent) == declared.percentile
    assert len(METRICS) == len({declared.title for declared in METRICS.values()})


def test_a_metric_is_found_by_name() -> None:
    """A known name gives its declaration; an unknown one is an error that lists the known ones."""
    assert (Unit.DAYS, frozenset(Dimension)) == (metric("cycle_time_p85").unit, metric("cycle_time_p85").dimensions)
    with pytest.raises(UnknownMetric, match="wip_by_stage"):
        metric("lines_of_code")


def test_lead_time_depends_on_linked_pull_requests() -> None:
    """Low pull-request linkage reduces the confidence in lead time and the other delivery metrics (§5.6)."""
    for declared in metrics_in(Zone.TREND):
        assert QualityRate.PR_TICKET_LINKAGE in declared.affected_by
