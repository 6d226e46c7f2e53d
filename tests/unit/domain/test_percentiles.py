"""Percentiles, against figures worked by hand and the formula written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput, NotEnoughData
from dpp.domain.percentiles import percentile, percentiles

NUMBERS = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50)


def written_out(values: list[float], p: float) -> float:
    """Interpolate between the two neighbours of rank p/100 · (n − 1)."""
    ordered = sorted(values)
    rank = p / 100 * (len(ordered) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    return ordered[low] + (rank - low) * (ordered[high] - ordered[low])


@pytest.mark.parametrize(
    ("expected", "values", "p"),
    [
        (3.0, [5.0, 1.0, 3.0], 50),
        (2.5, [1.0, 2.0, 3.0, 4.0], 50),
        # rank 0.85 · 4 = 3.4: four tenths of the way from 4 to 10
        (6.4, [1.0, 2.0, 3.0, 4.0, 10.0], 85),
        (8.8, [1.0, 2.0, 3.0, 4.0, 10.0], 95),
        (7.0, [7.0], 95),
        (1.0, [2.0, 1.0], 0),
        (2.0, [2.0, 1.0], 100),
    ],
)
def test_hand_worked(expected: float, values: list[float], p: float) -> None:
    """A percentile lies between its neighbours in the proportion of its rank."""
    assert expected == pytest.approx(percentile(values, p), abs=1e-12)


@given(NUMBERS, st.floats(0, 100))
def test_formula(values: list[float], p: float) -> None:
    """Any percentile of any sample is what the formula of percentile_cont gives."""
    assert written_out(values, p) == pytest.approx(percentile(values, p), rel=1e-9, abs=1e-6)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_order_does_not_matter(values: list[float], random: object) -> None:
    """The order of the sample changes no digit of the percentile."""
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert percentile(values, 85) == percentile(shuffled, 85)


def test_several_at_once() -> None:
    """Several percentiles come in the order asked for, and none when none is asked for."""
    assert [3.0, 1.0, 5.0] == percentiles([5.0, 1.0, 3.0], (50, 0, 100)).tolist()
    assert [] == percentiles([1.0], ()).tolist()


def test_empty_sample() -> None:
    """An empty sample has no percentile, and says so instead of giving 0."""
    with pytest.raises(NotEnoughData):
        percentile([], 50)


@pytest.mark.parametrize("p", [-0.1, 100.1, math.nan])
def test_impossible_percentile(p: float) -> None:
    """What is no percent from 0 to 100 is refused."""
    with pytest.raises(InvalidInput, match="0 to 100"):
        percentile([1.0], p)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_impossible_value(bad: float) -> None:
    """A sample with a value that is no finite number is refused instead of spoiling the figure."""
    with pytest.raises(InvalidInput, match="finite"):
        percentile([1.0, bad], 50)


@given(NUMBERS, st.lists(st.floats(0, 100), min_size=1, max_size=4))
def test_numpy_agrees_to_the_last_digit(values: list[float], ps: list[float]) -> None:
    """Whoever takes numpy's percentiles of the same sample gets the same numbers."""
    assert np.percentile(values, ps).tolist() == percentiles(values, ps).tolist()
