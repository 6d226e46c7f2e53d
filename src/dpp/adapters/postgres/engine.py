"""Connections: a pool that recovers by itself, in UTC, with an end to every statement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from dpp.adapters.postgres.errors import is_disconnection, translated

Connection = psycopg.AsyncConnection[TupleRow]

#: Statements that are used again stay prepared after so many uses, at most so many of them a connection.
PREPARE_AFTER_USES = 2
PREPARED_STATEMENTS = 200

CONNECT_SECONDS = 3
#: How long a caller waits for a connection before it learns that the database is away.
WAIT_SECONDS = 3.0
#: The same, once it is known to be away: the next callers learn it soon.
WAIT_WHILE_AWAY_SECONDS = 0.3
#: A pool tries so long to open a connection, ever more slowly; then the next caller makes it begin anew. Short, so that
#: after an outage nobody waits for a late retry.
RECONNECT_SECONDS = 2.0
STATEMENT_SECONDS = 30
LOCK_SECONDS = 10
IDLE_TRANSACTION_SECONDS = 60
WORK_MEM = "32MB"


class Database:
    """The platform's way to one database; one per process. ``open`` before use, ``close`` at the end.

    Args:
        dsn: URL or key words that libpq understands; it is never logged.
        application_name: what administrators see in ``pg_stat_activity``.
        max_size: connections at most.
        statement_seconds: no statement runs longer.
    """

    def __init__(
        self,
        dsn: str,
        *,
        application_name: str = "dpp",
        max_size: int = 8,
        statement_seconds: int = STATEMENT_SECONDS,
    ) -> None:
        self._dsn = dsn
        self._application_name = application_name
        self._statement_seconds = statement_seconds
        self._is_away = False
        self._lent = 0
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            kwargs=self._options(),
            min_size=1,
            max_size=max_size,
            open=False,
            configure=self._configure,
            timeout=WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            name=application_name,
        )

    def __repr__(self) -> str:
        return f"Database(application_name={self._application_name!r})"

    async def open(self) -> None:
        """Begin to connect; an absent database is no error here."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection for one transaction: committed at the end of the block, rolled back by an error.

        Raises:
            Unavailable: the database does not answer; whether a commit that was under way took place is then unknown.
        """
        async with self._lend(autocommit=False) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Lend a connection on which every statement is a transaction of its own: two answers fewer to wait for.

        Raises:
            Unavailable: the database does not answer.
        """
        async with self._lend(autocommit=True) as connection:
            yield connection

    @asynccontextmanager
    async def _lend(self, *, autocommit: bool) -> AsyncIterator[Connection]:
        timeout = WAIT_WHILE_AWAY_SECONDS if self._is_away else WAIT_SECONDS
        with translated():
            try:
                async with self._pool.connection(timeout) as connection:
                    self._is_away = False
                    self._lent += 1
                    try:
                        # As the last borrower left it, however that ended.
                        if connection.autocommit is not autocommit:
                            await connection.set_autocommit(autocommit)
                        yield connection
                    finally:
                        self._lent -= 1
            except psycopg.Error as error:
                await self._note(error)
                raise

    async def connect(self) -> Connection:
        """Open a connection of the caller's own, outside the pool, that commits every statement.

        Raises:
            Unavailable: the database does not answer.
        """
        with translated():
            connection = await psycopg.AsyncConnection.connect(self._dsn, **self._options(), autocommit=True)
            await self._configure(connection)
            return connection

    async def _note(self, error: psycopg.Error) -> None:
        """Draw conclusions from an error for the callers to come."""
        if isinstance(error, PoolTimeout):
            # With none lent out, none can have been opened.
            self._is_away = self._lent == 0
        elif is_disconnection(error) and not self._pool.closed:
            self._is_away = True
            # The others that lie in the pool are as dead as this one: better found out now than one by one.
            await self._pool.check()

    def _options(self) -> dict[str, Any]:
        return {
            "application_name": self._application_name,
            "connect_timeout": CONNECT_SECONDS,
            "prepare_threshold": PREPARE_AFTER_USES,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        }

    async def _configure(self, connection: Connection) -> None:
        connection.prepared_max = PREPARED_STATEMENTS
        settings = {
            "timezone": "UTC",
            "statement_timeout": f"{self._statement_seconds}s",
            "lock_timeout": f"{LOCK_SECONDS}s",
            "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
            # Compiling a statement takes longer than any statement here runs; a window of months is sorted in memory.
            "jit": "off",
            "work_mem": WORK_MEM,
        }
        await connection.execute(
            "SELECT set_config(name, setting, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, setting)",
            [list(settings), list(settings.values())],
        )
        if not connection.autocommit:
            await connection.commit()
