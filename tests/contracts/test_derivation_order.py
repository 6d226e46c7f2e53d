"""Decision 0003 on PostgreSQL: whatever comes in whatever order, its derived rows are those of the memory store."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpp.adapters.postgres.derivations import SHARES
from dpp.adapters.postgres.derived_tables import lock_links
from dpp.application.rebuild import rebuild
from dpp.application.stale import GROUPS, StaleKind
from dpp.domain.events import WorkItemEventType
from tests.support.derivation import DERIVE, PAYMENTS, delivery, finished_ticket, merged_pull_request, ticket_event
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, Tables, stores
from tests.support.happenings import Happening, happenings, releases
from tests.support.postgres import TestServer

_FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def _rows_in_memory(happening: Happening) -> Tables:
    async with stores(None) as found:
        await found.append(happening.told)
        await found.drain()
        return await found.rows()


async def _hear(found: Stores, happening: Happening, *, limit: int) -> None:
    for batch in happening.batched():
        await found.append(batch)
        await found.derivations.derive_stale(DERIVE, limit=limit)
    await found.drain(limit=limit)


@_FEW
@given(happening=happenings(most=10) | releases(), limit=st.integers(1, 4))
def test_postgres_derives_what_memory_does(postgres_server: TestServer, happening: Happening, limit: int) -> None:
    """Any order, repetition and batching of deliveries gives the rows that memory has for them told at once."""

    async def rows(url: str) -> tuple[Tables, Tables]:
        async with stores(url) as found:
            await _hear(found, happening, limit=limit)
            before = await found.rows()
            await rebuild(found.derivations, DERIVE)
            return before, await found.rows()

    with postgres_server.database(template=postgres_server.template) as url:
        before, rebuilt = asyncio.run(rows(url))
    assert asyncio.run(_rows_in_memory(happening)) == before
    assert before == rebuilt


def test_workers_at_once(database_url: str) -> None:
    """Several workers that derive at once while deliveries come in end with the rows that one would have produced."""
    parts = [
        delivery(*life)
        for number in range(1, 31)
        for life in (
            merged_pull_request(number=number, branch=f"PAY-{number}"),
            finished_ticket(number=number, begin=number * 1.7),
        )
    ]

    async def work(found: PostgresStores, done: asyncio.Event) -> None:
        while True:
            finished = done.is_set()
            result = await found.derivations.derive_stale(DERIVE, limit=3)
            assert not result.failed
            if finished and not (await found.derivations.pending()).entries:
                return

    async def story() -> Tables:
        async with stores(database_url) as found:
            assert isinstance(found, PostgresStores)
            done = asyncio.Event()
            workers = [asyncio.create_task(work(found, done)) for _ in range(3)]
            for part in parts:
                await found.append([part])
            done.set()
            await asyncio.gather(*workers)
            return await found.rows()

    async def alone() -> Tables:
        found = MemoryStores()
        await found.configure()
        await found.append(parts)
        await found.drain()
        return await found.rows()

    assert asyncio.run(alone()) == asyncio.run(story())


def test_ticket_waits_for_pull_request_of_its_key(database_url: str) -> None:
    """A ticket that is derived while a pull request of its key is being derived waits, and then sees and marks it."""

    async def story() -> None:
        async with stores(database_url) as found:
            assert isinstance(found, PostgresStores)
            await found.append([delivery(*merged_pull_request()), delivery(*finished_ticket())])
            await found.drain()
            async with found.database.transaction() as other:
                await lock_links(other, ["PAY-1"], shared=False)
                await other.execute("UPDATE pull_requests SET delivery_stream_id = NULL")
                await found.append([delivery(ticket_event(WorkItemEventType.UPDATED, 50, change="77"))])
                deriving = asyncio.create_task(found.derivations.derive_stale(DERIVE, limit=500))
                await asyncio.sleep(0.15)
                assert not deriving.done()
            assert 1 == (await deriving).marked
            await found.drain()
            assert [PAYMENTS] == [row["delivery_stream_id"] for row in (await found.rows())["pull_requests"]]

    asyncio.run(story())


def test_rebuild_waits_for_what_others_are_at(database_url: str) -> None:
    """A rebuild does not end while another worker still holds things that it has marked."""

    async def story() -> None:
        async with stores(database_url) as found:
            assert isinstance(found, PostgresStores)
            await found.append([delivery(*finished_ticket())])
            await found.drain()
            waits: list[float] = []
            async with found.database.transaction() as other:
                await other.execute(
                    "SELECT pg_advisory_xact_lock(%s, share) FROM generate_series(0, %s) AS share", [SHARES, GROUPS - 1]
                )
                let_go = asyncio.Event()

                async def sleep(seconds: float) -> None:
                    waits.append(seconds)
                    let_go.set()
                    await asyncio.sleep(0.02)

                rebuilding = asyncio.create_task(rebuild(found.derivations, DERIVE, sleep=sleep))
                await let_go.wait()
                assert not rebuilding.done()
            assert 1 == (await rebuilding).derived
            assert waits

    asyncio.run(story())


def test_rebuild_while_deliveries_come_in(database_url: str) -> None:
    """A rebuild goes on beside intake and loses nothing of it; it reports how far it is."""

    async def story() -> None:
        async with stores(database_url) as found:
            await found.append([delivery(*finished_ticket(number=number)) for number in range(1, 21)])
            await found.drain()
            steps: list[tuple[int, int]] = []
            rebuilding = asyncio.create_task(
                rebuild(
                    found.derivations,
                    DERIVE,
                    kinds=[StaleKind.TICKET],
                    batch=4,
                    progress=lambda step: steps.append((step.derived, step.total)),
                )
            )
            for number in range(21, 31):
                await found.append([delivery(*finished_ticket(number=number))])
            await rebuilding
            await found.drain()
            assert 30 == len((await found.rows())["work_item_cycles"])
            assert (0, 20) == steps[0]
            assert steps[-1][0] >= 20
            assert steps == sorted(steps)

    asyncio.run(story())
