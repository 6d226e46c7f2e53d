"""Business time and working hours of the simulated company."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime

import pytest

from dpp.adapters.simulation.calendar import business_days, days_off, some_time_after, working_time_after
from dpp.adapters.simulation.company import ZONE


def london(*parts: int) -> datetime:
    """A time in the company's zone."""
    return datetime(*parts, tzinfo=ZONE)  # type: ignore[misc, arg-type]  # year to minute, as given


@pytest.mark.parametrize(
    ("expected", "start", "end"),
    [
        pytest.param(0.5, (2026, 1, 9, 18, 0), (2026, 1, 12, 6, 0), id="Friday evening to Monday morning"),
        pytest.param(1.0, (2026, 1, 6, 0, 0), (2026, 1, 7, 0, 0), id="a whole Tuesday"),
        pytest.param(5.0, (2026, 1, 5, 9, 0), (2026, 1, 12, 9, 0), id="a week"),
        pytest.param(0.0, (2026, 1, 10, 8, 0), (2026, 1, 11, 20, 0), id="inside a weekend"),
        pytest.param(0.25, (2026, 4, 2, 18, 0), (2026, 4, 7, 0, 0), id="Good Friday to Easter Monday are off"),
        pytest.param(0.75, (2026, 12, 23, 18, 0), (2026, 12, 29, 12, 0), id="Christmas"),
        pytest.param(0.0, (2026, 1, 6, 9, 0), (2026, 1, 6, 9, 0), id="no time at all"),
        pytest.param(0.0, (2026, 1, 6, 9, 0), (2026, 1, 5, 9, 0), id="the wrong way round"),
        pytest.param(1.0, (2026, 3, 27, 12, 0), (2026, 3, 30, 12, 0), id="over the change to summer time"),
    ],
)
def test_business_days(expected: float, start: tuple[int, ...], end: tuple[int, ...]) -> None:
    """A working day is worth 1.0 from midnight to midnight in London, and other days nothing."""
    assert pytest.approx(expected, abs=1e-12) == business_days(london(*start), london(*end))


def test_midnight_is_londons() -> None:
    """In summer the company's Monday begins at 23:00 UTC on Sunday."""
    start, end = datetime(2026, 7, 5, 22, 0, tzinfo=UTC), datetime(2026, 7, 6, 5, 0, tzinfo=UTC)
    assert pytest.approx(0.25) == business_days(start, end)


def test_days_off_of_2026() -> None:
    """The public holidays of 2026 are those printed in an English calendar, and Christmas Eve."""
    expected = {(1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 24), (12, 25), (12, 28)}
    assert {date(2026, month, day) for month, day in expected} == days_off(2026)


def test_working_time_skips_nights_and_weekends() -> None:
    """Four office hours after Friday 16:00 it is Monday 11:00."""
    assert london(2026, 1, 12, 11, 0) == working_time_after(london(2026, 1, 9, 16, 0), 4)


def test_working_time_from_outside_the_office() -> None:
    """Work that is due on a Sunday begins on Monday at nine."""
    assert london(2026, 1, 12, 10, 0) == working_time_after(london(2026, 1, 11, 13, 0), 1)


def test_work_off_hours_takes_the_clock() -> None:
    """Whoever works through the weekend is done before Monday."""
    done = some_time_after(london(2026, 1, 9, 17, 0), 10, random.Random(1), off_hours=1.0)
    assert london(2026, 1, 9, 17, 0) < done < london(2026, 1, 10, 13, 0)
