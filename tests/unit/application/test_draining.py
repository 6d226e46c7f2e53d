"""From the archive to the event store, past whatever cannot be read, refused or reached."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.archive import MemoryArchive, MemoryShelf
from dpp.adapters.memory.database import MemoryDatabase
from dpp.application import draining
from dpp.application.archive import ArchiveDamaged, Damage, DamageKind, Position
from dpp.application.draining import DRAIN_EVERY_SECONDS, RETRY_SECONDS, Draining
from dpp.application.settling import Settling
from dpp.domain.errors import Unavailable
from dpp.domain.events import Outcome
from tests.support.access import HandClock
from tests.support.intake import UNREADABLE, Box, Store, record


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    # Tracebacks are drawn with all their variables, which takes longer than everything that is tested here.
    with capture_logs():
        yield


class Torn(MemoryArchive):
    """An archive in memory with a fault before some record, until ``resume``; a shelf of its own."""

    before: int | None = None
    resume: int | None = None
    broken: Callable[[str], Exception | None] = staticmethod(lambda _: None)

    def read(self, segment: str, *, after: int = 0) -> Iterator[tuple[Position, bytes]]:
        """Yield records up to the fault."""
        error = self.broken(segment)
        if error is not None:
            raise error
        for position, row in super().read(segment, after=after):
            if self.before is not None and self.before <= position.record and (self.resume or 99) > after:
                damage = Damage(kind=DamageKind.CORRUPT, segment=segment, record=self.before, detail="a bit")
                raise ArchiveDamaged(damage, resume_after=self.resume)
            yield position, row


class Room:
    """A draining with everything around it; it notes how long it slept, and wakes up whoever waits for that."""

    def __init__(self, shelf: MemoryShelf | None = None) -> None:
        self.shelf = shelf or MemoryShelf()
        self.archive = Torn(shelf=self.shelf)
        self.database = MemoryDatabase()
        self.store = Store(self.database)
        self.settling = Settling(store=self.store, repair_box=Box())
        self.slept: list[float] = []
        self.at_nap: Callable[[int], None] = lambda _: None
        self.draining = Draining(
            archive=self.archive,
            store=self.store,
            codec=JsonDeliveryCodec(),
            clock=HandClock(),
            settling=self.settling,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert len(self.slept) < 100, "it waits for ever"
        self.at_nap(len(self.slept))

    async def keep(self, *records: bytes) -> str:
        """Append records as the intake does, and return their segment."""
        positions = await self.archive.append(records)
        for position in positions:
            self.settling.keep(position)
        return positions[-1].segment

    @property
    def batches(self) -> list[list[str | None]]:
        """The kinds of what was written, by batch."""
        return [[row.kind for row in batch.deliveries] for batch in self.store.batches]


async def left_behind(shelf: MemoryShelf, *records: bytes) -> str:
    """Let a process that is gone have left these records, and return their segment."""
    dead = MemoryArchive(shelf=shelf)
    positions = await dead.append(records)
    await dead.close()
    return positions[-1].segment


def test_catching_up_writes_in_order() -> None:
    """What the store lacks is written in the order of the archive, and settled."""

    async def tell(room: Room) -> None:
        segment = await room.keep(record(1, "a"), record(2, "b"), record(3, "c"))
        await room.draining.catch_up()
        assert ([["a", "b", "c"]], {segment: 3}) == (room.batches, room.database.archive_positions)
        assert (0, []) == (room.settling.lag, room.slept)

    asyncio.run(tell(Room()))


def test_catching_up_begins_where_the_store_has_got_to() -> None:
    """What the store says that it has is not written again, and is known to be there from then on."""

    async def tell(room: Room) -> None:
        segment = await room.keep(record(1, "a"), record(2, "b"), record(3, "c"))
        room.database.archive_positions[segment] = 2
        await room.draining.catch_up()
        assert [["c"]] == room.batches
        other = Room(room.shelf)
        other.database.archive_positions[segment] = 3
        other.settling.keep(Position(segment=segment, record=3))
        await other.draining.catch_up()
        assert ([], 0, []) == (other.batches, other.settling.lag, other.slept)

    asyncio.run(tell(Room()))


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a row of another shape"), OSError("a disk")])
def test_catching_up_backs_off_and_goes_on(error: Exception) -> None:
    """Whatever is raised, catching up waits a moment, tries again, and ends when everything is written."""

    async def tell(room: Room) -> None:
        await room.keep(record(1, "a"), record(2, "b"))
        room.store.errors = [error, error, error]
        await room.draining.catch_up()
        assert [RETRY_SECONDS] * 3 == room.slept
        assert ([["a", "b"]], 0) == (room.batches, room.settling.lag)

    asyncio.run(tell(Room()))


def test_an_archive_that_cannot_be_read_is_tried_again() -> None:
    """A segment that cannot be read now is read later."""

    async def tell(room: Room) -> None:
        await room.keep(record(1, "a"))
        errors: list[Exception | None] = [OSError("stale handle"), RuntimeError("odd"), None]
        room.archive.broken = lambda _: errors.pop(0)
        await room.draining.catch_up()
        assert ([["a"]], [RETRY_SECONDS] * 2) == (room.batches, room.slept)

    asyncio.run(tell(Room()))


def test_a_store_that_goes_away_again_halfway_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before it went is not written again."""
    monkeypatch.setattr(draining, "MAX_BATCH", 2)

    async def tell(room: Room) -> None:
        await room.keep(*(record(number, f"k{number}") for number in range(1, 6)))
        room.store.errors = [None, None, Unavailable("away")]
        await room.draining.catch_up()
        assert [["k1", "k2"], ["k3", "k4"], ["k5"]] == room.batches
        assert [RETRY_SECONDS] == room.slept

    asyncio.run(tell(Room()))


def test_catching_up_waits_for_what_cannot_be_seen_yet() -> None:
    """A record that the archive does not show yet is waited for, without haste."""

    async def tell(room: Room) -> None:
        segment = await room.keep(record(1, "a"))
        room.settling.keep(Position(segment=segment, record=2))

        def appears(nap: int) -> None:
            if nap == 2:
                room.shelf.segments[segment][1].append(record(2, "b"))

        room.at_nap = appears
        await room.draining.catch_up()
        # The first round gets on with "a" and looks again at once; the next two get nowhere.
        assert ([["a"], ["b"]], [RETRY_SECONDS] * 2) == (room.batches, room.slept)

    asyncio.run(tell(Room()))


def test_every_segment_of_the_process_is_caught_up() -> None:
    """When the archive went on to a second segment meanwhile, both are written, and nobody else's."""

    async def tell(room: Room) -> None:
        await left_behind(room.shelf, record(9, "other"))
        first = await room.keep(record(1, "a"))
        room.archive._segment_bytes = 1
        second = await room.keep(record(2, "b"))
        await room.draining.catch_up()
        assert {first: 1, second: 1} == room.database.archive_positions

    asyncio.run(tell(Room()))


def test_a_record_that_cannot_be_decoded_is_counted() -> None:
    """It leaves a count of its own and an entry for triage without a payload, and its neighbours are written."""

    async def tell(room: Room) -> None:
        segment = await room.keep(record(1, "a"), UNREADABLE, UNREADABLE, record(2, "b"))
        await room.draining.catch_up()
        reason = f"a record of the archive is no delivery (segment {segment})"
        assert {("unknown", reason): 2} == room.store.counted("archive")
        letters = await room.store.dead_letters()
        assert [("archive", None, reason)] * 2 == [(it.channel, it.kind, it.reason) for it in letters]
        assert (1, 1) == (room.store.written("a"), room.store.written("b"))
        assert ({segment: 4}, 0) == (room.database.archive_positions, room.settling.lag)

    asyncio.run(tell(Room()))


def test_a_record_that_cannot_be_decoded_is_one_entry_however_often_it_is_read() -> None:
    """When the store forgets how far it had got, the same entry for triage is met again."""

    async def tell(room: Room) -> None:
        await room.keep(UNREADABLE)
        await room.draining.catch_up()
        room.database.archive_positions.clear()
        await room.draining.catch_up()
        assert 1 == len(await room.store.dead_letters())

    asyncio.run(tell(Room()))


def test_a_segment_without_one_readable_record_is_passed_over_once() -> None:
    """It is settled in the store, so that no later round reads it again."""

    async def tell(room: Room) -> None:
        segment = await left_behind(room.shelf, UNREADABLE, UNREADABLE)
        await room.draining.drain_abandoned()
        await room.draining.drain_abandoned()
        assert ({segment: 2}, 1) == (room.database.archive_positions, len(room.batches))
        assert [2] == list(room.store.counted("archive").values())

    asyncio.run(tell(Room()))


def test_damage_is_counted_where_it_is_passed_over() -> None:
    """Records that fail their checks are one entry together, and what lies behind them is written."""

    async def tell(room: Room) -> None:
        segment = await left_behind(room.shelf, *(record(number, f"k{number}") for number in range(1, 6)))
        room.archive.before, room.archive.resume = 2, 4
        await room.draining.drain_abandoned()
        assert [["k1", None], ["k5"]] == room.batches
        reason = f"the archive is damaged: corrupt in segment {segment}"
        assert {("unknown", reason): 1} == room.store.counted("archive")
        assert {segment: 5} == room.database.archive_positions

    asyncio.run(tell(Room()))


def test_damage_with_nothing_behind_it_stays_unsettled() -> None:
    """When nothing behind the damage can be read, what lies before it is written and the rest is not given up."""

    async def tell(room: Room) -> None:
        segment = await left_behind(room.shelf, *(record(number, f"k{number}") for number in range(1, 6)))
        room.archive.before = 3
        await room.draining.drain_abandoned()
        assert ([["k1", "k2"]], {segment: 2}) == (room.batches, room.database.archive_positions)
        room.archive.before = None
        await room.draining.drain_abandoned()
        assert [["k1", "k2"], ["k3", "k4", "k5"]] == room.batches

    asyncio.run(tell(Room()))


def test_what_a_dead_process_left_is_written_and_a_living_one_s_is_not() -> None:
    """Segments of writers that are gone are brought on from where the store has got to; others are left alone."""

    async def tell(room: Room) -> None:
        done = await left_behind(room.shelf, record(1, "done"))
        begun = await left_behind(room.shelf, record(2, "there"), record(3, "lacking"))
        room.database.archive_positions |= {done: 1, begun: 1}
        living = MemoryArchive(shelf=room.shelf)
        await living.append([record(4, "living")])
        await room.keep(record(5, "own"))
        await room.draining.drain_abandoned()
        assert [["lacking"]] == room.batches
        assert {done: 1, begun: 2} == room.database.archive_positions

    asyncio.run(tell(Room()))


def test_a_segment_that_fails_keeps_no_other_out() -> None:
    """The segments behind one that cannot be read at all are written in the same round."""

    async def tell(room: Room) -> None:
        broken = await left_behind(room.shelf, record(1, "broken"))
        await left_behind(room.shelf, record(2, "sound"))
        room.archive.broken = lambda segment: OSError("a disk") if segment == broken else None
        await room.draining.drain_abandoned()
        assert [["sound"]] == room.batches

    asyncio.run(tell(Room()))


def test_a_poisoned_record_is_set_aside_and_its_neighbours_are_written() -> None:
    """What the store refuses goes to triage, each of the others is written alone, and all are settled."""

    async def tell(room: Room) -> None:
        segment = await left_behind(room.shelf, record(1, "a"), record(2, "poison"), record(3, "b"))
        await room.draining.drain_abandoned()
        assert [["a"], ["poison"], ["b"]] == room.batches
        assert 1 == room.store.written("poison", outcome=Outcome.UNKNOWN)
        assert {segment: 3} == room.database.archive_positions

    asyncio.run(tell(Room()))


def test_the_store_s_absence_ends_a_round() -> None:
    """While the store does not answer, no further segment is tried."""

    async def tell(room: Room) -> None:
        await left_behind(room.shelf, record(1, "a"))
        await left_behind(room.shelf, record(2, "b"))
        room.store.errors = [None, Unavailable("away")]
        with pytest.raises(Unavailable):
            await room.draining.drain_abandoned()
        assert [] == room.batches

    asyncio.run(tell(Room()))


@pytest.mark.parametrize("error", [Unavailable("away"), OSError("a disk"), ValueError("odd")])
def test_watching_goes_on_whatever_happens(error: Exception) -> None:
    """A round that fails is followed by another one after the same while, until watching is cancelled."""

    async def tell(room: Room) -> None:
        room.store.errors = [error]
        late: list[str] = []

        async def dies() -> None:
            late.append(await left_behind(room.shelf, record(1, "late")))

        async def sleep(seconds: float) -> None:
            room.slept.append(seconds)
            if len(room.slept) == 3:
                raise asyncio.CancelledError
            await dies()

        room.draining._sleep = sleep
        with pytest.raises(asyncio.CancelledError):
            await room.draining.watch()
        assert [DRAIN_EVERY_SECONDS] * 3 == room.slept
        assert {segment: 1 for segment in late} == room.database.archive_positions

    asyncio.run(tell(Room()))


@given(
    kinds=st.lists(st.sampled_from(["a", "b", "poison", "unreadable"]), min_size=1, max_size=8),
    errors=st.lists(st.sampled_from([None, Unavailable("away"), ValueError("odd")]), max_size=6),
    size=st.integers(1, 4),
)
def test_every_record_is_counted_exactly_once(kinds: Sequence[str], errors: list[Exception | None], size: int) -> None:
    """Whatever the store does meanwhile, each record ends as one delivery, for triage, or unreadable, and once."""

    async def tell(room: Room) -> None:
        records = [UNREADABLE if kind == "unreadable" else record(n, kind) for n, kind in enumerate(kinds, 1)]
        segment = await room.keep(*records)
        room.store.errors = list(errors)
        await room.draining.catch_up()
        written = {kind: room.store.written(kind) for kind in ("a", "b", "poison")}
        counted = written | {"unreadable": sum(room.store.counted("archive").values())}
        assert Counter(kinds) == Counter({kind: count for kind, count in counted.items() if count})
        assert {segment: len(kinds)} == room.database.archive_positions

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draining, "MAX_BATCH", size)
        asyncio.run(tell(Room()))
