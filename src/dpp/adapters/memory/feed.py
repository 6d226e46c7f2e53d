"""Changes within one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from dpp.application.ports import Change, ChangeFeed


class MemoryChangeFeed(ChangeFeed):
    """Passes changes on to the subscribers in this process, which are on one event loop."""

    def __init__(self) -> None:
        self._subscribers: set[asyncio.Queue[Change]] = set()
        self._generation = 0
        self._woken = asyncio.Event()

    async def publish(self, change: Change) -> None:
        """Tell everybody."""
        for queue in self._subscribers:
            queue.put_nowait(change)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Change]]:
        """Hear of every change from now on."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            yield _changes(queue)
        finally:
            self._subscribers.discard(queue)

    def wake(self) -> None:
        """Tell those who wait that something became stale."""
        self._generation += 1
        self._woken.set()
        # Whoever waits holds the old one; a new one is for those who come later.
        self._woken = asyncio.Event()

    async def wait_for_stale(self, *, after: int, timeout: float) -> int:
        """Wait until something became stale.

        Args:
            after: what the last call returned; 0 the first time. What became stale since then is told at once.
            timeout: seconds at most.

        Returns:
            What to give as ``after`` next; unchanged when the time ran out.
        """
        if self._generation == after:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), timeout)
        return self._generation

    async def close(self) -> None:
        """Do nothing: there is no connection to let go of."""


async def _changes(queue: asyncio.Queue[Change]) -> AsyncIterator[Change]:
    while True:
        yield await queue.get()
