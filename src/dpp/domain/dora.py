"""The DORA metrics over a trailing window, as of one moment or of many (§6.4, decision 0024).

As of a moment only what had happened counts: a deployment that was taken back later was still a success, and an
incident that came later had not been caused yet. One function serves a single figure and a series of a thousand days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dpp.domain.arrays import BoolArray, FloatArray, IntArray
from dpp.domain.by_moment import means_at, percentiles_at
from dpp.domain.errors import InvalidInput
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing
from dpp.domain.moments import (
    MICROS_PER_DAY,
    Measured,
    Spans,
    checked,
    count_trailing,
    counts,
    holding,
    trailing,
    united,
)

FREQUENCY_DAYS = 28
"""Trailing days of a point of the deployment frequency's trend (§6.4.1)."""
TREND_DAYS = 30
"""The same for every other metric."""
LEAD_TIME_PERCENTILES = (50, 85)

STANDINGS = tuple(Standing)
"""What the codes of ``Blames.standing`` mean."""
HELD_RESPONSIBLE = frozenset({Standing.BLAMED, Standing.CONFIRMED})
"""The standings of a deployment that counts as the cause of an incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """
    Deployments to production that ended, n of them in the order of their end.

    Instants are microseconds since 1970-01-01T00:00Z.

    Attributes:
        started_at: shape (n,).
        deployed_at: shape (n,), when each ended, well or not; in order.
        has_succeeded: shape (n,), whether it reached production, taken back later or not.
        is_config_only: shape (n,), whether it changed configuration alone.
        rolled_back_at: shape (n,), ``FOREVER`` for those that never were.
        lead_time_hrs: shape (n,), hours by the clock, nan without one.
        repository: shape (n,), a code, equal for deployments of one repository; -1 without one.

    Raises:
        InvalidInput: the columns differ in length, or the deployments are not in order.
    """

    started_at: IntArray
    deployed_at: IntArray
    has_succeeded: BoolArray
    is_config_only: BoolArray
    rolled_back_at: IntArray
    lead_time_hrs: FloatArray
    repository: IntArray

    def __post_init__(self) -> None:
        columns = (
            *(self.started_at, self.has_succeeded, self.is_config_only),
            *(self.rolled_back_at, self.lead_time_hrs, self.repository),
        )
        if any(column.shape != self.deployed_at.shape for column in columns):
            raise InvalidInput("the columns of deployments differ in length")
        if (np.diff(self.deployed_at) < 0).any():
            raise InvalidInput("deployments must be in the order of their end", field="deployed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blames:
    """
    Deployments that may have caused incidents, m pairs in any order.

    Attributes:
        deployment: shape (m,), position in the deployments at hand; -1 for one that is not among them.
        repository: shape (m,), of the deployment; codes as in ``Deployments``, -1 without one.
        standing: shape (m,), position in ``STANDINGS``: what was thought of the pair …
        valid_from: shape (m,), … from then …
        valid_to: shape (m,), … until before then; ``FOREVER`` for what is still thought.
        began_at: shape (m,), when the incident began.
        ended_at: shape (m,), when it ended; ``FOREVER`` while it goes on.
    """

    deployment: IntArray
    repository: IntArray
    standing: IntArray
    valid_from: IntArray
    valid_to: IntArray
    began_at: IntArray
    ended_at: IntArray

    def of_standing(self, standings: Iterable[Standing]) -> BoolArray:
        """Return which pairs have one of these standings; shape (m,)."""
        wanted = frozenset(standings)
        return np.array([standing in wanted for standing in STANDINGS])[self.standing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restores:
    """
    How long incidents lasted, as known over time, n rows in the order of the end.

    Attributes:
        resolved_at: shape (n,), when the incident ended; in order.
        minutes: shape (n,), time to restore by the clock, >= 0.
        valid_from: shape (n,), since when this was known …
        valid_to: shape (n,), … and until before when; ``FOREVER`` for what still holds.
    """

    resolved_at: IntArray
    minutes: FloatArray
    valid_from: IntArray
    valid_to: IntArray


def deployment_frequency(deployments: Deployments, *, moments: IntArray, days: float) -> Measured:
    """
    Return the successful deployments a week at each moment (§6.4.1).

    Args:
        deployments: to production; those that changed configuration alone do not count, those taken back by the moment
            neither.
        moments: shape (k,), in order.
        days: calendar days that are looked back from each, > 0.

    Returns:
        Deployments per week, 0 where there was none; the sample is the deployments counted.
    """
    counted = np.flatnonzero(deployments.has_succeeded & ~deployments.is_config_only)
    deployed_at, undone_at = deployments.deployed_at[counted], deployments.rolled_back_at[counted]
    total = count_trailing(deployed_at, moments=checked(moments), days=days)
    # Few are taken back: only those need to be followed over the moments.
    few = np.flatnonzero(undone_at <= moments[-1])
    undone = holding(undone_at[few], np.full(few.size, FOREVER), moments=moments)
    undone = undone.within(trailing(deployed_at[few], moments=moments, days=days))
    found = total - counts(undone, moments=moments.size)
    return Measured(values=found * 7 / days, sample_sizes=found)


def change_failure_rate(
    deployments: Deployments,
    blames: Blames,
    *,
    moments: IntArray,
    days: float,
    standings: Iterable[Standing] = HELD_RESPONSIBLE,
) -> Measured:
    """
    Return the share of deployments that were taken back or caused an incident, at each moment (§6.4.2).

    A deployment counts once however many incidents it caused. Those that never reached production are in the
    denominator alone; those that changed configuration alone are in neither.

    Args:
        deployments: to production.
        blames: of incidents on them.
        moments: shape (k,), in order.
        days: calendar days that are looked back from each, > 0.
        standings: with one of these a deployment has caused the incident.

    Returns:
        Percent, 0 to 100, nan where nothing was deployed; the sample is all deployments counted.
    """
    counted = np.flatnonzero(~deployments.is_config_only)
    total = count_trailing(deployments.deployed_at[counted], moments=checked(moments), days=days)
    failing = _failing(deployments, blames, moments=moments, days=days, standings=standings)
    harmful = counts(failing, moments=moments.size)
    rates = np.divide(100.0 * harmful, total, out=np.full(moments.size, np.nan), where=total > 0)
    return Measured(values=rates, sample_sizes=total)


def _failing(
    deployments: Deployments, blames: Blames, *, moments: IntArray, days: float, standings: Iterable[Standing]
) -> Spans:
    """Return the moments at which each deployment in a window had failed, each moment once for each deployment."""
    is_config = deployments.is_config_only
    undone = np.flatnonzero(~is_config & (deployments.rolled_back_at <= moments[-1]))
    guilty = np.flatnonzero(blames.of_standing(standings) & (blames.deployment >= 0))
    guilty = guilty[~is_config[blames.deployment[guilty]]]
    of = np.concatenate((undone, blames.deployment[guilty]))
    since = np.concatenate((deployments.rolled_back_at[undone], blames.valid_from[guilty]))
    until = np.concatenate((np.full(undone.size, FOREVER), blames.valid_to[guilty]))
    windows = trailing(deployments.deployed_at[of], moments=moments, days=days)
    return united(holding(since, until, moments=moments).within(windows), of=of, moments=moments.size)


def lead_time(
    deployments: Deployments, *, moments: IntArray, days: float, ps: tuple[int, ...] = LEAD_TIME_PERCENTILES
) -> dict[int, Measured]:
    """
    Return percentiles of the lead time of successful deployments, taken back later or not (§6.4.4), by the percent.

    Args:
        deployments: to production; those without a lead time are left out.
        moments: shape (k,), in order.
        days: calendar days that are looked back from each, > 0.
        ps: percent, 0 to 100.

    Returns:
        Hours by the clock, nan where nothing with a lead time was deployed.
    """
    counted = np.flatnonzero(deployments.has_succeeded & ~np.isnan(deployments.lead_time_hrs))
    hours = deployments.lead_time_hrs[counted]
    spans = trailing(deployments.deployed_at[counted], moments=checked(moments), days=days)
    sizes = counts(spans, moments=moments.size)
    found = percentiles_at(hours, spans, moments=moments.size, ps=ps)
    return {p: Measured(values=values, sample_sizes=sizes) for p, values in zip(ps, found, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToRestore:
    """How long incidents lasted, in minutes by the clock."""

    median: Measured
    mean: Measured


def time_to_restore(restores: Restores, *, moments: IntArray, days: float) -> TimeToRestore:
    """
    Return the median and the mean time to restore of the incidents that ended in the window (§6.4.3).

    Args:
        restores: as known over time; those known at each moment count for it.
        moments: shape (k,), in order.
        days: calendar days that are looked back from each, > 0.

    Returns:
        Minutes by the clock, nan where no incident ended.
    """
    windows = trailing(restores.resolved_at, moments=checked(moments), days=days)
    spans = holding(restores.valid_from, restores.valid_to, moments=moments).within(windows)
    sizes = counts(spans, moments=moments.size)
    (medians,) = percentiles_at(restores.minutes, spans, moments=moments.size, ps=(50,))
    means = means_at(restores.minutes, spans, moments=moments.size)
    return TimeToRestore(
        median=Measured(values=medians, sample_sizes=sizes), mean=Measured(values=means, sample_sizes=sizes)
    )


def successful_lead_times(deployments: Deployments, *, moment: int, days: float) -> FloatArray:
    """Return the hours that ``lead_time`` takes its percentiles from at a moment, in microseconds; shape (n,)."""
    inside = _inside(deployments.deployed_at, moment=moment, days=days)
    hours = deployments.lead_time_hrs[inside & deployments.has_succeeded]
    return hours[~np.isnan(hours)]


def restored_minutes(restores: Restores, *, moment: int, days: float) -> FloatArray:
    """Return the minutes that ``time_to_restore`` is taken from at a moment, in microseconds; shape (n,)."""
    inside = _inside(restores.resolved_at, moment=moment, days=days)
    return restores.minutes[inside & (restores.valid_from <= moment) & (moment < restores.valid_to)]


def _inside(at: IntArray, *, moment: int, days: float) -> BoolArray:
    return (moment - int(days * MICROS_PER_DAY) <= at) & (at < moment)
