"""Figures about tickets, defects and reviews as of many moments, from what was known over time (decision 0025).

What counts at a moment is what was known then: everything comes with the span of time in which it held. One pass gives
the figures of a thousand days; those of ``dora`` have theirs there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dpp.domain.arrays import BoolArray, FloatArray, IntArray
from dpp.domain.errors import InvalidInput
from dpp.domain.figures import mean
from dpp.domain.moments import Measured, checked, counts, holding, over_slices
from dpp.domain.percentiles import percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """
    Numbers, each of something that ended at an instant, as known over time: n rows in the order of the end.

    Instants are microseconds since 1970-01-01T00:00Z.

    Attributes:
        ended_at: shape (n,), in order: the instant by which a row falls into a window.
        values: shape (n,), nan for none.
        valid_from: shape (n,), since when the row holds …
        valid_to: shape (n,), … and until before when; ``FOREVER`` for what still holds.

    Raises:
        InvalidInput: the columns differ in length, or the rows are not in order.
    """

    ended_at: IntArray
    values: FloatArray
    valid_from: IntArray
    valid_to: IntArray

    def __post_init__(self) -> None:
        if any(column.shape != self.ended_at.shape for column in (self.values, self.valid_from, self.valid_to)):
            raise InvalidInput("the columns of what is known differ in length")
        if (np.diff(self.ended_at) < 0).any():
            raise InvalidInput("what is known must be in the order of its end", field="ended_at")

    @classmethod
    def in_order(cls, *, ended_at: IntArray, values: FloatArray, valid_from: IntArray, valid_to: IntArray) -> Known:
        """Return the same rows in order, given in any."""
        order = np.argsort(ended_at, kind="stable")
        return cls(
            ended_at=ended_at[order], values=values[order], valid_from=valid_from[order], valid_to=valid_to[order]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """
    Spans of time in which something counted, n of them in any order.

    Attributes:
        valid_from: shape (n,), microseconds since 1970-01-01T00:00Z.
        valid_to: shape (n,), before this; a span that ends where it begins, or earlier, is empty.
    """

    valid_from: IntArray
    valid_to: IntArray

    def only(self, which: BoolArray) -> Lasting:
        """Return some of the spans."""
        return Lasting(valid_from=self.valid_from[which], valid_to=self.valid_to[which])


def count_by_day(lasting: Lasting, *, moments: IntArray) -> Measured:
    """Return how many spans hold each of some moments, shape (k,), in order; a count of nothing is 0."""
    spans = holding(lasting.valid_from, lasting.valid_to, moments=checked(moments))
    found = counts(spans, moments=moments.size)
    return Measured(values=found.astype(np.float64), sample_sizes=found)


def share_by_day(lasting: Lasting, *, marked: BoolArray, moments: IntArray) -> Measured:
    """
    Return the share of the marked ones among what counts at each moment.

    Args:
        lasting: spans in which things count, each thing in one at a time.
        marked: shape (n,).
        moments: shape (k,), in order.

    Returns:
        Percent, 0 to 100, nan where nothing counts; the sample is everything that does.
    """
    total = count_by_day(lasting, moments=moments).sample_sizes
    part = count_by_day(lasting.only(marked), moments=moments).sample_sizes
    shares = np.divide(100.0 * part, total, out=np.full(moments.size, np.nan), where=total > 0)
    return Measured(values=shares, sample_sizes=total)


def percentiles_by_day(known: Known, *, moments: IntArray, days: float, ps: tuple[int, ...]) -> dict[int, Measured]:
    """
    Return percentiles of what ended in the window ``[moment − days, moment)`` and held at the moment, by the percent.

    Args:
        known: values in any unit; rows without one are left out.
        moments: shape (k,), in order.
        days: of 24 hours, > 0.
        ps: percent, 0 to 100.

    Returns:
        In the unit of the values, nan without a sample.
    """
    found = _over_windows(
        known,
        moments=moments,
        days=days,
        measure=lambda values: tuple(percentiles(values, ps).tolist()),
        width=len(ps),
    )
    sizes = found[:, 0].astype(np.int64)
    return {p: Measured(values=found[:, 1 + column], sample_sizes=sizes) for column, p in enumerate(ps)}


def mean_by_day(known: Known, *, moments: IntArray, days: float) -> Measured:
    """Return the mean of what ended in the window of each moment and held at it, as ``percentiles_by_day``."""
    found = _over_windows(known, moments=moments, days=days, measure=lambda values: (mean(values),), width=1)
    return Measured(values=found[:, 1], sample_sizes=found[:, 0].astype(np.int64))


def _over_windows(
    known: Known,
    *,
    moments: IntArray,
    days: float,
    measure: Callable[[FloatArray], tuple[float, ...]],
    width: int,
) -> FloatArray:
    """Return the size of the sample and ``width`` measures of it at each moment, shape (k, 1 + width)."""
    told = ~np.isnan(known.values)
    values, valid_from, valid_to = known.values[told], known.valid_from[told], known.valid_to[told]

    def of_slice(place: int, first: int, last: int) -> tuple[float, ...]:
        moment = moments[place]
        sample = values[first:last][(valid_from[first:last] <= moment) & (moment < valid_to[first:last])]
        return (float(sample.size), *(measure(sample) if sample.size else (np.nan,) * width))

    return over_slices(known.ended_at[told], moments=checked(moments), days=days, measure=of_slice)
