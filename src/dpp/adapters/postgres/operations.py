"""What administrators look at, read from PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import AsyncRowFactory, class_row

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.selections import condition, values
from dpp.application.readers import (
    ChannelCount,
    OperationsReader,
    SprintRow,
    UnlinkedPullRequest,
    UnmappedStatus,
)
from dpp.application.views import View
from dpp.domain.errors import Unavailable
from dpp.domain.events import Outcome
from dpp.domain.stages import Stage, StatusMap, StatusMapping

_DELIVERIES = """
SELECT channel, outcome, kind, reason, sum(deliveries)::bigint AS deliveries, sum(accepted)::bigint AS accepted,
    sum(duplicates)::bigint AS duplicates, max(last_at) AS last_at
FROM intake_counts WHERE last_at >= %(since)s
GROUP BY channel, outcome, kind, reason
ORDER BY channel COLLATE "C", outcome COLLATE "C", kind COLLATE "C", reason COLLATE "C"
"""
_LAST_EVENTS = "SELECT channel, max(last_at) FROM intake_counts WHERE outcome = %(outcome)s GROUP BY channel"
_STALE = "SELECT count(*) FROM stale_keys"
_WITHOUT_STAGE = """
SELECT project_key AS project, to_status AS status, count(*) AS events, max(event_timestamp) AS last_seen
FROM work_item_events WHERE to_stage IS NULL AND to_status IS NOT NULL
GROUP BY project_key, to_status ORDER BY count(*) DESC, project_key COLLATE "C", to_status COLLATE "C"
"""
_MAPPINGS = "SELECT jira_project_key, jira_status_name, pipeline_stage, is_active_work FROM status_mappings"
_UNLINKED = """
SELECT full_name AS repository, pr_number, branch_name, opened_at
FROM (
    SELECT *, array_remove(ARRAY[tech_stream_id], NULL) AS tech_stream_ids FROM pull_requests
    WHERE linked_ticket_id IS NULL AND opened_at <= %(as_of)s
) AS unlinked
JOIN (SELECT repo_id, full_name FROM repositories) AS repository USING (repo_id)
WHERE true{shown}
ORDER BY opened_at DESC, full_name COLLATE "C", pr_number DESC LIMIT %(limit)s
"""
_SPRINTS = """
SELECT sprint_id, jira_sprint_id, delivery_stream_id, name, start_date, end_date, goal, state
FROM (
    SELECT sprint.*, coalesce(given_stream_id, belonging.delivery_stream_id) AS delivery_stream_id,
        '{}'::uuid[] AS tech_stream_ids
    FROM (
        SELECT sprint_id, jira_sprint_id, name, start_date, end_date, goal, state, given_stream_id
        FROM corrected_sprints WHERE reported_at IS NOT NULL AND state = coalesce(%(state)s, state)
    ) AS sprint
    LEFT JOIN (
        SELECT sprint_id, mode() WITHIN GROUP (ORDER BY delivery_stream_id) AS delivery_stream_id
        FROM work_items WHERE sprint_id IS NOT NULL AND NOT is_deleted GROUP BY sprint_id
    ) AS belonging USING (sprint_id)
) AS told
WHERE true{shown}
ORDER BY start_date DESC NULLS FIRST, jira_sprint_id COLLATE "C" DESC
"""


class PostgresOperationsReader(OperationsReader):
    """Reads what the platform keeps about its own work."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def deliveries(self, *, since: datetime) -> Sequence[ChannelCount]:
        """Return the deliveries of the hours in which there were some since then."""
        return await self._rows(_DELIVERIES, {"since": since}, class_row(ChannelCount))

    async def stale(self) -> int:
        """Return how many entries wait for derivation."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_STALE)
            row = await cursor.fetchone()
            return int(row[0]) if row else 0

    async def unmapped_statuses(self, *, limit: int = 100) -> Sequence[UnmappedStatus]:
        """Return the statuses that wait for a mapping; which ones do is for the domain to say."""
        async with self._database.transaction() as connection:
            cursor = connection.cursor(row_factory=class_row(UnmappedStatus))
            await cursor.execute(_WITHOUT_STAGE)
            seen = await cursor.fetchall()
            mappings = await (await connection.execute(_MAPPINGS)).fetchall()
        known = StatusMap.of(
            StatusMapping(project=project, status=status, stage=Stage(stage), active=active)
            for project, status, stage, active in mappings
        )
        return [row for row in seen if known.find(row.project, row.status) is None][:limit]

    async def unlinked_pull_requests(self, view: View, *, limit: int = 100) -> Sequence[UnlinkedPullRequest]:
        """Return pull requests without a ticket, newest first."""
        query = _UNLINKED.replace("{shown}", condition(view))
        return await self._rows(query, values(view) | {"limit": limit}, class_row(UnlinkedPullRequest))

    async def sprints(self, view: View, *, state: str | None = None) -> Sequence[SprintRow]:
        """Return the sprints of the view's delivery streams, the latest first."""
        query = _SPRINTS.replace("{shown}", condition(view))
        return await self._rows(query, values(view) | {"state": state}, class_row(SprintRow))

    async def last_event_at(self) -> Mapping[str, datetime]:
        """Return when something readable last came through each door."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_LAST_EVENTS, {"outcome": Outcome.UNDERSTOOD.value})
            return dict(await cursor.fetchall())

    async def answers(self) -> bool:
        """Whether the database answers now, with the tables that this version needs."""
        try:
            await self.stale()
        except Unavailable:
            return False
        return True

    async def _rows(self, query: str, parameters: Mapping[str, Any], rows: AsyncRowFactory[Any]) -> list[Any]:
        async with self._database.transaction() as connection:
            cursor = connection.cursor(binary=True, row_factory=rows)
            await cursor.execute(query.encode(), parameters)
            return await cursor.fetchall()
