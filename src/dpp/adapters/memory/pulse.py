"""Survey answers and their aggregates in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.pulse_ports import (
    PulseAggregateRow,
    PulseAggregates,
    PulseReader,
    PulseResponse,
    PulseResponses,
    PulseRow,
)
from dpp.application.views import View
from dpp.domain.pulse import Period, ScoreSums


@dataclass(slots=True)
class MemorySurveys:
    """Answers by person, period and stream, and aggregates by period and stream; shared as a database is."""

    responses: dict[tuple[Period, str, UUID], PulseResponse] = field(default_factory=dict)
    aggregates: dict[tuple[Period, UUID], PulseAggregateRow] = field(default_factory=dict)


class MemoryPulse(PulseResponses, PulseReader, PulseAggregates):
    """Keeps answers and aggregates.

    Args:
        database: says whether the store answers.
        surveys: where they are.
    """

    def __init__(self, *, database: MemoryDatabase, surveys: MemorySurveys | None = None) -> None:
        self._database = database
        self._surveys = surveys if surveys is not None else MemorySurveys()

    async def submit(self, responses: Collection[PulseResponse]) -> int:
        """Write answers."""
        self._database.check_available()
        known, written = self._surveys.responses, set()
        for response in responses:
            before = known.get(response.natural_key)
            if before is None or before.precedence < response.precedence:
                known[response.natural_key] = response
                written.add(response.natural_key)
        return len(written)

    async def answers(self, view: View, *, first: Period, last: Period, closed: Period) -> Sequence[PulseRow]:
        """Return sums of answers."""
        self._database.check_available()
        found: dict[tuple[Period, UUID], list[PulseResponse]] = {}
        for row in self._surveys.responses.values():
            if (
                first <= row.survey_period <= last
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
        before = {key: row for key, row in self._surveys.aggregates.items() if key[0] in periods}
        after = {(row.survey_period, row.delivery_stream_id): row for row in rows}
        changed = {key[1] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        for key in before:
            del self._surveys.aggregates[key]
        self._surveys.aggregates.update(after)
        return frozenset(changed)

    async def all(self) -> Sequence[PulseAggregateRow]:
        """Return every row."""
        self._database.check_available()
        return [row for _, row in sorted(self._surveys.aggregates.items())]


def _sums(rows: Sequence[PulseResponse]) -> ScoreSums:
    return ScoreSums(
        responses=len(rows),
        pace=sum(row.pace_score for row in rows),
        tooling=sum(row.tooling_score for row in rows),
        clarity=sum(row.clarity_score for row in rows),
    )
