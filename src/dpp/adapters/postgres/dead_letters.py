"""Unread payloads on PostgreSQL; the event store writes them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import class_row

from dpp.adapters.postgres.engine import Database
from dpp.application.ports import DeadLetter
from dpp.application.repairing import DeadLetterStore, SealedLetter

_LETTERS = """
SELECT delivery_uid, received_at, channel, kind, reason, expires_at FROM dead_letters
ORDER BY received_at DESC, delivery_uid LIMIT %s
"""
_FIND = """
SELECT delivery_uid, received_at, channel, kind, reason, expires_at, sealed FROM dead_letters WHERE delivery_uid = %s
"""


class PostgresDeadLetters(DeadLetterStore):
    """Keeps payloads that nobody could read."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def letters(self, *, limit: int = 200) -> Sequence[DeadLetter]:
        """Return them, newest first."""
        async with self._database.transaction() as connection:
            cursor = connection.cursor(row_factory=class_row(DeadLetter))
            await cursor.execute(_LETTERS, [limit])
            return await cursor.fetchall()

    async def find(self, delivery_uid: UUID) -> SealedLetter | None:
        """Return one of them."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_FIND, [delivery_uid])
            row = await cursor.fetchone()
        if row is None:
            return None
        uid, received_at, channel, kind, reason, expires_at, sealed = row
        letter = DeadLetter(
            delivery_uid=uid,
            received_at=received_at,
            channel=channel,
            kind=kind,
            reason=reason,
            expires_at=expires_at,
        )
        return SealedLetter(letter, None if sealed is None else bytes(sealed))

    async def remove(self, delivery_uid: UUID) -> bool:
        """Forget one of them."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute("DELETE FROM dead_letters WHERE delivery_uid = %s", [delivery_uid])
            return cursor.rowcount > 0
