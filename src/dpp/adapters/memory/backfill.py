"""Runs of backfill in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.backfill import BackfillRun, BackfillState, BackfillStore, SourceState


class MemoryBackfillStore(BackfillStore):
    """Keeps runs for as long as the process lives.

    Args:
        database: whose availability is shared.
        kept: the runs by source and organisation; shared as processes share a table.
    """

    def __init__(self, *, database: MemoryDatabase, kept: dict[tuple[str, str], BackfillRun] | None = None) -> None:
        self._database = database
        self._kept = {} if kept is None else kept
        self._states: dict[str, SourceState] = {}

    async def note(self, source: str, *, at: datetime, reason: str | None) -> None:
        """Note how a source answered."""
        self._database.check_available()
        known = self._states.get(source, SourceState(source=source))
        if reason is None:
            self._states[source] = SourceState(source=source, answered_at=at)
        else:
            self._states[source] = replace(known, failed_at=at, reason=reason)

    async def states(self) -> Sequence[SourceState]:
        """Return how each source answers."""
        self._database.check_available()
        return [state for _, state in sorted(self._states.items())]

    async def runs(self) -> Sequence[BackfillRun]:
        """Return every run."""
        self._database.check_available()
        return [run for _, run in sorted(self._kept.items())]

    async def request(self, source: str, organisation: str, *, at: datetime, anew: bool) -> BackfillRun:
        """Return the run of an organisation, waiting."""
        self._database.check_available()
        known = self._kept.get((source, organisation))
        if known is not None and known.is_held(now=at):
            return known
        if known is None or anew or known.state is BackfillState.DONE:
            known = BackfillRun(
                source=source,
                organisation=organisation,
                state=BackfillState.WAITING,
                requested_at=at,
                updated_at=at,
            )
        else:
            known = replace(
                known, state=BackfillState.WAITING, reason=None, finished_at=None, requested_at=at, updated_at=at
            )
        self._kept[source, organisation] = known
        return known

    async def claim(
        self, source: str, organisation: str, *, owner: UUID, now: datetime, until: datetime
    ) -> BackfillRun | None:
        """Take a run."""
        self._database.check_available()
        run = self._kept.get((source, organisation))
        if run is None or run.state not in {BackfillState.WAITING, BackfillState.RUNNING}:
            return None
        if any(other.is_held(now=now) for other in self._kept.values()):
            return None
        taken = replace(run, state=BackfillState.RUNNING, owner=owner, leased_until=until, updated_at=now)
        self._kept[source, organisation] = taken
        return taken

    async def renew(self, run: BackfillRun, *, until: datetime) -> bool:
        """Hold a run for longer."""
        self._database.check_available()
        known = self._kept.get((run.source, run.organisation))
        if known is None or known.owner != run.owner or known.state is not BackfillState.RUNNING:
            return False
        self._kept[run.source, run.organisation] = replace(known, leased_until=until)
        return True

    async def save(self, run: BackfillRun) -> bool:
        """Write how far a run is."""
        self._database.check_available()
        known = self._kept.get((run.source, run.organisation))
        if known is None or known.owner != run.owner or known.state is not BackfillState.RUNNING:
            return False
        self._kept[run.source, run.organisation] = run
        return True
