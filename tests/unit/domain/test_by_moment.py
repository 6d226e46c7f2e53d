"""Percentiles and means of many moments are those of each moment's sample, to the last digit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.by_moment import means_at, percentiles_at
from dpp.domain.errors import InvalidInput
from dpp.domain.figures import mean
from dpp.domain.moments import Spans
from dpp.domain.percentiles import percentile

MOMENTS = 5
_PLACES = st.integers(0, MOMENTS)
# Numbers of very different sizes, whose sum loses digits when it is rounded on the way, and equal ones.
_NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 0.1, 0.1, 7.0, 1e-300, 5e-324, -1e15, 1e200]))
_ROWS = st.lists(st.tuples(_NUMBERS, _PLACES, _PLACES), max_size=40)


def columns(rows: list[tuple[float, int, int]]) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Spans]:
    """Return values and the spans of moments at which they count."""
    values, first, last = zip(*rows, strict=True) if rows else ((), (), ())
    spans = Spans(first=np.array(first, dtype=np.int64), last=np.array(last, dtype=np.int64))
    return np.array(values, dtype=np.float64), spans


def samples(rows: list[tuple[float, int, int]]) -> list[list[float]]:
    """Return the values that count at each moment."""
    return [[value for value, first, last in rows if first <= moment < last] for moment in range(MOMENTS)]


@given(_ROWS, st.lists(st.floats(0, 100), max_size=3))
def test_percentiles_are_those_of_each_sample(rows: list[tuple[float, int, int]], ps: list[float]) -> None:
    """Whatever counts at a moment has the percentiles that it has by itself; nothing has none."""
    values, spans = columns(rows)
    found = percentiles_at(values, spans, moments=MOMENTS, ps=ps)
    expected = [[percentile(sample, p) if sample else None for sample in samples(rows)] for p in ps]
    assert expected == [[None if math.isnan(value) else value for value in row] for row in found.tolist()]


@given(_ROWS)
def test_means_are_those_of_each_sample(rows: list[tuple[float, int, int]]) -> None:
    """Whatever counts at a moment has the mean that it has by itself, also where big and small numbers meet."""
    values, spans = columns(rows)
    expected = [mean(np.array(sample)) if sample else None for sample in samples(rows)]
    found = means_at(values, spans, moments=MOMENTS).tolist()
    assert expected == [None if math.isnan(value) else value for value in found]


def test_many_values_over_many_moments() -> None:
    """Samples of hundreds of values that lie in many blocks go the same way."""
    random = np.random.default_rng(7)
    values, first = np.round(random.exponential(40, 3000), 1), random.integers(0, 60, 3000)
    spans = Spans(first=first, last=np.minimum(first + random.integers(0, 30, 3000), 80))
    inside = [values[(spans.first <= moment) & (moment < spans.last)] for moment in range(80)]
    found = percentiles_at(values, spans, moments=80, ps=(0, 50, 85, 100))
    assert [[percentile(sample, p) for sample in inside] for p in (0, 50, 85, 100)] == found.tolist()
    assert [mean(sample) for sample in inside] == means_at(values, spans, moments=80).tolist()


@pytest.mark.parametrize("moments", [1, 3])
def test_what_counts_must_be_finite(moments: int) -> None:
    """A number that is none spoils no figure, it is refused; where it counts at no moment it does not matter."""
    values = np.array([1.0, math.inf])
    counting = Spans(first=np.array([0, 0]), last=np.array([1, 1]))
    with pytest.raises(InvalidInput, match="finite"):
        percentiles_at(values, counting, moments=moments, ps=(50,))
    with pytest.raises(InvalidInput, match="finite"):
        means_at(values, counting, moments=moments)
    idle = Spans(first=np.array([0, 1]), last=np.array([1, 1]))
    assert [1.0] == percentiles_at(values, idle, moments=moments, ps=(50,))[0, :1].tolist()
    assert [1.0] == means_at(values, idle, moments=moments)[:1].tolist()


def test_an_impossible_percent_is_refused() -> None:
    """Also where there is nothing to take it of."""
    values, spans = columns([])
    with pytest.raises(InvalidInput, match="0 to 100"):
        percentiles_at(values, spans, moments=MOMENTS, ps=(101,))
