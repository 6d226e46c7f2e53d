"""What every change feed promises, asked of the one in memory and of PostgreSQL's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid5

import psycopg
import pytest

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.feed import ANYTHING, PostgresChangeFeed
from dpp.application.ports import Change
from dpp.domain.events import NAMESPACE, Facts
from tests.contracts.stores import ORGANISATION, Platform, moved_to

pytestmark = pytest.mark.anyio

CHANGE = Change(topic="tickets", delivery_streams=frozenset({UUID(int=1)}), tech_streams=frozenset({UUID(int=2)}))
#: Longer than any of this takes, and short enough to fail within a test's time.
PATIENCE_SECONDS = 10.0


async def _next(changes: AsyncIterator[Change]) -> Change:
    return await asyncio.wait_for(anext(changes), PATIENCE_SECONDS)


async def test_every_subscriber_hears_of_every_change(platform: Platform) -> None:
    """Each subscriber is told each change, in the order in which they were published."""
    async with platform.feed.subscribe() as one, platform.feed.subscribe() as two:
        for topic in ("a", "b"):
            await platform.feed.publish(Change(topic=topic))
        await platform.feed.publish(CHANGE)
        for changes in (one, two):
            assert [Change(topic="a"), Change(topic="b"), CHANGE] == [await _next(changes) for _ in range(3)]


async def test_a_subscriber_hears_nothing_of_before(platform: Platform) -> None:
    """What was published before a subscription is not told to it."""
    async with platform.feed.subscribe() as earlier:
        await platform.feed.publish(Change(topic="before"))
        assert Change(topic="before") == await _next(earlier)
        async with platform.feed.subscribe() as changes:
            await platform.feed.publish(Change(topic="after"))
            assert Change(topic="after") == await _next(changes)


async def test_a_saved_configuration_is_told(platform: Platform) -> None:
    """Whoever subscribes hears that the configuration has changed."""
    async with platform.feed.subscribe() as changes:
        await platform.configure(ORGANISATION)
        assert Change(topic="configuration") == await _next(changes)


async def test_stale_things_wake_whoever_waits(platform: Platform) -> None:
    """An append that makes something stale wakes all who wait, and those who begin to wait later."""
    feed = platform.feed
    start = await feed.wait_for_stale(after=0, timeout=0.05)
    facts = Facts(work_items=(moved_to("In Dev"),))
    waiting = [asyncio.create_task(feed.wait_for_stale(after=start, timeout=PATIENCE_SECONDS)) for _ in range(2)]
    await platform.append(facts)
    woken = await asyncio.gather(*waiting)
    assert all(generation > start for generation in woken)
    assert woken[0] == await feed.wait_for_stale(after=start, timeout=0)
    await platform.append(facts)
    assert woken[0] == await feed.wait_for_stale(after=woken[0], timeout=0.1)


async def test_changes_cross_processes(database_url: str) -> None:
    """A change that one process publishes is heard in another, streams and all."""
    async with Database(database_url) as here, Database(database_url) as there:
        feed = PostgresChangeFeed(database=here)
        async with feed.subscribe() as changes:
            await PostgresChangeFeed(database=there).publish(CHANGE)
            assert CHANGE == await _next(changes)
        await feed.close()


async def test_too_many_streams_to_name_are_any(database_url: str) -> None:
    """A change that concerns more streams than a notification can name is told without streams."""
    streams = frozenset(uuid5(NAMESPACE, str(number)) for number in range(300))
    async with Database(database_url) as database:
        feed = PostgresChangeFeed(database=database)
        async with feed.subscribe() as changes:
            await feed.publish(Change(topic="tickets", delivery_streams=streams))
            assert Change(topic="tickets") == await _next(changes)
        await feed.close()


async def test_words_of_another_version_are_anything(database_url: str) -> None:
    """A notification that cannot be read stands for any change instead of ending the feed."""
    async with Database(database_url) as database:
        feed = PostgresChangeFeed(database=database)
        async with feed.subscribe() as changes:
            async with database.transaction() as connection:
                await connection.execute("SELECT pg_notify('dpp_changes', '{\"subject\": 1}')")
            await feed.publish(CHANGE)
            assert [ANYTHING, CHANGE] == [await _next(changes), await _next(changes)]
        await feed.close()


async def test_a_lost_connection_stands_for_any_change(database_url: str) -> None:
    """When the connection that hears is lost, a new one is made, and all are told of anything."""
    async with Database(database_url, application_name="doomed") as database:
        feed = PostgresChangeFeed(database=database)
        async with feed.subscribe() as changes:
            generation = await feed.wait_for_stale(after=0, timeout=0)
            await asyncio.to_thread(_end_listeners, database_url)
            assert ANYTHING == await _next(changes)
            assert generation < await feed.wait_for_stale(after=generation, timeout=PATIENCE_SECONDS)
            await feed.publish(CHANGE)
            assert CHANGE == await _next(changes)
        await feed.close()


def _end_listeners(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'doomed' AND query LIKE 'LISTEN%%' AND datname = current_database()"
        ).fetchall()
        assert [(True,)] == ended
