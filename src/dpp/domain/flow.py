"""What finished work says about the flow: cycle times, and where the time went (§6.2.3, §6.3.1, decision 0008)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.calendar import from_micros
from dpp.domain.errors import InvalidInput
from dpp.domain.figures import NO_VALUES, Figure, mean, mean_figure, percentile_figures
from dpp.domain.positions import IS_ACTIVE, LABELS

CYCLE_TIME_PERCENTILES = (50, 85, 95)
_UNIT = "days"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterPoint:
    """A finished ticket: when it was done, and how many working days it took."""

    ticket_id: str
    completed_at: datetime
    cycle_time_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAverage:
    """
    The time that tickets have spent under a label.

    Attributes:
        average_days: mean in working days over the tickets that have been there, >= 0.
        sample_size: how many have been there, >= 1.
        is_queue: whether it is time of waiting.
    """

    label: str
    average_days: float
    sample_size: int
    is_queue: bool


def cycle_times(cycle_days: FloatArray, *, missing: FloatArray = NO_VALUES) -> dict[str, Figure]:
    """
    Return the percentiles of cycle time by the names of §6.2.3.

    Args:
        cycle_days: shape (n,), working days, >= 0; nan for tickets without a cycle time, which are left out.
        missing: shape (m,), the same of others that may be of the same stream.
    """
    known = cycle_days[~np.isnan(cycle_days)]
    figures = percentile_figures(known, ps=CYCLE_TIME_PERCENTILES, unit=_UNIT, missing=missing)
    return {f"cycle_time_p{p}": figure for p, figure in figures.items()}


def scatter(*, ticket_ids: Sequence[str], completed_at: IntArray, cycle_days: FloatArray) -> tuple[ScatterPoint, ...]:
    """
    Return a point for each ticket that has a cycle time, in the order of completion.

    Args:
        ticket_ids: n keys.
        completed_at: shape (n,), microseconds since 1970-01-01T00:00Z.
        cycle_days: shape (n,), working days, nan for tickets without a cycle time.
    """
    known = np.flatnonzero(~np.isnan(cycle_days)).tolist()
    points = (
        ScatterPoint(
            ticket_id=ticket_ids[row],
            completed_at=from_micros(int(completed_at[row])),
            cycle_time_days=float(cycle_days[row]),
        )
        for row in known
    )
    return tuple(sorted(points, key=lambda point: (point.completed_at, point.ticket_id)))


def flow_efficiency(*, active: FloatArray, cycle: FloatArray) -> float:
    """
    Return the mean over tickets of the share of cycle time spent in active statuses (§6.3.1).

    Every ticket counts alike, however long it took: it is the mean of the shares and not the share of the sums.

    Args:
        active: shape (n,), time >= 0 in any unit.
        cycle: shape (n,), time > 0 in the same unit, same order.

    Returns:
        Percent, 0 to 100.

    Raises:
        NotEnoughData: n is 0.
        InvalidInput: a cycle time is not positive; it has no share (decision 0008).
    """
    return mean(_shares(active=active, cycle=cycle))


def flow_efficiency_figure(*, active: FloatArray, cycle: FloatArray) -> Figure:
    """Return ``flow_efficiency`` over those of n tickets whose cycle time is known and not 0, in percent."""
    has_share = cycle > 0
    return mean_figure(_shares(active=active[has_share], cycle=cycle[has_share]), unit="percent")


def label_averages(*, codes: IntArray, days: FloatArray, labels: Sequence[str] = LABELS) -> Mapping[str, LabelAverage]:
    """
    Return for each label the mean time over the tickets that have been under it, in the order of ``labels``.

    Args:
        codes: shape (n,), position in ``labels``; one row for each ticket and label that it has been under.
        days: shape (n,), working days, >= 0, same order.
        labels: what the codes mean.

    Returns:
        Without the labels that no ticket has been under.
    """
    spent = {label: days[codes == code] for code, label in enumerate(labels)}
    return {
        label: LabelAverage(
            label=label,
            average_days=math.fsum(part.tolist()) / part.size,
            sample_size=int(part.size),
            is_queue=is_queue(label),
        )
        for label, part in spent.items()
        if part.size
    }


def is_queue(label: str) -> bool:
    """Tell whether time under a label is waiting; a label that is not known is none of work."""
    return label not in _WORKED


_WORKED = frozenset(label for label, active in zip(LABELS, IS_ACTIVE.tolist(), strict=True) if active)


def _shares(*, active: FloatArray, cycle: FloatArray) -> FloatArray:
    if not (cycle > 0).all():
        raise InvalidInput("a cycle time that is not positive has no active share", field="cycle")
    return active / cycle * 100
