"""Questions and their answers: what is in progress, how long work takes, and where its time goes.

The API, the pages, exports and the cache all read these objects; there is no second way to a figure.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from dpp.application.answers import RATES, Answers, Asked, Trust
from dpp.application.cache import Keeping
from dpp.application.derivation import TOPICS
from dpp.application.gaps import Gaps
from dpp.application.readers import CycleRows, LabelRow, MetricsReader
from dpp.application.stale import StaleKind
from dpp.application.views import View, Window
from dpp.domain.bounds import count_bounds
from dpp.domain.catalogue import METRICS
from dpp.domain.figures import Figure, mean_figure
from dpp.domain.flow import ScatterPoint, cycle_times, is_queue, scatter
from dpp.domain.quality import MeasuredRate, QualityRate
from dpp.domain.wip import WipByStage, wip_by_stage

REALTIME_WINDOW_DAYS = 30
"""Real-time figures ignore the window that was asked for (§7.2) and use the configured rolling one, by default this."""

#: Figures about tickets are worked out from tickets alone.
NOT_ABOUT_TICKETS = frozenset(TOPICS.values()) - {TOPICS[StaleKind.TICKET]}

REALTIME = Keeping(ttl=timedelta(seconds=30), unmoved_by=NOT_ABOUT_TICKETS)
DIAGNOSTIC = Keeping(ttl=timedelta(minutes=15), unmoved_by=NOT_ABOUT_TICKETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Realtime:
    """§6.2 as of a moment."""

    asked: Asked
    wip: Figure
    stages: WipByStage
    cycle_times: Mapping[str, Figure]
    points: tuple[ScatterPoint, ...]
    unmeasured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTime:
    """Average time under one label, over the tickets that have been under it."""

    label: str
    average_days: float
    tickets: int
    is_queue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """§6.3 over a window."""

    asked: Asked
    flow_efficiency: Figure
    labels: tuple[LabelTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """§5.6 over everything known."""

    asked: Asked
    rates: Mapping[QualityRate, MeasuredRate]


class Queries:
    """Answers what pages and scripts ask.

    Args:
        reader: rows for figures.
        answers: keeps answers, or not.
        gaps: knows what may belong to a view and does not say so.
        pulse_rate: tells how many of the teams of a view answered the latest survey; without it, nobody knows.
    """

    def __init__(
        self,
        *,
        reader: MetricsReader,
        answers: Answers | None = None,
        gaps: Gaps | None = None,
        pulse_rate: Callable[[View], Awaitable[MeasuredRate]] | None = None,
    ) -> None:
        self._reader = reader
        self._pulse_rate = pulse_rate
        self._gaps = gaps or Gaps()
        self._answers = answers or Answers()
        self._trust = Trust(reader=reader, answers=self._answers)

    async def realtime(self, view: View, *, window_days: int = REALTIME_WINDOW_DAYS) -> Realtime:
        """Return the real-time figures of a view (§6.2.1, §6.2.3)."""
        return await self._answers.get(
            ("realtime", window_days),
            view=view,
            keeping=REALTIME,
            compute=lambda: self._realtime(view, window_days=window_days),
        )

    async def _realtime(self, view: View, *, window_days: int) -> Realtime:
        window = Window.back_from(view.as_of, days=window_days)
        stages = wip_by_stage(await self._reader.wip(view))
        cycles = await self._reader.cycles(view, window=window)
        marks = await self._trust.marks(view)
        wip = Figure(value=stages.total, unit=METRICS["wip_by_stage"].unit, sample_size=stages.total)
        wip = wip.within(count_bounds(stages.total, missing=await self._gaps.in_progress(view)))
        missing = (await self._gaps.cycles(view, window=window)).cycle_days
        times = cycle_times(cycles.cycle_days, missing=missing)
        return Realtime(
            asked=Asked.of(view, window_days=window_days),
            wip=marks.on(wip, "wip_by_stage"),
            stages=stages,
            cycle_times={name: marks.on(figure, name) for name, figure in times.items()},
            points=_points(cycles),
            unmeasured=_unmeasured(cycles),
        )

    async def diagnostic(self, view: View, *, window_days: int) -> Diagnostic:
        """Return the diagnostic figures of a view (§6.3.1)."""
        return await self._answers.get(
            ("diagnostic", window_days),
            view=view,
            keeping=DIAGNOSTIC,
            compute=lambda: self._diagnostic(view, window_days=window_days),
        )

    async def _diagnostic(self, view: View, *, window_days: int) -> Diagnostic:
        window = Window.back_from(view.as_of, days=window_days)
        cycles = await self._reader.cycle_values(view, window=window)
        # In order, so that who reads them in another one comes to the same mean.
        shares = np.sort(cycles.flow_efficiency_pct[~np.isnan(cycles.flow_efficiency_pct)])
        missing = (await self._gaps.cycles(view, window=window)).flow_efficiency_pct
        marks = await self._trust.marks(view)
        efficiency = mean_figure(shares, unit="percent", missing=missing)
        return Diagnostic(
            asked=Asked.of(view, window_days=window_days),
            flow_efficiency=marks.on(efficiency, "flow_efficiency"),
            labels=_labels(await self._reader.label_times(view, window=window)),
        )

    async def data_quality(self, view: View) -> DataQuality:
        """Return how complete the data of a view is (§5.6)."""
        return await self._answers.get(
            "data_quality", view=view, keeping=RATES, compute=lambda: self._data_quality(view)
        )

    async def _data_quality(self, view: View) -> DataQuality:
        rates = dict((await self._trust.marks(view)).rates)
        if self._pulse_rate is not None:
            rates[QualityRate.PULSE_RESPONSE] = await self._pulse_rate(view)
        return DataQuality(asked=Asked.of(view), rates=rates)


def _points(cycles: CycleRows) -> tuple[ScatterPoint, ...]:
    return scatter(ticket_ids=cycles.ticket_ids, completed_at=cycles.completed_at, cycle_days=cycles.cycle_days)


def _unmeasured(cycles: CycleRows) -> int:
    return int(np.isnan(cycles.cycle_days).sum())


def _labels(rows: Sequence[LabelRow]) -> tuple[LabelTime, ...]:
    return tuple(
        LabelTime(label=label, average_days=total / tickets, tickets=tickets, is_queue=is_queue(label))
        for label, tickets, total in rows
        if tickets
    )
