"""Business time: the time that elapses on working days, counted in whole ticks.

A working day runs from 00:00 to 24:00 on the calendar's own clock and is worth exactly one day, also when the clock
makes it 23 or 25 hours long; weekends and holidays are worth nothing. Counting is done in integers: the durations of
adjoining intervals add up to the duration of the whole, without a rounding error.

A day begins at the first instant at which the local clock shows its date: after a gap at midnight that is the end of
the gap, and where midnight passes twice it is the first time. A date that a zone left out (Samoa had no 2011-12-30) has
no time in it and is not a working day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from dpp.domain.arrays import BoolArray, DateArray, FloatArray, IntArray
from dpp.domain.errors import InvalidInput

TICKS_PER_DAY = 86_400_000_000
"""Ticks in one working day; on a day of 24 hours a tick is a microsecond."""

FIRST_YEAR = 1970
LAST_YEAR = 2200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROS_PER_SECOND = 1_000_000
_SATURDAY_AND_SUNDAY = frozenset({5, 6})

# The table of days starts early and ends late enough that every instant lies inside it, whatever the zone.
_FIRST_DAY = date(FIRST_YEAR - 1, 12, 30)
_DAYS_OF_MARGIN = 3

# Nearly every figure is about these years; later ones cost a table of three times the size, made when first asked for.
_NEAR_YEAR = 2040


class TimeOutOfRange(InvalidInput):
    """An instant or a date lies outside the years that the calendar covers."""

    code = "time_out_of_range"


def to_micros(moment: datetime) -> int:
    """
    Return the microseconds from 1970-01-01T00:00Z to an aware ``moment``, exactly; negative before.

    Raises:
        InvalidInput: the moment has no zone.
    """
    if moment.utcoffset() is None:
        raise InvalidInput(f"the time {moment.isoformat()} has no zone; give an offset such as +00:00")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """
    Return the UTC time that lies ``micros`` microseconds after 1970-01-01T00:00Z, exactly.

    Raises:
        TimeOutOfRange: the time lies outside the years 1 to 9999.
    """
    try:
        return _EPOCH + timedelta(microseconds=int(micros))
    except OverflowError as error:
        raise TimeOutOfRange(f"{micros} microseconds after 1970 is no date of the years 1 to 9999") from error


_END = to_micros(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))
_NEAR_END = to_micros(datetime(_NEAR_YEAR + 1, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """
    Which days count as work, on whose clock.

    Instants are int64 microseconds since 1970-01-01T00:00Z (``to_micros``), from 1970 to the end of 2200 in UTC;
    outside of that every method raises ``TimeOutOfRange`` rather than guessing at the clocks of another age.

    Attributes:
        zone: IANA name, such as ``Europe/London``.
        weekend: weekdays that are not worked, Monday is 0; not all seven.
        holidays: further days that are not worked.

    Raises:
        InvalidInput: the zone is unknown, or the weekend is no set of weekdays or leaves no day.
    """

    zone: str
    weekend: frozenset[int] = _SATURDAY_AND_SUNDAY
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        _zone_info(self.zone)
        if not self.weekend < frozenset(range(7)):
            raise InvalidInput(
                f"the weekend {sorted(self.weekend)} must name weekdays from 0 (Monday) to 6 and leave one",
                field="weekend",
            )
        if any(isinstance(day, datetime) for day in self.holidays):
            raise InvalidInput("holidays are dates without a time of day", field="holidays")

    def ticks(self, times: IntArray) -> IntArray:
        """
        Return the business time from a fixed origin to each instant.

        Differences are what counts: ``ticks(end) - ticks(start)`` is the business time between two instants, never
        negative for ``start <= end``, and exactly additive.

        Args:
            times: any shape, microseconds since the epoch.

        Returns:
            The same shape, ticks of which ``TICKS_PER_DAY`` make a working day.

        Raises:
            TimeOutOfRange: an instant lies outside the years 1970 to 2200.
        """
        days = self._days_for(times)
        index = days.index_of(times)
        # Never overflows: a day has about 10^11 microseconds, and the ratio, in whole seconds, at most 86,400 on top.
        share: IntArray = (times - days.starts[index]) * days.worth[index] // days.length[index]
        return days.ticks_before[index] + share

    def elapsed_days(self, *, starts: IntArray, ends: IntArray) -> FloatArray:
        """
        Return the business time of each interval.

        Args:
            starts: microseconds since the epoch, any shape.
            ends: the same, broadcast against ``starts``, none before its start.

        Returns:
            Working days, >= 0, of the broadcast shape.

        Raises:
            InvalidInput: an interval ends before it starts.
            TimeOutOfRange: an instant lies outside the years 1970 to 2200.
        """
        backwards = np.flatnonzero(ends < starts)
        if backwards.size:
            raise InvalidInput(
                f"{backwards.size} intervals end before they start, the first at position {backwards[0]}"
            )
        elapsed: FloatArray = (self.ticks(ends) - self.ticks(starts)) / TICKS_PER_DAY
        return elapsed

    def working_days_between(self, start: datetime, end: datetime) -> float:
        """Return the business time between two aware times, in working days, >= 0; errors as ``elapsed_days``."""
        bounds = np.array([to_micros(start), to_micros(end)], dtype=np.int64)
        return float(self.elapsed_days(starts=bounds[:1], ends=bounds[1:])[0])

    def is_working_day(self, day: date) -> bool:
        """Tell whether ``day`` is worth a working day here; raises ``TimeOutOfRange`` outside of 1970 to 2200."""
        return bool(self._all_days_to(day).is_worked[_position(day)])

    def working_dates(self, start: date, end: date) -> DateArray:
        """
        Return the working days of the half-open span from ``start`` to ``end``, in order; empty when there are none.

        Raises:
            InvalidInput: the span ends before it starts.
            TimeOutOfRange: it leaves the years 1970 to 2200.
        """
        if end < start:
            raise InvalidInput(f"the span from {start} to {end} ends before it starts")
        first, stop = _position(start), _position(end)
        return np.datetime64(_FIRST_DAY, "D") + np.flatnonzero(self._all_days_to(end).is_worked[first:stop]) + first

    def working_days(self, start: date, end: date) -> int:
        """Return the number of working days of the half-open span ``start`` to ``end``; errors as ``working_dates``."""
        return len(self.working_dates(start, end))

    def local_date(self, times: IntArray) -> DateArray:
        """Return the calendar day, ``datetime64[D]``, that each instant falls into here; same shape."""
        return np.datetime64(_FIRST_DAY, "D") + self._days_for(times).index_of(times)

    def day_start(self, day: date) -> int:
        """Return the instant at which ``day`` begins here; the day is over when the next one begins."""
        return int(self._all_days_to(day).starts[_position(day)])

    def iso_week(self, times: IntArray) -> DateArray:
        """Return the Monday, ``datetime64[D]``, of the ISO week that each instant falls into here; same shape."""
        # datetime64[W] counts weeks from 1970-01-01, a Thursday: moving by three days makes its weeks begin on Monday.
        thursdays = (self.local_date(times) + 3).astype("datetime64[W]").astype("datetime64[D]")
        return thursdays - 3

    def complete_weeks(self, *, first: int, now: int) -> DateArray:
        """
        Return the Mondays of the ISO weeks from the one of ``first`` up to the last that is over at ``now``.

        The week of ``first`` is among them although it may have begun earlier; the running week is not. Empty when
        ``first`` falls into the running week or lies after it.
        """
        begin, running = self.iso_week(np.array([first, now], dtype=np.int64))
        return np.arange(begin, max(begin, running), 7, dtype="datetime64[D]")

    def _days_for(self, times: IntArray) -> _Days:
        if times.dtype != np.int64:
            raise InvalidInput(f"instants are int64 microseconds, not {times.dtype}")
        if not times.size:
            return _days_of(self, _NEAR_YEAR)
        earliest, latest = int(times.min()), int(times.max())
        if earliest < 0 or latest >= _END:
            raise TimeOutOfRange(
                f"the time {earliest if earliest < 0 else latest} µs lies outside {FIRST_YEAR} to {LAST_YEAR}"
            )
        return _days_of(self, _NEAR_YEAR if latest < _NEAR_END else LAST_YEAR)

    def _all_days_to(self, day: date) -> _Days:
        if not date(FIRST_YEAR, 1, 1) <= day <= date(LAST_YEAR + 1, 1, 1):
            raise TimeOutOfRange(f"the day {day} lies outside {FIRST_YEAR} to {LAST_YEAR}")
        return _days_of(self, _NEAR_YEAR if day.year <= _NEAR_YEAR else LAST_YEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """The days of one calendar, one row each, in order; the last row only ends the one before."""

    starts: IntArray
    """The instant at which a day begins; equal to the next for a date that the zone left out."""
    ends: IntArray
    """The instant at which the next one begins; the last row never ends."""
    is_worked: BoolArray
    ticks_before: IntArray
    """Business time from the first row to the start of the day."""
    worth: IntArray
    """Numerator of the ratio of ticks to microseconds on this day; 0 when it is not worked."""
    length: IntArray
    """Denominator of that ratio, >= 1."""

    def index_of(self, times: IntArray) -> IntArray:
        # Days are about equally long: counting them misses by one or two, which is sooner mended than searched for.
        index: IntArray = np.clip((times - self.starts[0]) // TICKS_PER_DAY, 0, self.starts.size - 1)
        while True:
            step = (times >= self.ends[index]).astype(np.int64) - (times < self.starts[index])
            if not step.any():
                return index
            index = index + step


@lru_cache(maxsize=128)
def _days_of(calendar: BusinessCalendar, last_year: int) -> _Days:
    starts = _day_starts(calendar.zone, last_year)
    length = np.diff(starts, append=starts[-1] + TICKS_PER_DAY)
    is_worked = _is_working_weekday(calendar, len(starts)) & (length > 0)
    worked = is_worked.astype(np.int64)
    common = np.gcd(length, TICKS_PER_DAY)
    days = _Days(
        starts=starts,
        ends=np.append(starts[1:], np.iinfo(np.int64).max),
        is_worked=is_worked,
        ticks_before=(np.cumsum(worked) - worked) * TICKS_PER_DAY,
        worth=worked * (TICKS_PER_DAY // common),
        length=np.maximum(length // common, 1),
    )
    for column in (days.starts, days.ends, days.is_worked, days.ticks_before, days.worth, days.length):
        column.flags.writeable = False
    return days


def _is_working_weekday(calendar: BusinessCalendar, count: int) -> BoolArray:
    weekdays = (np.arange(count) + _FIRST_DAY.weekday()) % 7
    is_worked: BoolArray = ~np.isin(weekdays, list(calendar.weekend))
    positions = np.array([_position(day) for day in calendar.holidays], dtype=np.int64)
    is_worked[positions[(positions >= 0) & (positions < count)]] = False
    return is_worked


def _position(day: date) -> int:
    return (day - _FIRST_DAY).days


@lru_cache(maxsize=128)
def _day_starts(zone: str, last_year: int) -> IntArray:
    clock = _zone_info(zone)
    count = _position(date(last_year, 12, 31)) + 1 + _DAYS_OF_MARGIN
    midnights = (datetime.fromordinal(_FIRST_DAY.toordinal() + day) for day in range(count))
    return np.fromiter((_first_instant(midnight, clock) for midnight in midnights), dtype=np.int64, count=count)


def _first_instant(midnight: datetime, clock: ZoneInfo) -> int:
    """Return the first instant at which ``clock`` shows ``midnight`` or later."""
    earlier_offset = midnight.replace(tzinfo=clock)
    instant = to_micros(earlier_offset)
    if earlier_offset.utcoffset() == (later_offset := earlier_offset.replace(fold=1)).utcoffset():
        return instant
    before = to_micros(later_offset)
    # Midnight passes twice when the later offset gives the later instant, else the clock leaps over it.
    return instant if before > instant else _end_of_gap(midnight, clock, before=before, after=instant)


def _end_of_gap(midnight: datetime, clock: ZoneInfo, *, before: int, after: int) -> int:
    """Return the first whole second in (before, after] at which ``clock`` has leapt over ``midnight``."""
    while after - before > _MICROS_PER_SECOND:
        middle = before + (after - before) // _MICROS_PER_SECOND // 2 * _MICROS_PER_SECOND
        leapt = from_micros(middle).astimezone(clock).replace(tzinfo=None) >= midnight
        before, after = (before, middle) if leapt else (middle, after)
    return after


def _zone_info(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidInput(
            f"the time zone {zone!r} is unknown; give a name such as Europe/London", field="zone"
        ) from error
