"""Pushed answers to the survey, by §5.5.1."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from dpp.adapters.push.payloads import PulsePush
from dpp.adapters.push.readers import SurveyReader
from dpp.application.reading import MalformedPayload, UnknownStreamNamed, Verified
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Source
from dpp.domain.survey import MAX_FREE_TEXT, PulseFact
from tests.unit.adapters.push.pushing import PAYMENTS, PSEUDONYMISER, at, survey_answer, surveyed


def test_answer() -> None:
    """An answer keeps month, team, scores and text, with the respondent hashed and nobody addressed."""
    expected = PulseFact(
        event_timestamp=at("10:30"),
        survey_period="2026-03",
        delivery_stream_id=PAYMENTS,
        respondent_hash=PSEUDONYMISER.hash("push", "r-17"),
        pace_score=2,
        tooling_score=3,
        clarity_score=5,
        free_text="ask (removed)",
    )
    assert (expected,) == surveyed(survey_answer())
    assert "r-17" not in repr(surveyed(survey_answer()))


def test_pushing_again_gives_the_same_fact() -> None:
    """An answer that does not say when it was given counts from the beginning of its month."""
    (fact,) = surveyed(survey_answer(submitted_at=None, free_text=" "))
    assert (datetime(2026, 3, 1, tzinfo=UTC), None) == (fact.event_timestamp, fact.free_text)
    assert (fact,) == surveyed(survey_answer(submitted_at=" ", free_text=None))


@pytest.mark.parametrize("name", ["Payments and co", " PAYMENTS "])
def test_a_team_goes_by_either_name(name: str) -> None:
    """Its name or the one that is displayed, whatever the case."""
    (fact,) = surveyed(survey_answer(delivery_stream=name))
    assert PAYMENTS == fact.delivery_stream_id


def test_list() -> None:
    """A list holds several answers, in their order."""
    facts = surveyed([survey_answer(respondent=who) for who in "ab"])
    assert [PSEUDONYMISER.hash("push", who) for who in "ab"] == [fact.respondent_hash for fact in facts]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"survey_period": None}, "survey_period"),
        ({"survey_period": "March"}, "survey_period"),
        ({"survey_period": "2026-13"}, "survey_period"),
        ({"survey_period": "0000-01"}, "survey_period"),
        ({"survey_period": "9999-12"}, "survey_period"),
        ({"delivery_stream": None}, "delivery_stream"),
        ({"delivery_stream": "nobody"}, "delivery_stream"),
        ({"respondent": None}, "respondent"),
        ({"respondent": " "}, "respondent"),
        ({"pace_score": None}, "pace_score"),
        ({"pace_score": 0}, "pace_score"),
        ({"tooling_score": 6}, "tooling_score"),
        ({"clarity_score": "5"}, "clarity_score"),
        ({"clarity_score": 4.5}, "clarity_score"),
        ({"free_text": 5}, "free_text"),
        ({"free_text": "a" * (MAX_FREE_TEXT + 1)}, "free_text"),
        ({"submitted_at": "2026-03-01T10:30:00"}, "submitted_at"),
    ],
)
def test_refused(changes: dict[str, Any], field: str) -> None:
    """An answer that cannot be used is refused with all that came with it, naming its place and the field."""
    for payload, place in (
        (survey_answer(**changes), field),
        ([survey_answer(), survey_answer(**changes)], f"[1].{field}"),
    ):
        with pytest.raises(InvalidInput) as caught:
            surveyed(payload)
        assert place == caught.value.field
        assert str(caught.value).startswith(place)


def test_an_unknown_team_is_told_only_when_all_else_is_right() -> None:
    """A wrong field of a later answer is named before an unknown team of an earlier one."""
    unknown = survey_answer(delivery_stream="nobody")
    with pytest.raises(InvalidInput, match=r"^\[1\]\.pace_score"):
        surveyed([unknown, survey_answer(pace_score=9)])
    with pytest.raises(UnknownStreamNamed, match=r"^\[0\]\.delivery_stream"):
        surveyed([unknown, survey_answer()])


def test_malformed() -> None:
    """A body that is not JSON is refused with the position."""
    with pytest.raises(MalformedPayload, match=r"at byte 1$"):
        surveyed(b"{")


def test_a_reader_names_what_it_reads() -> None:
    """A push carries its source, its kind and its sender's key."""
    found = SurveyReader().verified(body=b"{}", idempotency_key="key")
    assert Verified(source=Source.SURVEY, kind="pulse", body=b"{}", delivery_id="key") == found


def test_an_answer_shows_nothing_of_itself() -> None:
    """Neither a push nor a fact has the free text in its representation, which could come into a log."""
    push = msgspec.convert(survey_answer(free_text="secret"), PulsePush)
    (fact,) = surveyed(survey_answer(free_text="secret"))
    assert "secret" not in repr(push) + repr(fact)
