"""Changes between processes: NOTIFY tells them, one LISTEN connection a process hears them and passes them on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import psycopg
import structlog

from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.errors import DatabaseUnavailable, translated
from dpp.application.ports import Change, ChangeFeed
from dpp.domain.errors import Unavailable

log = structlog.get_logger(__name__)

CHANGE_CHANNEL = "dpp_changes"
STALE_CHANNEL = "dpp_stale"

#: Stands for whatever was missed.
ANYTHING = Change(topic="any")

#: PostgreSQL takes notifications shorter than 8000 bytes.
MAX_PAYLOAD_BYTES = 7900
#: A subscriber that lags behind by so many changes is told of anything instead of each.
MAX_WAITING_CHANGES = 1000
#: A subscriber waits so long for the connection that hears; then it begins without, and hears of anything later.
LISTEN_SECONDS = 3.0
FIRST_BACK_OFF_SECONDS = 0.1
LAST_BACK_OFF_SECONDS = 5.0
#: So often a silent connection is tried, since a lost one may say nothing.
PROBE_SECONDS = 15.0

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Change)


def encoded(change: Change) -> str:
    """Return a change as it travels; one that concerns too many streams to be listed concerns any."""
    payload = _encoder.encode(change)
    if len(payload) > MAX_PAYLOAD_BYTES:
        payload = _encoder.encode(Change(topic=change.topic))
    return payload.decode()


async def notify(connection: Connection, change: Change) -> None:
    """Tell everybody of a change once the connection's transaction is committed."""
    await connection.execute("SELECT pg_notify(%s, %s)", [CHANGE_CHANNEL, encoded(change)])


class PostgresChangeFeed(ChangeFeed):
    """One per process. It listens from the first subscriber on; ``close`` at the end."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._subscribers: set[asyncio.Queue[Change]] = set()
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._stale = asyncio.Condition()
        self._generation = 0

    async def publish(self, change: Change) -> None:
        """Tell everybody.

        Raises:
            Unavailable: the database does not answer; nobody heard of it.
        """
        async with self._database.transaction() as connection:
            await notify(connection, change)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Change]]:
        """Hear of every change from now on; with the database away, of anything once it is back."""
        await self._listen()
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            yield _changes(queue)
        finally:
            self._subscribers.discard(queue)

    async def wait_for_stale(self, *, after: int, timeout: float) -> int:
        """Wait until something became stale, or a lost connection may have hidden that.

        Args:
            after: what the last call returned; 0 the first time. What became stale since then is told at once.
            timeout: seconds at most.

        Returns:
            What to give as ``after`` next; unchanged when the time ran out.
        """
        await self._listen()
        async with self._stale:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stale.wait_for(lambda: self._generation > after), timeout)
            return self._generation

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = asyncio.create_task(self._keep_listening(), name="change-feed")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listening.wait(), LISTEN_SECONDS)

    async def _keep_listening(self) -> None:
        pause = FIRST_BACK_OFF_SECONDS
        while True:
            try:
                await self._hear()
            except Unavailable as error:
                if self._listening.is_set():
                    pause = FIRST_BACK_OFF_SECONDS
                    log.warning("change_feed_lost", reason=str(error))
                self._listening.clear()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_BACK_OFF_SECONDS)

    async def _hear(self) -> None:
        """Listen until the connection is lost."""
        connection = await self._database.connect()
        try:
            with translated():
                await connection.execute(f"LISTEN {CHANGE_CHANNEL}")
                await connection.execute(f"LISTEN {STALE_CHANNEL}")
                self._listening.set()
                # Whatever was told before this moment was missed.
                self._tell(ANYTHING)
                await self._wake()
                while True:
                    async for notification in connection.notifies(timeout=PROBE_SECONDS):
                        await self._pass_on(notification)
                    await connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise DatabaseUnavailable("the connection that hears changes failed") from error
        finally:
            await connection.close()

    async def _pass_on(self, notification: psycopg.Notify) -> None:
        if notification.channel == STALE_CHANNEL:
            await self._wake()
            return
        try:
            self._tell(_decoder.decode(notification.payload))
        except msgspec.MsgspecError:
            # Another version of the platform told it.
            self._tell(ANYTHING)

    def _tell(self, change: Change) -> None:
        for queue in self._subscribers:
            lags = queue.qsize() >= MAX_WAITING_CHANGES
            while lags and not queue.empty():
                queue.get_nowait()
            queue.put_nowait(ANYTHING if lags else change)

    async def _wake(self) -> None:
        async with self._stale:
            self._generation += 1
            self._stale.notify_all()


async def _changes(queue: asyncio.Queue[Change]) -> AsyncIterator[Change]:
    while True:
        yield await queue.get()
