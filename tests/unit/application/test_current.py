"""The configuration at hand: there after the first load, new after each change, and kept while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.application import current
from dpp.application.current import TOPIC, CurrentConfiguration
from dpp.application.ports import Change
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Unavailable
from tests.support.access import START

STREAM = frozenset({UUID(int=1)})


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(current, "RETRY_SECONDS", 0.0)
    with capture_logs():
        yield


class Store(MemoryConfigurationStore):
    """Counts its loads, and raises ``errors`` one a load, from the next on."""

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database=database)
        self.loads = 0
        self.errors: list[Exception] = []

    async def load(self) -> Configuration:
        """Load."""
        self.loads += 1
        if self.errors:
            raise self.errors.pop(0)
        return await super().load()


class Feed(MemoryChangeFeed):
    """Can be away when somebody subscribes, and can let go of its subscribers."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []
        self.subscriptions = 0

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Change]]:
        """Subscribe."""
        if self.errors:
            raise self.errors.pop(0)
        self.subscriptions += 1
        async with super().subscribe() as changes:
            yield self._until_lost(changes)

    async def _until_lost(self, changes: AsyncIterator[Change]) -> AsyncIterator[Change]:
        async for change in changes:
            if change.topic == "lost":
                raise Unavailable("the connection is gone")
            if change.topic == "over":
                return
            yield change

    async def tell(self, topic: str, *, of_a_stream: bool = False) -> None:
        """Publish a change."""
        await self.publish(Change(topic=topic, delivery_streams=STREAM if of_a_stream else frozenset()))


class Room:
    """A current configuration with its store and its feed."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.store = Store(self.database)
        self.feed = Feed()
        self.current = CurrentConfiguration(store=self.store, feed=self.feed)

    async def configure(self) -> None:
        """Save a new version without telling anybody."""
        version = self.database.configuration.version
        await self.store.save(Configuration(), expected_version=version, actor="test", at=START)

    async def settles(self) -> None:
        """Let the follower do all that it can."""
        for _ in range(50):
            await asyncio.sleep(0)


def story(tell: Callable[[Room], Awaitable[None]]) -> None:
    """Run a story, and stop following after it."""

    async def whole() -> None:
        room = Room()
        try:
            await asyncio.wait_for(tell(room), 3)
        finally:
            await asyncio.wait_for(room.current.stop(), 3)

    asyncio.run(whole())


def test_before_the_first_load_there_is_none() -> None:
    """Whoever asks before anything was loaded is to try again later."""
    with pytest.raises(Unavailable, match="not loaded yet"):
        _ = Room().current.value


def test_it_is_loaded_once() -> None:
    """Whoever asks first has it loaded; everybody after has the same without asking the store."""

    async def tell(room: Room) -> None:
        assert 0 == (await room.current.get()).version
        await room.configure()
        assert (0, 0, 1) == ((await room.current.get()).version, room.current.value.version, room.store.loads)
        assert 1 == (await room.current.refresh()).version
        assert 1 == room.current.value.version

    story(tell)


def test_a_failed_refresh_takes_nothing_away() -> None:
    """While the store is away the configuration stays what it was."""

    async def tell(room: Room) -> None:
        await room.current.get()
        room.database.available = False
        with pytest.raises(Unavailable):
            await room.current.refresh()
        assert 0 == room.current.value.version

    story(tell)


def test_it_starts_while_the_store_is_away() -> None:
    """Starting does not fail without the store, and the configuration is there as soon as it answers."""

    async def tell(room: Room) -> None:
        await room.configure()
        room.database.available = False
        await room.current.start()
        await room.settles()
        with pytest.raises(Unavailable):
            _ = room.current.value
        room.database.available = True
        await room.settles()
        assert 1 == room.current.value.version

    story(tell)


@pytest.mark.parametrize(
    ("topic", "of_a_stream", "version"),
    [(TOPIC, False, 1), (TOPIC, True, 1), ("tickets", False, 1), ("tickets", True, 0)],
)
def test_it_follows_changes(topic: str, of_a_stream: bool, version: int) -> None:
    """A change of the configuration, and one that stands for all that was missed, load it anew; others do not."""

    async def tell(room: Room) -> None:
        await room.current.start()
        await room.settles()
        await room.configure()
        await room.feed.tell(topic, of_a_stream=of_a_stream)
        await room.settles()
        assert version == room.current.value.version

    story(tell)


def test_what_changed_before_it_could_listen_is_not_missed() -> None:
    """A change between the first load and the subscription shows, since it is loaded again once subscribed."""

    async def tell(room: Room) -> None:
        await room.current.start()
        await room.configure()
        await room.settles()
        assert (1, 2) == (room.current.value.version, room.store.loads)

    story(tell)


@pytest.mark.parametrize("how", ["lost", "over"])
def test_a_connection_that_ends_is_made_again(how: str) -> None:
    """Whether it breaks or ends, it is subscribed to anew, and what changed meanwhile is loaded."""

    async def tell(room: Room) -> None:
        await room.current.start()
        await room.settles()
        await room.configure()
        await room.feed.tell(how, of_a_stream=True)
        await room.settles()
        assert (2, 1) == (room.feed.subscriptions, room.current.value.version)

    story(tell)


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a row of another shape"), OSError("a socket")])
@pytest.mark.parametrize("where", ["feed", "store"])
def test_following_goes_on_whatever_happens(error: Exception, where: str) -> None:
    """No error of the feed or of the store ends the following; what is known stays meanwhile."""

    async def tell(room: Room) -> None:
        await room.current.start()
        await room.settles()
        await room.configure()
        (room.feed if where == "feed" else room.store).errors += [error, error]
        await room.feed.tell("lost" if where == "feed" else TOPIC)
        await room.settles()
        assert ([], 1) == (room.feed.errors + room.store.errors, room.current.value.version)

    story(tell)


def test_a_configuration_that_cannot_be_loaded_at_the_start_is_said_so() -> None:
    """An error other than an absence of the store ends the start: the process must not serve without knowing why."""

    async def tell(room: Room) -> None:
        room.store.errors = [ValueError("a row of another shape")]
        with pytest.raises(ValueError, match="another shape"):
            await room.current.start()

    story(tell)


def test_it_follows_no_longer_than_it_is_to() -> None:
    """After the stop a change loads nothing; to stop what never started is nothing either."""

    async def tell(room: Room) -> None:
        await room.current.stop()
        await room.current.start()
        await room.settles()
        await room.current.stop()
        await room.configure()
        await room.feed.tell(TOPIC)
        await room.settles()
        assert 0 == room.current.value.version

    story(tell)
