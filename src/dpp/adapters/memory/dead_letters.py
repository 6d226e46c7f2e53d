"""Unread payloads of a memory database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.ports import DeadLetter
from dpp.application.repairing import DeadLetterStore, SealedLetter


class MemoryDeadLetters(DeadLetterStore):
    """Keeps payloads that nobody could read."""

    def __init__(self, *, database: MemoryDatabase) -> None:
        self._database = database

    async def letters(self, *, limit: int = 200) -> Sequence[DeadLetter]:
        """Return them, newest first."""
        self._database.check_available()
        kept = sorted((letter for letter, _ in self._database.dead_letters.values()), key=lambda one: one.delivery_uid)
        return sorted(kept, key=lambda one: one.received_at, reverse=True)[:limit]

    async def find(self, delivery_uid: UUID) -> SealedLetter | None:
        """Return one of them."""
        self._database.check_available()
        found = self._database.dead_letters.get(delivery_uid)
        return None if found is None else SealedLetter(*found)

    async def remove(self, delivery_uid: UUID) -> bool:
        """Forget one of them."""
        self._database.check_available()
        return self._database.dead_letters.pop(delivery_uid, None) is not None
