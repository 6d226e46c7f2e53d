"""The stores while the database goes away and comes back, without anybody's help."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpp.adapters.postgres.embedded import EmbeddedPostgres
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.migrations import upgrade
from dpp.application.deliveries import Appended
from dpp.domain.errors import Unavailable
from dpp.domain.events import Facts
from tests.contracts.stores import moved_to, postgres_platform


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, migrated."""
    with EmbeddedPostgres(tmp_path / "database", fast_for_tests=True) as server:
        upgrade(server.dsn)
        yield server


def test_the_stores_recover_when_the_database_returns(server: EmbeddedPostgres) -> None:
    """While the server is away every call is refused as unavailable; once it is back, calls succeed within seconds."""
    facts = Facts(work_items=(moved_to("In Dev"),))

    async def story() -> None:
        async with Database(server.dsn) as database:
            platform = postgres_platform(database)
            async with platform.feed.subscribe() as changes:
                assert (Appended(accepted=1),) == await platform.append(facts)
                await asyncio.to_thread(server.stop)
                for call in (platform.append(facts), platform.events.settled(), platform.configuration.load()):
                    with pytest.raises(Unavailable):
                        await call
                await asyncio.to_thread(server.start)
                assert (Appended(duplicates=1),) == await _until_answered(platform.append, facts)
                assert "any" == (await asyncio.wait_for(anext(changes), 10)).topic
            await platform.feed.close()

    asyncio.run(story())


def test_a_store_may_be_opened_before_its_database(server: EmbeddedPostgres) -> None:
    """A process that starts while the database is away works once the database is there."""
    dsn = server.dsn
    server.stop()

    async def story() -> None:
        async with Database(dsn) as database:
            platform = postgres_platform(database)
            with pytest.raises(Unavailable):
                await platform.configuration.load()
            await asyncio.to_thread(server.start)
            assert 0 == (await _until_answered(platform.configuration.load)).version

    asyncio.run(story())


async def _until_answered(call, *arguments, seconds: float = 10):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await call(*arguments)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
