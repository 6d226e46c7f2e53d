"""What people say of deployments' blame, in memory."""

from __future__ import annotations

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.blames import Verdicts
from dpp.application.delivery_rows import VerdictRow
from dpp.application.measures import Cause
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import from_micros


class MemoryVerdicts(Verdicts):
    """Adds verdicts to a memory database.

    Args:
        database: shared with the other memory stores.
        log: where the entries go.
        feed: wakes whoever derives; None when nobody waits.
    """

    def __init__(self, *, database: MemoryDatabase, log: AuditLog, feed: MemoryChangeFeed | None = None) -> None:
        self._database = database
        self._log = log
        self._feed = feed

    async def add(self, verdict: VerdictRow, *, entry: AuditEntry) -> None:
        """Add a verdict and put it on record, and mark the incident for derivation."""
        self._database.check_available()
        await self._log.record(entry)
        self._database.verdicts.append(verdict)
        stale = StaleKey(StaleKind.INCIDENT, verdict.source_incident_id)
        self._database.mark_stale(stale, since=from_micros(verdict.decided_at), cause=Cause.VERDICT)
        if self._feed is not None:
            self._feed.wake()
