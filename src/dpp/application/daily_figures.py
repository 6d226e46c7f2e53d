"""The figures of many days of a stream in one reading (§6.1, decision 0025).

A day's figures are as of its end, today's as of now, over the trailing ``FREQUENCY_DAYS`` or ``TREND_DAYS``: what the
queries answer as of that moment over so many days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from dpp.application.delivery_reader import DeliveryReader
from dpp.application.measure_reader import MeasureReader
from dpp.application.measures import DayFigure, StreamKey
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.arrays import IntArray
from dpp.domain.by_day import count_by_day, mean_by_day, percentiles_by_day, share_by_day
from dpp.domain.calendar import from_micros
from dpp.domain.catalogue import METRICS
from dpp.domain.dora import (
    FREQUENCY_DAYS,
    TREND_DAYS,
    change_failure_rate,
    deployment_frequency,
    lead_time,
    time_to_restore,
)
from dpp.domain.flow import CYCLE_TIME_PERCENTILES
from dpp.domain.metric import Dimension
from dpp.domain.moments import Measured
from dpp.domain.reviews import TURNAROUND_PERCENTILES

MEASURED = (
    *("wip_by_stage", "cycle_time_p50", "cycle_time_p85", "cycle_time_p95", "flow_efficiency"),
    *("defect_escape_rate", "review_turnaround_p50", "review_turnaround_p85"),
    *("deployment_frequency", "change_failure_rate", "ttr_median", "ttr_mean", "lead_time_p50", "lead_time_p85"),
)
"""The metrics that have a number for each day of a stream; of work in progress it is the total.

The others are no such number (a scatter, a severity, dates), are stored elsewhere (forecasts, the pulse), hold for the
hour in which they were drawn (the confidence in a sprint), or must not be told by day (who reviews, decision 0022).
"""

DAYS_AT_ONCE = 366
"""More days are read a year at a time, so that no reading grows without bound."""

_LOOK_BACK = timedelta(days=max(FREQUENCY_DAYS, TREND_DAYS))


class DailyFigures:
    """Takes figures of days.

    Args:
        reader: tickets, defects and reviews over time.
        deliveries: deployments and incidents.
    """

    def __init__(self, *, reader: MeasureReader, deliveries: DeliveryReader) -> None:
        self._reader = reader
        self._deliveries = deliveries

    async def take(self, stream: StreamKey, *, days: Sequence[date], moments: IntArray) -> list[DayFigure]:
        """
        Return the figures of some days that have a value.

        Args:
            stream: whose.
            days: k of them, at least one.
            moments: shape (k,), in order: the moment as of which each day is measured, microseconds since
                1970-01-01T00:00Z.
        """
        figures: list[DayFigure] = []
        for first in range(0, len(days), DAYS_AT_ONCE):
            some = slice(first, first + DAYS_AT_ONCE)
            work = await self._of_work(stream, moments[some])
            found = {**work, **await self._of_deliveries(stream, moments[some])}
            figures += (figure for name in MEASURED for figure in _figures(name, found[name], days[some]))
        return figures

    async def _of_work(self, stream: StreamKey, moments: IntArray) -> Mapping[str, Measured]:
        """Return what tickets, defects and reviews tell."""
        reader, shown, span = self._reader, _span(moments), _span(moments, back=_LOOK_BACK)
        cycles = await reader.cycles(stream, span=span)
        reviews = await reader.reviews(stream, span=span)
        defects = await reader.defects(stream, span=span, days=TREND_DAYS)
        times = percentiles_by_day(cycles.cycle_days, moments=moments, days=TREND_DAYS, ps=CYCLE_TIME_PERCENTILES)
        waits = percentiles_by_day(reviews, moments=moments, days=TREND_DAYS, ps=TURNAROUND_PERCENTILES)
        return {
            "wip_by_stage": count_by_day(await reader.wip(stream, span=shown), moments=moments),
            **{f"cycle_time_p{p}": found for p, found in times.items()},
            "flow_efficiency": mean_by_day(cycles.flow_efficiency_pct, moments=moments, days=TREND_DAYS),
            "defect_escape_rate": share_by_day(defects.counted, marked=defects.escaped, moments=moments),
            **{f"review_turnaround_p{p}": found for p, found in waits.items()},
        }

    async def _of_deliveries(self, stream: StreamKey, moments: IntArray) -> Mapping[str, Measured]:
        """Return what deployments and incidents tell, part by part where they change streams in between."""
        turns = np.zeros(0, dtype=np.int64)
        if stream.dimension is Dimension.DELIVERY:
            turns = await self._reader.turns(stream, span=_span(moments, back=_LOOK_BACK))
        begins = np.unique(np.append(np.searchsorted(moments, turns), 0))
        parts = np.split(moments, begins[(begins > 0) & (begins < moments.size)])
        return _joined([await self._of_part(stream, part) for part in parts])

    async def _of_part(self, stream: StreamKey, moments: IntArray) -> Mapping[str, Measured]:
        span = _span(moments, back=_LOOK_BACK)
        view = _view(stream, span)
        history = await self._deliveries.deployments(view, since=span.start)
        restores = await self._deliveries.restores(view, since=span.start)
        deployments = history.deployments
        restoring = time_to_restore(restores, moments=moments, days=TREND_DAYS)
        leading = lead_time(deployments, moments=moments, days=TREND_DAYS)
        return {
            "deployment_frequency": deployment_frequency(deployments, moments=moments, days=FREQUENCY_DAYS),
            "change_failure_rate": change_failure_rate(deployments, history.blames, moments=moments, days=TREND_DAYS),
            "ttr_median": restoring.median,
            "ttr_mean": restoring.mean,
            **{f"lead_time_p{p}": found for p, found in leading.items()},
        }


def _span(moments: IntArray, *, back: timedelta = timedelta(0)) -> Window:
    return Window(start=from_micros(int(moments[0])) - back, end=from_micros(int(moments[-1])))


def _view(stream: StreamKey, span: Window) -> View:
    """Return all of the stream, whoever asks: figures are stored for whoever may see the stream."""
    is_delivery = stream.dimension is Dimension.DELIVERY
    return View(
        scope=StreamScope.everything(),
        as_of=span.end,
        delivery_stream_id=stream.stream_id if is_delivery else None,
        tech_stream_id=None if is_delivery else stream.stream_id,
    )


def _joined(parts: Sequence[Mapping[str, Measured]]) -> Mapping[str, Measured]:
    return {
        name: Measured(
            values=np.concatenate([part[name].values for part in parts]),
            sample_sizes=np.concatenate([part[name].sample_sizes for part in parts]),
        )
        for name in parts[0]
    }


def _figures(name: str, found: Measured, days: Sequence[date]) -> Iterator[DayFigure]:
    metric = METRICS[name]
    for day, value, size in zip(days, found.values.tolist(), found.sample_sizes.tolist(), strict=True):
        # nan equals nothing, not even itself.
        if value == value:  # noqa: PLR0124
            yield DayFigure(day, name, metric.percentile, value, metric.unit.value, size)
