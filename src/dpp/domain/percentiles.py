"""Percentiles as every figure of the platform takes them: with linear interpolation between neighbours.

That is numpy's default and PostgreSQL's ``percentile_cont``, so who queries the tables gets the page's figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dpp.domain.arrays import FloatArray
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
        raise InvalidInput("a sample holds a value that is no finite number", field="values")
    if not all(0 <= p <= 100 for p in ps):
        raise InvalidInput(f"percentiles {list(ps)} must lie from 0 to 100", field="p")
    return np.array([_interpolated(ordered, p) for p in ps], dtype=np.float64)


def _interpolated(ordered: FloatArray, p: float) -> float:
    """Do what ``numpy.percentile`` does, to the last digit, and faster for the small samples of a day."""
    rank = p / 100 * (len(ordered) - 1)
    low = int(rank)
    below, above = ordered.item(low), ordered.item(min(low + 1, len(ordered) - 1))
    share, step = rank - low, above - below
    # From the nearer of the two neighbours, as numpy does: that keeps the result between them.
    return below + step * share if share < 0.5 else above - step * (1 - share)
