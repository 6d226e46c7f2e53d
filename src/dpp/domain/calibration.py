"""Forecasts are judged by what came of them.

A forecast of n items held at p when at least n items of its stream were completed between the moment at which it was
made and the end of the day that it named for p. It is judged when that day is over and not before, also when the items
are done earlier: among forecasts that are not due yet, only those that hold could be told, and counting them would
flatter. Forecasts that are not due are counted apart.

A well calibrated forecast holds at p in about p percent of cases. Forecasts of neighbouring days share most of their
future, so that a hundred of them say less than a hundred independent ones would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from dpp.domain.arrays import IntArray
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.forecast import PERCENTS


class Promise(NamedTuple):
    """What a stored forecast said: when it was made (microseconds since 1970), of how many items, and the date by
    which each percentage of its runs was done.
    """

    made_at: int
    items: int
    dates: Mapping[int, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """
    How often forecasts held at one percentage.

    Attributes:
        judged: forecasts whose day is over.
        held: those of them by whose day the items were done.
        pending: forecasts whose day is not over yet.
    """

    judged: int
    held: int
    pending: int

    @property
    def held_pct(self) -> float | None:
        """The share of judged forecasts that held, in percent; None when none could be judged."""
        return 100.0 * self.held / self.judged if self.judged else None


def calibrate(
    promises: Iterable[Promise],
    *,
    completed_at: IntArray,
    now: int,
    calendar: BusinessCalendar,
    percents: tuple[int, ...] = PERCENTS,
) -> Mapping[int, Calibration]:
    """
    Judge forecasts by the completions of their stream.

    Args:
        promises: what they said, each with a date for every one of ``percents``.
        completed_at: shape (n,), ascending, microseconds since 1970; from the first promise on, all of the stream.
        now: the moment of judging, microseconds.
        calendar: whose days the dates are.
        percents: what to judge.

    Returns:
        By percentage; without a promise all counts are 0.

    Raises:
        TimeOutOfRange: a date lies outside the years of the calendar.
    """
    kept = list(promises)
    today = calendar.local_date(np.array([now], dtype=np.int64))[0]
    return {
        percent: _at(percent, kept, completed_at=completed_at, today=today, calendar=calendar) for percent in percents
    }


def _at(
    percent: int, promises: list[Promise], *, completed_at: IntArray, today: np.datetime64, calendar: BusinessCalendar
) -> Calibration:
    days = np.array([promise.dates[percent] for promise in promises], dtype="datetime64[D]")
    is_due = days < today
    # Many promises end on the same days, and where a day ends takes a look at the calendar.
    last, places = np.unique(days[is_due], return_inverse=True)
    ends = np.array([calendar.day_start(day + timedelta(days=1)) for day in last.tolist()], dtype=np.int64)[places]
    begins = np.array([promise.made_at for promise in promises], dtype=np.int64)[is_due]
    items = np.array([promise.items for promise in promises], dtype=np.int64)[is_due]
    # Done after the forecast was made, and before its day was over.
    done = np.searchsorted(completed_at, ends, side="left") - np.searchsorted(completed_at, begins, side="right")
    judged = int(np.count_nonzero(is_due))
    return Calibration(judged=judged, held=int(np.count_nonzero(done >= items)), pending=len(promises) - judged)
