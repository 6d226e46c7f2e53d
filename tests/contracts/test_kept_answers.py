"""Kept answers over real stores and real news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.application.kept_answers import KeptAnswers
from dpp.application.queries import Queries
from dpp.application.readers import MetricsReader
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.events import WorkItemEventType
from tests.support.derivation import LOGISTICS, PAYMENTS, at, deliveries, ticket_event
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores

pytestmark = pytest.mark.anyio

LIVE = View(scope=StreamScope.everything(), as_of=at(100), is_live=True)
#: News takes milliseconds; a test that waits longer than this has lost it.
SECONDS = 5.0


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    """The stores of one family."""
    async with stores(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        yield found


@asynccontextmanager
async def queries_of(store: Stores) -> AsyncIterator[Queries]:
    """Yield queries over the derived rows of a store, that follow its news."""
    async with KeptAnswers(feed=store.feed) as answers:
        yield Queries(reader=reader_of(store), answers=answers)


def reader_of(store: Stores) -> MetricsReader:
    """Return the reader of a store's derived rows."""
    if isinstance(store, MemoryStores):
        return MemoryMetricsReader(database=store.database, tables=store.tables)
    assert isinstance(store, PostgresStores)
    return PostgresMetricsReader(kept=KeptRows(database=store.database))


async def keeping(queries: Queries, view: View) -> None:
    """Wait until answers are kept."""
    async with asyncio.timeout(SECONDS):
        while await queries.realtime(view) is not await queries.realtime(view):
            await asyncio.sleep(0.01)


async def test_a_kept_figure_changes_as_soon_as_its_ticket_is_derived(store: Stores) -> None:
    """The answer is kept while nothing happens; a ticket that enters a stage is in the next."""
    started = ticket_event(WorkItemEventType.TRANSITIONED, 1, status="Doing")
    async with queries_of(store) as queries:
        await keeping(queries, LIVE)
        assert 0 == (await queries.realtime(LIVE)).wip.value
        await store.append(deliveries([[started]]))
        await store.drain()
        async with asyncio.timeout(SECONDS):
            while (await queries.realtime(LIVE)).wip.value != 1:
                await asyncio.sleep(0.005)


async def test_another_streams_ticket_leaves_a_kept_figure(store: Stores) -> None:
    """News of payments is none for logistics."""
    mine, other = replace(LIVE, delivery_stream_id=LOGISTICS), replace(LIVE, delivery_stream_id=PAYMENTS)
    async with queries_of(store) as queries:
        await keeping(queries, mine)
        kept = await queries.realtime(mine)
        await store.append(deliveries([[ticket_event(WorkItemEventType.TRANSITIONED, 1, status="Doing")]]))
        await store.drain()
        async with asyncio.timeout(SECONDS):
            while (await queries.realtime(other)).wip.value != 1:
                await asyncio.sleep(0.005)
        assert await queries.realtime(mine) is kept
