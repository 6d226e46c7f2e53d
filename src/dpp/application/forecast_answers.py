"""What is asked of forecasts, and what they answer (§6.2.2, §6.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dpp.application.answers import Asked
from dpp.application.forecasting_reader import Remaining, SprintSpan
from dpp.domain.calibration import Calibration
from dpp.domain.errors import InvalidInput
from dpp.domain.figures import Figure
from dpp.domain.forecast import Forecast

MAX_SCOPE_CHANGE = 1_000_000


class Reason(StrEnum):
    """Why there is no figure."""

    TECH_STREAM = "technology_stream"
    """Forecasts and sprint confidence exist for delivery streams only."""
    NO_STREAM = "no_delivery_stream"
    """Sprints belong to one delivery stream each: ask for one."""
    NO_SPRINT = "no_running_sprint"
    """No sprint of the stream, that has both of its dates, runs on this day."""
    NO_HISTORY = "no_history"
    """No closed sprint has a working day since the stream was first heard of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """
    What somebody wonders about.

    Attributes:
        scope_change: items that come in addition; negative for those that go.
        by_date: asks how many items will be done by the end of a day.
        confidence_pct: asks what it takes to be so sure, above 0 and at most 100.

    Raises:
        InvalidInput: a number lies outside its range.
    """

    scope_change: int = 0
    by_date: date | None = None
    confidence_pct: float | None = None

    def __post_init__(self) -> None:
        if abs(self.scope_change) > MAX_SCOPE_CHANGE:
            raise InvalidInput(f"scope_change must be within ±{MAX_SCOPE_CHANGE} items", field="scope_change")
        if self.confidence_pct is not None and not 0 < self.confidence_pct <= 100:
            raise InvalidInput("confidence must be above 0 and at most 100 percent", field="confidence")

    def __bool__(self) -> bool:
        """Whether anything is asked."""
        return self != WhatIf()


@dataclass(frozen=True, slots=True, kw_only=True)
class ByDate:
    """
    What is done by the end of a day.

    Attributes:
        day: the day.
        items: how many items at least, by how sure that is in percent.
        chance_pct: of doing the whole (changed) scope.
        scope_cut: how many of those items must go to do the rest as surely as was asked; None when it was not asked.
    """

    day: date
    items: Mapping[int, int]
    chance_pct: float
    scope_cut: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintCut:
    """The smallest number of items to leave out of a sprint to be as sure of the rest as was asked."""

    sprint: SprintSpan
    remaining: int
    scope_cut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Imagined:
    """
    What would be.

    Attributes:
        asked: what was wondered about.
        forecast: of the changed scope.
        confident_date: by when the changed scope is done as surely as was asked.
        by_date: None when no day was asked about, or the history is too short to tell chances.
        sprint: None when no confidence was asked for, or no sprint runs or can be told about.
    """

    asked: WhatIf
    forecast: Forecast
    confident_date: date | None
    by_date: ByDate | None
    sprint: SprintCut | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryForecast:
    """
    §6.5.1 as of a moment; ``forecast`` is None exactly when there is a ``reason``.

    Attributes:
        asked: what it is about.
        figure: its value is the scope, its sample the weeks.
        forecast: when the scope will be done.
        weeks: the Mondays of the sample.
        calibration: how often earlier forecasts held, by percentage.
        imagined: None when nothing was wondered about.
        reason: why there is none.
    """

    asked: Asked
    figure: Figure
    forecast: Forecast | None = None
    weeks: tuple[date, ...] = ()
    calibration: Mapping[int, Calibration]
    imagined: Imagined | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintConfidence:
    """
    §6.2.2 as of a moment.

    Attributes:
        asked: what it is about.
        figure: percent; its sample are the working days of the closed sprints.
        sprint: the running one; None when there is none.
        remaining: what it still holds.
        working_days_left: today counts while it is one.
        reason: why there is no value.
    """

    asked: Asked
    figure: Figure
    sprint: SprintSpan | None = None
    remaining: Remaining | None = None
    working_days_left: int | None = None
    reason: Reason | None = None
