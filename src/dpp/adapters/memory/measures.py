"""Figures by day in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.measures import (
    DayFigure,
    FigureName,
    FigurePlace,
    Measure,
    MeasureStore,
    Restatement,
    RestatementPlace,
    Settled,
    StaleDays,
    StaleStream,
    StoredFigure,
    StreamFigure,
    StreamKey,
    Wanted,
    place_of,
    restatement_place_of,
)
from dpp.application.restating import writes

_Key = tuple[StreamKey, date, FigureName]


class MemoryMeasures(MeasureStore):
    """Keeps figures by day beside a memory database, which has the marks.

    Args:
        database: shared with the store of derivation.
    """

    def __init__(self, *, database: MemoryDatabase) -> None:
        self._database = database
        self._figures: dict[_Key, StoredFigure] = {}
        self._restatements: list[Restatement] = []

    async def mark(self, streams: Iterable[StreamKey], days: StaleDays) -> None:
        """Have days of some streams measured."""
        self._database.check_available()
        self._database.mark_days(streams, days)

    async def measure_next(self, measure: Measure, *, skip: Collection[StreamKey] = frozenset()) -> Settled | None:
        """Measure the stream that has waited longest."""
        self._database.check_available()
        marks = self._database.stale_days
        stream = next((stream for stream, _ in marks if stream not in skip), None)
        if stream is None:
            return None
        taken = [mark for of, mark in marks if of == stream]
        days = [day for of, day, _ in self._figures if of == stream]
        first = min(days, default=None)
        measured = await measure(StaleStream(stream=stream, marks=taken, first_stored=first))
        if measured is None:
            return Settled(stream, 0, 0)
        stored = [row for (of, day, _), row in self._figures.items() if of == stream and day in measured.closes_at]
        planned = writes(stream, measured, stored=stored)
        for figure in planned.figures:
            self._figures[stream, figure.day, figure.name] = StoredFigure(figure, measured.computed_at)
        for figure in planned.removed:
            del self._figures[stream, figure.day, figure.name]
        for restatement in planned.restatements:
            self._restatements.append(restatement)
        settled = {mark.number for mark in taken} - measured.waiting
        marks[:] = [(of, mark) for of, mark in marks if mark.number not in settled]
        return Settled(stream, len(planned.figures) + len(planned.removed), len(planned.restatements))

    async def waiting(self) -> int:
        """Return how many streams wait."""
        self._database.check_available()
        return len({stream for stream, _ in self._database.stale_days})

    async def measured(self, *, since: date) -> Mapping[StreamKey, Mapping[date, datetime]]:
        """Return when each day of each stream was last found to be as it is stored."""
        self._database.check_available()
        found: dict[StreamKey, dict[date, datetime]] = {}
        for (stream, day, _), row in self._figures.items():
            if day >= since:
                days = found.setdefault(stream, {})
                days[day] = max(row.computed_at, days.get(day, row.computed_at))
        return found

    async def figures(self, wanted: Wanted, *, after: FigurePlace | None = None, limit: int) -> Sequence[StreamFigure]:
        """Return stored figures in the order of their places."""
        self._database.check_available()
        rows = (StreamFigure(stream, row.figure, row.computed_at) for (stream, *_), row in self._figures.items())
        found = sorted((row for row in rows if _is_wanted(wanted, row.stream, row.figure)), key=place_of)
        return [row for row in found if after is None or place_of(row) > after][:limit]

    async def restatements(
        self, wanted: Wanted, *, before: RestatementPlace | None = None, limit: int
    ) -> Sequence[Restatement]:
        """Return restatements, the highest places first."""
        self._database.check_available()
        wanted_rows = (row for row in reversed(self._restatements) if _is_wanted(wanted, row.stream, row))
        found = sorted(wanted_rows, key=restatement_place_of, reverse=True)
        return [row for row in found if before is None or restatement_place_of(row) < before][:limit]


def _is_wanted(wanted: Wanted, stream: StreamKey, row: DayFigure | Restatement) -> bool:
    return (
        (wanted.streams is None or stream in wanted.streams)
        and (wanted.metrics is None or row.metric in wanted.metrics)
        and (wanted.first is None or row.day >= wanted.first)
        and (wanted.last is None or row.day <= wanted.last)
    )
