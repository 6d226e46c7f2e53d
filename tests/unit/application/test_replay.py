"""The archive read again into an event store: everything once, past what is damaged or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.archive import MemoryArchive, MemoryShelf
from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.archive import ArchiveDamaged, Damage, DamageKind, Position
from dpp.application.replay import BATCH, Replayed, replay
from dpp.domain.errors import Unavailable
from dpp.domain.events import Facts, Outcome, PushEvent, RepositoryRef
from tests.support.access import START
from tests.support.intake import UNREADABLE, Box, Store, delivery, record


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


class Torn(MemoryArchive):
    """An archive with faults in its segments: before which record each, and behind which reading goes on."""

    faults: tuple[tuple[int, int | None], ...] = ()

    def read(self, segment: str, *, after: int = 0) -> Iterator[tuple[Position, bytes]]:
        """Yield records up to a fault."""
        for position, row in super().read(segment, after=after):
            for before, resume in self.faults:
                if before == position.record:
                    damage = Damage(kind=DamageKind.CORRUPT, segment=segment, record=before, detail="a bit")
                    raise ArchiveDamaged(damage, resume_after=resume)
            yield position, row


class Room:
    """An archive and an empty store."""

    def __init__(self) -> None:
        self.shelf = MemoryShelf()
        self.archive = Torn(shelf=self.shelf)
        self.database = MemoryDatabase()
        self.store = Store(self.database)
        self.box = Box()
        self.told: list[Replayed] = []

    def keep(self, *records: bytes, elsewhere: bool = False) -> None:
        """Append records, in a segment of another process when ``elsewhere``."""
        archive = MemoryArchive(shelf=self.shelf) if elsewhere else self.archive
        asyncio.run(archive.append(records))

    def replay(self) -> Replayed:
        """Replay everything."""
        return asyncio.run(
            replay(
                self.archive,
                self.store,
                JsonDeliveryCodec(),
                self.box,
                progress=lambda done: self.told.append(replace(done)),
            )
        )


def pushed(number: int, commits: int) -> bytes:
    """Return a delivery with the pushes of some commits."""
    facts = Facts(
        pushes=tuple(
            PushEvent(
                event_timestamp=START,
                repository=RepositoryRef(org="acme", name="shop"),
                branch_name="main",
                first_commit_sha=f"{number}.{commit}",
                last_commit_sha=f"{number}.{commit}",
                commit_count=1,
            )
            for commit in range(commits)
        )
    )
    return JsonDeliveryCodec().encode(replace(delivery(number), facts=facts))


def test_an_empty_archive_comes_to_nothing() -> None:
    """Without a record nothing is written and nothing told."""
    room = Room()
    assert (Replayed(), [], []) == (room.replay(), room.told, room.store.batches)


def test_every_segment_is_written_once() -> None:
    """The facts of all processes' segments are new the first time, and known the second."""
    room = Room()
    room.keep(pushed(1, 2), pushed(2, 1))
    room.keep(pushed(3, 3), elsewhere=True)
    assert Replayed(deliveries=3, accepted=6) == room.replay()
    assert Replayed(deliveries=3, duplicates=6) == room.replay()
    assert 6 == len(room.database.events["push_events"])


def test_it_claims_nothing_about_positions() -> None:
    """How far the archive is settled is left to those who drain it."""
    room = Room()
    room.keep(record(1))
    room.replay()
    assert {} == room.database.archive_positions


@pytest.mark.parametrize("records", [BATCH - 1, BATCH, BATCH + 1])
def test_long_segments_are_written_in_batches(records: int) -> None:
    """No batch is longer than its limit, no record is left out between two, and each batch is told."""
    room = Room()
    room.keep(*(record(number) for number in range(1, records + 1)))
    assert records == room.replay().deliveries
    written = [row.delivery_uid for batch in room.store.batches for row in batch.deliveries]
    assert [UUID(int=number) for number in range(1, records + 1)] == written
    expected = [records] if records <= BATCH else [BATCH, records]
    assert expected == [done.deliveries for done in room.told]


def test_records_that_cannot_be_decoded_are_counted() -> None:
    """A record that is no delivery is counted as damaged, and its neighbours are written."""
    room = Room()
    room.keep(record(1, "a"), UNREADABLE, UNREADABLE, record(2, "b"))
    assert Replayed(deliveries=2, damaged=2) == room.replay()
    assert (1, 1) == (room.store.written("a"), room.store.written("b"))


def test_damage_is_passed_over() -> None:
    """Each fault of a segment is counted once, and what lies between and behind the faults is written."""
    room = Room()
    room.keep(*(record(number, f"k{number}") for number in range(1, 8)))
    room.archive.faults = ((2, 3), (5, 6))
    assert Replayed(deliveries=3, damaged=2) == room.replay()
    assert [["k1", "k4", "k7"]] == [[row.kind for row in batch.deliveries] for batch in room.store.batches]


@pytest.mark.parametrize("resume", [None, 0, 1, 2])
def test_damage_that_leads_nowhere_ends_its_segment_only(resume: int | None) -> None:
    """Where reading cannot go on behind a fault the segment is over, and the next one is read."""
    room = Room()
    room.keep(record(1, "a"), record(2, "b"), record(3, "lost"))
    room.keep(record(4, "next"), elsewhere=True)
    room.archive.faults = ((3, resume),)
    assert Replayed(deliveries=3, damaged=1) == room.replay()
    assert (0, 1) == (room.store.written("lost"), room.store.written("next"))


def test_what_the_store_refuses_is_set_aside() -> None:
    """A delivery that the store refuses is counted and shown for triage; the others of its batch are written."""
    room = Room()
    room.keep(record(1, "a"), record(2, "poison"), record(3, "b"))
    assert Replayed(deliveries=3, refused=1) == room.replay()
    assert (1, 1) == (room.store.written("a"), room.store.written("b"))
    assert 1 == room.store.written("poison", outcome=Outcome.UNKNOWN)
    assert [1] == [done.refused for done in room.told]


def test_a_store_that_is_away_ends_it() -> None:
    """Without the store a replay cannot go on, and one made later starts over and misses nothing."""
    room = Room()
    room.keep(pushed(1, 2), record(2))
    room.database.available = False
    with pytest.raises(Unavailable):
        room.replay()
    room.database.available = True
    assert Replayed(deliveries=2, accepted=2) == room.replay()


def test_a_store_that_goes_away_in_between_refuses_nothing() -> None:
    """When the store goes away while the deliveries of a batch are written one by one, the replay ends."""
    room = Room()
    room.keep(record(1, "a"), record(2, "poison"))
    room.store.errors = [None, None, Unavailable("away")]
    with pytest.raises(Unavailable):
        room.replay()
    assert [] == asyncio.run(room.store.dead_letters())


def test_sealed_payloads_go_along() -> None:
    """What nobody could read is written with its sealed payload, where the box still has it."""
    room = Room()
    room.keep(record(1, "odd", Outcome.UNKNOWN), record(2, "odder", Outcome.UNKNOWN))
    room.box.held[UUID(int=1)] = b"sealed"
    room.replay()
    sealed = [asyncio.run(room.store.dead_letter(UUID(int=number))) for number in (1, 2)]
    assert ([b"sealed", None], {}) == (sealed, room.box.held)
