"""Answers to the survey as rows, what is read of them, and where their aggregates are kept (§4.3.8, §4.4.7).

Answers are written by the event store, with everything else that is delivered. No port gives back what one person
answered, nor any free text.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID, uuid5

from dpp.application.views import View
from dpp.domain.errors import InvalidInput
from dpp.domain.events import NAMESPACE
from dpp.domain.pulse import HIGHEST_SCORE, LOWEST_SCORE, Dimension, Period, ScoreSums

TOPIC = "pulse"
"""What changes of survey results are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseResponse:
    """
    A row of answers: what one person answered for one delivery stream and period.

    Attributes:
        delivery_stream_id: None while no stream of the configuration has the id that the answer names (§5.6).
        respondent_hash: the person, hashed before it comes here.
        answered_at: of two answers of one person the later one counts.
        free_text: for the team's own retrospective; never shown.
        received_at: when the platform got it; None stands for ``answered_at``.

    Raises:
        InvalidInput: a score is not from 1 to 5, or ``answered_at`` has no zone.
    """

    survey_period: Period
    delivery_stream_id: UUID | None
    respondent_hash: str
    pace_score: int
    tooling_score: int
    clarity_score: int
    answered_at: datetime
    free_text: str | None = field(default=None, repr=False)
    received_at: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for dimension in Dimension:
            if not LOWEST_SCORE <= (score := self.score(dimension)) <= HIGHEST_SCORE:
                raise InvalidInput(f"{dimension}_score is {score}; it is from 1 to 5", field=f"{dimension}_score")
        if self.answered_at.tzinfo is None:
            raise InvalidInput("answered_at needs a zone", field="answered_at")

    def score(self, dimension: Dimension) -> int:
        """Return the score of one question."""
        return {
            Dimension.PACE: self.pace_score,
            Dimension.TOOLING: self.tooling_score,
            Dimension.CLARITY: self.clarity_score,
        }[dimension]

    @property
    def natural_key(self) -> tuple[Period, str, str]:
        """What a person has one answer for: the period, the person and the stream, in an order for all of them."""
        return (self.survey_period, self.respondent_hash, str(self.delivery_stream_id or ""))

    @property
    def event_id(self) -> UUID:
        """Its id, which follows from that."""
        return uuid5(NAMESPACE, f"pulse {self.survey_period} {self.respondent_hash} {self.delivery_stream_id}")

    @property
    def precedence(self) -> tuple[datetime, int, int, int, str]:
        """The greatest one of a person's answers counts, in whatever order they come."""
        return (self.answered_at, self.pace_score, self.tooling_score, self.clarity_score, self.free_text or "")


class PulseRow(NamedTuple):
    """What the answers of one delivery stream and period add up to."""

    delivery_stream_id: UUID
    period: Period
    sums: ScoreSums


class PulseReader(Protocol):
    """Reads sums of answers."""

    @abstractmethod
    async def answers(self, view: View, *, first: Period, last: Period, closed: Period) -> Sequence[PulseRow]:
        """Return the sums of the periods from ``first`` to ``last`` of the delivery streams that the view shows.

        A survey answer belongs to its delivery stream and to no technology stream.

        Args:
            view: which streams count.
            first: the earliest period.
            last: the latest one.
            closed: up to this period all answers count, whenever they came; of later ones those up to the view's
                moment. So no choice of moment tells one answer of a closed survey from the others.

        Returns:
            In the order of periods, then streams.
        """


class PulseAggregateRow(NamedTuple):
    """A row of ``pulse_aggregates`` (§4.4.7), never of a withheld one."""

    delivery_stream_id: UUID
    survey_period: Period
    response_count: int
    team_size: int | None
    response_rate_pct: float | None
    pace_avg: float
    pace_trend: float | None
    tooling_avg: float
    tooling_trend: float | None
    clarity_avg: float
    clarity_trend: float | None
    overall_avg: float


class PulseAggregates(Protocol):
    """Keeps the aggregates."""

    @abstractmethod
    async def replace(
        self, rows: Sequence[PulseAggregateRow], *, periods: Collection[Period], at: datetime
    ) -> frozenset[UUID]:
        """Make these rows all that there is of some periods; rows that say the same stay as they are.

        Args:
            rows: of those periods, one for a stream and period.
            periods: others are left alone.
            at: when they were computed.

        Returns:
            The delivery streams of which a row came, changed or went.
        """

    @abstractmethod
    async def all(self) -> Sequence[PulseAggregateRow]:
        """Return every row, in the order of periods, then streams."""
