"""Figures as of many moments: by hand, and against counting again at every moment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.by_day import Known, Lasting, count_by_day, mean_by_day, percentiles_by_day, share_by_day
from dpp.domain.errors import InvalidInput
from dpp.domain.histories import FOREVER
from dpp.domain.moments import MICROS_PER_DAY, Measured

NOTHING = np.zeros(0, dtype=np.int64)


def days(*numbers: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return instants so many days after 1970 began."""
    return np.array([int(number * MICROS_PER_DAY) for number in numbers], dtype=np.int64)


def known(*rows: tuple[float, float, float, float | None]) -> Known:
    """Return rows of (end, value, valid from, valid to) in days; None is for ever."""
    ends, values, starts, stops = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Known.in_order(
        ended_at=days(*ends),
        values=np.array(values, dtype=np.float64),
        valid_from=days(*starts),
        valid_to=np.array([FOREVER if stop is None else int(stop * MICROS_PER_DAY) for stop in stops], dtype=np.int64),
    )


def told(measured: Measured) -> list[tuple[float | None, int]]:
    """Return the value, None for none, and the sample of every moment."""
    values = [None if math.isnan(value) else value for value in measured.values.tolist()]
    return list(zip(values, measured.sample_sizes.tolist(), strict=True))


def test_a_span_counts_from_its_beginning_until_before_its_end() -> None:
    """At the instant at which a span begins it counts, at that of its end it does not; a count of nothing is 0."""
    lasting = Lasting(valid_from=days(1, 2, 2), valid_to=days(3, 3, 2))
    assert [(0.0, 0), (1.0, 1), (2.0, 2), (0.0, 0)] == told(count_by_day(lasting, moments=days(0, 1, 2, 3)))


def test_a_share_of_nothing_is_none() -> None:
    """One of two is 50 %, none of one is 0 %, and where nothing counts there is no share."""
    lasting = Lasting(valid_from=days(1, 1), valid_to=days(2, 3))
    shares = share_by_day(lasting, marked=np.array([True, False]), moments=days(0, 1, 2, 3))
    assert [(None, 0), (50.0, 2), (0.0, 1), (None, 0)] == told(shares)


def test_what_ends_at_a_moment_is_not_in_its_window_yet() -> None:
    """A window of 2 days holds what ended 2 days before and not what ends now."""
    found = percentiles_by_day(known((1, 8.0, 1, None)), moments=days(1, 2, 3, 3.5), days=2, ps=(50,))
    assert [(None, 0), (8.0, 1), (8.0, 1), (None, 0)] == told(found[50])


def test_only_what_was_known_then_counts() -> None:
    """A completion that a reopening took back counted until then, and a value that came later from then on."""
    rows = known((1, 8.0, 1, 3), (1.5, 4.0, 4, None), (2, math.nan, 2, None))
    found = percentiles_by_day(rows, moments=days(2.5, 3, 4), days=30, ps=(50, 85))
    assert [(8.0, 1), (None, 0), (4.0, 1)] == told(found[50]) == told(found[85])
    assert [(8.0, 1), (None, 0), (4.0, 1)] == told(mean_by_day(rows, moments=days(2.5, 3, 4), days=30))


def test_percentiles_lie_between_neighbours() -> None:
    """Of 1, 2, 3 and 4 the 50th percentile is 2.5 and the 85th 3.55; their mean is 2.5."""
    rows = known(*((day, float(day), day, None) for day in (1, 2, 3, 4)))
    found = percentiles_by_day(rows, moments=days(5), days=30, ps=(50, 85))
    assert [(2.5, 4)] == told(found[50]) == told(mean_by_day(rows, moments=days(5), days=30))
    ((value, size),) = told(found[85])
    assert pytest.approx(3.55) == value
    assert 4 == size


def test_without_rows_there_is_nothing_at_any_moment() -> None:
    """No rows give no value and a sample of 0."""
    assert [(None, 0)] == told(mean_by_day(known(), moments=days(1), days=30))
    assert [(0.0, 0)] == told(count_by_day(Lasting(valid_from=NOTHING, valid_to=NOTHING), moments=days(1)))


def test_figures_need_moments() -> None:
    """No moment, and moments out of order, are refused."""
    for moments in (NOTHING, days(2, 1)):
        with pytest.raises(InvalidInput):
            mean_by_day(known(), moments=moments, days=30)
        with pytest.raises(InvalidInput):
            count_by_day(Lasting(valid_from=NOTHING, valid_to=NOTHING), moments=moments)


def test_rows_must_be_in_order_and_whole() -> None:
    """Columns of two lengths, and ends that go back, are refused."""
    ones = np.ones(2)
    with pytest.raises(InvalidInput):
        Known(ended_at=days(2, 1), values=ones, valid_from=days(1, 1), valid_to=days(9, 9))
    with pytest.raises(InvalidInput):
        Known(ended_at=days(1, 2), values=ones[:1], valid_from=days(1, 1), valid_to=days(9, 9))


hours = st.integers(0, 40).map(lambda hour: hour / 4)


@given(
    rows=st.lists(st.tuples(hours, st.integers(0, 9).map(float), hours, hours), max_size=8),
    moments=st.lists(hours, min_size=1, max_size=6).map(sorted),
)
def test_many_moments_are_what_each_one_is(rows: list[tuple[float, float, float, float]], moments: list[float]) -> None:
    """The mean at each of many moments is that of the rows that a look at each row finds in its window."""
    found = told(mean_by_day(known(*rows), moments=days(*moments), days=3))
    for moment, (value, size) in zip(moments, found, strict=True):
        sample = [row[1] for row in rows if moment - 3 <= row[0] < moment and row[2] <= moment < row[3]]
        assert len(sample) == size
        assert (sum(sample) / len(sample) if sample else None) == pytest.approx(value)
