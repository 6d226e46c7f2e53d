"""Cycle-time percentiles, scatter, flow efficiency and label averages."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from dpp.domain.calendar import to_micros
from dpp.domain.errors import InvalidInput, NotEnoughData
from dpp.domain.figures import Figure, mean
from dpp.domain.flow import (
    LabelAverage,
    ScatterPoint,
    cycle_times,
    flow_efficiency,
    flow_efficiency_figure,
    is_queue,
    label_averages,
    scatter,
)
from dpp.domain.positions import LABELS

NAN = math.nan


def test_percentiles_interpolate_and_leave_out_the_unmeasured() -> None:
    """Percentiles of 1, 2, 3, 4 interpolate linearly; a ticket without a cycle time is no sample."""
    figures = cycle_times(np.array([4.0, NAN, 1.0, 3.0, 2.0]))
    assert {"cycle_time_p50": 2.5, "cycle_time_p85": 3.55, "cycle_time_p95": 3.85} == pytest.approx(
        {name: figure.value for name, figure in figures.items()}
    )
    assert [4, 4, 4] == [figure.sample_size for figure in figures.values()]
    assert {"days"} == {figure.unit for figure in figures.values()}


def test_no_finished_work_has_no_percentiles() -> None:
    """Without a sample each percentile is null and says so."""
    assert [None] * 3 == [figure.value for figure in cycle_times(np.array([NAN])).values()]
    assert [0] * 3 == [figure.sample_size for figure in cycle_times(np.array([])).values()]


def test_scatter_shows_the_measured_in_order() -> None:
    """Points come in the order of completion, without tickets that have no cycle time."""
    first, second = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    found = scatter(
        ticket_ids=["PAY-2", "PAY-3", "PAY-1"],
        completed_at=np.array([to_micros(second), to_micros(first), to_micros(first)]),
        cycle_days=np.array([2.0, NAN, 0.5]),
    )
    assert (
        ScatterPoint(ticket_id="PAY-1", completed_at=first, cycle_time_days=0.5),
        ScatterPoint(ticket_id="PAY-2", completed_at=second, cycle_time_days=2.0),
    ) == found


def test_flow_efficiency_is_the_mean_of_the_shares() -> None:
    """A short ticket weighs as much as a long one: 100 % and 10 % give 55 %, not 11 of 101."""
    assert 55.0 == flow_efficiency(active=np.array([1.0, 10.0]), cycle=np.array([1.0, 100.0]))


def test_flow_efficiency_needs_a_sample_with_cycle_times() -> None:
    """An empty sample has no mean, and a cycle time of 0 has no share."""
    with pytest.raises(NotEnoughData):
        flow_efficiency(active=np.array([]), cycle=np.array([]))
    with pytest.raises(InvalidInput):
        flow_efficiency(active=np.array([0.0]), cycle=np.array([0.0]))


def test_the_figure_leaves_out_what_has_no_share() -> None:
    """Cycle times of 0 and unknown ones are no part of the sample."""
    figure = flow_efficiency_figure(active=np.array([1.0, 0.0, NAN]), cycle=np.array([4.0, 0.0, NAN]))
    assert Figure(value=25.0, unit="percent", sample_size=1) == figure
    none = flow_efficiency_figure(active=np.array([]), cycle=np.array([]))
    assert Figure(value=None, unit="percent", sample_size=0) == none


def test_the_mean_does_not_depend_on_the_order() -> None:
    """The same numbers in any order give the same last digit, where adding in turn would not."""
    values = np.array([1e16, 1.0, -1e16, 1.0])
    assert 0.5 == mean(values) == mean(values[::-1])


def test_a_label_is_averaged_over_its_visitors() -> None:
    """The average of a label is over the tickets that have been under it, zero times included."""
    qa, queue = LABELS.index("qa"), LABELS.index("qa_queue")
    found = label_averages(codes=np.array([queue, qa, queue]), days=np.array([3.0, 0.5, 0.0]))
    assert {
        "qa": LabelAverage(label="qa", average_days=0.5, sample_size=1, is_queue=False),
        "qa_queue": LabelAverage(label="qa_queue", average_days=1.5, sample_size=2, is_queue=True),
    } == found
    assert {} == label_averages(codes=np.array([], dtype=np.int64), days=np.array([]))


def test_all_that_is_no_work_is_waiting() -> None:
    """Only the labels of active statuses are work; backlog, done and unmapped time waits."""
    working = {"ba", "dev", "code_review", "qa", "uat"}
    assert working == {label for label in LABELS if not is_queue(label)}


@pytest.mark.parametrize("wrong", [{"value": NAN}, {"value": math.inf}, {"sample_size": -1}])
def test_a_figure_is_a_number_or_nothing(wrong: dict[str, float]) -> None:
    """What is no finite number, and a negative sample, is refused."""
    with pytest.raises(InvalidInput):
        Figure(**({"value": 1.0, "unit": "days", "sample_size": 1} | wrong))  # type: ignore[arg-type]
