"""All that people have said, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.feed import STALE_CHANNEL, notify
from dpp.application.access_ports import AuditEntry
from dpp.application.corrections import Applied, Correction, Corrections, LinkSaid, SprintSaid, VerdictSaid, about
from dpp.application.ports import Change
from dpp.application.stale import StaleKey, StaleKind, pull_request_key

_LINKS = """
SELECT link_id AS said_id, full_name AS repository, pr_number, ticket_id, linked_at AS said_at, linked_by AS said_by,
    reason
FROM manual_links JOIN repositories USING (repo_id) ORDER BY linked_at, link_id
"""
_VERDICTS = """
SELECT verdict_id AS said_id, incident_id, source_incident_id, record_id, verdict, decided_at AS said_at,
    decided_by AS said_by, reason
FROM incident_verdicts ORDER BY decided_at, verdict_id
"""
_SPRINTS = """
SELECT correction_id AS said_id, jira_sprint_id, said.start_date, said.end_date, stream.name AS delivery_stream,
    is_left_out, corrected_at AS said_at, corrected_by AS said_by, reason
FROM sprint_corrections AS said JOIN sprints USING (sprint_id)
LEFT JOIN delivery_streams AS stream ON stream.stream_id = said.delivery_stream_id
ORDER BY corrected_at, correction_id
"""
# Of repositories of one name in the course of time the one that has it now goes first.
_ADD_LINK = """
INSERT INTO manual_links (link_id, repo_id, pr_number, ticket_id, linked_at, linked_by, reason)
VALUES (%(said_id)s, %(place)s, %(pr_number)s, %(ticket_id)s, %(said_at)s, %(said_by)s, %(reason)s)
ON CONFLICT DO NOTHING
"""
_REPOSITORY = """
SELECT repo_id FROM (
    SELECT repo_id, 'infinity'::timestamptz AS seen_at FROM repositories WHERE lower(full_name) = lower(%(repository)s)
    UNION ALL SELECT repo_id, seen_at FROM repository_names WHERE name = lower(%(repository)s)
) AS named ORDER BY seen_at DESC LIMIT 1
"""
_ADD_VERDICT = """
INSERT INTO incident_verdicts
    (verdict_id, incident_id, source_incident_id, record_id, verdict, decided_at, decided_by, reason)
VALUES (%(said_id)s, %(incident_id)s, %(source_incident_id)s, %(record_id)s, %(verdict)s, %(said_at)s, %(said_by)s,
    %(reason)s)
ON CONFLICT DO NOTHING
"""
_ADD_SPRINT = """
INSERT INTO sprint_corrections (correction_id, sprint_id, start_date, end_date, delivery_stream_id, is_left_out,
    corrected_at, corrected_by, reason)
VALUES (%(said_id)s, %(place)s, %(start_date)s, %(end_date)s, %(stream)s, %(is_left_out)s, %(said_at)s, %(said_by)s,
    %(reason)s)
ON CONFLICT DO NOTHING
"""
_SPRINT = "SELECT sprint_id FROM sprints WHERE jira_sprint_id = %(jira_sprint_id)s"
_STREAM = "SELECT stream_id FROM delivery_streams WHERE lower(name) = lower(%(delivery_stream)s)"
_RECORD = "INSERT INTO audit_log (occurred_at, actor, action, subject, details) VALUES (%s, %s, %s, %s, %s)"
_MARK = "INSERT INTO stale_keys (share, kind, key, cause) VALUES (%s, %s, %s, %s)"


class PostgresCorrections(Corrections):
    """Reads and adds to ``manual_links``, ``incident_verdicts`` and ``sprint_corrections``."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Correction]:
        """Return everything, oldest first."""
        found: list[Correction] = []
        kinds: Sequence[tuple[str, type[Correction]]] = (
            (_LINKS, LinkSaid),
            (_VERDICTS, VerdictSaid),
            (_SPRINTS, SprintSaid),
        )
        async with self._database.transaction() as connection:
            for query, kind in kinds:
                cursor = connection.cursor(row_factory=dict_row)
                await cursor.execute(query.encode())
                found += [kind(**row) for row in await cursor.fetchall()]
        return sorted(found, key=lambda said: (said.said_at, said.said_id))

    async def add(self, said: Sequence[Correction], *, entry: AuditEntry) -> Applied:
        """Add what is not known by its id."""
        counts, unplaced = {True: 0, False: 0}, []
        async with self._database.transaction() as connection:
            for one in said:
                is_new = await _added(connection, one)
                if is_new is None:
                    unplaced.append(about(one))
                else:
                    counts[is_new] += 1
            told = Applied(counts[True], counts[False], tuple(unplaced))
            details = Jsonb({"new": told.new, "known": told.known, "unplaced": len(told.unplaced)})
            await connection.execute(_RECORD, [entry.occurred_at, entry.actor, entry.action, entry.subject, details])
            await connection.execute("SELECT pg_notify(%s, '')", [STALE_CHANNEL])
            await notify(connection, Change(topic="sprints"))
        return told


async def _added(connection: Connection, said: Correction) -> bool | None:
    """Add one, and return whether it was new; None where what it is about is not here."""
    cells = asdict(said)
    match said:
        case LinkSaid():
            place = await _one(connection, _REPOSITORY, cells)
            if place is None:
                return None
            if not await _inserted(connection, _ADD_LINK, cells | {"place": place}):
                return False
            await _mark(
                connection, StaleKey(StaleKind.PULL_REQUEST, pull_request_key(place, said.pr_number)), "manual_link"
            )
        case VerdictSaid():
            if not await _inserted(connection, _ADD_VERDICT, cells):
                return False
            await _mark(connection, StaleKey(StaleKind.INCIDENT, said.source_incident_id), "verdict")
        case SprintSaid():
            place = await _one(connection, _SPRINT, cells)
            stream = await _one(connection, _STREAM, cells) if said.delivery_stream else None
            if place is None or (said.delivery_stream and stream is None):
                return None
            return await _inserted(connection, _ADD_SPRINT, cells | {"place": place, "stream": stream})
    return True


async def _one(connection: Connection, query: str, cells: Mapping[str, Any]) -> Any:
    row = await (await connection.execute(query.encode(), cells)).fetchone()
    return row and row[0]


async def _inserted(connection: Connection, statement: str, cells: Mapping[str, Any]) -> bool:
    return (await connection.execute(statement.encode(), cells)).rowcount > 0


async def _mark(connection: Connection, stale: StaleKey, cause: str) -> None:
    await connection.execute(_MARK, [stale.group, stale.kind.value, stale.key, cause])
