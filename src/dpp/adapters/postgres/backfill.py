"""Runs of backfill on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from dpp.adapters.postgres.engine import Database
from dpp.application.backfill import BackfillRun, BackfillState, BackfillStore, SourceState

_COLUMNS = tuple(item.name for item in fields(BackfillRun))
_LIST = ", ".join(_COLUMNS)
# Whoever claims looks at every run: one at a time.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('dpp backfill'))"
_KNOWN = f"SELECT {_LIST} FROM backfill_runs"  # noqa: S608 - constants
_ONE = f"{_KNOWN} WHERE source = %(source)s AND organisation = %(organisation)s"
_HELD = "SELECT EXISTS (SELECT FROM backfill_runs WHERE state = 'running' AND leased_until > %(now)s)"
_BEGIN = f"""
INSERT INTO backfill_runs (source, organisation, state, requested_at, updated_at, pages, things, accepted, duplicates,
    unreadable)
VALUES (%(source)s, %(organisation)s, 'waiting', %(at)s, %(at)s, 0, 0, 0, 0, 0)
ON CONFLICT (source, organisation) DO UPDATE SET
    state = 'waiting', requested_at = %(at)s, updated_at = %(at)s, cursor = NULL, pages = 0, things = 0, total = NULL,
    accepted = 0, duplicates = 0, unreadable = 0, reason = NULL, finished_at = NULL, owner = NULL, leased_until = NULL
RETURNING {_LIST}
"""  # noqa: S608
_GO_ON = f"""
UPDATE backfill_runs SET
    state = 'waiting', reason = NULL, finished_at = NULL, requested_at = %(at)s, updated_at = %(at)s
WHERE source = %(source)s AND organisation = %(organisation)s RETURNING {_LIST}
"""  # noqa: S608
_CLAIM = f"""
UPDATE backfill_runs SET state = 'running', owner = %(owner)s, leased_until = %(until)s, updated_at = %(now)s
WHERE source = %(source)s AND organisation = %(organisation)s AND state IN ('waiting', 'running') RETURNING {_LIST}
"""  # noqa: S608
_CHANGED = tuple(name for name in _COLUMNS if name not in {"source", "organisation", "owner", "requested_at"})
_SAVE = f"""
UPDATE backfill_runs SET {", ".join(f"{name} = %({name})s" for name in _CHANGED)}
WHERE source = %(source)s AND organisation = %(organisation)s AND state = 'running' AND owner = %(owner)s
"""  # noqa: S608
_RENEW = """
UPDATE backfill_runs SET leased_until = %(until)s
WHERE source = %(source)s AND organisation = %(organisation)s AND state = 'running' AND owner = %(owner)s
"""
_NOTE = """
INSERT INTO source_states AS known (source, answered_at, failed_at, reason)
VALUES (%(source)s, CASE WHEN %(reason)s::text IS NULL THEN %(at)s::timestamptz END,
    CASE WHEN %(reason)s::text IS NOT NULL THEN %(at)s::timestamptz END, %(reason)s)
ON CONFLICT (source) DO UPDATE SET
    answered_at = coalesce(excluded.answered_at, known.answered_at), failed_at = excluded.failed_at,
    reason = excluded.reason
"""


class PostgresBackfillStore(BackfillStore):
    """Keeps runs in ``backfill_runs``."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def note(self, source: str, *, at: datetime, reason: str | None) -> None:
        """Note how a source answered."""
        async with self._database.transaction() as connection:
            await connection.execute(_NOTE, {"source": source, "at": at, "reason": reason})

    async def states(self) -> Sequence[SourceState]:
        """Return how each source answers."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                'SELECT source, answered_at, failed_at, reason FROM source_states ORDER BY source COLLATE "C"'
            )
            return [
                SourceState(source=source, answered_at=answered_at, failed_at=failed_at, reason=reason)
                for source, answered_at, failed_at, reason in await cursor.fetchall()
            ]

    async def runs(self) -> Sequence[BackfillRun]:
        """Return every run."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                f'{_KNOWN} ORDER BY source COLLATE "C", organisation COLLATE "C"'.encode()
            )
            return [_run(row) for row in await cursor.fetchall()]

    async def request(self, source: str, organisation: str, *, at: datetime, anew: bool) -> BackfillRun:
        """Return the run of an organisation, waiting."""
        named: dict[str, Any] = {"source": source, "organisation": organisation, "at": at}
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK)
            row = await (await connection.execute(_ONE.encode(), named)).fetchone()
            known = _run(row) if row else None
            if known is not None and known.is_held(now=at):
                return known
            begins = known is None or anew or known.state is BackfillState.DONE
            made = await (await connection.execute((_BEGIN if begins else _GO_ON).encode(), named)).fetchone()
            assert made is not None, "the row was written in this very statement"
            return _run(made)

    async def claim(
        self, source: str, organisation: str, *, owner: UUID, now: datetime, until: datetime
    ) -> BackfillRun | None:
        """Take a run."""
        named = {"source": source, "organisation": organisation, "owner": owner, "now": now, "until": until}
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK)
            held = await (await connection.execute(_HELD, named)).fetchone()
            if held is None or held[0]:
                return None
            row = await (await connection.execute(_CLAIM.encode(), named)).fetchone()
            return _run(row) if row else None

    async def renew(self, run: BackfillRun, *, until: datetime) -> bool:
        """Hold a run for longer."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_RENEW, _cells(run) | {"until": until})
            return cursor.rowcount == 1

    async def save(self, run: BackfillRun) -> bool:
        """Write how far a run is."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_SAVE.encode(), _cells(run))
            return cursor.rowcount == 1


def _run(row: Sequence[Any]) -> BackfillRun:
    cells = dict(zip(_COLUMNS, row, strict=True))
    return BackfillRun(**{**cells, "state": BackfillState(cells["state"])})


def _cells(run: BackfillRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in _COLUMNS} | {"state": run.state.value}
