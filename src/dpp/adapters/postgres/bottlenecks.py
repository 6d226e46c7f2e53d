"""Blocked tickets and assessments of shared bottlenecks on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.intake_rows import as_json
from dpp.adapters.postgres.kept_completions import completed
from dpp.adapters.postgres.kept_places import unfinished_at
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.selections import condition, values
from dpp.adapters.postgres.statements import insert
from dpp.application.bottleneck_ports import (
    FLAG_TYPES,
    BottleneckReader,
    CorrelationRow,
    Correlations,
    DependencyRow,
    FlagRow,
)
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.bottlenecks import BottleneckSeverity

# The conditions are those of the partial indexes, word for word.
_FLAG_TYPES = "event_type IN ('blocked', 'unblocked', 'flagged', 'unflagged')"
_UNFINISHED = "stage NOT IN ('done', 'cancelled', 'deleted')"

# A ticket that was blocked at some time since a moment is blocked still, or its flag was lowered after that moment.
# Whatever there is to know of it is looked up ticket by ticket: the offset makes the planner do that.
_FLAGS = f"""
WITH flagged AS (
    SELECT issue_id FROM work_items WHERE blocked_since IS NOT NULL AND {_UNFINISHED}
    UNION
    SELECT issue_id FROM work_items WHERE blocked_since IS NOT NULL AND entered_at >= %(since)s
    UNION
    SELECT issue_id FROM work_item_events WHERE {_FLAG_TYPES} AND event_timestamp >= %(since)s
), shown AS (
    SELECT issue_id, held.delivery_stream_id, EXISTS (
        SELECT FROM work_item_stays AS stay
        WHERE stay.issue_id = flagged.issue_id AND {_UNFINISHED}
            AND entered_at <= %(as_of)s AND left_at > %(as_of)s
    ) AS is_unfinished
    FROM flagged
    JOIN LATERAL (
        SELECT delivery_stream_id, tech_stream_ids FROM work_item_attributions AS span
        WHERE span.issue_id = flagged.issue_id AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
    ) AS held ON true
    WHERE true{{shown}}
)
SELECT shown.issue_id, shown.delivery_stream_id, shown.is_unfinished,
    (extract(epoch FROM event_timestamp) * 1000000)::bigint AS at,
    CASE WHEN source_change_id ~ '^[0-9]{{1,18}}$' THEN source_change_id::bigint ELSE 0 END AS change,
    event_type, blocking_tech_stream_id
FROM shown CROSS JOIN LATERAL (
    SELECT event_timestamp, source_change_id, event_type, blocking_tech_stream_id FROM work_item_events AS kept
    WHERE kept.issue_id = shown.issue_id AND {_FLAG_TYPES} AND event_timestamp <= %(as_of)s OFFSET 0
) AS event
ORDER BY shown.issue_id COLLATE "C", event_timestamp, change, event_type COLLATE "C"
"""  # noqa: S608 - constants


class PostgresBottleneckReader(BottleneckReader):
    """Reads events and derived tables, or rows of them that are kept."""

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = kept

    async def flags(self, view: View, *, since: datetime) -> Sequence[FlagRow]:
        """Return what happened to the flags of tickets that may have been blocked since a moment."""
        rows = await self._rows(_FLAGS, view, since=since)
        kinds = {kind.value: kind for kind in FLAG_TYPES}
        return [FlagRow._make((*some, kinds[kind], by)) for *some, kind, by in rows]

    async def cycle_times(
        self, view: View, *, window: Window, delivery_streams: Collection[UUID]
    ) -> Mapping[UUID, FloatArray]:
        """Return the cycle times of some delivery streams."""
        rows, streams = await completed(self._kept, view, window=window)
        none = self._kept.streams(None)
        stream_of = streams.told(rows.columns["ticket"], self._kept.streams, none=none, dtype=np.int64)
        days = rows.columns["cycle_time_days"]
        found = {
            stream: np.sort(days[(stream_of == self._kept.streams(stream)) & ~np.isnan(days)])
            for stream in sorted(delivery_streams)
        }
        return {stream: some for stream, some in found.items() if some.size}

    async def dependencies(self, view: View) -> Sequence[DependencyRow]:
        """Return which technology streams unfinished tickets touch."""
        counts: Counter[tuple[UUID, UUID]] = Counter()
        for (delivery, touched, *_), tickets in (await unfinished_at(self._kept, view)).by_group():
            if delivery is not None:
                counts.update({(tech, delivery): tickets for tech in touched})
        return [DependencyRow(*pair, counts[pair]) for pair in sorted(counts)]

    async def _rows(self, query: str, view: View, **more: Any) -> list[tuple[Any, ...]]:
        async with self._database.reading() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), values(view) | more)
            return await cursor.fetchall()


_FIELDS = CorrelationRow._fields
_VALUES = _FIELDS[1:]
_SAVE = insert(
    "cross_stream_correlations",
    ("analysis_date", *_FIELDS, "computed_at"),
    then=f"""
    ON CONFLICT (analysis_date, tech_stream_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in (*_VALUES, "computed_at"))}
    WHERE ({", ".join(f"cross_stream_correlations.{name}" for name in _VALUES)})
        IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _VALUES)})
    """,
)
_OF = f"""
SELECT {", ".join(_FIELDS)} FROM cross_stream_correlations WHERE analysis_date = %s ORDER BY tech_stream_id
"""  # noqa: S608 - constants


class PostgresCorrelations(Correlations):
    """Keeps assessments in their table."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def save(self, rows: Sequence[CorrelationRow], *, day: date, at: datetime) -> int:
        """Write the assessments of a day."""
        known = [row._asdict() | {"analysis_date": day, "computed_at": at} for row in rows]
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_SAVE, [as_json(known)])
            return cursor.rowcount

    async def of(self, day: date) -> Sequence[CorrelationRow]:
        """Return the assessments of a day."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_OF.encode(), [day])
            return [_correlation(*row) for row in await cursor.fetchall()]


def _correlation(
    tech_stream_id: UUID, impacted: list[UUID], blocked: list[UUID] | None, blocks: int, *rest: Any
) -> CorrelationRow:
    confidence, cycle_time, severity = rest
    return CorrelationRow(
        tech_stream_id=tech_stream_id,
        impacted_delivery_streams=tuple(impacted),
        blocked_delivery_streams=tuple(blocked or ()),
        block_count_14d=blocks,
        avg_confidence_pct=confidence,
        avg_cycle_time_p85=cycle_time,
        severity=BottleneckSeverity(severity or BottleneckSeverity.NONE),
    )
