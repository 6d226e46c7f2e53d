"""What people say of sprints, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.feed import notify
from dpp.adapters.postgres.selections import condition, values
from dpp.application.access_ports import AuditEntry
from dpp.application.ports import Change
from dpp.application.sprint_corrections import ReportedSprint, SprintCorrection, SprintCorrectionStore
from dpp.application.views import View

_SAID = SprintCorrection._fields
_SPRINTS = f"""
SELECT sprint_id, jira_sprint_id, name, state, start_date, end_date, goal, stream_ids, stream_id,
    {", ".join(f"said_{name}" for name in _SAID)}
FROM (
    SELECT sprint.sprint_id, jira_sprint_id, name, state, sprint.start_date, sprint.end_date, goal,
        coalesce(stream_ids, '{{}}') AS stream_ids, stream_id,
        coalesce(said.delivery_stream_id, stream_id) AS delivery_stream_id, '{{}}'::uuid[] AS tech_stream_ids,
        {", ".join(f"said.{name} AS said_{name}" for name in _SAID)}
    FROM sprints AS sprint
    LEFT JOIN (
        SELECT sprint_id, mode() WITHIN GROUP (ORDER BY delivery_stream_id) AS stream_id,
            array_agg(DISTINCT delivery_stream_id ORDER BY delivery_stream_id)
                FILTER (WHERE delivery_stream_id IS NOT NULL) AS stream_ids
        FROM work_items WHERE sprint_id IS NOT NULL AND NOT is_deleted GROUP BY sprint_id
    ) AS belonging USING (sprint_id)
    LEFT JOIN LATERAL (
        SELECT * FROM sprint_corrections AS one WHERE one.sprint_id = sprint.sprint_id
        ORDER BY one.corrected_at DESC, one.correction_id DESC LIMIT 1
    ) AS said ON true
    WHERE reported_at IS NOT NULL AND jira_sprint_id = coalesce(%(number)s, jira_sprint_id)
) AS told
WHERE true{{shown}}
ORDER BY start_date DESC NULLS FIRST, jira_sprint_id COLLATE "C" DESC
"""  # noqa: S608 - constants
_ADD = f"""
INSERT INTO sprint_corrections ({", ".join(_SAID)}) VALUES ({", ".join("%s" for _ in _SAID)})
"""  # noqa: S608
_RECORD = "INSERT INTO audit_log (occurred_at, actor, action, subject, details) VALUES (%s, %s, %s, %s, %s)"


class PostgresSprintCorrections(SprintCorrectionStore):
    """Adds corrections; a correction, its entry in the audit log and the news of it are one transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def sprints(self, view: View, *, jira_sprint_id: str | None = None) -> Sequence[ReportedSprint]:
        """Return the reported sprints that count for the view's streams."""
        query = _SPRINTS.replace("{shown}", condition(view))
        async with self._database.transaction() as connection:
            cursor = await connection.execute(query.encode(), values(view) | {"number": jira_sprint_id})
            return [_read(*row) for row in await cursor.fetchall()]

    async def add(self, correction: SprintCorrection, *, entry: AuditEntry) -> None:
        """Add a correction."""
        details = None if entry.details is None else Jsonb(dict(entry.details))
        async with self._database.transaction() as connection:
            await connection.execute(_ADD.encode(), correction)
            await connection.execute(_RECORD, [entry.occurred_at, entry.actor, entry.action, entry.subject, details])
            await notify(connection, Change(topic="sprints"))


def _read(*row: Any) -> ReportedSprint:
    known, said = row[: -len(_SAID)], row[-len(_SAID) :]
    names = [name for name in ReportedSprint._fields if name != "correction"]
    told = dict(zip(names, known, strict=True))
    correction = SprintCorrection(*said) if said[0] else None
    return ReportedSprint(**told | {"streams": tuple(told["streams"])}, correction=correction)
