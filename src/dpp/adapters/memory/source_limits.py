"""What sources said of their limits, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.source_limits import SourceLimit, SourceLimitStore


class MemorySourceLimits(SourceLimitStore):
    """Keeps limits for as long as it lives; ``database`` says whether anything can be kept now."""

    def __init__(self, *, database: MemoryDatabase) -> None:
        self._database = database
        self._known: dict[tuple[str, str, str], SourceLimit] = {}

    async def note_limits(self, limits: Sequence[SourceLimit]) -> None:
        """Keep the later word."""
        self._database.check_available()
        for limit in limits:
            key = (limit.source, limit.organisation, limit.name)
            if key not in self._known or limit.told_at >= self._known[key].told_at:
                self._known[key] = limit

    async def limits(self) -> Sequence[SourceLimit]:
        """Return them all."""
        self._database.check_available()
        return [self._known[key] for key in sorted(self._known)]
