"""Cumulative flow: how many tickets were where at the end of each day (decision 0023)."""

from __future__ import annotations

import numpy as np

from dpp.domain.arrays import IntArray
from dpp.domain.folded import Stays
from dpp.domain.positions import LABELS


def cumulative_flow(stays: Stays, *, moments: IntArray) -> IntArray:
    """
    Return how many tickets were in each position as of some moments.

    Args:
        stays: n stays; of one ticket none overlap.
        moments: shape (k,), microseconds, in any order.

    Returns:
        Shape (k, len(LABELS)), >= 0; a row is what ``wip_as_of`` counts at that moment, before it sums up stages.
    """
    columns = np.zeros((len(moments), len(LABELS)), dtype=np.int64)
    for position in np.unique(stays.position).tolist():
        held = stays.position == position
        came = np.searchsorted(np.sort(stays.entered[held]), moments, side="right")
        went = np.searchsorted(np.sort(stays.left[held]), moments, side="right")
        columns[:, position] = came - went
    return columns
