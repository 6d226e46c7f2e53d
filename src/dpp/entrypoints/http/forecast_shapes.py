"""Forecasts as the JSON that scripts rely on (§6.5.1)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from msgspec import Struct, structs

from dpp.application.forecast_answers import ByDate, DeliveryForecast, Imagined, Reason, SprintCut
from dpp.domain import calibration
from dpp.domain.forecast import PERCENTS, Bar, Forecast, Method
from dpp.entrypoints.http.kept_bodies import remembered
from dpp.entrypoints.http.shapes import Figure, Meta, RunningSprint, figure, sprint


class ThroughputWeek(Struct, frozen=True, kw_only=True):
    """What was completed in one past ISO week, named by its Monday."""

    week: date
    completed: int


class CompletionDate(Struct, frozen=True, kw_only=True):
    """The simulation runs that are done on a date, and by it."""

    date: date
    runs: int
    share_pct: float
    cumulative_pct: float


class Judgement(Struct, frozen=True, kw_only=True):
    """
    How often earlier forecasts held.

    A forecast of n items held at a percentage when at least n items were completed after it was made and by the end of
    the date that it gave for it. It is judged once that day is over; until then it is pending.
    """

    judged: int
    held: int
    held_pct: float | None
    pending: int


class Calibration(Struct, frozen=True, kw_only=True):
    """The forecasts of the last year, one for each day; in a good year about as many held as their percentage says."""

    p50: Judgement
    p70: Judgement
    p85: Judgement
    p95: Judgement


class ItemsByDate(Struct, frozen=True, kw_only=True):
    """How many items at least, by how sure that is in percent."""

    p50: int
    p70: int
    p85: int
    p95: int


class DoneByDate(Struct, frozen=True, kw_only=True):
    """
    What is done by a date.

    ``chance_pct`` is that of the whole scope; ``scope_cut`` the least that must go to do the rest with the confidence
    asked for, null when none was.
    """

    date: date
    items: ItemsByDate
    chance_pct: float
    scope_cut: int | None


class SprintScopeCut(Struct, frozen=True, kw_only=True):
    """The least number of items that must leave a sprint to finish the rest with the confidence asked for."""

    sprint: RunningSprint
    remaining: int
    scope_cut: int


class Outlook(Struct, frozen=True, kw_only=True):
    """When a scope is done; dates are null where the method gives none."""

    method: Method
    scope_item_count: int
    p50_completion_date: date | None
    p70_completion_date: date | None
    p85_completion_date: date | None
    p95_completion_date: date | None
    cut_pct: float
    estimated_weeks: float | None
    estimated_completion_date: date | None


class WhatIf(Outlook, frozen=True, kw_only=True):
    """
    The forecast of the changed scope, and what was asked beside it.

    ``completion_date`` is the one by which it is done with the ``confidence_pct`` asked for. ``by_date`` is null when
    no date was asked for or the history is too short, ``sprint`` when no confidence was or no sprint can be told about.
    """

    scope_change: int
    confidence_pct: float | None
    completion_date: date | None
    by_date: DoneByDate | None
    sprint: SprintScopeCut | None


class MonteCarloForecast(Figure, frozen=True, kw_only=True):
    """
    When the remaining work will be done; the value is the number of remaining items.

    The dates are the earliest by which so many percent of the runs are done. A run that is not done within ten years is
    cut: ``cut_pct`` says how many are, and a date ten years ahead then means "not before". A linear projection has an
    estimate and no dates, and ``low_confidence`` says so. ``seed`` and ``throughput`` are what it takes to make the
    same forecast again. ``calibration`` tells how earlier ones fared.
    """

    method: Method | None
    reason: Reason | None
    forecast_date: date | None
    scope_item_count: int | None
    throughput_samples: int
    throughput: list[ThroughputWeek]
    low_confidence: bool
    weeks_until_probabilistic: int | None
    p50_completion_date: date | None
    p70_completion_date: date | None
    p85_completion_date: date | None
    p95_completion_date: date | None
    estimated_weeks: float | None
    estimated_completion_date: date | None
    distribution: list[CompletionDate]
    cut_pct: float
    simulation_runs: int
    seed: str | None
    calibration: Calibration | None
    what_if: WhatIf | None


class ForecastData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/forecast``."""

    monte_carlo_forecast: MonteCarloForecast


class ForecastAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the forecast."""

    status: Literal["ok"]
    data: ForecastData
    meta: Meta


@remembered
def forecast(answer: DeliveryForecast) -> ForecastData:
    """Return the figures of ``GET /metrics/forecast``."""
    return ForecastData(
        monte_carlo_forecast=MonteCarloForecast(
            **structs.asdict(figure(answer.figure)),
            **_outlook(answer.forecast),
            **_making(answer.forecast),
            reason=answer.reason,
            throughput=_weeks(answer),
            calibration=_calibration(answer),
            what_if=None if answer.imagined is None else _what_if(answer.imagined),
        )
    )


def _outlook(made: Forecast | None) -> dict[str, Any]:
    """Return when a scope is done."""
    if made is None:
        dates: dict[str, Any] = {f"p{percent}_completion_date": None for percent in PERCENTS}
        nothing = {"method": None, "scope_item_count": None, "estimated_weeks": None, "estimated_completion_date": None}
        return dates | nothing | {"cut_pct": 0.0}
    return {
        "method": made.method,
        "scope_item_count": made.scope,
        **{f"p{percent}_completion_date": made.completion_date(percent) for percent in PERCENTS},
        "cut_pct": made.cut_pct,
        "estimated_weeks": made.estimated_weeks,
        "estimated_completion_date": made.estimated_date,
    }


def _making(made: Forecast | None) -> dict[str, Any]:
    """Return how a forecast was made, and all of its runs."""
    return {
        "forecast_date": None if made is None else made.made_on,
        "throughput_samples": 0 if made is None else len(made.sample),
        "low_confidence": made is not None and made.method is Method.LINEAR,
        "weeks_until_probabilistic": None if made is None else made.weeks_until_probabilistic,
        "distribution": [] if made is None else [_bar(bar) for bar in made.distribution],
        "simulation_runs": 0 if made is None else made.runs,
        # As text: a number of 63 bits is more than JavaScript keeps.
        "seed": None if made is None else str(made.seed),
    }


def _weeks(answer: DeliveryForecast) -> list[ThroughputWeek]:
    sample = () if answer.forecast is None else answer.forecast.sample
    return [ThroughputWeek(week=week, completed=items) for week, items in zip(answer.weeks, sample, strict=True)]


def _bar(bar: Bar) -> CompletionDate:
    return CompletionDate(
        date=bar.completion_date, runs=bar.runs, share_pct=bar.share_pct, cumulative_pct=bar.cumulative_pct
    )


def _calibration(answer: DeliveryForecast) -> Calibration | None:
    if answer.forecast is None:
        return None
    p50, p70, p85, p95 = (_judgement(answer.calibration[percent]) for percent in PERCENTS)
    return Calibration(p50=p50, p70=p70, p85=p85, p95=p95)


def _judgement(found: calibration.Calibration) -> Judgement:
    return Judgement(judged=found.judged, held=found.held, held_pct=found.held_pct, pending=found.pending)


def _what_if(imagined: Imagined) -> WhatIf:
    by_date, cut = imagined.by_date, imagined.sprint
    return WhatIf(
        **_outlook(imagined.forecast),
        scope_change=imagined.asked.scope_change,
        confidence_pct=imagined.asked.confidence_pct,
        completion_date=imagined.confident_date,
        by_date=None if by_date is None else _by_date(by_date),
        sprint=None if cut is None else _sprint_cut(cut),
    )


def _by_date(found: ByDate) -> DoneByDate:
    p50, p70, p85, p95 = (found.items[percent] for percent in PERCENTS)
    return DoneByDate(
        date=found.day,
        items=ItemsByDate(p50=p50, p70=p70, p85=p85, p95=p95),
        chance_pct=found.chance_pct,
        scope_cut=found.scope_cut,
    )


def _sprint_cut(found: SprintCut) -> SprintScopeCut:
    return SprintScopeCut(sprint=sprint(found.sprint), remaining=found.remaining, scope_cut=found.scope_cut)
