"""The company's days off and working hours, and business time counted the slow and obvious way.

This calendar is the simulation's own: it walks day by day through the zone, so that a mistake in the platform's
calendar cannot hide in the figures that are meant to find it.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from dpp.adapters.simulation.company import ZONE

OPENS, CLOSES = 9, 18
_DAY = timedelta(days=1)


@cache
def days_off(year: int) -> frozenset[date]:
    """The public holidays that the company keeps in a year, weekends aside."""
    easter = _easter(year)
    may, august = date(year, 5, 31), date(year, 8, 31)
    return frozenset(
        {
            date(year, 1, 1),
            easter - timedelta(days=2),
            easter + _DAY,
            date(year, 5, 1) + timedelta(days=(7 - date(year, 5, 1).weekday()) % 7),
            may - timedelta(days=may.weekday()),
            august - timedelta(days=august.weekday()),
            date(year, 12, 24),
            date(year, 12, 25),
            date(year, 12, 28),
        }
    )


def is_working_day(day: date) -> bool:
    """Whether the company works on a day: Monday to Friday and not a day off."""
    return day.weekday() < 5 and day not in days_off(day.year)


def business_days(start: datetime, end: datetime) -> float:
    """Elapsed business time in days: each working day is worth 1.0 from midnight to midnight in the company's zone.

    0.0 when ``end`` is not after ``start``. Both are aware.
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    total = 0.0
    day = start.astimezone(ZONE).date()
    while _midnight(day) < end:
        if is_working_day(day):
            opens, closes = _midnight(day), _midnight(day + _DAY)
            inside = min(end, closes) - max(start, opens)
            total += max(inside, timedelta(0)) / (closes - opens)
        day += _DAY
    return total


def working_time_after(at: datetime, hours: float) -> datetime:
    """The moment at which so many office hours (09:00 to 18:00) have passed since ``at``."""
    left = timedelta(hours=hours)
    here = _into_office(at)
    while True:
        closes = _at_hour(here.astimezone(ZONE).date(), CLOSES)
        if here + left < closes:
            return here + left
        left -= closes - here
        here = _into_office(closes)


def some_time_after(at: datetime, hours: float, rng: random.Random, *, off_hours: float) -> datetime:
    """``hours`` of work later, give or take; with probability ``off_hours`` worked through nights and weekends."""
    spent = hours * rng.uniform(0.4, 1.9) + 0.01
    if rng.random() < off_hours:
        return at + timedelta(hours=spent)
    return working_time_after(at, spent)


def _into_office(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    day = at.astimezone(ZONE).date()
    if is_working_day(day) and at < _at_hour(day, CLOSES):
        return max(at, _at_hour(day, OPENS))
    day += _DAY
    while not is_working_day(day):
        day += _DAY
    return _at_hour(day, OPENS)


@cache
def _at_hour(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=ZONE).astimezone(UTC)


@cache
def _midnight(day: date) -> datetime:
    return _at_hour(day, 0)


def _easter(year: int) -> date:
    """Easter Sunday by the anonymous Gregorian computus."""
    golden, century, place = year % 19, year // 100, year % 100
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (place // 4) - epact - place % 4) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)
