"""What is asked when the configuration is administered, of PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.rows import AsyncRowFactory, class_row

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.selections import condition, values
from dpp.application.administration_reader import AdministrationReader, FoundRepository
from dpp.application.readers import UnmappedStatus
from dpp.application.views import View

_REPOSITORIES = """
SELECT repo_id, full_name, former_names, is_known_to_github, tech_stream_id, default_branch, reported_default_branch,
    is_deployable, deploy_target, is_active, named_at, pull_requests, last_deployed_at
FROM (
    SELECT one.*, one.github_repo_id IS NOT NULL AS is_known_to_github, NULL::uuid AS delivery_stream_id,
        array_remove(ARRAY[one.tech_stream_id], NULL) AS tech_stream_ids,
        coalesce(opened.pull_requests, 0)::int AS pull_requests, released.last_deployed_at,
        ARRAY(
            SELECT github_org || '/' || github_repo_name FROM repository_names AS named
            WHERE named.repo_id = one.repo_id AND github_org || '/' || github_repo_name <> one.full_name
            ORDER BY (github_org || '/' || github_repo_name) COLLATE "C"
        ) AS former_names
    FROM repositories AS one
    LEFT JOIN (
        SELECT repo_id, count(*) AS pull_requests FROM pull_requests GROUP BY repo_id
    ) AS opened USING (repo_id)
    LEFT JOIN (
        SELECT repo_id, max(deployed_at) AS last_deployed_at FROM deployment_records
        WHERE environment = 'production' AND status <> 'failed' GROUP BY repo_id
    ) AS released USING (repo_id)
    WHERE one.merged_into IS NULL
) AS found
WHERE true{shown}
ORDER BY lower(full_name) COLLATE "C", repo_id
"""
_WITHOUT_STAGE = """
SELECT project_key AS project, to_status AS status, count(*) AS events, max(event_timestamp) AS last_seen
FROM work_item_events AS event {held}
WHERE event.to_stage IS NULL AND event.to_status IS NOT NULL{shown}
GROUP BY project_key, to_status ORDER BY count(*) DESC, project_key COLLATE "C", to_status COLLATE "C"
"""
_HELD = """
JOIN (
    SELECT issue_id, delivery_stream_id, tech_stream_ids FROM work_item_attributions
    WHERE valid_from <= %(as_of)s AND valid_to > %(as_of)s
) AS held USING (issue_id)
"""


class PostgresAdministrationReader(AdministrationReader):
    """Reads the register of repositories and the events of tickets."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def repositories(self, view: View) -> Sequence[FoundRepository]:
        """Return the repositories of the view's technology streams."""
        rows = await self._rows(_REPOSITORIES.replace("{shown}", condition(view)), view, class_row(FoundRepository))
        return [row._replace(former_names=tuple(row.former_names)) for row in rows]

    async def statuses_without_stage(self, view: View) -> Sequence[UnmappedStatus]:
        """Return the statuses that had no mapping when they were told."""
        shown = (
            condition(view)
            .replace("delivery_stream_id", "held.delivery_stream_id")
            .replace("tech_stream_ids", "held.tech_stream_ids")
        )
        query = _WITHOUT_STAGE.replace("{held}", _HELD if shown else "").replace("{shown}", shown)
        return await self._rows(query, view, class_row(UnmappedStatus))

    async def _rows(self, query: str, view: View, rows: AsyncRowFactory[Any]) -> list[Any]:
        parameters: Mapping[str, Any] = values(view)
        async with self._database.transaction() as connection:
            cursor = connection.cursor(binary=True, row_factory=rows)
            await cursor.execute(query.encode(), parameters)
            return await cursor.fetchall()
