"""An answer to the survey as a fact, and the window in which it can be given."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput
from dpp.domain.pulse import Period, survey_window
from dpp.domain.survey import MAX_FREE_TEXT, PulseFact, kept_text


def fact(**changes: Any) -> PulseFact:
    """Return an answer."""
    whole: dict[str, Any] = {
        "event_timestamp": datetime(2026, 3, 2, tzinfo=UTC),
        "survey_period": "2026-03",
        "delivery_stream_id": UUID(int=1),
        "respondent_hash": "a",
        "pace_score": 1,
        "tooling_score": 3,
        "clarity_score": 5,
    }
    return PulseFact(**(whole | changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pace_score": 0}, "pace_score"),
        ({"tooling_score": 6}, "tooling_score"),
        ({"clarity_score": -1}, "clarity_score"),
        ({"survey_period": "2026-3"}, "survey_period"),
        ({"event_timestamp": datetime(2026, 3, 2)}, "event_timestamp"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(changes: dict[str, Any], field: str) -> None:
    """A score off the scale, no month and no zone are named; the ends of the scale are fine."""
    assert (1, 5) == (fact().pace_score, fact().clarity_score)
    with pytest.raises(InvalidInput) as caught:
        fact(**changes)
    assert field == caught.value.field


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        (" \0 \n", None),
        (" too much\n", "too much"),
        ("ask @alice", "ask (removed)"),
        ("to bob@acme.example", "to (removed)"),
        ("half \ud83d", "half ?"),
        ("a" * MAX_FREE_TEXT, "a" * MAX_FREE_TEXT),
    ],
)
def test_a_free_text_is_kept_without_whom_it_addresses(given: str | None, kept: str | None) -> None:
    """Blanks around it, NUL, addresses and mentions go; what cannot be written down becomes a question mark."""
    assert kept == kept_text(given)


def test_a_text_that_is_too_long_is_refused_without_being_quoted() -> None:
    """The message has its length, and no word of it."""
    with pytest.raises(InvalidInput, match=r"^note has 4001 characters: give at most 4000$"):
        kept_text("b" * (MAX_FREE_TEXT + 1), field="note")


def test_the_window_of_a_survey() -> None:
    """Open from the first to the last day, and on the day after it the next one is that of the next month."""
    december = (Period(2026, 12), date(2026, 12, 1), date(2026, 12, 7))
    january = (Period(2027, 1), date(2027, 1, 1), date(2027, 1, 7))
    assert (*december, True) == survey_window(date(2026, 12, 1))
    assert (*december, True) == survey_window(date(2026, 12, 7))
    assert (*january, False) == survey_window(date(2026, 12, 8))
    assert (*january, False) == survey_window(date(2026, 12, 31))


@given(day=st.dates(date(1971, 1, 1), date(9998, 11, 30)), last_day=st.integers(1, 28))
def test_a_survey_is_open_exactly_until_its_averages_may_be_shown(day: date, last_day: int) -> None:
    """The window ends the day before its period closes, never lies in the past, and opens within a month."""
    window = survey_window(day, last_day=last_day)
    assert window.period.closes_on(last_day=last_day) == window.last_day + timedelta(days=1)
    assert window.is_open == (window.opens_on <= day <= window.last_day)
    assert day <= window.last_day
    assert window.opens_on - day <= timedelta(days=30)
