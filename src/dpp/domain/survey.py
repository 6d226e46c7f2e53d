"""An answer to the monthly survey as a fact (§4.3.8): who gave it is hashed before it becomes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dpp.domain.errors import InvalidInput
from dpp.domain.pulse import HIGHEST_SCORE, LOWEST_SCORE, Dimension, Period
from dpp.domain.scrubbing import scrub

MAX_FREE_TEXT = 4000
"""Characters of a free text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseFact:
    """
    What one person answered for one delivery stream and period.

    A stream stands here by the platform's own id, which stays when the stream is renamed: the survey is the platform's.

    Attributes:
        event_timestamp: when it was given; of two answers of one person the later one counts.
        survey_period: as it is written, such as ``2026-02``.
        delivery_stream_id: the team that it is about.
        respondent_hash: the person.
        pace_score: 1 to 5, as are the next two.
        free_text: for the team's own retrospective; shown nowhere, not even in the representation of this object.

    Raises:
        InvalidInput: a score is not from 1 to 5, the period is none, or ``event_timestamp`` has no zone.
    """

    event_timestamp: datetime
    survey_period: str
    delivery_stream_id: UUID
    respondent_hash: str
    pace_score: int
    tooling_score: int
    clarity_score: int
    free_text: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        Period.parse(self.survey_period)
        scores = zip(Dimension, (self.pace_score, self.tooling_score, self.clarity_score), strict=True)
        for dimension, score in scores:
            if not LOWEST_SCORE <= score <= HIGHEST_SCORE:
                raise InvalidInput(f"{dimension}_score is {score}; it is from 1 to 5", field=f"{dimension}_score")
        if self.event_timestamp.tzinfo is None:
            raise InvalidInput("the time of an answer needs a zone", field="event_timestamp")


def kept_text(text: str | None, *, field: str = "free_text") -> str | None:
    """
    Return a free text as it is kept: without the people whom it addresses, without NUL; None when nothing is left.

    Args:
        text: as it was written; blank or None for none.
        field: how it is called in the error.

    Raises:
        InvalidInput: it has more than ``MAX_FREE_TEXT`` characters; the message says how many, and nothing of the text.
    """
    # A lone half of a surrogate pair has no form in UTF-8 that could be stored.
    whole = (text or "").replace("\0", "").encode(errors="replace").decode().strip()
    if len(whole) > MAX_FREE_TEXT:
        raise InvalidInput(f"{field} has {len(whole)} characters: give at most {MAX_FREE_TEXT}", field=field)
    return scrub(whole).strip() or None
