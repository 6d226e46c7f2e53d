"""How readers write: by the languages that their browser accepts, and in their zone."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from dpp.entrypoints.http.dashboard import manner, words
from dpp.entrypoints.http.dashboard.manner import manner_of

THIN, APOSTROPHE = "\u202f", "\u2019"
LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 3, 6, 12, 5, tzinfo=UTC)


def request(accepted: str, cookies: dict[str, str] | None = None) -> Any:
    """Return what of a request is looked at."""
    return cast(Any, SimpleNamespace(headers={"accept-language": accepted}, cookies=cookies or {}))


@pytest.mark.parametrize(
    ("accepted", "number"),
    [
        ("", f"1{THIN}234.5"),
        ("*", f"1{THIN}234.5"),
        ("en-US,en;q=0.9", "1,234.5"),
        ("en-GB", "1,234.5"),
        ("de-DE,de;q=0.9,en;q=0.8", "1.234,5"),
        ("de-CH", f"1{APOSTROPHE}234.5"),
        ("de-AT", f"1{THIN}234,5"),
        ("fr", f"1{THIN}234,5"),
        ("pt-BR", "1.234,5"),
        ("pt-PT", f"1{THIN}234,5"),
        ("es-MX", "1,234.5"),
        ("ja", "1,234.5"),
        ("en;q=0.5, da;q=0.9", "1.234,5"),
        ("de;q=0, sv", f"1{THIN}234,5"),
        ("zh-Hant-TW", "1,234.5"),
        ("de;q=nonsense", f"1{THIN}234.5"),
        ("<script>", f"1{THIN}234.5"),
    ],
)
def test_numbers_follow_the_language_wanted_most(accepted: str, number: str) -> None:
    """Signs are those of the first language by weight, with what its country does otherwise; none said is neutral."""
    assert number == manner_of(accepted).number("1,234.5")


@pytest.mark.parametrize(
    ("accepted", "day", "short", "clock"),
    [
        ("", "6 Mar 2026", "6 Mar", "14:05 UTC"),
        ("en-US", "Mar 6, 2026", "Mar 6", "2:05 PM UTC"),
        ("en-AU", "6 Mar 2026", "6 Mar", "2:05 PM UTC"),
        ("de", "6 Mar 2026", "6 Mar", "14:05 UTC"),
    ],
)
def test_days_and_times_follow_it(accepted: str, day: str, short: str, clock: str) -> None:
    """Americans get the month first, some the hours to twelve; the words are English for everybody."""
    found = manner_of(accepted)
    when = datetime(2026, 3, 6, 14, 5, tzinfo=UTC)
    assert (day, short, clock) == (found.day(when.date()), found.short_day(when.date()), found.clock(when))


@pytest.mark.parametrize(("hour", "said"), [(0, "12:05 AM UTC"), (11, "11:05 AM UTC"), (12, "12:05 PM UTC")])
def test_twelve_is_noon_and_midnight(hour: int, said: str) -> None:
    """Hours to twelve have no zero."""
    assert said == manner_of("en-US").clock(datetime(2026, 3, 6, hour, 5, tzinfo=UTC))


def test_everything_said_within_a_request_follows_it() -> None:
    """After ``follow`` words write as the reader does: numbers, days, moments in the reader's zone."""
    manner.follow(request("de-DE", {"dpp_zone": "Asia/Tokyo"}))
    try:
        assert "1.234,5" == words.number(1234.5)
        assert "99,9" == words.percent(99.97)
        assert "6 Mar 2026, 21:05 JST" == words.moment(NOON, zone=LONDON)
        assert "7 Mar 2026" == words.day(datetime(2026, 3, 6, 16, tzinfo=UTC), zone=LONDON)
        assert "6 Mar 2026" == words.calendar_day(date(2026, 3, 6))
    finally:
        manner.follow(request(""))
    assert "6 Mar 2026, 12:05 GMT" == words.moment(NOON, zone=LONDON)
    assert "1\u202f234.5" == words.number(1234.5)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "Mars/Olympus", "/etc/localtime", "Europe/London\n"])
def test_a_zone_that_is_none_is_the_platforms(name: str) -> None:
    """A cookie that names no zone changes nothing, and is never opened as a file."""
    manner.follow(request("", {"dpp_zone": name}))
    assert LONDON == manner.zone_of(LONDON)
