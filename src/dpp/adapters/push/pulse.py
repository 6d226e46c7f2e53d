"""Answers to the survey that an external form tool pushes (§5.5.1)."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from msgspec.json import Decoder

from dpp.adapters.push.decoding import Item, decode, items_of
from dpp.adapters.push.fields import FIRST_YEAR, LAST_YEAR, missing, moment, needed_text
from dpp.adapters.push.payloads import PulsePush
from dpp.application.reading import Reading, UnknownStreamNamed
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Facts, Normalised, Outcome
from dpp.domain.pulse import Dimension, Period
from dpp.domain.survey import PulseFact, kept_text

_PUSH = Decoder(PulsePush)
#: No stream has this id.
_NONE = UUID(int=0)


def read_pulse(body: bytes, *, reading: Reading) -> Normalised:
    """
    Return the pushed answers; never ignored and never unknown.

    The sender's id of a respondent is hashed once more, so that it cannot be met in another system. An answer without
    ``submitted_at`` counts as given when its month began: pushing it again changes nothing.

    Args:
        body: a JSON object, or a list of them.
        reading: tells which delivery streams there are, and hashes respondents.

    Raises:
        MalformedPayload: the body is not JSON.
        UnknownStreamNamed: there is no such delivery stream; nothing of the body is accepted.
        InvalidInput: a field is missing or wrong; nothing of the body is accepted.
    """
    facts = [(item, _fact(item, reading=reading)) for item in items_of(body)]
    # Streams come last: else a sender who may know some streams only could tell from which fault is named that a stream
    # is there.
    unknown = next((item.field("delivery_stream") for item, fact in facts if fact.delivery_stream_id == _NONE), None)
    if unknown is not None:
        raise UnknownStreamNamed(f"{unknown} is none of the configured delivery streams", field=unknown)
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(pulses=tuple(fact for _, fact in facts)))


def _fact(item: Item, *, reading: Reading) -> PulseFact:
    push, field = decode(item, decoder=_PUSH), item.field
    period = _period(push.survey_period, field=field("survey_period"))
    name = needed_text(push.delivery_stream, field=field("delivery_stream"), give="the name of a delivery stream")
    who = needed_text(push.respondent, field=field("respondent"), give="an id that stands for the person")
    pace, tooling, clarity = (_score(push, dimension, item=item) for dimension in Dimension)
    submitted_at = moment(push.submitted_at, field=field("submitted_at"))
    stream = reading.configuration.delivery_stream(name)
    return PulseFact(
        event_timestamp=submitted_at or datetime(period.year, period.month, 1, tzinfo=UTC),
        survey_period=str(period),
        delivery_stream_id=_NONE if stream is None else stream.stream_id,
        respondent_hash=reading.pseudonymiser.hash("push", who),
        pace_score=pace,
        tooling_score=tooling,
        clarity_score=clarity,
        free_text=kept_text(push.free_text, field=field("free_text")),
    )


def _period(text: str | None, *, field: str) -> Period:
    written = needed_text(text, field=field, give="the month of the survey, such as 2026-02")
    try:
        period = Period.parse(written)
    except InvalidInput:
        raise InvalidInput(f"{field} is no month: write it as 2026-02", field=field) from None
    if not FIRST_YEAR <= period.year <= LAST_YEAR:
        raise InvalidInput(f"{field} has a year that cannot be meant: write it as 2026-02", field=field)
    return period


def _score(push: PulsePush, dimension: Dimension, *, item: Item) -> int:
    field = f"{dimension}_score"
    score: int | None = getattr(push, field)
    if score is None:
        raise missing(item.field(field), give="a whole number from 1 to 5")
    return score
