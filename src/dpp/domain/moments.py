"""Figures as of many moments at once: how many things count at each, without looking at every thing at every moment.

A thing counts at a moment when the moment lies in a span of time. Moments are in order, so a span is the positions from
a first to before a last; adding one where spans begin and taking one away where they end gives all counts in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from math import isnan

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.calendar import BusinessCalendar, TimeOutOfRange, from_micros
from dpp.domain.errors import InvalidInput

MICROS_PER_DAY = 86_400_000_000

_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """
    Positions of moments, ``first`` to before ``last``, n spans.

    Attributes:
        first: shape (n,), 0 to k.
        last: shape (n,), 0 to k; a span whose last is not after its first is empty.
    """

    first: IntArray
    last: IntArray

    def within(self, other: Spans) -> Spans:
        """Return what each span has in common with the one at its place in ``other``."""
        return Spans(first=np.maximum(self.first, other.first), last=np.minimum(self.last, other.last))

    def at(self, places: IntArray) -> Spans:
        """Return the spans at these places."""
        return Spans(first=self.first[places], last=self.last[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    A figure at k moments.

    Attributes:
        values: shape (k,), nan where there is no sample to take it from.
        sample_sizes: shape (k,), >= 0.
    """

    values: FloatArray
    sample_sizes: IntArray

    def value(self, place: int = -1) -> float | None:
        """Return the value at one of the moments, by default the last; None without a sample."""
        found = float(self.values[place])
        return None if np.isnan(found) else found

    def points(self) -> list[tuple[float | None, int]]:
        """Return for each moment the value, None without a sample, and the size of the sample."""
        values = (None if isnan(value) else value for value in self.values.tolist())
        return list(zip(values, self.sample_sizes.tolist(), strict=True))


def checked(moments: IntArray) -> IntArray:
    """Return moments, shape (k,), as they are; raises ``InvalidInput`` when there are none, or not in order."""
    if not moments.size:
        raise InvalidInput("a figure needs a moment as of which it is taken", field="moments")
    if moments.size > 1 and not (moments[1:] >= moments[:-1]).all():
        raise InvalidInput("moments must be in order, the earliest first", field="moments")
    return moments


def trailing(times: IntArray, *, moments: IntArray, days: float) -> Spans:
    """Return the moments in whose trailing window, ``[moment − days, moment)``, each time lies.

    Args:
        times: shape (n,), microseconds since 1970-01-01T00:00Z.
        moments: shape (k,), in order.
        days: of 24 hours, > 0.
    """
    width = int(days * MICROS_PER_DAY)
    return Spans(
        first=np.searchsorted(moments, times, side="right"),
        last=np.searchsorted(moments, times + width, side="right"),
    )


def holding(valid_from: IntArray, valid_to: IntArray, *, moments: IntArray) -> Spans:
    """Return the moments at which what is valid from one instant until before another holds; shapes (n,)."""
    return Spans(first=np.searchsorted(moments, valid_from), last=np.searchsorted(moments, valid_to))


def counts(spans: Spans, *, moments: int) -> IntArray:
    """Return how many spans cover each of so many moments; shape (moments,)."""
    last = np.maximum(spans.first, spans.last)
    begun = np.bincount(spans.first, minlength=moments + 1) - np.bincount(last, minlength=moments + 1)
    return np.cumsum(begun)[:moments]


def sums(values: FloatArray, spans: Spans, *, moments: int) -> FloatArray:
    """Return the sum of the values, shape (n,), whose spans cover each moment; shape (moments,), 0 where none does."""
    last = np.maximum(spans.first, spans.last)
    begun, ended = (np.bincount(at, values, minlength=moments + 1) for at in (spans.first, last))
    return np.cumsum(begun - ended)[:moments]


def count_trailing(times: IntArray, *, moments: IntArray, days: float) -> IntArray:
    """Return how many of some times, in order, lie in the trailing window of each moment; shapes as ``trailing``."""
    first, last = (np.searchsorted(times, at) for at in (moments - int(days * MICROS_PER_DAY), moments))
    return last - first


def united(spans: Spans, *, of: IntArray, moments: int) -> Spans:
    """
    Return spans that cover the same moments for each thing, each moment once.

    Args:
        spans: n of them.
        of: shape (n,), the number, >= 0, of the thing that each span is of; a thing may have several that overlap.
        moments: how many there are.
    """
    lasting = np.flatnonzero(spans.last > spans.first)
    # Things one after the other on one line, each with a stretch of its own.
    stretch = moments + 1
    begin = of[lasting] * stretch + spans.first[lasting]
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], (of[lasting] * stretch + spans.last[lasting])[order]
    reached = np.maximum.accumulate(end) if end.size else end
    # A new span begins where what came before has ended, also where it ends in this very moment.
    opens = np.flatnonzero(np.concatenate(([True], begin[1:] > reached[:-1]))) if end.size else begin
    closes = np.concatenate((opens[1:] - 1, [end.size - 1])) if end.size else begin
    return Spans(first=begin[opens] % stretch, last=reached[closes] % stretch)


def over_slices(
    times: IntArray, *, moments: IntArray, days: float, measure: Callable[[int, int, int], tuple[float, ...]]
) -> FloatArray:
    """
    Return measures of the things in the trailing window of each moment.

    Args:
        times: shape (n,), in order.
        moments: shape (k,), in order.
        days: of 24 hours, > 0.
        measure: given the moment's place and the positions of the window in ``times``, from first to before last,
            returns m measures.

    Returns:
        Shape (k, m).
    """
    first = np.searchsorted(times, moments - int(days * MICROS_PER_DAY)).tolist()
    last = np.searchsorted(times, moments).tolist()
    found = [measure(place, begin, end) for place, (begin, end) in enumerate(zip(first, last, strict=True))]
    return np.array(found, dtype=np.float64).reshape(len(found), -1)


def day_ends(calendar: BusinessCalendar, *, now: int, days: int) -> tuple[list[date], IntArray]:
    """
    Return the last local days up to and including today, and for each the moment as of which it is shown.

    Args:
        calendar: on whose clock days begin and end; where one of them lies outside the years that it covers, all do by
            the clock of UTC.
        now: microseconds since 1970-01-01T00:00Z.
        days: how many, >= 1.

    Returns:
        The dates, and shape (days,): the end of each day, for today ``now``.
    """
    try:
        today: date = calendar.local_date(np.array([now], dtype=np.int64))[0].item()
        dates = _dates(today, days)
        ends = [calendar.day_start(day + _DAY) for day in dates[:-1]]
    except TimeOutOfRange:
        dates = _dates(from_micros(now).date(), days)
        ends = [(day + _DAY - _EPOCH) // _DAY * MICROS_PER_DAY for day in dates[:-1]]
    return dates, np.array([*ends, now], dtype=np.int64)


def _dates(today: date, days: int) -> list[date]:
    return [today - _DAY * back for back in reversed(range(days))]
