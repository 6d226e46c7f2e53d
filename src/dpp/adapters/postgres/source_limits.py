"""What sources said of their limits, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from psycopg.rows import class_row

from dpp.adapters.postgres.engine import Database
from dpp.application.source_limits import SourceLimit, SourceLimitStore

_NOTE = """
INSERT INTO source_limits AS known (source, organisation, name, remaining, total, resets_at, told_at)
VALUES (%(source)s, %(organisation)s, %(name)s, %(remaining)s, %(total)s, %(resets_at)s, %(told_at)s)
ON CONFLICT (source, organisation, name) DO UPDATE SET
    remaining = excluded.remaining, total = excluded.total, resets_at = excluded.resets_at, told_at = excluded.told_at
WHERE excluded.told_at >= known.told_at
"""
_KNOWN = """
SELECT source, organisation, name, remaining, total, resets_at, told_at FROM source_limits
ORDER BY source COLLATE "C", organisation COLLATE "C", name COLLATE "C"
"""


class PostgresSourceLimits(SourceLimitStore):
    """Keeps limits in ``source_limits``."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def note_limits(self, limits: Sequence[SourceLimit]) -> None:
        """Keep the later word."""
        # In one order, so that two who write at once do not wait for each other crosswise.
        rows = sorted(limits, key=lambda limit: (limit.source, limit.organisation, limit.name))
        async with self._database.transaction() as connection:
            for row in rows:
                await connection.execute(_NOTE, asdict(row))

    async def limits(self) -> Sequence[SourceLimit]:
        """Return them all."""
        async with self._database.transaction() as connection:
            cursor = connection.cursor(row_factory=class_row(SourceLimit))
            await cursor.execute(_KNOWN)
            return await cursor.fetchall()
