"""Ageing work: how long what is unfinished has taken so far, against what finished work took (decision 0023)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from dpp.domain.arrays import FloatArray
from dpp.domain.percentiles import percentiles

AGE_PERCENTILES = (50, 85, 95)


class AgeBand(StrEnum):
    """Where an age lies among the cycle times of finished tickets."""

    BELOW_P50 = "below_p50"
    P50_TO_P85 = "p50_to_p85"
    P85_TO_P95 = "p85_to_p95"
    ABOVE_P95 = "above_p95"


_BANDS = tuple(AgeBand)


def age_bands(age_days: FloatArray, *, cycle_days: FloatArray) -> list[AgeBand | None]:
    """
    Return where ages lie among cycle times: a ticket of exactly the median's age has left the lower half.

    Args:
        age_days: shape (n,), working days, >= 0.
        cycle_days: shape (m,), working days, of finished tickets; nan for those without a cycle time.

    Returns:
        n bands; None for all when no cycle time is known.
    """
    known = cycle_days[~np.isnan(cycle_days)]
    if not known.size:
        return [None] * len(age_days)
    limits = percentiles(known, AGE_PERCENTILES)
    return [_BANDS[place] for place in np.searchsorted(limits, age_days, side="right").tolist()]
