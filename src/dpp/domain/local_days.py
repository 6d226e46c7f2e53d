"""The latest days and weeks by a calendar's own clock, as edges that instants are sorted into (decision 0023)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from dpp.domain.arrays import DateArray, IntArray
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.errors import InvalidInput

DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """
    Adjoining spans of time, k of them, the last one as far as it has run.

    Attributes:
        dates: shape (k,), the day of each, or the Monday of its week.
        edges: shape (k + 1,), ascending microseconds; bucket i holds the instants from edge i to before edge i + 1. The
            last edge is right after the moment up to which is counted.
    """

    dates: DateArray
    edges: IntArray

    @property
    def ends(self) -> IntArray:
        """The last instant of each bucket, shape (k,): as of it the bucket is over."""
        return self.edges[1:] - 1

    def count(self, times: IntArray) -> IntArray:
        """Return how many instants, in microseconds, fall into each bucket; shape (k,)."""
        places = np.searchsorted(self.edges, times, side="right") - 1
        inside = places[(places >= 0) & (places < len(self.dates))]
        return np.bincount(inside, minlength=len(self.dates)).astype(np.int64)


def last_days(calendar: BusinessCalendar, *, now: int, days: int) -> Buckets:
    """
    Return the last local days up to and including the one of ``now``, which ends there.

    Args:
        calendar: whose clock tells when days begin.
        now: microseconds since 1970.
        days: how many, >= 1.

    Raises:
        InvalidInput: ``days`` is below 1.
        TimeOutOfRange: a day lies outside the years 1970 to 2200.
    """
    return _buckets(calendar, last=_local_day(calendar, now), count=days, step=1, now=now)


def last_weeks(calendar: BusinessCalendar, *, now: int, weeks: int) -> Buckets:
    """Return the last ISO weeks up to and including the one of ``now``, which ends there; errors as ``last_days``."""
    monday = calendar.iso_week(np.array([now], dtype=np.int64))[0].astype(date)
    return _buckets(calendar, last=monday, count=weeks, step=DAYS_PER_WEEK, now=now)


def _local_day(calendar: BusinessCalendar, now: int) -> date:
    day: date = calendar.local_date(np.array([now], dtype=np.int64))[0].astype(date)
    return day


def _buckets(calendar: BusinessCalendar, *, last: date, count: int, step: int, now: int) -> Buckets:
    if count < 1:
        raise InvalidInput(f"there must be at least one bucket, not {count}", field="days")
    days = [last - timedelta(days=step * back) for back in reversed(range(count))]
    starts = [calendar.day_start(day) for day in days]
    return Buckets(dates=np.array(days, dtype="datetime64[D]"), edges=np.array([*starts, now + 1], dtype=np.int64))
