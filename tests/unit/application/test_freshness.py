"""How fresh the sources are: silence is counted in working days."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dpp.application.freshness import Source
from dpp.domain.configuration import CalendarRules, Configuration, PlatformSettings
from tests.support.heard import Heard

FRIDAY = datetime(2026, 3, 13, 15, tzinfo=UTC)
MONDAY = datetime(2026, 3, 16, 9, tzinfo=UTC)
CONFIGURATION = Configuration(version=1, platform=PlatformSettings(calendar=CalendarRules(time_zone="UTC")))


def sources(last: dict[str, datetime], *, now: datetime, configuration: Configuration = CONFIGURATION) -> list[Source]:
    """Return the sources as of a moment."""
    freshness = Heard(last=last).freshness()
    return list(asyncio.run(freshness.sources(now=now, configuration=configuration)))


def test_a_weekend_is_no_silence() -> None:
    """From Friday 15:00 to Monday 9:00 three quarters of a working day have passed: 9 hours and 9 hours."""
    jira, github = sources({"jira": FRIDAY, "github": MONDAY}, now=MONDAY)

    assert Source("jira", "Jira", FRIDAY, 0.75) == jira
    assert Source("github", "GitHub", MONDAY, 0.0) == github
    assert (False, False) == (jira.is_stale, github.is_stale)


@pytest.mark.parametrize(("hours", "is_stale"), [(24, False), (24.1, True)])
def test_more_than_a_working_day_is_silence(hours: float, is_stale: bool) -> None:
    """A source is stale from the moment on at which a whole working day has gone by without a word."""
    jira, _ = sources({"jira": MONDAY}, now=MONDAY + timedelta(hours=hours))
    assert is_stale == jira.is_stale


def test_holidays_of_the_platform_count_as_rest() -> None:
    """With Monday off, Tuesday 9:00 is as far from Friday as Monday 9:00 is without a holiday."""
    rules = CalendarRules(time_zone="UTC", extra_holidays=(MONDAY.date(), date(2026, 3, 20)))
    off = replace(CONFIGURATION, platform=PlatformSettings(calendar=rules))
    jira, _ = sources({"jira": FRIDAY}, now=MONDAY + timedelta(days=1), configuration=off)
    assert 0.75 == jira.silent_days


def test_who_was_never_heard_is_not_stale() -> None:
    """A source that is not connected has no last word; doors without a rhythm are not among the sources."""
    found = sources({"deployment": FRIDAY}, now=MONDAY + timedelta(days=30))
    assert [("Jira", None, False), ("GitHub", None, False)] == [(one.title, one.last_at, one.is_stale) for one in found]


def test_a_word_from_the_future_is_no_silence() -> None:
    """When clocks disagree a source is fresh."""
    jira, _ = sources({"jira": MONDAY + timedelta(hours=1)}, now=MONDAY)
    assert 0.0 == jira.silent_days
