"""A connection that was lent for reading is one for transactions again, however the reading ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from dpp.adapters.postgres.engine import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with one connection to lend, and a table that can be written."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE written (name TEXT)")
    async with Database(database_url, max_size=1) as found:
        yield found


async def _written(database: Database) -> list[str]:
    async with database.reading() as connection:
        return [name for (name,) in await (await connection.execute("SELECT name FROM written")).fetchall()]


async def _read(database: Database, statement: str) -> None:
    async with database.reading() as connection:
        await connection.execute(statement.encode())


async def _give_up(database: Database) -> None:
    """Write something, and end in an error."""
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO written VALUES ('given up')")
        raise InterruptedError


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT 1/0", "SELECT pg_sleep(30)"])
async def test_what_a_transaction_gives_up_is_not_written(database: Database, statement: str) -> None:
    """After a reading that ended well, in an error or because nobody waited, a transaction is all or nothing."""
    reading = asyncio.create_task(_read(database, statement))
    done, _ = await asyncio.wait([reading], timeout=0.5)
    if not done:
        reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    with pytest.raises(InterruptedError):
        await _give_up(database)
    assert await _written(database) == []


async def test_a_reading_sees_what_was_committed_before_each_statement(database: Database, database_url: str) -> None:
    """Statements of one reading do not share a snapshot."""
    async with database.reading() as connection:
        before = await (await connection.execute("SELECT count(*) FROM written")).fetchone()
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("INSERT INTO written VALUES ('in the meantime')")
        after = await (await connection.execute("SELECT count(*) FROM written")).fetchone()
    assert (before, after) == ((0,), (1,))
