"""Completions by week and by working day, counted by hand and against a count in plain Python."""

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.domain.arrays import IntArray
from dpp.domain.calendar import BusinessCalendar, to_micros
from dpp.domain.throughput import WeeklyThroughput, daily_throughput, sprint_days, weekly_throughput

TICKETS = Path(__file__).parents[4] / "shared" / "payloads" / "tickets"
PUBLISHED = TICKETS / "rueedlinger+agile-project-dataset" / "data" / "jira.csv"

UTC_CALENDAR = BusinessCalendar(zone="UTC")
#: 2026-03-02 is a Monday.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def instants(*moments: datetime) -> IntArray:
    """Return moments as the calculators take them."""
    return np.array([to_micros(moment) for moment in moments], dtype=np.int64)


def day(number: float) -> datetime:
    """Return the moment so many days after that Monday."""
    return MONDAY + timedelta(days=number)


def told(found: WeeklyThroughput) -> dict[str, int]:
    """Return completions by week."""
    return dict(zip(map(str, found.weeks), found.completions.tolist(), strict=True))


def weekly(*completed: float, first: float | None, now: float, limit: int = 12, zone: str = "UTC") -> dict[str, int]:
    """Return completions by week, of items completed so many days after that Monday."""
    return told(
        weekly_throughput(
            completed_at=instants(*map(day, completed)),
            first_event=None if first is None else to_micros(day(first)),
            now=to_micros(day(now)),
            calendar=BusinessCalendar(zone=zone),
            limit=limit,
        )
    )


def test_weeks_count_with_the_empty_ones() -> None:
    """Two items in the first week, none in the second, one on the third Sunday; the running week is no sample."""
    expected = {"2026-03-02": 2, "2026-03-09": 0, "2026-03-16": 1}
    assert expected == weekly(0, 4.5, 20.9, 21.5, first=0, now=23)


def test_the_week_of_the_first_event_is_a_sample_and_earlier_ones_are_not() -> None:
    """First heard of on a Friday: that week counts as a whole, although it had begun; the week before is unknown."""
    assert {"2026-03-02": 0, "2026-03-09": 1} == weekly(8, -3, first=4, now=14)


def test_a_week_is_over_when_the_next_one_begins() -> None:
    """On Sunday night its week is still running; at Monday's first instant it is complete."""
    assert {} == weekly(1, first=0, now=6.99)
    assert {"2026-03-02": 1} == weekly(1, first=0, now=7)


def test_without_an_event_there_is_no_history() -> None:
    """Neither a stream that was never heard of nor one that is heard of later has a week."""
    assert {} == weekly(first=None, now=30)
    assert {} == weekly(first=40, now=30)


def test_only_the_latest_weeks_are_a_sample() -> None:
    """Of 20 complete weeks the last twelve count, or as many as one asks for."""
    assert 12 == len(weekly(first=0, now=140))
    assert ["2026-07-13"] == list(weekly(first=0, now=140, limit=1))
    assert {} == weekly(first=0, now=140, limit=0)


def test_a_week_begins_on_the_clock_of_its_calendar() -> None:
    """Sunday 22:00 in London's winter is Monday morning in Auckland, where the item belongs to the next week."""
    late = 6 + 22 / 24
    assert {"2026-03-02": 1, "2026-03-09": 0} == weekly(late, first=0, now=14.5)
    assert {"2026-03-02": 0, "2026-03-09": 1} == weekly(late, first=0, now=14.5, zone="Pacific/Auckland")


def test_days_count_with_the_empty_ones() -> None:
    """Of Monday to Wednesday two items belong to Monday, one to Wednesday; those of other days belong to none."""
    days = UTC_CALENDAR.working_dates(date(2026, 3, 2), date(2026, 3, 5))
    found = daily_throughput(
        completed_at=instants(day(2.999), day(0), day(0.5), day(3), day(-0.001)), days=days, calendar=UTC_CALENDAR
    )
    assert [2, 0, 1] == found.tolist()


def test_sprint_days_are_working_days_before_today_each_once() -> None:
    """Two sprints share Friday; the weekend, a holiday, days before the first event and today are left out."""
    calendar = BusinessCalendar(zone="UTC", holidays=frozenset({date(2026, 3, 10)}))
    days = sprint_days(
        spans=[(date(2026, 3, 6), date(2026, 3, 20)), (date(2026, 2, 23), date(2026, 3, 6))],
        first_day=date(2026, 3, 4),
        today=date(2026, 3, 12),
        calendar=calendar,
    )
    assert ["2026-03-04", "2026-03-05", "2026-03-06", "2026-03-09", "2026-03-11"] == [str(one) for one in days]


def test_a_sprint_that_has_no_days_gives_none() -> None:
    """Neither one that ends before it starts, nor one of the future, nor none at all."""
    for spans in ([], [(date(2026, 3, 6), date(2026, 3, 2))], [(date(2026, 4, 1), date(2026, 4, 10))]):
        found = sprint_days(spans=spans, first_day=date(2026, 1, 1), today=date(2026, 3, 20), calendar=UTC_CALENDAR)
        assert [] == found.tolist()


@given(
    completed=st.lists(st.integers(0, 150 * 24), max_size=40),
    first=st.integers(0, 150 * 24),
    now=st.integers(0, 150 * 24),
    zone=st.sampled_from(["UTC", "Europe/London", "America/St_Johns", "Pacific/Auckland"]),
)
@settings(max_examples=60, deadline=None)
def test_weeks_equal_a_count_in_plain_python(completed: list[int], first: int, now: int, zone: str) -> None:
    """Each item belongs to the Monday of its local date, over clock changes too."""
    clock = ZoneInfo(zone)

    def monday(hour: int) -> date:
        local = (MONDAY + timedelta(hours=hour)).astimezone(clock).date()
        return local - timedelta(days=local.weekday())

    counts = Counter(map(monday, completed))
    expected = {}
    week = monday(first)
    while week < monday(now):
        expected[str(week)] = counts[week]
        week += timedelta(weeks=1)
    expected = dict(list(expected.items())[-12:])
    assert expected == weekly(*(hour / 24 for hour in completed), first=first / 24, now=now / 24, zone=zone)


@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"published tickets are not at {PUBLISHED}")
@pytest.mark.parametrize(("project", "items", "weeks", "empty"), [("0", 2427, 335, 66), ("1", 1696, 239, 74)])
def test_weeks_of_a_published_project(project: str, items: int, weeks: int, empty: int) -> None:
    """All that the projects of rueedlinger/agile-project-dataset finished, in as many ISO weeks, some of them empty."""
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = [row["finished_date"] for row in csv.DictReader(file) if row["project"] == project]
    finished = [datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC) for day in rows if day]
    found = weekly_throughput(
        completed_at=instants(*finished),
        first_event=to_micros(min(finished)),
        now=to_micros(max(finished) + timedelta(weeks=1)),
        calendar=UTC_CALENDAR,
        limit=10_000,
    )
    assert (items, weeks, empty) == (found.completions.sum(), len(found.weeks), (found.completions == 0).sum())
    expected = Counter(moment.isocalendar()[:2] for moment in finished)
    counts = zip(found.weeks.tolist(), found.completions.tolist(), strict=True)
    assert expected == Counter({week.isocalendar()[:2]: count for week, count in counts if count})
