"""How far what is of no stream could move the figures of a stream (decision 0026).

Only a view that asks for a stream and sees everything hears of it: what is of no stream is of nobody's, so that who
sees some streams alone is told nothing of it, not even a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dpp.application.evidence_reader import Among, EvidenceReader, UnplacedDeliveries, sees_unplaced
from dpp.application.readers import CycleValues
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.bounds import (
    Bounds,
    Missing,
    count_bounds,
    mean_bounds,
    percentile_bounds,
    rate_bounds,
)
from dpp.domain.defects import missing_defects
from dpp.domain.dora import (
    LEAD_TIME_PERCENTILES,
    Deployments,
    Restores,
    restored_minutes,
    successful_lead_times,
)
from dpp.domain.figures import NO_VALUES, Figure

_NO_DELIVERIES = UnplacedDeliveries(
    changes=0, releases=0, harmful=0, lead_time_hrs=NO_VALUES, restore_minutes=NO_VALUES
)
_NO_CYCLES = CycleValues(cycle_days=NO_VALUES, flow_efficiency_pct=NO_VALUES)


class Gaps:
    """Finds what may belong to a view.

    Args:
        reader: names things of no stream; without it nothing is known to be missing.
    """

    def __init__(self, *, reader: EvidenceReader | None = None) -> None:
        self._reader = reader

    async def in_progress(self, view: View) -> int:
        """Return how many tickets in progress may be of the view."""
        reader = self._telling(view)
        return await reader.unplaced_in_progress(view) if reader else 0

    async def cycles(self, view: View, *, window: Window) -> CycleValues:
        """Return what was measured, where it was, of completed tickets that may be of the view."""
        reader = self._telling(view)
        found = await reader.unplaced_cycles(view, window=window) if reader else _NO_CYCLES
        return CycleValues(cycle_days=_known(found.cycle_days), flow_efficiency_pct=_known(found.flow_efficiency_pct))

    async def review_hours(self, view: View, *, window: Window) -> FloatArray:
        """Return the hours to the first review of pull requests that may be of the view."""
        reader = self._telling(view)
        return await reader.review_hours(view, window=window, among=Among.UNPLACED) if reader else NO_VALUES

    async def defects(self, view: View, *, window: Window) -> Missing:
        """Return the defects that may be of the view."""
        reader = self._telling(view)
        return missing_defects(await reader.unplaced_defects(view, window=window) if reader else ())

    async def deliveries(self, view: View, *, window: Window) -> MissingDeliveries:
        """Return the deployments and incidents that may be of the view."""
        reader = self._telling(view)
        if reader is None:
            return MissingDeliveries(unplaced=_NO_DELIVERIES)
        return MissingDeliveries(unplaced=await reader.unplaced_deliveries(view, window=window))

    def _telling(self, view: View) -> EvidenceReader | None:
        return self._reader if sees_unplaced(view) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingDeliveries:
    """Deployments and incidents that may be of a stream."""

    unplaced: UnplacedDeliveries

    def bounds(
        self, figures: Mapping[str, Figure], history: Deployments, restores: Restores, *, moment: int, days: int
    ) -> Mapping[str, Bounds | None]:
        """
        Return how far they could move the figures of §6.4, by the names of the metrics.

        Args:
            figures: the figures without them.
            history: the deployments that those were taken from.
            restores: likewise.
            moment: as of which, microseconds since 1970-01-01T00:00Z.
            days: that are looked back from it.
        """
        unplaced, hours = self.unplaced, self.unplaced.lead_time_hrs
        failed = figures["change_failure_rate"]
        frequency = figures["deployment_frequency"].value or 0.0
        minutes = restored_minutes(restores, moment=moment, days=days)
        lead_times = successful_lead_times(history, moment=moment, days=days)
        return {
            "deployment_frequency": count_bounds(frequency, missing=unplaced.releases, each=7 / days),
            "change_failure_rate": rate_bounds(
                hits=round((failed.value or 0.0) * failed.sample_size / 100),
                total=failed.sample_size,
                missing=Missing(hits=unplaced.harmful, misses=unplaced.changes - unplaced.harmful),
            ),
            "ttr_median": percentile_bounds(minutes, unplaced.restore_minutes, p=50),
            "ttr_mean": mean_bounds(minutes, unplaced.restore_minutes),
            **{f"lead_time_p{p}": percentile_bounds(lead_times, hours, p=p) for p in LEAD_TIME_PERCENTILES},
        }


def _known(values: FloatArray) -> FloatArray:
    found: FloatArray = values[~np.isnan(values)]
    return found
