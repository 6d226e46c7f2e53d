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
    order = np.argsort(moments, kind="stable")
    columns = np.empty((len(moments), len(LABELS)), dtype=np.int64)
    columns[order] = _up_to(stays.entered, stays, moments[order]) - _up_to(stays.left, stays, moments[order])
    return columns


def _up_to(times: IntArray, stays: Stays, moments: IntArray) -> IntArray:
    """Return how many of some times, one of each stay, lie up to each of the ordered moments, by position."""
    first = np.searchsorted(moments, times)
    cells = np.bincount(first * len(LABELS) + stays.position, minlength=(len(moments) + 1) * len(LABELS))
    return np.cumsum(cells.reshape(-1, len(LABELS)), axis=0)[:-1]
