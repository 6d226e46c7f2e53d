"""When the remaining work will be done, and how sure that is (§6.5.1).

Each of many runs draws a past week for every week to come until it has done the remaining items. A run that finishes in
week k finishes on the day of the forecast plus 7 · k days. Dates are never interpolated: the date of p percent is the
earliest by which at least p percent of the runs are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from dpp.domain.errors import InvalidInput
from dpp.domain.resampling import as_sample, running_totals

FORECAST_RUNS = 10_000
"""§6.5.1."""

MINIMUM_WEEKS = 6
"""§6.5.1: with a shorter history there is no probability to speak of."""

PERCENTS = (50, 70, 85, 95)
"""§6.5.1: the chances for which a date is given."""

HORIZON_WEEKS = 520
"""A run that is not done after ten years is cut there."""


class Method(StrEnum):
    """How a forecast was made."""

    MONTE_CARLO = "monte_carlo"
    LINEAR = "linear"
    """Remaining scope over average throughput, for want of history; no probability."""
    UNREACHABLE = "unreachable"
    """Nothing was ever done, so nothing tells that the rest will be."""
    DONE = "done"
    """Nothing is left."""


class Bar(NamedTuple):
    """The runs that are done on a date, and by it, in percent of all."""

    completion_date: date
    runs: int
    share_pct: float
    cumulative_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """
    A forecast, with all that it takes to make it again.

    Attributes:
        method: how it was made.
        made_on: the local day from which it looks ahead.
        scope: items that remain, >= 0.
        sample: items done in each week of the history, the latest last.
        seed: of the draws.
        runs: how many there were; 0 when nothing was drawn.
        finished: how many runs are done in week 1, 2, … after ``made_on``, to the last in which one is.
        cut_runs: how many were not done after ``HORIZON_WEEKS``.
    """

    method: Method
    made_on: date
    scope: int
    sample: tuple[int, ...]
    seed: int
    runs: int = 0
    finished: tuple[int, ...] = ()
    cut_runs: int = 0

    @property
    def cut_pct(self) -> float:
        """The share of runs that were cut, in percent."""
        return 100.0 * self.cut_runs / self.runs if self.runs else 0.0

    @property
    def weeks_until_probabilistic(self) -> int:
        """How many more weeks of history it takes before there are probabilities; 0 when there is enough."""
        return max(0, MINIMUM_WEEKS - len(self.sample))

    @property
    def estimated_weeks(self) -> float | None:
        """Remaining scope over average weekly throughput, of a linear projection; None for any other method."""
        if self.method is not Method.LINEAR or not sum(self.sample):
            return None
        return self.scope * len(self.sample) / sum(self.sample)

    @property
    def estimated_date(self) -> date | None:
        """The day on which a linear projection ends, part of a day counted as a whole one."""
        weeks = self.estimated_weeks
        if weeks is None or weeks > HORIZON_WEEKS:
            return None
        # In whole numbers, so that seven weeks are 49 days and not 50.
        return self.made_on + timedelta(days=_ceil_of(7 * self.scope * len(self.sample), sum(self.sample)))

    def date_of(self, week: int) -> date:
        """Return the date on which a run that is done in a week is done."""
        return self.made_on + timedelta(weeks=week)

    def completion_date(self, percent: float) -> date | None:
        """Return the earliest date by which at least ``percent`` of the runs are done; None when nothing was drawn.

        When too many runs were cut for that it is the horizon, ``is_beyond_horizon`` says so, and the date means
        "not before".
        """
        if not self.runs:
            return None
        done = 0
        for week, runs in enumerate(self.finished, start=1):
            done += runs
            if 100 * done >= percent * self.runs:
                return self.date_of(week)
        return self.date_of(HORIZON_WEEKS)

    def is_beyond_horizon(self, percent: float) -> bool:
        """Whether so many runs were cut that the date of ``percent`` cannot be told."""
        return 100 * (self.runs - self.cut_runs) < percent * self.runs

    @property
    def completion_dates(self) -> Mapping[int, date | None]:
        """The dates of ``PERCENTS``."""
        return {percent: self.completion_date(percent) for percent in PERCENTS}

    @property
    def distribution(self) -> tuple[Bar, ...]:
        """The dates on which runs are done, in order; with ``cut_pct`` the shares make 100."""
        bars, done = [], 0
        for week, runs in enumerate(self.finished, start=1):
            done += runs
            if runs:
                bars.append(Bar(self.date_of(week), runs, 100.0 * runs / self.runs, 100.0 * done / self.runs))
        return tuple(bars)


def forecast(*, scope: int, sample: Sequence[int], made_on: date, seed: int, runs: int = FORECAST_RUNS) -> Forecast:
    """
    Forecast when a number of items will be done.

    Args:
        scope: items that remain, >= 0.
        sample: items done in each past week, >= 0, the latest last and the empty ones included; see
            ``weekly_throughput``.
        made_on: the local day from which it looks ahead.
        seed: 0 or above; the same arguments give the same forecast to the last digit.
        runs: how many futures to draw, >= 1.

    Returns:
        By the first that applies: ``done`` without scope; ``unreachable`` when nothing was done in any week there was;
        ``linear`` with fewer than ``MINIMUM_WEEKS`` weeks, without any of them not even an estimate; ``monte_carlo``.

    Raises:
        InvalidInput: a number is negative, or there is no run.
    """
    if scope < 0:
        raise InvalidInput(f"the scope {scope} is negative", field="scope")
    if any(items < 0 for items in sample):
        raise InvalidInput("a sample counts what was done and holds nothing negative", field="sample")
    known = Forecast(method=_method(scope, sample), made_on=made_on, scope=scope, sample=tuple(sample), seed=seed)
    return _simulated(known, runs) if known.method is Method.MONTE_CARLO else known


def _method(scope: int, sample: Sequence[int]) -> Method:
    if not scope:
        return Method.DONE
    if sample and not any(sample):
        return Method.UNREACHABLE
    return Method.MONTE_CARLO if len(sample) >= MINIMUM_WEEKS else Method.LINEAR


def _simulated(known: Forecast, runs: int) -> Forecast:
    finished: list[int] = []
    done = 0
    for totals in running_totals(as_sample(known.sample), seed=known.seed, runs=runs):
        so_far = int(np.count_nonzero(totals >= known.scope))
        finished.append(so_far - done)
        done = so_far
        if done == runs or len(finished) == HORIZON_WEEKS:
            break
    while finished and not finished[-1]:
        finished.pop()
    return Forecast(
        method=known.method,
        made_on=known.made_on,
        scope=known.scope,
        sample=known.sample,
        seed=known.seed,
        runs=runs,
        finished=tuple(finished),
        cut_runs=runs - done,
    )


def _ceil_of(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
