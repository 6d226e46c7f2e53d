"""Sprints with their tickets, their snapshots and what they came to, on PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from dpp.adapters.postgres import event_order
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.selections import condition, values
from dpp.application.sprint_snapshots import ClosedSprint, KnownSprint, SprintSnapshot, SprintStore
from dpp.application.views import View
from dpp.domain.events import NAMESPACE
from dpp.domain.sprints import SprintCounts, SprintMember, SprintResult, Stay, Told

_SPRINTS = """
SELECT sprint_id, coalesce(given_stream_id, belonging.delivery_stream_id), start_date, end_date, state, reported_at,
    NOT is_corrected AND EXISTS (SELECT FROM sprint_results WHERE sprint_results.sprint_id = known.sprint_id)
FROM corrected_sprints AS known LEFT JOIN (
    SELECT sprint_id, mode() WITHIN GROUP (ORDER BY delivery_stream_id) AS delivery_stream_id
    FROM work_items WHERE sprint_id IS NOT NULL AND NOT is_deleted GROUP BY sprint_id
) AS belonging USING (sprint_id)
WHERE reported_at IS NOT NULL AND state IN ('active', 'closed') AND start_date IS NOT NULL AND end_date >= %s
ORDER BY start_date, jira_sprint_id COLLATE "C"
"""
_MEMBERS = """
SELECT issue_id FROM work_item_events WHERE sprint_id = %(sprint)s
UNION SELECT issue_id FROM work_item_facts WHERE sprint_id = %(sprint)s
"""
_TOLD = f"""
WITH member AS ({_MEMBERS})
SELECT issue_id, (extract(epoch FROM event_timestamp) * 1000000)::bigint, sprint_id IS NOT DISTINCT FROM %(sprint)s,
    story_points::double precision
FROM (
    SELECT issue_id, {event_order.COLUMNS}, sprint_id, story_points, has_fields FROM work_item_events
    UNION ALL SELECT issue_id, {event_order.COLUMNS}, sprint_id, story_points, has_fields FROM work_item_facts
) AS event
WHERE has_fields AND issue_id IN (SELECT issue_id FROM member)
ORDER BY issue_id, {event_order.AS_HAPPENED}
"""  # noqa: S608 - constants
_STAYS = f"""
SELECT issue_id, (extract(epoch FROM entered_at) * 1000000)::bigint,
    CASE WHEN left_at = 'infinity' THEN 9223372036854775807
    ELSE (extract(epoch FROM left_at) * 1000000)::bigint END, stage
FROM work_item_stays WHERE issue_id IN ({_MEMBERS})
"""  # noqa: S608
_COUNTS = tuple(f"{name}_count" for name in ("committed", "completed", "remaining"))
_REST = ("added_after_start", "removed_after_start", "wip_ba", "wip_dev", "wip_qa", "wip_uat")
_COLUMNS = (*_COUNTS, *_REST)
_COMPARED = ("delivery_stream_id", "event_timestamp", *_COLUMNS)
_KEEP = f"""
INSERT INTO sprint_snapshots AS kept (event_id, source, delivery_stream_id, event_timestamp, sprint_id, snapshot_date,
    {", ".join(_COLUMNS)})
VALUES (%s, 'jira', %s, %s, %s, %s, {", ".join("%s" for _ in _COLUMNS)})
ON CONFLICT (sprint_id, snapshot_date) DO UPDATE SET
    delivery_stream_id = excluded.delivery_stream_id, event_timestamp = excluded.event_timestamp, received_at = now(),
    {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
WHERE ({", ".join(f"kept.{name}" for name in _COMPARED)})
    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _COMPARED)})
"""  # noqa: S608
_CLOSED_COLUMNS = (
    *("delivery_stream_id", "closed_at", "committed_count", "completed_count", "completed_of_committed"),
    *("velocity_points", "added_after_start", "commitment_accuracy_pct"),
)
_KEEP_CLOSED = f"""
INSERT INTO sprint_results AS kept (sprint_id, {", ".join(_CLOSED_COLUMNS)})
VALUES (%s, {", ".join("%s" for _ in _CLOSED_COLUMNS)})
ON CONFLICT (sprint_id) DO UPDATE SET
    computed_at = now(), {", ".join(f"{name} = excluded.{name}" for name in _CLOSED_COLUMNS)}
WHERE ({", ".join(f"kept.{name}" for name in _CLOSED_COLUMNS)})
    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _CLOSED_COLUMNS)})
"""  # noqa: S608
_SNAPSHOTS = f"""
SELECT delivery_stream_id, snapshot_date, event_timestamp, {", ".join(_COLUMNS)} FROM (
    SELECT *, '{{}}'::uuid[] AS tech_stream_ids FROM sprint_snapshots
    WHERE sprint_id = %(sprint)s AND event_timestamp <= %(as_of)s
) AS snapshot WHERE true{{shown}} ORDER BY snapshot_date
"""  # noqa: S608
_CLOSED = """
SELECT delivery_stream_id, closed_at, committed_count, completed_count, completed_of_committed,
    velocity_points::double precision, added_after_start
FROM (
    SELECT *, '{}'::uuid[] AS tech_stream_ids FROM sprint_results
    WHERE sprint_id = %(sprint)s AND closed_at <= %(as_of)s
) AS result WHERE true{shown}
"""


class PostgresSprintStore(SprintStore):
    """Works out of events and derived rows, and writes ``sprint_snapshots`` and ``sprint_results``."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def sprints(self, *, since: date) -> Sequence[KnownSprint]:
        """Return the sprints that end on a day or later."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_SPRINTS, [since])
            return [KnownSprint(*row) for row in await cursor.fetchall()]

    async def members(self, sprint_id: UUID) -> Sequence[SprintMember]:
        """Return every ticket that a sprint ever held."""
        told: dict[str, list[Told]] = defaultdict(list)
        stays: dict[str, list[Stay]] = defaultdict(list)
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_TOLD.encode(), {"sprint": sprint_id})
            for issue_id, at, is_in, points in await cursor.fetchall():
                told[issue_id].append(Told(at, is_in, points))
            cursor = await connection.execute(_STAYS.encode(), {"sprint": sprint_id})
            for issue_id, entered, left, stage in await cursor.fetchall():
                stays[issue_id].append(Stay(entered, left, stage))
        return [SprintMember(told=tuple(said), stays=tuple(stays[issue_id])) for issue_id, said in told.items()]

    async def keep(self, snapshots: Sequence[SprintSnapshot]) -> int:
        """Write snapshots."""
        rows = [
            [
                uuid5(NAMESPACE, f"sprint snapshot\x1f{one.sprint_id}\x1f{one.day.isoformat()}"),
                one.delivery_stream_id,
                one.taken_at,
                one.sprint_id,
                one.day,
                *(getattr(one.counts, name.removesuffix("_count")) for name in _COLUMNS),
            ]
            for one in snapshots
        ]
        if not rows:
            return 0
        async with self._database.transaction() as connection, connection.cursor() as cursor:
            await cursor.executemany(_KEEP.encode(), rows)
            return cursor.rowcount

    async def keep_closed(self, closed: Sequence[ClosedSprint]) -> int:
        """Write what sprints came to."""
        if not closed:
            return 0
        async with self._database.transaction() as connection, connection.cursor() as cursor:
            await cursor.executemany(_KEEP_CLOSED.encode(), [_closed_row(one) for one in closed])
            return cursor.rowcount

    async def snapshots(self, view: View, *, sprint_id: UUID) -> Sequence[SprintSnapshot]:
        """Return the snapshots of a sprint."""
        return [
            SprintSnapshot(
                sprint_id=sprint_id,
                delivery_stream_id=stream,
                day=day,
                taken_at=taken_at,
                counts=SprintCounts(
                    **{name.removesuffix("_count"): cell for name, cell in zip(_COLUMNS, counts, strict=True)}
                ),
            )
            for stream, day, taken_at, *counts in await self._rows(_SNAPSHOTS, view, sprint_id)
        ]

    async def closed(self, view: View, *, sprint_id: UUID) -> ClosedSprint | None:
        """Return what a sprint came to."""
        rows = await self._rows(_CLOSED, view, sprint_id)
        if not rows:
            return None
        stream, closed_at, committed, completed, of_committed, points, added = rows[0]
        return ClosedSprint(
            sprint_id=sprint_id,
            delivery_stream_id=stream,
            closed_at=closed_at,
            result=SprintResult(
                committed=committed,
                completed=completed,
                completed_of_committed=of_committed,
                velocity_points=points,
                added_after_start=added,
            ),
        )

    async def _rows(self, query: str, view: View, sprint_id: UUID) -> list[tuple[Any, ...]]:
        text = query.replace("{shown}", condition(view))
        async with self._database.transaction() as connection:
            cursor = await connection.execute(text.encode(), values(view) | {"sprint": sprint_id})
            return await cursor.fetchall()


def _closed_row(one: ClosedSprint) -> list[Any]:
    result = one.result
    return [
        *(one.sprint_id, one.delivery_stream_id, one.closed_at, result.committed, result.completed),
        *(result.completed_of_committed, result.velocity_points, result.added_after_start),
        result.commitment_accuracy_pct,
    ]
