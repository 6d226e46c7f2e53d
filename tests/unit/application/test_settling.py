"""Writing to the event store: what is refused, what is sealed, and how far it has got."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.archive import Position
from dpp.application.settling import Settling
from dpp.domain.errors import Unavailable
from dpp.domain.events import Outcome
from tests.support.intake import Box, Store, delivery


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    # Tracebacks are drawn with all their variables, which takes longer than everything that is tested here.
    with capture_logs():
        yield


class Room:
    """A settling with its store and its box."""

    def __init__(self) -> None:
        self.store = Store(MemoryDatabase())
        self.box = Box(held={UUID(int=1): b"sealed"})
        self.settling = Settling(store=self.store, repair_box=self.box)


def at(record: int, segment: str = "s") -> Position:
    """Return a position."""
    return Position(segment=segment, record=record)


def test_what_is_written_is_settled() -> None:
    """A record that was kept lags behind until a batch that covers it is written."""
    room = Room()
    room.settling.keep(at(1))
    room.settling.keep(at(3))
    room.settling.keep(at(2, "t"))
    assert (["s", "t"], 5) == (room.settling.own_segments, room.settling.lag)
    asyncio.run(room.settling.write([delivery(1)], [at(2)]))
    assert (3, {"s": 2}) == (room.settling.lag, room.settling.progress)
    assert [True, False, False] == [room.settling.has(one) for one in (at(2), at(3), at(1, "t"))]


def test_progress_never_goes_back() -> None:
    """What is settled stays settled when less is told later, and being ahead in one segment excuses no other."""
    room = Room()
    room.settling.reach(at(9))
    room.settling.reach(at(4))
    room.settling.keep(at(5))
    room.settling.keep(at(2, "t"))
    assert ({"s": 9}, 2) == (room.settling.progress, room.settling.lag)


def test_nothing_is_settled_by_a_batch_that_failed() -> None:
    """A batch that the store refuses or does not answer to leaves the progress and the box as they were."""
    room = Room()
    room.store.errors = [Unavailable("away"), ValueError("no")]
    for error in (Unavailable, ValueError):
        with pytest.raises(error):
            asyncio.run(room.settling.write([delivery(1, outcome=Outcome.UNKNOWN)], [at(1)]))
    assert ({}, {UUID(int=1): b"sealed"}) == (room.settling.progress, room.box.held)


def test_a_sealed_payload_moves_from_the_box_to_the_store() -> None:
    """What nobody could read is written with its sealed payload, which then is in the store alone."""
    room = Room()
    asyncio.run(room.settling.write([delivery(1, outcome=Outcome.UNKNOWN), delivery(2)]))
    assert b"sealed" == asyncio.run(room.store.dead_letter(UUID(int=1)))
    assert {} == room.box.held


def test_a_box_that_cannot_be_cleared_costs_nothing() -> None:
    """A payload that stays in the box was written all the same, once, and is not set aside."""
    room = Room()
    room.box.cannot_remove = True
    asyncio.run(room.settling.write_or_set_aside(delivery(1, outcome=Outcome.UNKNOWN), [at(1)]))
    assert (1, 0, {"s": 1}) == (room.store.written("push"), room.settling.refused, room.settling.progress)
    assert b"sealed" == asyncio.run(room.store.dead_letter(UUID(int=1)))


def test_a_box_that_cannot_be_read_keeps_nobody_waiting() -> None:
    """Without its payload a delivery is still shown for triage, and the payload stays in the box."""
    room = Room()
    room.box.cannot_take = True
    asyncio.run(room.settling.write([delivery(1, outcome=Outcome.UNKNOWN), delivery(2, "other")], [at(2)]))
    assert [UUID(int=1)] == [letter.delivery_uid for letter in asyncio.run(room.store.dead_letters())]
    assert (None, 1) == (asyncio.run(room.store.dead_letter(UUID(int=1))), room.store.written("other"))
    assert {UUID(int=1): b"sealed"} == room.box.held


def test_what_the_store_refuses_is_set_aside() -> None:
    """A refused delivery is shown for triage with the kind of error, counted, and settled."""
    room = Room()
    asyncio.run(room.settling.write_or_set_aside(delivery(7, "poison"), [at(1)]))
    assert {("unknown", "the event store refused it: ValueError"): 1} == room.store.counted("github")
    assert [UUID(int=7)] == [letter.delivery_uid for letter in asyncio.run(room.store.dead_letters())]
    assert (1, {"s": 1}) == (room.settling.refused, room.settling.progress)


def test_a_store_that_refuses_even_that_counts_as_away() -> None:
    """When not even the note for triage is taken, nothing is settled and the store has to be waited for."""
    room = Room()
    room.store.refuses_everything = True
    with pytest.raises(Unavailable, match="takes nothing: ValueError"):
        asyncio.run(room.settling.write_or_set_aside(delivery(7), [at(1)]))
    assert (0, {}) == (room.settling.refused, room.settling.progress)


@pytest.mark.parametrize("refused_first", [False, True])
def test_a_store_that_goes_away_refuses_nothing(refused_first: bool) -> None:
    """A store that does not answer, at the first attempt or at the second, sets nothing aside."""
    room = Room()
    room.store.errors = [ValueError("no"), Unavailable("away")] if refused_first else [Unavailable("away")]
    with pytest.raises(Unavailable, match="away"):
        asyncio.run(room.settling.write_or_set_aside(delivery(7)))
    assert (0, {}) == (room.settling.refused, room.store.counted("github"))
