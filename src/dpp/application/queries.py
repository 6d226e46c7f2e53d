"""Questions and their answers: the one place where scope, confidence and small-team rules are applied.

The API, the pages, exports and the cache all read these objects; there is no second way to a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import numpy as np

from dpp.application.readers import CycleRows, LabelRow, MetricsReader, Share
from dpp.application.views import View, Window
from dpp.domain.catalogue import METRICS
from dpp.domain.figures import Figure, mean_figure
from dpp.domain.flow import ScatterPoint, cycle_times, is_queue, scatter
from dpp.domain.quality import Confidence, MeasuredRate, QualityRate, confidence, measure_rate
from dpp.domain.wip import WipByStage, wip_by_stage

REALTIME_WINDOW_DAYS = 30
"""Real-time figures ignore the window that was asked for (§7.2) and use the configured rolling one, by default this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an answer is about, for its envelope (§7.3.3).

    ``is_live`` says that ``as_of`` was the present, so that it is also when the answer was worked out.
    """

    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None
    window_days: int
    as_of: datetime
    is_live: bool = False


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
    """Answers what pages and scripts ask."""

    def __init__(self, *, reader: MetricsReader) -> None:
        self._reader = reader

    async def realtime(self, view: View, *, window_days: int = REALTIME_WINDOW_DAYS) -> Realtime:
        """Return the real-time figures of a view (§6.2.1, §6.2.3)."""
        window = Window.back_from(view.as_of, days=window_days)
        stages = wip_by_stage(await self._reader.wip(view))
        cycles = await self._reader.cycles(view, window=window)
        trust = await self._trust(view)
        wip = Figure(value=stages.total, unit=METRICS["wip_by_stage"].unit, sample_size=stages.total)
        return Realtime(
            asked=_asked(view, window_days=window_days),
            wip=_marked(wip, "wip_by_stage", trust),
            stages=stages,
            cycle_times={name: _marked(figure, name, trust) for name, figure in cycle_times(cycles.cycle_days).items()},
            points=_points(cycles),
            unmeasured=_unmeasured(cycles),
        )

    async def diagnostic(self, view: View, *, window_days: int) -> Diagnostic:
        """Return the diagnostic figures of a view (§6.3.1)."""
        window = Window.back_from(view.as_of, days=window_days)
        cycles = await self._reader.cycles(view, window=window)
        shares = cycles.flow_efficiency_pct[~np.isnan(cycles.flow_efficiency_pct)]
        trust = await self._trust(view)
        return Diagnostic(
            asked=_asked(view, window_days=window_days),
            flow_efficiency=_marked(mean_figure(shares, unit="percent"), "flow_efficiency", trust),
            labels=_labels(await self._reader.label_times(view, window=window)),
        )

    async def data_quality(self, view: View) -> DataQuality:
        """Return how complete the data of a view is (§5.6)."""
        return DataQuality(asked=_asked(view, window_days=0), rates=await self._trust(view))

    async def _trust(self, view: View) -> Mapping[QualityRate, MeasuredRate]:
        shares = await self._reader.quality(view)
        return {
            rate: measure_rate(rate, complete=share.complete, total=share.total)
            for rate in QualityRate
            for share in (shares.get(rate, Share(0, 0)),)
        }


def _asked(view: View, *, window_days: int) -> Asked:
    return Asked(
        delivery_stream_id=view.delivery_stream_id,
        tech_stream_id=view.tech_stream_id,
        window_days=window_days,
        as_of=view.as_of,
        is_live=view.is_live,
    )


def _marked(figure: Figure, metric: str, trust: Mapping[QualityRate, MeasuredRate]) -> Figure:
    """Mark a figure with how far it can be trusted, as the catalogue says what it rests on."""
    marks: Confidence = confidence(METRICS[metric].affected_by, measured=trust)
    return replace(figure, confidence=marks)


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
