"""Percentiles as every figure of the platform takes them: with linear interpolation between neighbours.

That is numpy's default and PostgreSQL's ``percentile_cont``, so who queries the tables gets the page's figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.errors import InvalidInput, NotEnoughData


def percentile(values: FloatArray | Sequence[float], p: float) -> float:
    """
    Return the value that ``p`` percent of a sample are at or below.

    Args:
        values: shape (n,), any finite numbers in any order and unit.
        p: percent, 0 (the smallest) to 100 (the largest).

    Returns:
        In the unit of the values.

    Raises:
        NotEnoughData: n is 0.
        InvalidInput: p lies outside 0 to 100, or a value is not finite.
    """
    return float(percentiles(values, (p,))[0])


def percentiles(values: FloatArray | Sequence[float], ps: Sequence[float]) -> FloatArray:
    """Return ``percentile`` for each of ``ps``, sorting the sample once; shape (len(ps),), same errors."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if not ordered.size:
        raise NotEnoughData("there is no percentile of an empty sample")
    # Sorted, whatever is not finite lies at an end.
    if not (math.isfinite(ordered[0]) and math.isfinite(ordered[-1])):
        raise _not_finite()
    return np.array([_interpolated(ordered, p) for p in checked_percents(ps)], dtype=np.float64)


def checked_percents(ps: Sequence[float]) -> Sequence[float]:
    """Return percents as they are; raises ``InvalidInput`` when one lies outside 0 to 100."""
    if not all(0 <= p <= 100 for p in ps):
        raise InvalidInput(f"percentiles {list(ps)} must lie from 0 to 100", field="p")
    return ps


def checked_values(values: FloatArray) -> FloatArray:
    """Return values as they are; raises ``InvalidInput`` when one is not finite."""
    if not np.isfinite(values).all():
        raise _not_finite()
    return values


def _not_finite() -> InvalidInput:
    return InvalidInput("a sample holds a value that is no finite number", field="values")


def _interpolated(ordered: FloatArray, p: float) -> float:
    """Do what ``numpy.percentile`` does, to the last digit, and faster for the small samples of a day."""
    rank = p / 100 * (len(ordered) - 1)
    low = int(rank)
    below, above = ordered.item(low), ordered.item(min(low + 1, len(ordered) - 1))
    share, step = rank - low, above - below
    # From the nearer of the two neighbours, as numpy does: that keeps the result between them.
    return below + step * share if share < 0.5 else above - step * (1 - share)


def interpolated(ranked: Callable[[IntArray], FloatArray], sizes: IntArray, p: float) -> FloatArray:
    """
    Return a percentile of several samples at once, of each what ``percentile`` is of it.

    Args:
        ranked: given for each sample a rank, shape (k,), from 0 to before its size, returns the values of these ranks.
        sizes: shape (k,), of the samples, >= 1.
        p: percent, 0 to 100.

    Returns:
        Shape (k,), in the unit of the values.
    """
    rank = p / 100 * (sizes - 1)
    low = rank.astype(np.int64)
    below, above = ranked(low), ranked(np.minimum(low + 1, sizes - 1))
    share, step = rank - low, above - below
    found: FloatArray = np.where(share < 0.5, below + step * share, above - step * (1 - share))
    return found
