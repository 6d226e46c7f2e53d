"""The time, ids and randomness of the machine."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from uuid import UUID, uuid4

from dpp.application.access_ports import Randomness
from dpp.application.ports import Clock, Ids


class SystemClock(Clock):
    """Tells the machine's time."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


class RandomIds(Ids):
    """Makes random ids (UUID version 4)."""

    def new(self) -> UUID:
        """Return a new id."""
        return uuid4()


class SystemRandomness(Randomness):
    """Asks the operating system for random bytes."""

    def token(self, size: int) -> bytes:
        """Return ``size`` random bytes, fit for secrets."""
        return secrets.token_bytes(size)
