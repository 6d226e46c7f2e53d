"""What is known, and what is only likely, of deployments that did harm; how long that lasted, and what mending took.

Beyond the four metrics of §6.4: the change failure rate between what a person has confirmed and what it could be at
most, the failed deployment recovery time, and the deployment rework rate (decision 0024).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpp.domain.arrays import BoolArray, FloatArray, IntArray
from dpp.domain.dora import HELD_RESPONSIBLE, Blames, Deployments, change_failure_rate
from dpp.domain.figures import Figure, percentile_figures
from dpp.domain.incidents import Standing
from dpp.domain.metric import Unit
from dpp.domain.moments import MICROS_PER_DAY

NOT_REJECTED = frozenset(Standing) - {Standing.REJECTED}

MENDING_DAYS = 7
"""An incident is taken to be worked on for so long at most: else all that follows one that nobody ends was rework."""

RECOVERY_DEFINITION = (
    "From the end of a deployment to production that failed its users until they were well again: until the last of "
    "the incidents that it is blamed for had ended, or, without an incident, until it was rolled back. The median over "
    "the failed deployments of the window that were recovered from; those that were not are counted beside it."
)
REWORK_DEFINITION = (
    "Deployments to production, successful or not, that began while an incident was open that is blamed on an earlier "
    "deployment of the same repository, in percent of all deployments to production; configuration-only ones are left "
    f"out. An incident is taken to be open for {MENDING_DAYS} days at most."
)

_MICROS_PER_MINUTE = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureBounds:
    """
    Between what the change failure rate lies, percent; None where nothing was deployed.

    Attributes:
        confirmed_pct: of deployments that were rolled back, or whose blame a person has confirmed.
        at_most_pct: of those that were rolled back, or that any incident might be blamed on and nobody has cleared.
    """

    confirmed_pct: float | None
    at_most_pct: float | None


def failure_bounds(deployments: Deployments, blames: Blames, *, moment: int, days: float) -> FailureBounds:
    """Return the bounds of ``change_failure_rate`` as of a moment, in microseconds; the rate lies between them."""
    moments = np.array([moment], dtype=np.int64)
    low, high = (
        change_failure_rate(deployments, blames, moments=moments, days=days, standings=standings).value()
        for standings in ({Standing.CONFIRMED}, NOT_REJECTED)
    )
    return FailureBounds(confirmed_pct=low, at_most_pct=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """
    How long users suffered from failed deployments.

    Attributes:
        median: minutes by the clock, over the failed deployments that were recovered from.
        unrecovered: how many were not, as of the moment.
    """

    median: Figure
    unrecovered: int


def recovery_time(deployments: Deployments, blames: Blames, *, moment: int, days: float) -> Recovery:
    """
    Return the failed deployment recovery time; ``RECOVERY_DEFINITION`` says what it is.

    Args:
        deployments: to production.
        blames: with the ends of incidents as they were known at the moment.
        moment: as of which, microseconds since 1970-01-01T00:00Z.
        days: calendar days that are looked back from it, > 0.
    """
    guilty = np.flatnonzero(_responsible(blames, moment) & (blames.deployment >= 0))
    blamed = blames.deployment[guilty]
    has_incident = np.zeros(deployments.deployed_at.size, dtype=np.bool_)
    has_incident[blamed] = True
    ended_at = np.zeros(deployments.deployed_at.size, dtype=np.int64)
    np.maximum.at(ended_at, blamed, blames.ended_at[guilty])
    recovered_at = np.where(has_incident, ended_at, deployments.rolled_back_at)
    is_undone = deployments.rolled_back_at <= moment
    failed = np.flatnonzero(_counted(deployments, moment, days) & (has_incident | is_undone))
    is_over = recovered_at[failed] <= moment
    over = failed[is_over]
    minutes: FloatArray = (recovered_at[over] - deployments.deployed_at[over]) / _MICROS_PER_MINUTE
    return Recovery(
        median=percentile_figures(minutes, ps=(50,), unit=Unit.MINUTES)[50], unrecovered=int((~is_over).sum())
    )


def rework_rate(deployments: Deployments, blames: Blames, *, moment: int, days: float) -> Figure:
    """
    Return the deployment rework rate, in percent; ``REWORK_DEFINITION`` says what it is.

    Args:
        deployments: to production.
        blames: on any deployment of their repositories, those that are not among ``deployments`` included, with the
            ends of incidents as they were known at the moment.
        moment: as of which, microseconds since 1970-01-01T00:00Z.
        days: calendar days that are looked back from it, > 0.
    """
    counted = np.flatnonzero(_counted(deployments, moment, days))
    mends = _mending(deployments.repository[counted], deployments.started_at[counted], blames, moment)
    total = int(counted.size)
    value = 100.0 * int(mends.sum()) / total if total else None
    return Figure(value=value, unit=Unit.PERCENT, sample_size=total)


def _responsible(blames: Blames, moment: int) -> BoolArray:
    return blames.of_standing(HELD_RESPONSIBLE) & (blames.valid_from <= moment) & (moment < blames.valid_to)


def _counted(deployments: Deployments, moment: int, days: float) -> BoolArray:
    since = moment - int(days * MICROS_PER_DAY)
    is_inside = (since <= deployments.deployed_at) & (deployments.deployed_at < moment)
    return is_inside & ~deployments.is_config_only


def _mending(repository: IntArray, started_at: IntArray, blames: Blames, moment: int) -> BoolArray:
    """Return which deployments began while an incident was open on an earlier one of their repository; shape (n,)."""
    open_ones = np.flatnonzero(_responsible(blames, moment) & (blames.repository >= 0))
    began, ended = blames.began_at[open_ones], blames.ended_at[open_ones]
    ended = np.minimum(ended, began + MENDING_DAYS * MICROS_PER_DAY)
    by_time = np.argsort(started_at, kind="stable")
    times, stretch = started_at[by_time], started_at.size + 1
    # Places in time instead of times, so that repository and time fit into one number and sort together.
    places = np.empty(times.size, dtype=np.int64)
    places[by_time] = np.arange(times.size)
    keys = repository * stretch + places
    # No two keys are equal: any way of sorting gives this order.
    order = np.argsort(keys)
    keys, base = keys[order], blames.repository[open_ones] * stretch
    first, last = (np.searchsorted(keys, base + np.searchsorted(times, at)) for at in (began, ended))
    covered = np.cumsum(np.bincount(first, minlength=stretch) - np.bincount(last, minlength=stretch))[: times.size]
    mends = np.zeros(times.size, dtype=np.bool_)
    mends[order] = covered > 0
    return mends
