"""The way in, against stores that go away, refuse and come back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.archive import MemoryArchive, MemoryShelf
from dpp.adapters.memory.database import MemoryDatabase
from dpp.application import draining, ingest
from dpp.application.archive import Position
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ingest import Intake
from dpp.application.reading import Verified
from dpp.domain.errors import InvalidInput, Unavailable
from dpp.domain.events import Normalised, Outcome, Source
from tests.support.access import CountedIds, HandClock
from tests.support.intake import UNREADABLE, Box, Reversed, Store, record


class Codec(JsonDeliveryCodec):
    """Writes the kind ``wide`` on two lines, which no archive takes."""

    def encode(self, delivery: AcceptedDelivery) -> bytes:
        """Write."""
        return b"{\n}" if delivery.kind == "wide" else super().encode(delivery)


class Platform:
    """An intake with everything around it in memory."""

    def __init__(self, shelf: MemoryShelf | None = None) -> None:
        self.database = MemoryDatabase()
        self.store = Store(self.database)
        self.shelf = shelf or MemoryShelf()
        self.archive = MemoryArchive(shelf=self.shelf)
        self.box = Box()
        self.intake = Intake(
            archive=self.archive,
            store=self.store,
            codec=Codec(),
            sealer=Reversed(),
            repair_box=self.box,
            clock=HandClock(),
            ids=CountedIds(),
        )

    async def send(self, kind: str = "push", outcome: Outcome = Outcome.UNDERSTOOD) -> Appended:
        """Send one delivery."""
        verified = Verified(source=Source.GITHUB, kind=kind, body=b"Ada Lovelace")
        return await self.intake.accept(verified, Normalised(outcome=outcome), channel="github")

    def lines(self) -> list[bytes]:
        """Return every record of the archive."""
        return [line for info in self.archive.segments() for _, line in self.archive.read(info.segment)]


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
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(draining, "RETRY_SECONDS", 0.0)
    # Tracebacks are drawn with all their variables, which takes longer than everything that is tested here.
    with capture_logs():
        yield


def test_many_that_wait_share_one_append() -> None:
    """Twenty deliveries that come at once are written in one transaction."""

    async def tell(platform: Platform) -> None:
        await asyncio.gather(*(platform.send() for _ in range(20)))
        assert [20] == [len(batch.deliveries) for batch in platform.store.batches]

    story(tell)


@pytest.mark.parametrize(("seconds", "written"), [(2.0, [3]), (0.0, [1, 2])])
def test_one_among_many_waits_for_half_of_them(
    monkeypatch: pytest.MonkeyPatch, seconds: float, written: list[int]
) -> None:
    """A delivery that is archived before the two behind it is stored with them, or alone when that takes too long."""
    monkeypatch.setattr(ingest, "COMPANY_SECONDS", seconds)

    async def tell(platform: Platform) -> None:
        append, gates = platform.archive.append, [asyncio.Event(), asyncio.Event()]
        entered: list[int] = []

        async def slow(records: Sequence[bytes]) -> list[Position]:
            entered.append(len(records))
            await gates[len(entered) - 1].wait()
            return await append(records)

        monkeypatch.setattr(platform.archive, "append", slow)
        first = asyncio.create_task(platform.send("a"))
        await until(lambda: entered == [1])
        others = [asyncio.create_task(platform.send(kind)) for kind in "bc"]
        await asyncio.sleep(0)
        gates[0].set()
        await until(lambda: entered == [1, 2] and (seconds > 0 or first.done()))
        gates[1].set()
        await asyncio.gather(first, *others)
        assert written == [len(batch.deliveries) for batch in platform.store.batches]

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
        assert (1, 1) == (platform.store.written("a"), platform.store.written("b"))
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
        assert (1, 1, 1) == tuple(map(platform.store.written, ("a", "poison", "b")))

    story(tell)


def test_an_archive_that_cannot_write_fails_exactly_its_callers() -> None:
    """The sender hears of it, and the next delivery goes through."""

    async def tell(platform: Platform) -> None:
        platform.archive.available = False
        with pytest.raises(Unavailable):
            await platform.send("lost")
        platform.archive.available = True
        await platform.send("kept")
        assert (0, 1) == (platform.store.written("lost"), platform.store.written("kept"))

    story(tell)


def test_ignored_deliveries_are_counted_and_not_kept() -> None:
    """A payload ignored on purpose leaves a count, and that even when the process ends at once."""
    platform = Platform()

    async def whole() -> None:
        await platform.intake.start()
        await platform.send("star", Outcome.IGNORED)
        await platform.intake.stop()

    asyncio.run(whole())
    assert (1, []) == (platform.store.written("star"), platform.lines())


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
        assert 1 == platform.store.written("gone")

    story(tell)


def test_what_dead_processes_left_is_written() -> None:
    """The records of an archive whose process is gone reach the store."""

    async def whole() -> None:
        shelf = MemoryShelf()
        dead = MemoryArchive(shelf=shelf)
        await dead.append([record(1, "left"), UNREADABLE])
        await dead.close()
        platform = Platform(shelf)
        await platform.intake.start()
        await asyncio.wait_for(until(lambda: platform.store.written("left") == 1), 3)
        assert [1] == list(platform.store.counted("archive").values())
        await platform.intake.stop()

    asyncio.run(whole())


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a row of another shape"), OSError("a disk")])
def test_whatever_fails_while_catching_up_the_store_is_caught_up(error: Exception) -> None:
    """An error of any kind while catching up delays it, and deliveries go on being acknowledged by the archive."""

    async def tell(platform: Platform) -> None:
        # Looking once for what dead processes left asks the store too, and must not meet these errors.
        await until(lambda: platform.store.asked == 1)
        platform.store.errors = [Unavailable("away"), error, error, None, error]
        await platform.send("a")
        await platform.send("b")
        await until(lambda: not platform.intake.store_is_away)
        await platform.send("c")
        written = [platform.store.written(kind, outcome=Outcome.UNDERSTOOD) for kind in ("a", "b", "c")]
        assert ([1, 1, 1], []) == (written, platform.store.errors)

    story(tell)


def test_an_own_record_that_cannot_be_decoded_does_not_stop_catching_up() -> None:
    """It is counted, its neighbours are written, and the store counts as back."""

    async def tell(platform: Platform) -> None:
        platform.database.available = False
        await platform.send("a")
        await platform.send("b")
        ((_, held),) = platform.shelf.segments.values()
        held[0] = UNREADABLE
        platform.database.available = True
        await until(lambda: not platform.intake.store_is_away)
        assert (0, 1) == (platform.store.written("a"), platform.store.written("b"))
        assert [1] == list(platform.store.counted("archive").values())

    story(tell)


def test_a_store_that_refuses_everything_counts_as_away() -> None:
    """When not even the note for triage is taken, the archive acknowledges alone until the store takes something."""

    async def tell(platform: Platform) -> None:
        platform.store.refuses_everything = True
        await platform.send("a")
        assert platform.intake.store_is_away
        await platform.send("b")
        assert (2, 2) == (len(platform.lines()), platform.intake.pending)
        platform.store.refuses_everything = False
        await until(lambda: not platform.intake.store_is_away)
        assert (1, 1) == (platform.store.written("a"), platform.store.written("b"))

    story(tell)


def test_the_store_goes_away_and_comes_back_time_and_again() -> None:
    """After every absence the two ways meet again without a delivery lost or doubled."""

    async def tell(platform: Platform) -> None:
        for number in range(20):
            platform.database.available = number % 3 == 0
            await asyncio.gather(*(platform.send(f"k{number}") for _ in range(3)))
            await asyncio.sleep(0)
        platform.database.available = True
        await until(lambda: not platform.intake.store_is_away)
        assert {3} == {platform.store.written(f"k{number}") for number in range(20)}

    story(tell)


def test_a_record_that_was_caught_up_before_its_append_was_heard_of_is_written_once() -> None:
    """Catching up may read a record whose append has not returned yet; when it returns nothing is left to do."""

    async def tell(platform: Platform) -> None:
        await platform.send("a")
        platform.database.available = False
        await platform.send("b")
        append, heard = platform.archive.append, asyncio.Event()

        async def late(records: Sequence[bytes]) -> list[Position]:
            positions = await append(records)
            await heard.wait()
            return positions

        platform.archive.append = late  # type: ignore[method-assign]
        request = asyncio.create_task(platform.send("c"))
        await until(lambda: len(platform.lines()) == 3)
        platform.database.available = True
        await until(lambda: not platform.intake.store_is_away)
        heard.set()
        await request
        assert [1, 1, 1] == [platform.store.written(kind) for kind in ("a", "b", "c")]
        assert 0 == platform.intake.pending

    story(tell)


def test_one_record_that_the_archive_refuses_keeps_nobody_out() -> None:
    """Its sender hears of it, and those who came at the same time are acknowledged."""

    async def tell(platform: Platform) -> None:
        sent = (platform.send(kind) for kind in ("a", "wide", "b"))
        first, refused, last = await asyncio.gather(*sent, return_exceptions=True)
        assert (Appended(), Appended()) == (first, last)
        assert isinstance(refused, InvalidInput)
        assert (1, 0, 1) == tuple(map(platform.store.written, ("a", "wide", "b")))
        assert 0 == platform.intake.pending

    story(tell)


def test_batches_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """When more wait than fit in one batch, they are written in several, in order."""
    monkeypatch.setattr(ingest, "MAX_BATCH", 2)

    async def tell(platform: Platform) -> None:
        await asyncio.gather(*(platform.send(f"k{number}") for number in range(5)))
        written = [[row.kind for row in batch.deliveries] for batch in platform.store.batches]
        assert max(map(len, written)) <= 2
        assert [f"k{number}" for number in range(5)] == [kind for batch in written for kind in batch]

    story(tell)


def test_refusals_are_counted_and_not_kept() -> None:
    """What was turned away shows in the counts of the process and of the store, and in no archive."""

    async def tell(platform: Platform) -> None:
        platform.intake.refused(channel="jira", reason="signature")
        await until(lambda: platform.intake.pending == 0)
        assert {("jira", Outcome.REFUSED): 1} == dict(platform.intake.outcomes)
        assert {("refused", "signature"): 1} == platform.store.counted("jira")
        assert [] == platform.lines()

    story(tell)


def test_counts_are_lost_while_the_store_is_away_and_nothing_else() -> None:
    """What would only be counted does not wait for the store; this process's own counts have it."""

    async def tell(platform: Platform) -> None:
        platform.database.available = False
        await platform.send("a")
        platform.intake.refused(channel="github", reason="signature")
        await platform.send("star", Outcome.IGNORED)
        assert 1 == platform.intake.pending
        platform.database.available = True
        await until(lambda: not platform.intake.store_is_away)
        assert {("understood", ""): 1} == platform.store.counted("github")
        outcomes = {outcome: count for (_, outcome), count in platform.intake.outcomes.items()}
        assert {Outcome.UNDERSTOOD: 1, Outcome.REFUSED: 1, Outcome.IGNORED: 1} == outcomes

    story(tell)


def test_nothing_is_accepted_before_the_start_and_after_the_stop() -> None:
    """The sender is told to try again, instead of waiting for somebody who will never come."""

    async def whole() -> None:
        platform = Platform()
        for _ in range(2):
            with pytest.raises(Unavailable, match="send the delivery again"):
                await platform.send()
            await platform.intake.start()
            await platform.send()
            await platform.intake.stop()
        assert 2 == len(platform.lines())

    asyncio.run(whole())


def test_a_delivery_that_meets_the_stop_is_answered() -> None:
    """When the platform ends while a payload is put aside for repair, its sender is told to try again."""

    async def whole() -> None:
        platform, released, begun = Platform(), threading.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        class Slow(Box):
            def put(self, letter: UUID, sealed: bytes) -> None:
                loop.call_soon_threadsafe(begun.set)
                released.wait(3)

        platform.intake._repair_box = Slow()
        await platform.intake.start()
        request = asyncio.create_task(platform.send("odd", Outcome.UNKNOWN))
        await begun.wait()
        await platform.intake.stop()
        released.set()
        with pytest.raises(Unavailable, match="send the delivery again"):
            await asyncio.wait_for(request, 3)

    asyncio.run(whole())
