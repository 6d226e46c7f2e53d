"""Performance bands of the DORA metrics: how others fare, as context for a figure and not as a target.

The bands are the clusters of organisations that a yearly survey found, so they move from year to year, and they compare
answers to a questionnaire with measurements. Where two clusters of the survey meet, the better one has the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import ge, gt, le, lt
from types import MappingProxyType

SOURCE = "DORA, Accelerate State of DevOps Report 2023, software delivery performance levels"
SOURCE_URL = "https://dora.dev/research/2023/dora-report/"

Holds = Callable[[float, float], bool]


class Band(StrEnum):
    """The clusters, the best first."""

    ELITE = "elite"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """A value belongs to the first band whose limit it keeps, else to the last band."""

    elite: tuple[Holds, float]
    high: tuple[Holds, float]
    medium: tuple[Holds, float]

    def band(self, value: float) -> Band:
        limits = ((Band.ELITE, self.elite), (Band.HIGH, self.high), (Band.MEDIUM, self.medium))
        return next((band for band, (holds, limit) in limits if holds(value, limit)), Band.LOW)


_HOUR, _DAY, _WEEK = 1.0, 24.0, 168.0
_MONTH = 365.25 / 12 * 24

#: More than once a day; from once a day to once a week; to once a month.
_FREQUENCY = _Limits(elite=(gt, 7.0), high=(ge, 1.0), medium=(ge, 7 * 24 / _MONTH))
#: Under a day; to a week; to a month. In hours.
_LEAD_TIME = _Limits(elite=(lt, _DAY), high=(le, _WEEK), medium=(le, _MONTH))
_FAILURE_RATE = _Limits(elite=(le, 5.0), high=(le, 10.0), medium=(le, 15.0))
#: Under an hour; under a day; to a week. In minutes.
_RECOVERY = _Limits(elite=(lt, 60 * _HOUR), high=(lt, 60 * _DAY), medium=(le, 60 * _WEEK))

_LIMITS: Mapping[str, _Limits] = MappingProxyType(
    {
        "deployment_frequency": _FREQUENCY,
        "lead_time_p50": _LEAD_TIME,
        "change_failure_rate": _FAILURE_RATE,
        "ttr_median": _RECOVERY,
        "failed_deployment_recovery_time": _RECOVERY,
    }
)


def band_of(metric: str, value: float | None) -> Band | None:
    """
    Return the band of a figure.

    Args:
        metric: by its name in the API.
        value: in the metric's unit; None without a sample.

    Returns:
        None without a value, and for metrics that the survey has no bands for, such as the deployment rework rate.
    """
    limits = _LIMITS.get(metric)
    return None if limits is None or value is None else limits.band(value)
