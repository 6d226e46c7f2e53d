"""The worker's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from dpp.application.derivation import Derive
from dpp.application.ports import Clock
from dpp.application.stale import StaleKey, StaleKind
from dpp.entrypoints.worker.main import Worker
from tests.support.derivation import DERIVE, START, delivery, finished_ticket
from tests.support.derived_stores import MemoryStores
from tests.support.poison import Poisoned


@dataclass
class Hands(Clock):
    """A clock that is set by hand."""

    time: datetime = START

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.time


async def _stores(count: int = 3) -> MemoryStores:
    found = MemoryStores()
    await found.configure()
    await found.append([delivery(*finished_ticket(number=number)) for number in range(1, count + 1)])
    return found


def _worker(found: MemoryStores, derive: Derive, clock: Clock, rests: list[float] | None = None) -> Worker:
    async def sleep(seconds: float) -> None:
        (rests if rests is not None else []).append(seconds)
        await asyncio.sleep(0)

    return Worker(store=found.derivations, derive=derive, signal=found.feed, clock=clock, sleep=sleep)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not happen")


def test_poison_stops_nobody_else() -> None:
    """A ticket that cannot be derived is parked, and all others are derived."""

    async def story() -> None:
        found = await _stores(9)
        worker = _worker(found, Poisoned({"10004"}), Hands())
        assert 8 == await worker.drain()
        assert 8 == len(found.tables.work_items)
        parked = worker.parked()
        assert {StaleKey(StaleKind.TICKET, "10004"): "ValueError: no"} == {
            key: one.reason for key, one in parked.items()
        }
        assert 1 == (await found.derivations.pending()).entries

    asyncio.run(story())


def test_parked_things_rest() -> None:
    """A parked ticket is not tried again before its time, then is, and rests twice as long when it fails again."""

    async def story() -> None:
        found, clock = await _stores(1), Hands()
        derive = Poisoned({"10001"})
        worker = _worker(found, derive, clock)
        await worker.drain()
        await worker.drain()
        assert 1 == len(derive.calls)
        clock.time += timedelta(minutes=1)
        await worker.drain()
        assert 2 == len(derive.calls)
        (parked,) = worker.parked().values()
        assert (2, clock.time + timedelta(minutes=2)) == (parked.attempts, parked.until)

    asyncio.run(story())


def test_cured_things_are_parked_no_longer() -> None:
    """A parked ticket that can be derived the next time is forgotten as parked and has its rows."""

    async def story() -> None:
        found, clock = await _stores(1), Hands()
        derive = Poisoned({"10001"})
        worker = _worker(found, derive, clock)
        await worker.drain()
        derive.tickets_that_fail = ()
        clock.time += timedelta(minutes=1)
        assert 1 == await worker.drain()
        assert {} == worker.parked()
        assert ["10001"] == list(found.tables.work_items)

    asyncio.run(story())


def test_loop_wakes_up() -> None:
    """The running worker derives what comes after it has gone to wait."""

    async def story() -> None:
        found = await _stores(1)
        running = asyncio.create_task(_worker(found, DERIVE, Hands()).run())
        await _until(lambda: len(found.tables.work_items) == 1)
        await found.append([delivery(*finished_ticket(number=2))])
        await _until(lambda: len(found.tables.work_items) == 2)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(story())


def test_loop_survives_an_outage() -> None:
    """While the store is away the worker rests, longer each time, and derives when it is back."""

    async def story() -> None:
        found, rests = await _stores(1), list[float]()
        found.database.available = False
        running = asyncio.create_task(_worker(found, DERIVE, Hands(), rests).run())
        await _until(lambda: len(rests) >= 8)
        found.database.available = True
        await _until(lambda: len(found.tables.work_items) == 1)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0] == rests[:8]

    asyncio.run(story())
