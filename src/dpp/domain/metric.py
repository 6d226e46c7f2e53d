"""The words in which a metric is declared; the metrics themselves are in ``catalogue``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dpp.domain.explanations import Explanation
from dpp.domain.quality import QualityRate


class Zone(StrEnum):
    """Where a metric is shown, by the endpoint of §7.3.2 that answers for it."""

    REAL_TIME = "realtime"
    DIAGNOSTIC = "diagnostic"
    TREND = "trends"
    FORECAST = "forecast"
    HEALTH = "pulse"
    CROSS_STREAM = "cross-stream"


class Framework(StrEnum):
    """The school of measuring that a metric comes from."""

    DORA = "DORA"
    DORA_PROXY = "DORA (Lead Time proxy)"
    SPACE_EFFICIENCY = "SPACE (Efficiency)"
    SPACE_PERFORMANCE = "SPACE (Performance)"
    SPACE_COMMUNICATION = "SPACE (Communication)"
    SPACE_SATISFACTION = "SPACE (Satisfaction)"
    OKR = "OKR (Predictability)"


class Unit(StrEnum):
    """What one of a figure is one of."""

    COUNT = "count"
    DAYS = "days"
    """Working days of the stream's calendar."""
    HOURS = "hours"
    """By the clock."""
    MINUTES = "minutes"
    PERCENT = "percent"
    PER_WEEK = "per_week"
    SCORE = "score"
    """Of a survey, 1 to 5."""
    SEVERITY = "severity"


class Cadence(StrEnum):
    """When a metric is worked out anew."""

    ON_EVENT = "on_event"
    TWO_HOURLY = "two_hourly"
    HOURLY = "hourly"
    DAILY = "daily"
    MONTHLY = "monthly"


class Dimension(StrEnum):
    """The kind of stream that a metric exists for."""

    DELIVERY = "delivery"
    TECH = "tech"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """
    What a metric is.

    Attributes:
        name: its key in the API and in stored rows.
        title: for people.
        unit: of its value.
        zone: where it is shown.
        framework: where it comes from.
        question: what it answers.
        action: what somebody does differently because of it.
        cadence: when it is worked out anew.
        inputs: the tables that it is taken from.
        affected_by: the data-quality rates that reduce the confidence in it (§5.6).
        dimensions: the streams that it exists for.
        percentile: which one it is of its distribution, percent; None if it is none.
        section: of the specification.
        explanation: what it means, in words.
    """

    name: str
    title: str
    unit: Unit
    zone: Zone
    framework: Framework
    question: str
    action: str
    cadence: Cadence
    inputs: tuple[str, ...]
    affected_by: tuple[QualityRate, ...]
    dimensions: frozenset[Dimension]
    section: str
    explanation: Explanation
    percentile: int | None = None
