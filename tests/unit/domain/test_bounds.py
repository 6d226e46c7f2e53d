"""How far the missing could move a figure, against every choice of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.bounds import Bounds, Missing, count_bounds, mean_bounds, percentile_bounds, rate_bounds
from dpp.domain.errors import InvalidInput

VALUES = st.lists(st.integers(0, 20).map(float), max_size=7)


def choices(missing: Sequence[float]) -> Iterator[tuple[float, ...]]:
    """Yield every choice of some of the missing, none and all included."""
    return chain.from_iterable(combinations(missing, size) for size in range(len(missing) + 1))


def every(known: Sequence[float], missing: Sequence[float], figure: Callable[[list[float]], float]) -> list[float]:
    """Return the figure of every sample that there can be."""
    return [figure([*known, *chosen]) for chosen in choices(missing) if known or chosen]


def test_percentile_bounds_by_hand() -> None:
    """The median of 1, 2, 3 falls to 0 with two zeros and a third, and rises to 5 with three times 9."""
    known = np.array([1.0, 2.0, 3.0])
    assert Bounds(low=0.5, high=2.0, missing=3) == percentile_bounds(known, np.array([0.0, 0.0, 0.0]), p=50)
    assert Bounds(low=2.0, high=6.0, missing=3) == percentile_bounds(known, np.array([9.0, 9.0, 9.0]), p=50)
    assert percentile_bounds(known, np.array([]), p=50) is None


@given(known=VALUES, missing=VALUES, p=st.sampled_from([0.0, 15.0, 50.0, 85.0, 95.0, 100.0]))
def test_percentile_bounds_are_the_extremes_of_every_choice(known: list[float], missing: list[float], p: float) -> None:
    """No choice of the missing leads out of the bounds, and both come true."""
    found = percentile_bounds(np.array(known, dtype=np.float64), np.array(missing, dtype=np.float64), p=p)
    if not missing:
        assert found is None
        return
    figures = every(known, missing, lambda sample: float(np.percentile(sample, p)))
    assert found is not None
    assert len(missing) == found.missing
    assert pytest.approx([min(figures), max(figures)]) == [found.low, found.high]


@given(known=VALUES, missing=VALUES)
def test_mean_bounds_are_the_extremes_of_every_choice(known: list[float], missing: list[float]) -> None:
    """No choice of the missing leads out of the bounds, and both come true."""
    found = mean_bounds(np.array(known, dtype=np.float64), np.array(missing, dtype=np.float64))
    if not missing:
        assert found is None
        return
    figures = every(known, missing, lambda sample: sum(sample) / len(sample))
    assert found is not None
    assert len(missing) == found.missing
    assert pytest.approx([min(figures), max(figures)]) == [found.low, found.high]


@given(
    hits=st.integers(0, 3),
    misses=st.integers(0, 3),
    undecided=st.integers(0, 2),
    missing=st.builds(Missing, hits=st.integers(0, 2), misses=st.integers(0, 2), unknown=st.integers(0, 2)),
)
def test_rate_bounds_are_the_extremes_of_every_assignment(
    hits: int, misses: int, undecided: int, missing: Missing
) -> None:
    """However the undecided are decided and whichever missing belong to it, the rate is within, and both come true."""
    total = hits + misses + undecided
    found = rate_bounds(hits=hits, total=total, undecided=undecided, missing=missing)
    if not undecided + missing.total:
        assert found is None
        return
    ways = [
        *[(100.0, 0.0)] * undecided,
        *[(100.0, None)] * missing.hits,
        *[(0.0, None)] * missing.misses,
        *[(100.0, 0.0, None)] * missing.unknown,
    ]
    samples = (
        [*[100.0] * hits, *[0.0] * misses, *(value for value in assigned if value is not None)]
        for assigned in product(*ways)
    )
    rates = [sum(sample) / len(sample) for sample in samples if sample]
    assert found is not None
    assert pytest.approx([min(rates), max(rates)]) == [found.low, found.high]


def test_count_bounds_have_none_or_all_of_the_missing() -> None:
    """Three beside seven make seven to ten; a rate of seven a week and two that add a half each seven to eight."""
    assert Bounds(low=7.0, high=10.0, missing=3) == count_bounds(7, missing=3)
    assert Bounds(low=7.0, high=8.0, missing=2) == count_bounds(7.0, missing=2, each=0.5)
    assert count_bounds(7, missing=0) is None


def test_impossible_numbers_are_refused() -> None:
    """There are no bounds where nothing is missing, and no rate of more than there is."""
    with pytest.raises(InvalidInput):
        Bounds(low=1.0, high=2.0, missing=0)
    with pytest.raises(InvalidInput):
        Bounds(low=2.0, high=1.0, missing=1)
    with pytest.raises(InvalidInput):
        rate_bounds(hits=3, total=4, undecided=2)


def test_bounds_of_many_cost_little_and_lie_around_the_figure() -> None:
    """With a thousand missing among thousands the figure without them is within."""
    numbers = np.random.default_rng(5)
    known, missing = numbers.exponential(3.0, 4000), numbers.exponential(4.0, 1000)
    found = percentile_bounds(known, missing, p=85)
    assert found is not None
    assert found.low < float(np.percentile(known, 85)) < found.high
