"""Derivation on PostgreSQL: stale keys in, derived rows and news out, one transaction a batch.

Every share of the work is under an advisory lock while somebody derives its things, so that no thing is derived twice
at once. Statements read what is committed when they begin (READ COMMITTED), and all reading comes after the locks; a
fact that is committed later has an entry of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from dpp.adapters.postgres.derived_changes import ChangeTables, Pushes
from dpp.adapters.postgres.derived_deployments import DeploymentTables
from dpp.adapters.postgres.derived_incidents import IncidentTables
from dpp.adapters.postgres.derived_pull_requests import PullRequestTables
from dpp.adapters.postgres.derived_rollbacks import Rollbacks
from dpp.adapters.postgres.derived_tables import DerivedTables
from dpp.adapters.postgres.derived_tickets import TicketTables
from dpp.adapters.postgres.documents import current_configuration
from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.errors import translated
from dpp.adapters.postgres.feed import STALE_CHANNEL, notify
from dpp.adapters.postgres.histories import Histories
from dpp.adapters.postgres.measures import mark_days
from dpp.application.derivation import (
    MAX_SHARES,
    TOPICS,
    Backlog,
    DerivationStore,
    Derive,
    DeriveResult,
    Marked,
    News,
    isolate,
)
from dpp.application.measures import Cause
from dpp.application.stale import GROUPS, StaleKey, StaleKind
from dpp.application.stale_days import Reason, inherited, reaching, reason, stale_days
from dpp.domain.configuration import Configuration

#: First number of the advisory locks of shares; it means nothing.
SHARES = 0x64707073

#: A sort of a large batch fits into so much memory.
WORK_MEM = "64MB"

# Oldest first, so that nothing waits for ever; the fence keeps the order, and the limit the number of locks.
_LOCK_SHARES = """
SELECT share FROM (
    SELECT share, oldest FROM generate_series(0, %(groups)s - 1) AS one (share) CROSS JOIN LATERAL (
        SELECT entry_id FROM stale_keys AS entry
        WHERE entry.share = one.share AND kind || '/' || key <> ALL (%(skip)s) ORDER BY entry_id LIMIT 1
    ) AS first (oldest)
    ORDER BY oldest OFFSET 0
) AS waiting
WHERE pg_try_advisory_xact_lock(%(namespace)s, share) LIMIT %(most)s
"""
_ENTRIES = """
SELECT entry_id, kind, key, since, cause FROM stale_keys
WHERE share = ANY (%(shares)s) AND kind || '/' || key <> ALL (%(skip)s)
ORDER BY entry_id LIMIT %(limit)s
"""
_PENDING = """
SELECT count(*), min(marked_at), coalesce(max(entry_id), 0) FROM stale_keys
WHERE (%(up_to)s::bigint IS NULL OR entry_id <= %(up_to)s) AND kind || '/' || key <> ALL (%(skip)s)
"""
_MARK = """
INSERT INTO stale_keys (share, kind, key, since, cause)
SELECT share, kind, key, %s, %s FROM unnest(%s::smallint[], %s::text[], %s::text[]) AS one (share, kind, key)
"""


class _Entry(NamedTuple):
    entry_id: int
    key: StaleKey
    why: Reason


class PostgresDerivationStore(DerivationStore):
    """Keeps the queue of stale things and the derived rows.

    Args:
        database: an open one.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._configuration = Configuration()
        self._tables: Mapping[StaleKind, DerivedTables] = {
            StaleKind.TICKET: TicketTables(Histories()),
            StaleKind.PULL_REQUEST: PullRequestTables(),
            StaleKind.PUSH: Pushes(),
            StaleKind.DEPLOYMENT: DeploymentTables(),
            StaleKind.ROLLBACK: Rollbacks(),
            StaleKind.CHANGE: ChangeTables(),
            StaleKind.INCIDENT: IncidentTables(),
        }

    async def derive_stale(
        self, derive: Derive, *, limit: int, skip: Collection[StaleKey] = frozenset()
    ) -> DeriveResult:
        """Derive some stale things of one kind, that of the oldest, in one transaction."""
        async with self._database.transaction() as connection:
            entries = await _take(connection, limit=limit, skip=skip)
            if not entries:
                return DeriveResult()
            kind = entries[0].key.kind
            keys = list(dict.fromkeys(entry.key for entry in entries if entry.key.kind is kind))
            current = await self._current(connection)
            news = News()

            async def attempt(some: Sequence[StaleKey]) -> Collection[StaleKey]:
                with translated():
                    async with connection.transaction():
                        return await self._derive(connection, derive, some, current, news)

            outcome = await isolate(keys, attempt)
            done = set(outcome.done)
            settled = [entry.entry_id for entry in entries if entry.key in done]
            await connection.execute("DELETE FROM stale_keys WHERE entry_id = ANY (%s)", [settled])
            if done:
                reasons = reaching([entry.why for entry in entries if entry.key in done], news)
                await _mark(connection, outcome.marked, *inherited(reasons))
                for days, streams in stale_days(reasons, news).items():
                    await mark_days(connection, streams, days)
            if done and kind in TOPICS:
                await notify(connection, news.change(kind))
        return DeriveResult(entries=len(settled), derived=len(done), marked=len(outcome.marked), failed=outcome.failed)

    async def mark_all(self, kind: StaleKind) -> Marked:
        """Queue every thing of a kind that has events or derived rows."""
        async with self._database.transaction() as connection:
            keys = await self._tables[kind].everything(connection)
            await _mark(connection, keys, None, Cause.REBUILD)
            await connection.execute("SELECT pg_notify(%s, '')", [STALE_CHANNEL])
            cursor = await connection.execute("SELECT max(entry_id) FROM stale_keys")
            last = await cursor.fetchone()
            return Marked(len(keys), (last and last[0]) or 0)

    async def pending(self, *, up_to: int | None = None, skip: Collection[StaleKey] = frozenset()) -> Backlog:
        """Return how much waits, and since when."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_PENDING, {"up_to": up_to, "skip": _names(skip)})
            row: tuple[int, datetime | None, int] = await cursor.fetchone() or (0, None, 0)
            return Backlog(entries=row[0], oldest=row[1], last_entry=row[2])

    async def _current(self, connection: Connection) -> Configuration:
        """Return a configuration that is at least as new as what the transaction has read so far."""
        cursor = await connection.execute("SELECT version FROM platform_settings")
        row = await cursor.fetchone()
        if row is not None and row[0] > self._configuration.version:
            self._configuration = await current_configuration(connection)
        return self._configuration

    async def _derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        current: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        tables = self._tables[keys[0].kind]
        return await tables.derive(connection, derive, keys, configuration=current, news=news)


async def _take(connection: Connection, *, limit: int, skip: Collection[StaleKey]) -> list[_Entry]:
    """Lock some shares that have entries, and return the oldest entries in them."""
    left_out = _names(skip)
    cursor = await connection.execute(
        _LOCK_SHARES, {"groups": GROUPS, "namespace": SHARES, "most": MAX_SHARES, "skip": left_out}
    )
    shares = [share for (share,) in await cursor.fetchall()]
    if not shares:
        return []
    await connection.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEM])
    cursor = await connection.execute(_ENTRIES, {"shares": shares, "limit": limit, "skip": left_out})
    return [
        _Entry(entry_id, found, reason(found, since, cause))
        for entry_id, kind, key, since, cause in await cursor.fetchall()
        for found in (StaleKey(StaleKind(kind), key),)
    ]


def _names(keys: Iterable[StaleKey]) -> list[str]:
    return [f"{key.kind}/{key.key}" for key in keys]


async def _mark(connection: Connection, keys: Iterable[StaleKey], since: datetime | None, cause: Cause) -> None:
    ordered = sorted(keys)
    if ordered:
        columns = [key.group for key in ordered], [key.kind.value for key in ordered], [key.key for key in ordered]
        await connection.execute(_MARK, [since, cause.value, *columns])
