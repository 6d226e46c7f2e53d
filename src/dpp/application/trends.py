"""How often, how fast and how safely changes reach users: the DORA metrics and what lies beside them (§6.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from dpp.application.answers import Answers, Asked, Marks, Trust
from dpp.application.cache import Keeping
from dpp.application.calendars import Calendars
from dpp.application.delivery_reader import DeliveryReader, DeploymentHistory
from dpp.application.derivation import TOPICS
from dpp.application.gaps import Gaps
from dpp.application.readers import MetricsReader
from dpp.application.stale import StaleKind
from dpp.application.views import View, Window
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.catalogue import METRICS
from dpp.domain.change_failures import FailureBounds, Recovery, failure_bounds, recovery_time, rework_rate
from dpp.domain.change_lead_times import Part, Percentiles, Waiting, part_percentiles, waiting
from dpp.domain.configuration import Configuration
from dpp.domain.dora import (
    FREQUENCY_DAYS,
    TREND_DAYS,
    Restores,
    change_failure_rate,
    deployment_frequency,
    lead_time,
    time_to_restore,
)
from dpp.domain.figures import Figure
from dpp.domain.moments import Measured, day_ends

#: Pull requests matter once they are changes on their way to users.
KEPT = Keeping(ttl=timedelta(minutes=5), unmoved_by=frozenset({TOPICS[StaleKind.PULL_REQUEST]}))

#: The first point of a series looks back from a day that began up to a day before the window.
_LOOK_BACK_DAYS = max(FREQUENCY_DAYS, TREND_DAYS) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A day of a series, as of its end."""

    day: date
    value: float | None
    sample_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A figure over the whole window, and day by day over a trailing one."""

    figure: Figure
    series: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTrends:
    """
    §6.4 over a window.

    Attributes:
        trends: by the names of the metrics.
        failure_bounds: between what the change failure rate lies.
        rework: deployments made to mend, in percent.
        recovery: how long users suffered from failed deployments.
        lead_times: of the changes that were deployed in the window, part by part.
        waiting: changes that are merged and not deployed as of the view's moment.
    """

    asked: Asked
    trends: Mapping[str, Trend]
    failure_bounds: FailureBounds
    rework: Figure
    recovery: Recovery
    lead_times: Mapping[Part, Percentiles]
    waiting: Waiting


class Trends:
    """Answers what is asked of deliveries.

    Args:
        reader: deployments, incidents and changes.
        metrics: rows for the rates of §5.6.
        calendars: where a series' days begin and end.
        answers: keeps answers, or not.
        gaps: knows what may belong to a view and does not say so.
    """

    def __init__(
        self,
        *,
        reader: DeliveryReader,
        metrics: MetricsReader,
        calendars: Calendars,
        answers: Answers | None = None,
        gaps: Gaps | None = None,
    ) -> None:
        self._reader = reader
        self._gaps = gaps or Gaps()
        self._calendars = calendars
        self._answers = answers or Answers()
        self._trust = Trust(reader=metrics, answers=self._answers)

    async def trends(self, view: View, *, window_days: int, configuration: Configuration) -> DeliveryTrends:
        """Return the figures of a view.

        Args:
            view: which things count.
            window_days: days to look back from the view's moment, and points of each series.
            configuration: has the calendar by which days begin and end.

        Raises:
            InvalidInput: the window is too short or too long.
        """
        return await self._answers.get(
            ("trends", window_days, configuration.version),
            view=view,
            keeping=KEPT,
            compute=lambda: self._measure(view, window_days=window_days, configuration=configuration),
        )

    async def _measure(self, view: View, *, window_days: int, configuration: Configuration) -> DeliveryTrends:
        moment, window = to_micros(view.as_of), Window.back_from(view.as_of, days=window_days)
        calendar = self._calendars.of(configuration.platform.calendar)
        days, moments = day_ends(calendar, now=moment, days=window_days)
        since = window.start - timedelta(days=_LOOK_BACK_DAYS)
        history = await self._reader.deployments(view, since=since)
        restores = await self._reader.restores(view, since=since)
        hours = await self._reader.change_hours(view, window=window)
        merged = await self._reader.waiting_since(view)
        marks = await self._trust.marks(view)
        now = np.array([moment], dtype=np.int64)
        measured = _measured(history, restores, moments=now, days=window_days)
        figures = {name: _figure(name, found) for name, found in measured.items()}
        missing = await self._gaps.deliveries(view, window=window)
        bounds = missing.bounds(figures, history.deployments, restores, moment=moment, days=window_days)
        series = _measured(history, restores, moments=moments)
        deployments, blames = history.deployments, history.blames
        recovery = recovery_time(deployments, blames, moment=moment, days=window_days)
        return DeliveryTrends(
            asked=Asked.of(view, window_days=window_days),
            trends={
                name: _trend(name, figure.within(bounds[name]), days, series[name], marks)
                for name, figure in figures.items()
            },
            failure_bounds=failure_bounds(deployments, blames, moment=moment, days=window_days),
            rework=_failures(rework_rate(deployments, blames, moment=moment, days=window_days), marks),
            recovery=replace(recovery, median=_failures(recovery.median, marks)),
            lead_times={part: _lead_times(found, marks) for part, found in part_percentiles(hours).items()},
            waiting=_waiting(merged, moment, marks),
        )


def _measured(
    history: DeploymentHistory, restores: Restores, *, moments: IntArray, days: int | None = None
) -> dict[str, Measured]:
    """Return each metric at some moments; without ``days`` over the trailing days of its series."""
    deployments, trend_days = history.deployments, days or TREND_DAYS
    restoring = time_to_restore(restores, moments=moments, days=trend_days)
    leading = lead_time(deployments, moments=moments, days=trend_days)
    return {
        "deployment_frequency": deployment_frequency(deployments, moments=moments, days=days or FREQUENCY_DAYS),
        "change_failure_rate": change_failure_rate(deployments, history.blames, moments=moments, days=trend_days),
        "ttr_median": restoring.median,
        "ttr_mean": restoring.mean,
        **{f"lead_time_p{p}": found for p, found in leading.items()},
    }


def _figure(name: str, found: Measured) -> Figure:
    return Figure(value=found.value(), unit=METRICS[name].unit, sample_size=int(found.sample_sizes[-1]))


def _trend(name: str, figure: Figure, days: Sequence[date], series: Measured, marks: Marks) -> Trend:
    points = tuple(
        Point(day=day, value=value, sample_size=size) for day, (value, size) in zip(days, series.points(), strict=True)
    )
    return Trend(figure=marks.on(figure, name), series=points)


def _failures(figure: Figure, marks: Marks) -> Figure:
    """Mark a figure that is in no catalogue and rests on what the change failure rate rests on."""
    return marks.on(figure, "change_failure_rate")


def _lead_times(found: Percentiles, marks: Marks) -> Percentiles:
    return Percentiles(p50=marks.on(found.p50, "lead_time_p50"), p85=marks.on(found.p85, "lead_time_p85"))


def _waiting(merged: IntArray, moment: int, marks: Marks) -> Waiting:
    found = waiting(merged, moment=moment)
    return replace(found, count=marks.on(found.count, "lead_time_p50"), age=_lead_times(found.age, marks))
