"""Throughput: how much gets done per week and per working day, with the weeks and days in which nothing did.

A running week or day is no sample: it would look worse than it is. What lies before a stream's first event is no
history, and not a row of zeros: nobody looked. The week (or day) of the first event is a sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from dpp.domain.arrays import DateArray, IntArray
from dpp.domain.calendar import BusinessCalendar

SAMPLE_WEEKS = 12
"""§6.5.1: the trailing weeks that a forecast is made from."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyThroughput:
    """
    Completions of consecutive complete ISO weeks, the latest last.

    Attributes:
        weeks: shape (n,), their Mondays, ``datetime64[D]``; empty without history.
        completions: shape (n,), items, >= 0.
    """

    weeks: DateArray
    completions: IntArray


def weekly_throughput(
    *, completed_at: IntArray, first_event: int | None, now: int, calendar: BusinessCalendar, limit: int = SAMPLE_WEEKS
) -> WeeklyThroughput:
    """
    Count completions by ISO week on the calendar's clock (§6.5.1).

    Args:
        completed_at: shape (n,), microseconds since 1970, any order; those outside the weeks are left out.
        first_event: when the stream was first heard of, microseconds; None when it never was.
        now: the moment of asking, microseconds.
        calendar: whose weeks these are.
        limit: weeks at most, >= 0, the latest ones.

    Returns:
        Up to ``limit`` weeks; none when the first event lies in the running week or there was none.

    Raises:
        TimeOutOfRange: a time lies outside the years of the calendar.
    """
    known = np.array([], dtype="datetime64[D]") if first_event is None else _weeks(first_event, now, calendar)
    weeks = known[max(0, len(known) - limit) :]
    return WeeklyThroughput(weeks=weeks, completions=_counts(calendar.iso_week(completed_at), weeks))


def daily_throughput(*, completed_at: IntArray, days: DateArray, calendar: BusinessCalendar) -> IntArray:
    """
    Count completions by day on the calendar's clock (§6.2.2).

    Args:
        completed_at: shape (n,), microseconds since 1970, any order; those on other days are left out.
        days: shape (m,), in order, each once, such as ``sprint_days`` returns.
        calendar: whose days these are.

    Returns:
        Shape (m,), items, >= 0.

    Raises:
        TimeOutOfRange: a time lies outside the years of the calendar.
    """
    return _counts(calendar.local_date(completed_at), days)


def sprint_days(
    *, spans: Iterable[tuple[date, date]], first_day: date, today: date, calendar: BusinessCalendar
) -> DateArray:
    """
    Return the working days of some sprints, in order and each once however many sprints share it.

    Args:
        spans: first and last day of each sprint, both in it; one that ends before it starts has no days.
        first_day: the day of the stream's first event; earlier days are no history.
        today: is running, and with what follows it no sample.
        calendar: tells which days are worked.

    Raises:
        TimeOutOfRange: a date lies outside the years of the calendar.
    """
    parts = [np.array([], dtype="datetime64[D]")]
    for start, end in spans:
        begin, stop = max(start, first_day), min(end + _DAY, today)
        if begin < stop:
            parts.append(calendar.working_dates(begin, stop))
    return np.unique(np.concatenate(parts))


def _weeks(first_event: int, now: int, calendar: BusinessCalendar) -> DateArray:
    return calendar.complete_weeks(first=first_event, now=now)


def _counts(found: DateArray, wanted: DateArray) -> IntArray:
    counts = np.zeros(len(wanted), dtype=np.int64)
    places = np.searchsorted(wanted, found)
    inside = places < len(wanted)
    inside[inside] = wanted[places[inside]] == found[inside]
    np.add.at(counts, places[inside], 1)
    return counts
