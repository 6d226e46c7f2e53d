"""Rollbacks have no rows of their own: a rollback turns the deployment that it undoes into one that was taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dpp.adapters.postgres.derived_tables import DerivedTables, lock_deliveries
from dpp.adapters.postgres.engine import Connection
from dpp.application.derivation import Derive, News
from dpp.application.identities import RunId, run_of
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.configuration import Configuration

# The deployment that a rollback names, or the latest success before it in each environment of its repository; which
# environment it speaks of is decided by who derives the deployment.
_UNDONE = """
SELECT DISTINCT undone.pipeline_id, undone.pipeline_run_id
FROM unnest(%s::text[], %s::text[]) AS w (pipeline_id, pipeline_run_id)
JOIN cicd_events AS e USING (pipeline_id, pipeline_run_id)
CROSS JOIN LATERAL (
    SELECT pipeline_id, pipeline_run_id FROM deployment_records AS d
    WHERE e.rollback_of IS NOT NULL AND d.pipeline_run_id = e.rollback_of
        AND (d.repo_id = e.repo_id OR d.pipeline_id = e.pipeline_id)
    UNION ALL
    (SELECT DISTINCT ON (d.environment) d.pipeline_id, d.pipeline_run_id
    FROM (SELECT DISTINCT environment FROM environments_of WHERE repo_id = e.repo_id) AS known
    CROSS JOIN LATERAL (
        SELECT environment, pipeline_id, pipeline_run_id, deployed_at FROM deployment_records AS one
        WHERE e.rollback_of IS NULL AND one.repo_id = e.repo_id AND one.environment = known.environment
            AND one.status <> 'failed' AND one.deployed_at < e.event_timestamp
        ORDER BY one.deployed_at DESC LIMIT 1
    ) AS d)
) AS undone
WHERE e.event_type = 'rollback_completed'
"""
# Another report of a rollback may have stood for it before, and have undone any of these.
_UNDONE_BEFORE = """
SELECT DISTINCT d.pipeline_id, d.pipeline_run_id
FROM event_reports CROSS JOIN LATERAL jsonb_populate_record(NULL::cicd_events, report) AS e
JOIN deployment_records AS d ON d.status = 'rolled_back' AND (d.repo_id = e.repo_id OR d.pipeline_id = e.pipeline_id)
WHERE event_table = 'cicd_events' AND thing = ANY (%s)
"""
# Every environment that a repository was deployed to: skips from one to the next instead of reading all deployments.
_ENVIRONMENTS = """
WITH RECURSIVE environments_of AS (
    SELECT r.repo_id, (
        SELECT min(environment) FROM deployment_records AS d WHERE d.repo_id = r.repo_id
    ) AS environment
    FROM (
        SELECT DISTINCT repo_id FROM unnest(%s::text[], %s::text[]) AS w (pipeline_id, pipeline_run_id)
        JOIN cicd_events USING (pipeline_id, pipeline_run_id)
    ) AS r
    UNION ALL
    SELECT known.repo_id, (
        SELECT min(environment) FROM deployment_records AS d
        WHERE d.repo_id = known.repo_id AND d.environment > known.environment
    )
    FROM environments_of AS known WHERE known.environment IS NOT NULL
)
"""


class Rollbacks(DerivedTables):
    """Passes rollbacks on to the deployments that they undo."""

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Return the deployments that some rollbacks undo."""
        await lock_deliveries(connection)
        runs = [run_of(key) for key in keys]
        columns = [run.pipeline_id for run in runs], [run.pipeline_run_id for run in runs]
        now = await connection.execute(_ENVIRONMENTS + _UNDONE, [*columns, *columns])
        before = await connection.execute(_UNDONE_BEFORE, [[key.key for key in keys]])
        rows = [*await now.fetchall(), *await before.fetchall()]
        return {RunId(*row).key(StaleKind.DEPLOYMENT) for row in rows}

    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return nothing: who derives a deployment reads the rollbacks."""
        return []
