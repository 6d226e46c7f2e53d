"""Clock, ids, randomness and public holidays of the machine, and calendars made of them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, timedelta

import pytest

from dpp.adapters.system.clock import RandomIds, SystemClock, SystemRandomness
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.calendars import Calendars, UnknownHolidays
from dpp.domain.configuration import CalendarRules
from dpp.domain.errors import InvalidInput


def test_the_clock_shows_utc() -> None:
    """The time is aware, in UTC, and does not run backwards."""
    one, other = SystemClock().now(), SystemClock().now()
    assert timedelta() == one.utcoffset()
    assert UTC == one.tzinfo
    assert one <= other


def test_ids_and_random_bytes_do_not_repeat() -> None:
    """Two ids and two tokens differ, and a token has the size asked for."""
    ids, randomness = RandomIds(), SystemRandomness()
    assert ids.new() != ids.new()
    assert randomness.token(32) != randomness.token(32)
    assert [0, 1, 32] == [len(randomness.token(size)) for size in (0, 1, 32)]


def test_holidays_are_those_of_the_calendar_on_the_wall() -> None:
    """England's bank holidays of 2026, as the government publishes them; 28 December stands for Boxing Day."""
    assert {
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 4),
        date(2026, 5, 25),
        date(2026, 8, 31),
        date(2026, 12, 25),
        date(2026, 12, 28),
    } == {day for day in LibraryHolidays().dates(["GB-ENG"], [2026]) if day.weekday() < 5}


def test_codes_and_years_add_up() -> None:
    """Several codes and years give everything together, in whatever order they were asked before."""
    holidays = LibraryHolidays()
    scotland = holidays.dates(["GB-SCT"], [2026])
    germany = holidays.dates(["DE"], [2026, 2027])
    assert date(2026, 11, 30) in scotland
    assert date(2027, 10, 3) in germany
    both_years = scotland | holidays.dates(["GB-SCT"], [2027]) | germany
    assert both_years == holidays.dates(["DE", "GB-SCT"], [2027, 2026])
    assert frozenset() == holidays.dates([], [2026])
    assert frozenset() == holidays.dates(["DE"], [])


@pytest.mark.parametrize("code", ["XX", "GB-XYZ", "", "england", "GB-"])
def test_unknown_codes_are_named(code: str) -> None:
    """A code without holidays is refused, unless it is a country with an empty part."""
    if code == "GB-":
        assert LibraryHolidays().dates([code], [2026])
        return
    with pytest.raises(UnknownHolidays, match="GB-ENG"):
        LibraryHolidays().dates([code], [2026])


def test_the_library_is_imported_late() -> None:
    """Importing the adapter does not import the library."""
    code = "import sys, dpp.adapters.system.holidays; sys.exit('holidays' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_calendars_join_codes_and_dates() -> None:
    """A calendar knows the holidays of its codes and the dates listed, and is made once."""
    calendars = Calendars(LibraryHolidays())
    rules = CalendarRules(
        time_zone="Europe/London", weekend=frozenset({4, 5}), holidays=("GB-ENG",), extra_holidays=(date(2026, 12, 24),)
    )
    calendar = calendars.of(rules)
    assert ("Europe/London", frozenset({4, 5})) == (calendar.zone, calendar.weekend)
    assert [False, False, False, True] == [
        calendar.is_working_day(day)
        for day in (date(2026, 12, 24), date(2026, 8, 31), date(2026, 8, 28), date(2026, 8, 30))
    ]
    assert calendars.of(rules) is calendar
    assert not calendar.is_working_day(date(2099, 12, 24) + timedelta(days=1))


@pytest.mark.parametrize("rules", [CalendarRules(time_zone="Mars/Base"), CalendarRules(holidays=("XX",))])
def test_impossible_rules_make_no_calendar(rules: CalendarRules) -> None:
    """An unknown zone or code is an error and not a guess."""
    with pytest.raises(InvalidInput):
        Calendars(LibraryHolidays()).of(rules)
