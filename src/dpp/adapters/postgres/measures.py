"""Figures by day on PostgreSQL: a stream is measured in one transaction, by one worker at a time.

The marks are read first, then the derived rows that the figures are taken from: whatever is derived meanwhile leaves a
mark of its own, which stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dpp.adapters.postgres.engine import Connection, Database
from dpp.application.measures import (
    Cause,
    DayFigure,
    FigurePlace,
    Mark,
    Measure,
    MeasuredDays,
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
)
from dpp.application.restating import Writes, writes
from dpp.domain.metric import Dimension

#: First number of the advisory locks of streams that are measured; it means nothing.
STREAMS = 0x6470706D

#: A transaction waits so long for the figures, which are read over other connections: years of a stream take a while.
PATIENCE = "600s"

_MARK = """
INSERT INTO stale_days (stream_type, stream_id, since, cause, detail)
SELECT stream_type, stream_id, %s, %s, %s FROM unnest(%s::text[], %s::uuid[]) AS one (stream_type, stream_id)
"""
# Oldest first; the fence keeps the order, and the limit the number of locks.
_NEXT = """
SELECT stream_type, stream_id FROM (
    SELECT stream_type, stream_id, min(entry_id) AS oldest FROM stale_days
    WHERE stream_type || '/' || stream_id <> ALL (%(skip)s)
    GROUP BY stream_type, stream_id ORDER BY oldest OFFSET 0
) AS waiting
WHERE pg_try_advisory_xact_lock(%(namespace)s, hashtext(stream_type || '/' || stream_id)) LIMIT 1
"""
_ENTRIES = """
SELECT entry_id, since, cause, detail FROM stale_days WHERE stream_type = %s AND stream_id = %s ORDER BY entry_id
"""
_FIRST_STORED = "SELECT min(metric_date) FROM daily_stream_metrics WHERE stream_type = %s AND stream_id = %s"
_COLUMNS = "metric_date, metric_name, percentile, metric_value::float8, metric_unit, sample_size"
_STORED = f"""
SELECT {_COLUMNS}, computed_at FROM daily_stream_metrics
WHERE stream_type = %s AND stream_id = %s AND metric_date >= %s AND metric_date <= %s
"""  # noqa: S608 - constants
_ROWS = """
unnest(%(days)s::date[], %(metrics)s::text[], %(percentiles)s::int[], %(values)s::numeric[], %(units)s::text[],
    %(samples)s::int[]) AS one (metric_date, metric_name, percentile, metric_value, metric_unit, sample_size)
"""
_PUT = f"""
INSERT INTO daily_stream_metrics
    (metric_date, stream_type, stream_id, metric_name, percentile, metric_value, metric_unit, sample_size, computed_at)
SELECT metric_date, %(type)s, %(id)s, metric_name, percentile, metric_value, metric_unit, sample_size, %(at)s
FROM {_ROWS}
ON CONFLICT ON CONSTRAINT uq_daily_stream_metrics_natural DO UPDATE SET
    metric_value = excluded.metric_value, metric_unit = excluded.metric_unit, sample_size = excluded.sample_size,
    computed_at = excluded.computed_at
"""  # noqa: S608 - constants
_REMOVE = f"""
DELETE FROM daily_stream_metrics AS figure USING {_ROWS}
WHERE figure.stream_type = %(type)s AND figure.stream_id = %(id)s AND figure.metric_date = one.metric_date
    AND figure.metric_name = one.metric_name AND figure.percentile IS NOT DISTINCT FROM one.percentile
"""  # noqa: S608 - constants
_RESTATE = """
INSERT INTO restatements
    (stream_type, stream_id, metric_date, metric_name, percentile, metric_unit, old_value, new_value, old_sample,
    new_sample, cause, cause_detail, cause_since, restated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_MEASURED = """
SELECT stream_type, stream_id, metric_date, max(computed_at) FROM daily_stream_metrics WHERE metric_date >= %s
GROUP BY stream_type, stream_id, metric_date
"""
_FIGURES = f"""
SELECT stream_type, stream_id, {_COLUMNS}, computed_at FROM daily_stream_metrics
WHERE true{{wanted}}{{behind}}
ORDER BY metric_date, stream_type COLLATE "C", stream_id, metric_name COLLATE "C", coalesce(percentile, -1)
LIMIT %(limit)s
"""  # noqa: S608 - constants
_BEHIND = """
AND (metric_date, stream_type COLLATE "C", stream_id, metric_name COLLATE "C", coalesce(percentile, -1))
    > (%(day)s, %(type)s, %(id)s, %(metric)s, %(percentile)s)
"""
_RESTATEMENTS = """
SELECT stream_type, stream_id, metric_date, metric_name, percentile, metric_unit, old_value::float8,
    new_value::float8, old_sample, new_sample, cause, cause_detail, cause_since, restated_at
FROM restatements WHERE true{wanted}{behind}
ORDER BY restated_at DESC, metric_date DESC, stream_type COLLATE "C" DESC, stream_id DESC, metric_name COLLATE "C" DESC,
    coalesce(percentile, -1) DESC, restatement_id DESC
LIMIT %(limit)s
"""
_BELOW = """
AND (restated_at, metric_date, stream_type COLLATE "C", stream_id, metric_name COLLATE "C", coalesce(percentile, -1))
    < (%(at)s, %(day)s, %(type)s, %(id)s, %(metric)s, %(percentile)s)
"""
_PLACE = ("at", "day", "type", "id", "metric", "percentile")


class PostgresMeasures(MeasureStore):
    """Keeps figures by day.

    Args:
        database: an open one.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def mark(self, streams: Iterable[StreamKey], days: StaleDays) -> None:
        """Have days of some streams measured."""
        async with self._database.transaction() as connection:
            await mark_days(connection, streams, days)

    async def measure_next(self, measure: Measure, *, skip: Collection[StreamKey] = frozenset()) -> Settled | None:
        """Measure the stream that has waited longest and that no other worker measures."""
        async with self._database.transaction() as connection:
            stale = await _next(connection, skip)
            if stale is None:
                return None
            stream, measured = stale.stream, await measure(stale)
            if measured is None:
                return Settled(stream, 0, 0)
            planned = writes(stream, measured, stored=await _stored(connection, stream, measured))
            await _write(connection, stream, planned, at=measured.computed_at)
            settled = [mark.number for mark in stale.marks if mark.number not in measured.waiting]
            await connection.execute("DELETE FROM stale_days WHERE entry_id = ANY (%s)", [settled])
            return Settled(stream, len(planned.figures) + len(planned.removed), len(planned.restatements))

    async def waiting(self) -> int:
        """Return how many streams wait."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute("SELECT count(DISTINCT (stream_type, stream_id)) FROM stale_days")
            row = await cursor.fetchone()
            return row[0] if row else 0

    async def measured(self, *, since: date) -> Mapping[StreamKey, Mapping[date, datetime]]:
        """Return when each day of each stream was last found to be as it is stored."""
        found: dict[StreamKey, dict[date, datetime]] = {}
        async with self._database.transaction() as connection:
            for kind, stream_id, day, at in await (await connection.execute(_MEASURED, [since])).fetchall():
                found.setdefault(StreamKey(Dimension(kind), stream_id), {})[day] = at
        return found

    async def figures(self, wanted: Wanted, *, after: FigurePlace | None = None, limit: int) -> Sequence[StreamFigure]:
        """Return stored figures in the order of their places."""
        behind = {} if after is None else dict(zip(("day", "type", "id", "metric", "percentile"), after, strict=True))
        query = _FIGURES.replace("{wanted}", _condition(wanted)).replace("{behind}", _BEHIND if behind else "")
        async with self._database.transaction() as connection:
            cursor = await connection.execute(query.encode(), {**_values(wanted), **behind, "limit": limit})
            return [
                StreamFigure(StreamKey(Dimension(kind), stream_id), DayFigure(*cells), at)
                for kind, stream_id, *cells, at in await cursor.fetchall()
            ]

    async def restatements(
        self, wanted: Wanted, *, before: RestatementPlace | None = None, limit: int
    ) -> Sequence[Restatement]:
        """Return restatements, the highest places first."""
        below = {} if before is None else dict(zip(_PLACE, before, strict=True))
        query = _RESTATEMENTS.replace("{wanted}", _condition(wanted)).replace("{behind}", _BELOW if below else "")
        async with self._database.transaction() as connection:
            cursor = await connection.execute(query.encode(), {**_values(wanted), **below, "limit": limit})
            return [_restatement(*row) for row in await cursor.fetchall()]


async def mark_days(connection: Connection, streams: Iterable[StreamKey], days: StaleDays) -> None:
    """Have days of some streams measured, in the caller's transaction."""
    ordered = sorted(streams)
    if ordered:
        columns = [stream.dimension.value for stream in ordered], [stream.stream_id for stream in ordered]
        await connection.execute(_MARK, [days.since, days.cause.value, days.detail, *columns])


async def _next(connection: Connection, skip: Collection[StreamKey]) -> StaleStream | None:
    left_out = [f"{stream.dimension.value}/{stream.stream_id}" for stream in skip]
    row = await (await connection.execute(_NEXT, {"skip": left_out, "namespace": STREAMS})).fetchone()
    if row is None:
        return None
    await connection.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [PATIENCE])
    # After the lock, so that what another worker has just settled is not seen any more.
    entries = await (await connection.execute(_ENTRIES, row)).fetchall()
    if not entries:
        return None
    first = await (await connection.execute(_FIRST_STORED, row)).fetchone()
    return StaleStream(
        stream=StreamKey(Dimension(row[0]), row[1]),
        marks=[Mark(number, StaleDays(since, Cause(cause), detail)) for number, since, cause, detail in entries],
        first_stored=first[0] if first else None,
    )


async def _stored(connection: Connection, stream: StreamKey, measured: MeasuredDays) -> list[StoredFigure]:
    days = measured.closes_at
    span = [stream.dimension.value, stream.stream_id, min(days), max(days)]
    return [
        StoredFigure(DayFigure(*row), at) for *row, at in await (await connection.execute(_STORED, span)).fetchall()
    ]


async def _write(connection: Connection, stream: StreamKey, planned: Writes, *, at: datetime) -> None:
    whose = {"type": stream.dimension.value, "id": stream.stream_id, "at": at}
    if planned.figures:
        await connection.execute(_PUT, whose | _cells(planned.figures))
    if planned.removed:
        await connection.execute(_REMOVE, whose | _cells(planned.removed))
    if planned.restatements:
        async with connection.cursor() as cursor:
            await cursor.executemany(_RESTATE, [_row(restatement) for restatement in planned.restatements])


def _cells(figures: Sequence[DayFigure]) -> dict[str, list[Any]]:
    columns: Sequence[Sequence[Any]] = list(zip(*figures, strict=True))
    names = ("days", "metrics", "percentiles", "values", "units", "samples")
    return {
        name: _exact(column) if name == "values" else list(column) for name, column in zip(names, columns, strict=True)
    }


def _exact(column: Iterable[float | None]) -> list[Decimal | None]:
    """Return numbers with all their digits: PostgreSQL itself would round them to fifteen."""
    return [None if value is None else Decimal(repr(value)) for value in column]


def _row(restatement: Restatement) -> tuple[Any, ...]:
    stream, day, metric, percentile, unit, old, new, *rest = restatement
    return (stream.dimension.value, stream.stream_id, day, metric, percentile, unit, *_exact((old, new)), *rest)


def _restatement(kind: str, stream_id: UUID, *cells: Any) -> Restatement:
    *figure, cause, detail, since, at = cells
    stream = StreamKey(Dimension(kind), stream_id)
    return Restatement._make((stream, *figure, Cause(cause), detail, since, at))


def _condition(wanted: Wanted) -> str:
    terms = {
        "stream_type || '/' || stream_id = ANY (%(streams)s)": wanted.streams,
        "metric_name = ANY (%(metrics)s)": wanted.metrics,
        "metric_date >= %(first)s": wanted.first,
        "metric_date <= %(last)s": wanted.last,
    }
    return "".join(f" AND {term}" for term, value in terms.items() if value is not None)


def _values(wanted: Wanted) -> dict[str, Any]:
    return {
        "streams": [f"{stream.dimension.value}/{stream.stream_id}" for stream in wanted.streams or ()],
        "metrics": sorted(wanted.metrics or ()),
        "first": wanted.first,
        "last": wanted.last,
    }
