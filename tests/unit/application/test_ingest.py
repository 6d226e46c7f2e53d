"""The way in, against stores that go away, refuse and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.archive import MemoryArchive, MemoryShelf
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.events import MemoryEventStore
from dpp.application import ingest
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ingest import Intake
from dpp.application.ports import Batch, Clock, Ids, RepairBox, Sealer
from dpp.application.reading import Verified
from dpp.domain.errors import Unavailable
from dpp.domain.events import Normalised, Outcome, Source

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Noon(Clock):
    """Stands still."""

    def now(self) -> datetime:
        """Return noon."""
        return NOON


class Counted(Ids):
    """Counts up."""

    def __init__(self) -> None:
        self.last = 0

    def new(self) -> UUID:
        """Return the next number."""
        self.last += 1
        return UUID(int=self.last)


class Reversed(Sealer):
    """Hides a payload well enough for a test."""

    def seal(self, payload: bytes, *, associated: bytes) -> bytes:
        """Return it backwards."""
        return payload[::-1]

    def open(self, sealed: bytes, *, associated: bytes) -> bytes:
        """Return it forwards."""
        return sealed[::-1]


class Box(RepairBox):
    """A repair box in memory."""

    def __init__(self) -> None:
        self.held: dict[UUID, bytes] = {}

    def put(self, letter: UUID, sealed: bytes) -> None:
        """Keep."""
        self.held[letter] = sealed

    def take(self, letter: UUID) -> bytes | None:
        """Look."""
        return self.held.get(letter)

    def remove(self, letter: UUID) -> None:
        """Forget."""
        self.held.pop(letter, None)


class Store(MemoryEventStore):
    """Remembers its batches, and refuses the kind ``poison`` as a whole batch."""

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database=database)
        self.batches: list[Batch] = []

    async def append(self, batch: Batch) -> tuple[Appended, ...]:
        """Write what is not poisoned."""
        if any(row.kind == "poison" and row.outcome is not Outcome.UNKNOWN for row in batch.deliveries):
            raise ValueError("poison")
        done = await super().append(batch)
        self.batches.append(batch)
        return done


class Platform:
    """An intake with everything around it in memory."""

    def __init__(self, shelf: MemoryShelf | None = None) -> None:
        self.database = MemoryDatabase()
        self.store = Store(self.database)
        self.archive = MemoryArchive(shelf=shelf)
        self.box = Box()
        self.intake = Intake(
            archive=self.archive,
            store=self.store,
            codec=JsonDeliveryCodec(),
            sealer=Reversed(),
            repair_box=self.box,
            clock=Noon(),
            ids=Counted(),
        )

    async def send(self, kind: str = "push", outcome: Outcome = Outcome.UNDERSTOOD) -> Appended:
        """Send one delivery."""
        verified = Verified(source=Source.GITHUB, kind=kind, body=b"Ada Lovelace")
        return await self.intake.accept(verified, Normalised(outcome=outcome), channel="github")

    def lines(self) -> list[bytes]:
        """Return every record of the archive."""
        return [line for info in self.archive.segments() for _, line in self.archive.read(info.segment)]

    def written(self, kind: str) -> int:
        """Return how many deliveries of a kind the store has counted."""
        return sum(row.deliveries for row in self.database.intake_counts.values() if row.kind == kind)


def story(tell: Callable[[Platform], Awaitable[None]]) -> None:
    """Run a story on a started platform, and stop it."""

    async def whole() -> None:
        platform = Platform()
        await platform.intake.start()
        try:
            await asyncio.wait_for(tell(platform), 3)
        finally:
            await asyncio.wait_for(platform.intake.stop(), 3)

    asyncio.run(whole())


async def until(holds: Callable[[], bool]) -> None:
    """Let the other tasks go on until something holds."""
    while not holds():
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "RETRY_SECONDS", 0.0)


def test_many_that_wait_share_one_append() -> None:
    """Twenty deliveries that come at once are written in one transaction."""

    async def tell(platform: Platform) -> None:
        await asyncio.gather(*(platform.send() for _ in range(20)))
        assert [20] == [len(batch.deliveries) for batch in platform.store.batches]

    story(tell)


def test_the_archive_acknowledges_alone_and_the_store_catches_up_once() -> None:
    """What came while the store was away is written in order, once each, when it is back."""

    async def tell(platform: Platform) -> None:
        platform.database.available = False
        for number in range(5):
            await platform.send(f"k{number}")
        assert platform.intake.store_is_away
        assert 5 == len(platform.lines())
        platform.database.available = True
        await until(lambda: not platform.intake.store_is_away)
        await platform.send("after")
        written = [row.kind for batch in platform.store.batches for row in batch.deliveries]
        assert ["k0", "k1", "k2", "k3", "k4", "after"] == written
        assert 0 == platform.intake.pending

    story(tell)


def test_one_poisoned_delivery_keeps_nobody_out() -> None:
    """A delivery that the store refuses goes to triage, and its neighbours are written as they are."""

    async def tell(platform: Platform) -> None:
        await asyncio.gather(platform.send("a"), platform.send("poison"), platform.send("b"))
        assert (1, 1) == (platform.written("a"), platform.written("b"))
        assert ["poison"] == [letter.kind for letter in await platform.store.dead_letters()]
        assert [3] == list(platform.database.archive_positions.values())

    story(tell)


def test_a_poisoned_delivery_does_not_stop_catching_up() -> None:
    """What is read back from the archive is set aside just the same."""

    async def tell(platform: Platform) -> None:
        platform.database.available = False
        for kind in ("a", "poison", "b"):
            await platform.send(kind)
        platform.database.available = True
        await until(lambda: not platform.intake.store_is_away)
        assert (1, 1, 1) == tuple(map(platform.written, ("a", "poison", "b")))

    story(tell)


def test_an_archive_that_cannot_write_fails_exactly_its_callers() -> None:
    """The sender hears of it, and the next delivery goes through."""

    async def tell(platform: Platform) -> None:
        platform.archive.available = False
        with pytest.raises(Unavailable):
            await platform.send("lost")
        platform.archive.available = True
        await platform.send("kept")
        assert (0, 1) == (platform.written("lost"), platform.written("kept"))

    story(tell)


def test_ignored_deliveries_are_counted_and_not_kept() -> None:
    """A payload ignored on purpose leaves a count, and that even when the process ends at once."""
    platform = Platform()

    async def whole() -> None:
        await platform.intake.start()
        await platform.send("star", Outcome.IGNORED)
        await platform.intake.stop()

    asyncio.run(whole())
    assert (1, []) == (platform.written("star"), platform.lines())


def test_unknown_ones_are_sealed() -> None:
    """A payload that nobody could read is kept encrypted, and never in the archive in the clear."""

    async def tell(platform: Platform) -> None:
        await platform.send("odd", Outcome.UNKNOWN)
        assert b"ecalevoL adA" == await platform.store.dead_letter(UUID(int=1))
        assert {} == platform.box.held
        assert not any(b"Ada" in line for line in platform.lines())

    story(tell)


def test_a_client_that_hangs_up_loses_nothing() -> None:
    """A delivery whose request was cancelled is written all the same."""

    async def tell(platform: Platform) -> None:
        request = asyncio.create_task(platform.send("gone"))
        await asyncio.sleep(0)
        request.cancel()
        with suppress(asyncio.CancelledError):
            await request
        await until(lambda: platform.intake.pending == 0)
        assert 1 == platform.written("gone")

    story(tell)


def test_what_dead_processes_left_is_written() -> None:
    """The records of an archive whose process is gone reach the store."""

    async def whole() -> None:
        shelf = MemoryShelf()
        dead = MemoryArchive(shelf=shelf)
        left = AcceptedDelivery(
            delivery_uid=uuid4(),
            received_at=NOON,
            channel="github",
            source=Source.GITHUB,
            outcome=Outcome.UNDERSTOOD,
            kind="left",
        )
        await dead.append([JsonDeliveryCodec().encode(left)])
        await dead.close()
        platform = Platform(shelf)
        await platform.intake.start()
        await asyncio.wait_for(until(lambda: platform.written("left") == 1), 3)
        await platform.intake.stop()

    asyncio.run(whole())
