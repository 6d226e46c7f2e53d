"""Business time, against figures worked by hand and a walk over local days that shares no code with the table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.arrays import IntArray
from dpp.domain.calendar import TICKS_PER_DAY, BusinessCalendar, TimeOutOfRange, from_micros, to_micros
from dpp.domain.errors import InvalidInput

MICROS_PER_HOUR = 3_600_000_000
UTC_WEEK = BusinessCalendar(zone="UTC")
LONDON = BusinessCalendar(zone="Europe/London", holidays=frozenset({date(2026, 12, 25), date(2026, 12, 28)}))
# Sunday is worked here, and that is when Jerusalem's autumn clocks change.
JERUSALEM = BusinessCalendar(zone="Asia/Jerusalem", weekend=frozenset({4, 5}))
CALENDARS = [
    LONDON,
    JERUSALEM,
    BusinessCalendar(zone="America/New_York", weekend=frozenset({4, 5})),
    BusinessCalendar(zone="Asia/Kolkata"),
    BusinessCalendar(zone="Asia/Tehran", weekend=frozenset({3, 4})),
    BusinessCalendar(zone="Asia/Beirut", weekend=frozenset()),
    BusinessCalendar(zone="Australia/Lord_Howe", weekend=frozenset()),
    BusinessCalendar(zone="Pacific/Apia"),
    BusinessCalendar(zone="Pacific/Kwajalein", weekend=frozenset({6})),
    BusinessCalendar(zone="America/St_Johns", weekend=frozenset({4, 5})),
    BusinessCalendar(zone="Africa/Casablanca", holidays=frozenset({date(2030, 1, 1)})),
    BusinessCalendar(zone="UTC"),
]
LATELY = st.integers(
    to_micros(datetime(1990, 1, 1, tzinfo=UTC)) // 1_000_000, to_micros(datetime(2038, 1, 1, tzinfo=UTC)) // 1_000_000
)


def micros(moments: Iterable[datetime]) -> IntArray:
    """Return the moments as the calendar takes them."""
    return np.array([to_micros(moment) for moment in moments], dtype=np.int64)


def at(zone: str, *when: int) -> datetime:
    """Return a local time of a zone."""
    year, month, day, *rest = when
    hour, minute = [*rest, 0, 0][:2]
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


def first_second_of(day: date, zone: ZoneInfo) -> int:
    """Search the UTC seconds for the first one whose local date is ``day`` or later."""
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    # Half hours first, forwards, so that an hour in which the date falls back is met the first time round.
    for half_hour in range(noon - 40 * 3600, noon + 40 * 3600, 1800):
        if datetime.fromtimestamp(half_hour, zone).date() >= day:
            break
    low, high = half_hour - 1800, half_hour
    for second in range(low, high + 1, 60):
        if datetime.fromtimestamp(second, zone).date() >= day:
            return second
    raise AssertionError(f"{day} never begins in {zone}")


def walk(calendar: BusinessCalendar, start: int, end: int) -> Fraction:
    """Add up the shares of local working days between two UTC seconds, day by day."""
    zone = ZoneInfo(calendar.zone)
    total, day = Fraction(0), datetime.fromtimestamp(start, zone).date() - timedelta(days=2)
    begin = first_second_of(day, zone)
    while begin < end:
        finish = first_second_of(day + timedelta(days=1), zone)
        overlap = min(finish, end) - max(begin, start)
        if overlap > 0 and day.weekday() not in calendar.weekend and day not in calendar.holidays:
            total += Fraction(overlap, finish - begin)
        begin, day = finish, day + timedelta(days=1)
    return total


class TestBusinessTime:
    @pytest.mark.parametrize(
        ("expected", "start", "end"),
        [
            (0.5, (2026, 3, 6, 18), (2026, 3, 9, 6)),  # Friday evening to Monday morning
            (0.0, (2026, 3, 7), (2026, 3, 9)),  # the weekend
            (1.0, (2026, 3, 9), (2026, 3, 10)),
            (5.0, (2026, 3, 9, 14, 30), (2026, 3, 16, 14, 30)),  # a week is five days
            (0.25, (2026, 3, 9, 9), (2026, 3, 9, 15)),
            (1.5, (2026, 12, 24, 12), (2026, 12, 30)),  # half of Thursday; Friday and Monday are holidays; Tuesday
            (0.0, (2026, 3, 9, 9), (2026, 3, 9, 9)),
        ],
    )
    def test_hand_worked(self, expected: float, start: tuple[int, ...], end: tuple[int, ...]) -> None:
        """Working days count in full and pro rata, weekends and holidays not at all."""
        assert expected == LONDON.working_days_between(at("Europe/London", *start), at("Europe/London", *end))

    @pytest.mark.parametrize(
        ("expected", "start", "end"),
        [
            # Sunday 2025-10-26 has 25 hours: at 02:00 the clock goes back to 01:00.
            (1.0, (2025, 10, 26), (2025, 10, 27)),
            (13 / 25, (2025, 10, 26), (2025, 10, 26, 12)),
            (12 / 25, (2025, 10, 26, 12), (2025, 10, 27)),
            # Friday 2025-03-28, at 02:00 to 03:00, is not worked.
            (0.0, (2025, 3, 28), (2025, 3, 30)),
        ],
    )
    def test_long_day(self, expected: float, start: tuple[int, ...], end: tuple[int, ...]) -> None:
        """A working day of 25 hours is worth one day, and an hour of it a twenty-fifth."""
        got = JERUSALEM.working_days_between(at("Asia/Jerusalem", *start), at("Asia/Jerusalem", *end))
        assert expected == pytest.approx(got, abs=1e-11)

    def test_short_day(self) -> None:
        """A working day of 23 hours is worth one day, and an hour of it a twenty-third."""
        calendar = BusinessCalendar(zone="America/New_York", weekend=frozenset({4, 5}))
        zone = "America/New_York"
        assert 1.0 == calendar.working_days_between(at(zone, 2026, 3, 8), at(zone, 2026, 3, 9))
        assert 1 / 23 == pytest.approx(
            calendar.working_days_between(at(zone, 2026, 3, 8, 1), at(zone, 2026, 3, 8, 3)), abs=1e-11
        )

    def test_skipped_date(self) -> None:
        """A date that the zone left out is worth nothing and is no working day, although it would be a Friday."""
        calendar = BusinessCalendar(zone="Pacific/Apia")
        assert not calendar.is_working_day(date(2011, 12, 30))
        assert calendar.is_working_day(date(2011, 12, 29))
        # 2011-12-29T10:00Z is midnight at UTC-10, at which Thursday the 29th gave way to Saturday the 31st.
        edge = datetime(2011, 12, 30, 10, tzinfo=UTC)
        assert 1.0 == calendar.working_days_between(edge - timedelta(days=1), edge + timedelta(days=1))
        assert [np.datetime64("2011-12-29"), np.datetime64("2011-12-31")] == list(
            calendar.local_date(micros([edge - timedelta(microseconds=1), edge]))
        )

    def test_midnight_left_out(self) -> None:
        """A day whose midnight is left out begins where the gap ends."""
        # Beirut, Sunday 2026-03-29: 00:00 becomes 01:00 at 2026-03-28T22:00Z.
        calendar = BusinessCalendar(zone="Asia/Beirut")
        assert to_micros(datetime(2026, 3, 28, 22, tzinfo=UTC)) == calendar.day_start(date(2026, 3, 29))

    def test_midnight_twice(self) -> None:
        """A day whose midnight passes twice begins the first time."""
        # St John's, Sunday 2010-11-07: at 00:01 (UTC-2:30) the clock goes back to 23:01 on Saturday.
        calendar = BusinessCalendar(zone="America/St_Johns")
        assert to_micros(datetime(2010, 11, 7, 2, 30, tzinfo=UTC)) == calendar.day_start(date(2010, 11, 7))

    @given(calendar=st.sampled_from(CALENDARS), start=LATELY, length=st.integers(0, 40 * 86_400))
    def test_agrees_with_a_walk_over_days(self, calendar: BusinessCalendar, start: int, length: int) -> None:
        """Elapsed ticks agree with a walk over local days, but for the tick that rounding may cost at each end."""
        before, after = calendar.ticks(np.array([start, start + length]) * 1_000_000)
        assert abs(walk(calendar, start, start + length) * TICKS_PER_DAY - int(after - before)) < 2

    @given(calendar=st.sampled_from(CALENDARS), change=st.sampled_from(range(2005, 2026)), hours=st.integers(0, 8759))
    def test_every_local_day_is_worth_one_or_nothing(self, calendar: BusinessCalendar, change: int, hours: int) -> None:
        """From its start to the next day's, a day is worth exactly one day's ticks when worked, else none."""
        day = date(change, 1, 1) + timedelta(hours=hours)
        bounds = np.array([calendar.day_start(day), calendar.day_start(day + timedelta(days=1))])
        assert calendar.is_working_day(day) * TICKS_PER_DAY == np.diff(calendar.ticks(bounds))[0]

    @given(calendar=st.sampled_from(CALENDARS), times=st.lists(LATELY, min_size=3, max_size=30))
    def test_additive_and_monotone(self, calendar: BusinessCalendar, times: list[int]) -> None:
        """The parts of an interval add up to the whole exactly, and no part is negative."""
        cuts = np.sort(np.array(times)) * 1_000_000 + 123_457
        parts = np.diff(calendar.ticks(cuts))
        assert (parts >= 0).all()
        assert int(parts.sum()) == int(calendar.ticks(cuts[-1:])[0] - calendar.ticks(cuts[:1])[0])

    @given(calendar=st.sampled_from(CALENDARS[:2]), time=LATELY)
    def test_same_ticks_beside_a_far_future(self, calendar: BusinessCalendar, time: int) -> None:
        """An instant has the same ticks whether or not later centuries are asked for in the same call."""
        near = np.array([time * 1_000_000])
        far = np.append(near, to_micros(datetime(2200, 12, 31, 23, tzinfo=UTC)))
        assert calendar.ticks(near)[0] == calendar.ticks(far)[0]

    def test_many_shapes(self) -> None:
        """Any shape is answered with the same shape, an empty one with an empty one."""
        times = np.arange(24, dtype=np.int64).reshape(2, 3, 4) * MICROS_PER_HOUR
        assert (2, 3, 4) == UTC_WEEK.ticks(times).shape
        assert (0,) == UTC_WEEK.ticks(np.empty(0, dtype=np.int64)).shape
        # 1970-01-01 was a Thursday.
        assert 23 * MICROS_PER_HOUR == UTC_WEEK.ticks(times)[1, 2, 3] - UTC_WEEK.ticks(times)[0, 0, 0]

    def test_elapsed_days(self) -> None:
        """Intervals are answered in working days, each for itself."""
        starts = micros([datetime(2026, 3, 6, 18, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)])
        ends = micros([datetime(2026, 3, 9, 6, tzinfo=UTC), datetime(2026, 3, 11, 12, tzinfo=UTC)])
        assert [0.5, 2.5] == UTC_WEEK.elapsed_days(starts=starts, ends=ends).tolist()

    def test_backwards(self) -> None:
        """An interval that ends before it starts is refused, and its position named."""
        with pytest.raises(InvalidInput, match=r"1 intervals .* position 1"):
            UTC_WEEK.elapsed_days(starts=np.array([5, 9]), ends=np.array([5, 8]))

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
            datetime(2201, 1, 1, tzinfo=UTC),
            datetime.max.replace(tzinfo=UTC),
        ],
    )
    def test_outside_the_years(self, moment: datetime) -> None:
        """Instants outside of 1970 to 2200 are refused rather than guessed at."""
        with pytest.raises(TimeOutOfRange):
            UTC_WEEK.ticks(micros([moment]))

    def test_edges_of_the_years(self) -> None:
        """The first and the last instant of the range are answered in zones far from Greenwich as well."""
        edges = micros([datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)])
        for zone in ("Pacific/Kiritimati", "Pacific/Niue", "UTC"):
            ticks = BusinessCalendar(zone=zone, weekend=frozenset()).ticks(edges)
            # 231 years with 56 leap days (2100 and 2200 have none) are 84,371 days; Kiritimati left one out.
            assert pytest.approx(84_371, abs=1.01) == (ticks[1] - ticks[0]) / TICKS_PER_DAY

    def test_floats_are_refused(self) -> None:
        """Instants that are no int64 are refused, since a float would lose microseconds silently."""
        with pytest.raises(InvalidInput, match="float64"):
            UTC_WEEK.ticks(np.array([1.5]))


class TestDays:
    def test_working_days(self) -> None:
        """Spans of dates are half-open and skip weekends and holidays."""
        # 2026-12-21 is a Monday; the 25th and the 28th are holidays.
        assert 4 == LONDON.working_days(date(2026, 12, 21), date(2026, 12, 28))
        assert 5 == LONDON.working_days(date(2026, 12, 21), date(2026, 12, 30))
        assert 0 == LONDON.working_days(date(2026, 12, 21), date(2026, 12, 21))
        assert ["2026-12-24", "2026-12-29"] == LONDON.working_dates(date(2026, 12, 24), date(2026, 12, 30)).astype(
            str
        ).tolist()

    def test_span_backwards(self) -> None:
        """A span of dates that ends before it starts is refused."""
        with pytest.raises(InvalidInput, match="ends before"):
            LONDON.working_days(date(2026, 1, 2), date(2026, 1, 1))

    @given(calendar=st.sampled_from(CALENDARS[:2]), day=st.dates(date(1970, 1, 1), date(2200, 12, 31)))
    def test_is_working_day(self, calendar: BusinessCalendar, day: date) -> None:
        """A day is worked when it is neither weekend nor holiday, in any year."""
        assert (day.weekday() not in calendar.weekend and day not in calendar.holidays) == calendar.is_working_day(day)

    def test_dates_outside_the_years(self) -> None:
        """Dates outside of 1970 to 2200 are refused, though not as holidays, which then never come."""
        with pytest.raises(TimeOutOfRange):
            UTC_WEEK.is_working_day(date(1969, 12, 31))
        with pytest.raises(TimeOutOfRange):
            UTC_WEEK.working_days(date(2200, 1, 1), date(2201, 1, 2))
        distant = BusinessCalendar(zone="UTC", holidays=frozenset({date(1900, 1, 1), date(2999, 1, 1)}))
        assert distant.is_working_day(date(1970, 1, 1))

    @given(calendar=st.sampled_from(CALENDARS[:8]), second=LATELY)
    def test_local_date(self, calendar: BusinessCalendar, second: int) -> None:
        """An instant falls into the date that the local clock shows."""
        shown = datetime.fromtimestamp(second, ZoneInfo(calendar.zone)).date()
        assert shown == calendar.local_date(np.array([second * 1_000_000]))[0].astype(date)

    @given(calendar=st.sampled_from(CALENDARS[:8]), second=LATELY)
    def test_iso_week(self, calendar: BusinessCalendar, second: int) -> None:
        """An instant falls into the ISO week that its local date has in the standard library."""
        shown = datetime.fromtimestamp(second, ZoneInfo(calendar.zone)).date()
        year, week, _ = shown.isocalendar()
        assert date.fromisocalendar(year, week, 1) == calendar.iso_week(np.array([second * 1_000_000]))[0].astype(date)

    def test_complete_weeks(self) -> None:
        """Weeks run from the one of the first event to the last that is over, also those in which nothing happened."""
        # Wednesday 2026-03-04 to Monday 2026-03-23 00:30 in London: the week of the 16th has just ended.
        first = to_micros(at("Europe/London", 2026, 3, 4, 12))
        now = to_micros(at("Europe/London", 2026, 3, 23, 0, 30))
        assert ["2026-03-02", "2026-03-09", "2026-03-16"] == LONDON.complete_weeks(first=first, now=now).astype(
            str
        ).tolist()
        # An hour earlier it is still Sunday there.
        before = now - MICROS_PER_HOUR
        assert ["2026-03-02", "2026-03-09"] == LONDON.complete_weeks(first=first, now=before).astype(str).tolist()

    def test_no_complete_week(self) -> None:
        """A first event in the running week, or after it, leaves no complete week."""
        now = to_micros(datetime(2026, 3, 4, tzinfo=UTC))
        assert 0 == UTC_WEEK.complete_weeks(first=now, now=now).size
        assert 0 == UTC_WEEK.complete_weeks(first=now + 30 * 24 * MICROS_PER_HOUR, now=now).size


class TestConfiguration:
    @pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "America", "../passwd", "/etc/passwd", "a\0b"])
    def test_unknown_zone(self, zone: str) -> None:
        """A zone that does not exist is refused, and so is what is no zone's name."""
        with pytest.raises(InvalidInput, match="time zone"):
            BusinessCalendar(zone=zone)

    @pytest.mark.parametrize("weekend", [frozenset({7}), frozenset({-1}), frozenset(range(7))])
    def test_impossible_weekend(self, weekend: frozenset[int]) -> None:
        """A weekend names weekdays and leaves at least one to work on."""
        with pytest.raises(InvalidInput, match="weekend"):
            BusinessCalendar(zone="UTC", weekend=weekend)

    def test_holiday_with_a_time(self) -> None:
        """A holiday with a time of day is refused, since it would never equal a date."""
        with pytest.raises(InvalidInput, match="holidays"):
            BusinessCalendar(zone="UTC", holidays=frozenset({datetime(2026, 1, 1, tzinfo=UTC)}))

    def test_value(self) -> None:
        """Calendars are equal by value, and can be keys."""
        assert 1 == len({BusinessCalendar(zone="UTC"), BusinessCalendar(zone="UTC", weekend=frozenset({6, 5}))})
        assert BusinessCalendar(zone="UTC") != BusinessCalendar(zone="UTC", weekend=frozenset({6}))


class TestMicros:
    def test_hand_worked(self) -> None:
        """Microseconds count from 1970 in UTC, whatever zone the time is written in."""
        assert 0 == to_micros(datetime(1970, 1, 1, tzinfo=UTC))
        assert 1 == to_micros(datetime(1970, 1, 1, 5, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))))
        assert -1 == to_micros(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
        # date -u -d 2026-03-06T18:00:00Z +%s
        assert 1_772_820_000_000_000 == to_micros(datetime(2026, 3, 6, 18, tzinfo=UTC))

    def test_both_passes_of_an_hour(self) -> None:
        """A local time that passes twice is told apart by its fold."""
        once = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"))
        assert MICROS_PER_HOUR == to_micros(once.replace(fold=1)) - to_micros(once)

    @given(st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Asia/Kolkata")]), min_value=datetime(2, 1, 1)))
    def test_round_trip(self, moment: datetime) -> None:
        """A time survives the way to microseconds and back to the last digit."""
        # Compared in UTC: Python calls a local time that passes twice unequal to every time of another zone.
        assert moment.astimezone(UTC) == from_micros(to_micros(moment))
        assert UTC is from_micros(to_micros(moment)).tzinfo

    def test_naive(self) -> None:
        """A time without a zone is refused."""
        with pytest.raises(InvalidInput, match="no zone"):
            to_micros(datetime(2026, 1, 1))

    @pytest.mark.parametrize("micros", [2**63 - 1, -(2**63), 10**30])
    def test_no_such_time(self, micros: int) -> None:
        """Microseconds that no calendar date has are refused."""
        with pytest.raises(TimeOutOfRange):
            from_micros(micros)

    def test_numpy_scalar(self) -> None:
        """An element of an array is taken as it is."""
        assert datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC) == from_micros(np.int64(1_000_000))  # type: ignore[arg-type]
