"""Percentiles as every figure of the platform takes them: with linear interpolation between neighbours.

That is numpy's default and PostgreSQL's ``percentile_cont``, so who queries the tables gets the page's figures.
"""

from __future__ import annotations

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
    sample = np.asarray(values, dtype=np.float64)
    if not sample.size:
        raise NotEnoughData("there is no percentile of an empty sample")
    if not np.isfinite(sample).all():
        raise InvalidInput("a sample holds a value that is no finite number", field="values")
    wanted = np.asarray(ps, dtype=np.float64)
    if not ((wanted >= 0) & (wanted <= 100)).all():
        raise InvalidInput(f"percentiles {list(ps)} must lie from 0 to 100", field="p")
    return np.asarray(np.percentile(sample, wanted, method="linear"), dtype=np.float64)
