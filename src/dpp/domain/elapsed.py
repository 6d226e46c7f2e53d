"""Business time of many intervals, each on the calendar of its own stream (decision 0007)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.errors import InvalidInput


def elapsed_days(
    *, starts: IntArray, ends: IntArray, calendars: Sequence[BusinessCalendar], calendar_of: IntArray
) -> FloatArray:
    """
    Return the business time of each interval.

    Args:
        starts: shape (n,), microseconds since 1970-01-01T00:00Z.
        ends: shape (n,), none before its start.
        calendars: at least one when n is above 0.
        calendar_of: shape (n,), position in ``calendars``.

    Returns:
        Shape (n,), working days, >= 0.

    Raises:
        InvalidInput: an interval ends before it starts, or is on none of the calendars.
        TimeOutOfRange: a calendar does not cover an instant.
    """
    if calendar_of.size and not (0 <= int(calendar_of.min()) and int(calendar_of.max()) < len(calendars)):
        raise InvalidInput(f"an interval is on none of {len(calendars)} calendars", field="calendar_of")
    known = {calendar: number for number, calendar in enumerate(dict.fromkeys(calendars))}
    if len(known) == 1:
        return calendars[0].elapsed_days(starts=starts, ends=ends)
    # Streams mostly share a calendar.
    number_of = np.array([known[calendar] for calendar in calendars], dtype=np.int64)
    days = np.zeros(len(starts), dtype=np.float64)
    for calendar, number in known.items():
        chosen = np.flatnonzero(number_of[calendar_of] == number)
        days[chosen] = calendar.elapsed_days(starts=starts[chosen], ends=ends[chosen])
    return days
