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
from dpp.application.survey_retention import RawAnswers
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


class MemoryPulse(PulseReader, PulseAggregates, RawAnswers):
    """Reads answers, keeps aggregates, and takes answers away when their time is over.

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
                and (row.survey_period, row.delivery_stream_id) not in self.surveys.final
                and first <= row.survey_period <= last
                and (row.survey_period <= closed or row.answered_at <= view.as_of)
                and view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=())
            ):
                found.setdefault((row.survey_period, row.delivery_stream_id), []).append(row)
        sums = {key: _sums(rows) for key, rows in found.items()}
        for period, stream in self.surveys.final:
            if first <= period <= min(last, closed) and view.shows(delivery_stream_id=stream, tech_stream_ids=()):
                sums[period, stream] = _sums_again(self.surveys.aggregates[period, stream])
        return [PulseRow(stream, period, row) for (period, stream), row in sorted(sums.items())]

    async def replace(
        self, rows: Sequence[PulseAggregateRow], *, periods: Collection[Period], at: datetime
    ) -> frozenset[UUID]:
        """Make these rows all that there is of some periods."""
        self._database.check_available()
        final = self.surveys.final
        before = {key: row for key, row in self.surveys.aggregates.items() if key[0] in periods and key not in final}
        after = {key: row for row in rows if (key := (row.survey_period, row.delivery_stream_id)) not in final}
        changed = {key[1] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        for key in before:
            del self.surveys.aggregates[key]
        self.surveys.aggregates.update(after)
        return frozenset(changed)

    async def expire_answers(self, *, before: datetime) -> int:
        """Delete answers that are old enough, and let their aggregates stand for them."""
        self._database.check_available()
        latest: dict[tuple[Period, UUID | None], datetime] = {}
        for row in self.surveys.responses.values():
            group = (row.survey_period, row.delivery_stream_id)
            latest[group] = max(row.answered_at, latest.get(group, row.answered_at))
        old = {group for group, moment in latest.items() if moment < before}
        kept = {
            key: row
            for key, row in self.surveys.responses.items()
            if (row.survey_period, row.delivery_stream_id) not in old
        }
        deleted = len(self.surveys.responses) - len(kept)
        self.surveys.final |= {key for key in self.surveys.aggregates if key in old}
        self.surveys.responses.clear()
        self.surveys.responses.update(kept)
        return deleted

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


def _sums_again(row: PulseAggregateRow) -> ScoreSums:
    """Return the sums that averages came from: these are quotients of whole numbers."""
    return ScoreSums(
        responses=row.response_count,
        pace=round(row.pace_avg * row.response_count),
        tooling=round(row.tooling_avg * row.response_count),
        clarity=round(row.clarity_avg * row.response_count),
    )
