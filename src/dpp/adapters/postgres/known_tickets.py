"""What is known of tickets, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from dpp.adapters.postgres.engine import Database
from dpp.application.enrich import sprint_uuid
from dpp.application.ticket_polling import KnownTickets

_OF_PROJECT = """
SELECT issue_id, NOT is_deleted AND coalesce(stage, '') NOT IN ('done', 'cancelled', 'deleted')
FROM work_items WHERE project_key = %s
"""
_IN_SPRINT = "SELECT issue_id FROM work_items WHERE sprint_id = %s AND NOT is_deleted"
_ONLY_NAMED = """
SELECT linked_ticket_id FROM pull_requests
WHERE linked_issue_id IS NULL AND linked_ticket_id IS NOT NULL AND opened_at >= %s AND opened_at < %s
GROUP BY linked_ticket_id ORDER BY max(opened_at) DESC, linked_ticket_id
"""


class PostgresKnownTickets(KnownTickets):
    """Reads ``work_items``, and what ``pull_requests`` name."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def of_project(self, project: str) -> Mapping[str, bool]:
        """Return a project's tickets."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_OF_PROJECT, [project])
            return dict(await cursor.fetchall())

    async def in_sprint(self, jira_sprint_id: str) -> frozenset[str]:
        """Return the tickets of a sprint."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_IN_SPRINT, [sprint_uuid(jira_sprint_id)])
            return frozenset(issue for (issue,) in await cursor.fetchall())

    async def only_named(self, *, since: datetime, before: datetime) -> Sequence[str]:
        """Return the keys of tickets that only pull requests name."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_ONLY_NAMED, [since, before])
            return [key for (key,) in await cursor.fetchall()]
