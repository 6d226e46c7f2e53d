"""What people say of deployments' blame, on PostgreSQL."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.feed import STALE_CHANNEL
from dpp.application.access_ports import AuditEntry
from dpp.application.blames import Verdicts
from dpp.application.delivery_rows import VerdictRow
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import from_micros

_ADD = """
INSERT INTO incident_verdicts
    (verdict_id, incident_id, source_incident_id, record_id, verdict, decided_at, decided_by, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_RECORD = "INSERT INTO audit_log (occurred_at, actor, action, subject, details) VALUES (%s, %s, %s, %s, %s)"
_MARK = "INSERT INTO stale_keys (share, kind, key, since, cause) VALUES (%s, %s, %s, %s, 'verdict')"


class PostgresVerdicts(Verdicts):
    """Adds verdicts; the verdict, its entry in the audit log and the mark on the incident are one transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add(self, verdict: VerdictRow, *, entry: AuditEntry) -> None:
        """Add a verdict and put it on record, and mark the incident for derivation."""
        said = [from_micros(cell) if name == "decided_at" else cell for name, cell in verdict._asdict().items()]
        details = None if entry.details is None else Jsonb(dict(entry.details))
        stale = StaleKey(StaleKind.INCIDENT, verdict.source_incident_id)
        async with self._database.transaction() as connection:
            await connection.execute(_ADD, said)
            await connection.execute(_RECORD, [entry.occurred_at, entry.actor, entry.action, entry.subject, details])
            await connection.execute(_MARK, [stale.group, stale.kind.value, stale.key, from_micros(verdict.decided_at)])
            await connection.execute("SELECT pg_notify(%s, '')", [STALE_CHANNEL])
