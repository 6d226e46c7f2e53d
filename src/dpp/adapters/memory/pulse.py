"""Survey answers and their aggregates in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase, MemorySurveys
from dpp.application.pulse_ports import (
    PulseAggregateRow,
    PulseAggregates,
    PulseReader,
    PulseResponse,
    PulseRow,
)
from dpp.application.views import View
from dpp.domain.pulse import Period, ScoreSums

__all__ = ["MemoryPulse", "MemorySurveys", "write_answers"]


def write_answers(surveys: MemorySurveys, answers: Iterable[PulseResponse]) -> list[PulseResponse]:
    """Keep answers, each in the place of an earlier one of the same person, period and stream.

    Returns:
        Those that are new or took the place of another one.
    """
    written = []
    for answer in answers:
        before = surveys.responses.get(answer.natural_key)
        if before is None or before.precedence < answer.precedence:
            surveys.responses[answer.natural_key] = answer
            written.append(answer)
    return written


class MemoryPulse(PulseReader, PulseAggregates):
    """Reads answers and keeps aggregates.

    Args:
        database: says whether the store answers.
        surveys: where they are; without it, those of the database.
    """

    def __init__(self, *, database: MemoryDatabase, surveys: MemorySurveys | None = None) -> None:
        self._database = database
        self.surveys = surveys if surveys is not None else database.surveys

    async def answers(self, view: View, *, first: Period, last: Period, closed: Period) -> Sequence[PulseRow]:
        """Return sums of answers."""
        self._database.check_available()
        found: dict[tuple[Period, UUID], list[PulseResponse]] = {}
        for row in self.surveys.responses.values():
            if (
                row.delivery_stream_id is not None
                and first <= row.survey_period <= last
                and (row.survey_period <= closed or row.answered_at <= view.as_of)
                and view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=())
            ):
                found.setdefault((row.survey_period, row.delivery_stream_id), []).append(row)
        return [PulseRow(stream, period, _sums(rows)) for (period, stream), rows in sorted(found.items())]

    async def replace(
        self, rows: Sequence[PulseAggregateRow], *, periods: Collection[Period], at: datetime
    ) -> frozenset[UUID]:
        """Make these rows all that there is of some periods."""
        self._database.check_available()
        before = {key: row for key, row in self.surveys.aggregates.items() if key[0] in periods}
        after = {(row.survey_period, row.delivery_stream_id): row for row in rows}
        changed = {key[1] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        for key in before:
            del self.surveys.aggregates[key]
        self.surveys.aggregates.update(after)
        return frozenset(changed)

    async def all(self) -> Sequence[PulseAggregateRow]:
        """Return every row."""
        self._database.check_available()
        return [row for _, row in sorted(self.surveys.aggregates.items())]


def _sums(rows: Sequence[PulseResponse]) -> ScoreSums:
    return ScoreSums(
        responses=len(rows),
        pace=sum(row.pace_score for row in rows),
        tooling=sum(row.tooling_score for row in rows),
        clarity=sum(row.clarity_score for row in rows),
    )
