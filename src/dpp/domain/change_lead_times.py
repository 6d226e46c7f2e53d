"""How long changes take until users have them, part by part, and what is merged and still waits (decision 0024)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.errors import InvalidInput
from dpp.domain.figures import Figure, percentile_figures
from dpp.domain.metric import Unit

PERCENTILES = (50, 85)
_MICROS_PER_HOUR = 3_600_000_000


class Part(StrEnum):
    """A stretch of the way of a change, and the whole of it."""

    LEAD_TIME = "lead_time"
    """From the opening of its pull request until users had it."""
    CODING = "coding"
    """From the first push to its branch until the pull request was opened: before the lead time."""
    PICKUP = "pickup"
    """From the opening until the first review."""
    REVIEW = "review"
    """From the first review until the merge."""
    DEPLOY = "deploy"
    """From the merge until users had it."""


PART_DEFINITIONS: Mapping[Part, str] = MappingProxyType(
    {
        Part.LEAD_TIME: "From the opening of the pull request until a deployment to production first carried it.",
        Part.CODING: "From the first push to its branch until the pull request was opened; before the lead time.",
        Part.PICKUP: "From the opening until the first review by another person.",
        Part.REVIEW: "From that review until the merge.",
        Part.DEPLOY: "From the merge until the deployment.",
    }
)
LEAD_TIME_DEFINITION = (
    "Hours by the clock, over every pull request that a deployment to production of the window was the first to carry: "
    "merged, directly or from branch to branch, before the deployment began, and after the one before it. The value is "
    "the median. The lead time beside it counts deployments instead, each by the pull request that it names."
)
WAITING_DEFINITION = (
    "Pull requests that are merged into a repository that is deployed to production, and that no deployment to "
    "production has carried yet; their age runs from the merge. Those from before the first deployment known are left "
    "out."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Percentiles of one part, hours by the clock."""

    p50: Figure
    p85: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """
    Changes that are merged and not deployed.

    Attributes:
        count: how many; the sample is the same.
        age: hours since the merge.
        oldest_hrs: the longest of them; None when nothing waits.
    """

    count: Figure
    age: Percentiles
    oldest_hrs: float | None


def part_percentiles(hours: Mapping[Part, FloatArray]) -> dict[Part, Percentiles]:
    """
    Return the percentiles of each part.

    Args:
        hours: of each part, shape (n,), hours by the clock, >= 0; nan for a change that lacks one of the part's ends,
            which is left out of that part alone.
    """
    return {part: _percentiles(values[~np.isnan(values)]) for part, values in hours.items()}


def waiting(merged_at: IntArray, *, moment: int) -> Waiting:
    """
    Return how many changes wait for their deployment, and for how long.

    Args:
        merged_at: shape (n,), of those that are not deployed, microseconds since 1970-01-01T00:00Z.
        moment: as of which; none of them was merged later.

    Raises:
        InvalidInput: a change was merged after the moment.
    """
    hours: FloatArray = (moment - merged_at) / _MICROS_PER_HOUR
    if (hours < 0).any():
        raise InvalidInput("a change that waits was merged after the moment", field="merged_at")
    size = int(hours.size)
    return Waiting(
        count=Figure(value=float(size), unit=Unit.COUNT, sample_size=size),
        age=_percentiles(hours),
        oldest_hrs=float(hours.max()) if size else None,
    )


def _percentiles(hours: FloatArray) -> Percentiles:
    found = percentile_figures(hours, ps=PERCENTILES, unit=Unit.HOURS)
    return Percentiles(p50=found[50], p85=found[85])
