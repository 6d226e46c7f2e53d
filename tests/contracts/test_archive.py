"""What every archive promises, asked of the one in files and of the one in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from dpp.adapters.files.archive import FileArchive
from dpp.adapters.memory.archive import MemoryArchive, MemoryShelf
from dpp.application.archive import Archive, ArchiveUnavailable, Position, SegmentUnknown
from dpp.domain.errors import Conflict, InvalidInput

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
FIRST = f"{ONE}-000001"
SECOND = f"{ONE}-000002"

OpenArchive = Callable[..., Archive]


@pytest.fixture(params=["files", "memory"])
def open_archive(request: pytest.FixtureRequest, tmp_path: Path) -> OpenArchive:
    """Open archives that share a place, as the processes of one installation do."""
    shelf = MemoryShelf()

    def open_one(*, writer: UUID = ONE, segment_bytes: int = 1 << 20) -> Archive:
        if request.param == "files":
            return FileArchive(tmp_path / "archive", writer=writer, now=lambda: NOW, segment_bytes=segment_bytes)
        return MemoryArchive(writer=writer, now=lambda: NOW, shelf=shelf, segment_bytes=segment_bytes)

    return open_one


def contents(archive: Archive, segment: str, *, after: int = 0) -> list[tuple[int, bytes]]:
    """Return numbers and records of a segment."""
    return [(position.record, record) for position, record in archive.read(segment, after=after)]


def test_appended_records_are_read_back_in_order(open_archive: OpenArchive) -> None:
    """What was appended comes back byte for byte, numbered from 1, under the positions that append returned."""

    async def story() -> None:
        archive = open_archive()
        assert [Position(segment=FIRST, record=1), Position(segment=FIRST, record=2)] == await archive.append(
            [b'{"a":1}', '{"name":"Zoë"}'.encode()]
        )
        assert [Position(segment=FIRST, record=3)] == await archive.append([b"{}"])
        assert [(1, b'{"a":1}'), (2, '{"name":"Zoë"}'.encode()), (3, b"{}")] == contents(archive, FIRST)
        await archive.close()
        assert [(1, b'{"a":1}'), (2, '{"name":"Zoë"}'.encode()), (3, b"{}")] == contents(archive, FIRST)

    asyncio.run(story())


def test_reading_starts_behind_the_cursor(open_archive: OpenArchive) -> None:
    """Reading after a record yields those behind it only, and nothing at the end."""

    async def story() -> None:
        archive = open_archive()
        await archive.append([b"1", b"2", b"3"])
        assert [(3, b"3")] == contents(archive, FIRST, after=2)
        assert [] == contents(archive, FIRST, after=3)
        await archive.append([b"4"])
        assert [(4, b"4")] == contents(archive, FIRST, after=3)
        await archive.close()

    asyncio.run(story())


def test_appending_nothing_makes_no_position(open_archive: OpenArchive) -> None:
    """An append of no records returns no positions and opens no segment."""

    async def story() -> None:
        archive = open_archive()
        assert [] == await archive.append([])
        assert [] == archive.segments()
        await archive.close()
        await archive.close()

    asyncio.run(story())


def test_concurrent_appends_each_keep_their_records_together(open_archive: OpenArchive) -> None:
    """Of many appends at once every one gets positions side by side, and what lies there is what it gave."""

    async def story() -> None:
        archive = open_archive(segment_bytes=2000)
        given = [[b"%d/%d" % (caller, part) for part in range(1 + caller % 4)] for caller in range(100)]
        taken = await asyncio.gather(*(archive.append(records) for records in given))
        stored = {position: record for info in archive.segments() for position, record in archive.read(info.segment)}
        assert 250 == len(stored)
        for records, positions in zip(given, taken, strict=True):
            assert records == [stored[position] for position in positions]
            first = positions[0]
            assert [
                Position(segment=first.segment, record=first.record + offset) for offset in range(len(records))
            ] == positions
        await archive.close()

    asyncio.run(story())


def test_a_full_segment_is_followed_by_the_next(open_archive: OpenArchive) -> None:
    """The append after a segment has reached its size goes to a new one, and the old one is closed with its count."""

    async def story() -> None:
        archive = open_archive(segment_bytes=600)
        await archive.append([b"x" * 700])
        assert [Position(segment=SECOND, record=1)] == await archive.append([b"y"])
        assert [(FIRST, True, 1), (SECOND, False, 1)] == [
            (info.segment, info.closed, info.records) for info in archive.segments()
        ]
        assert [(ONE, 1, NOW), (ONE, 2, NOW)] == [
            (info.writer, info.number, info.opened_at) for info in archive.segments()
        ]
        assert [(1, b"y")] == contents(archive, SECOND)
        await archive.close()
        assert [True, True] == [info.closed for info in archive.segments()]

    asyncio.run(story())


@pytest.mark.parametrize("record", [b"", b"two\nlines", b"line\n"])
def test_a_record_that_is_not_one_line_is_refused(open_archive: OpenArchive, record: bytes) -> None:
    """A record that is empty or has a newline in it is refused, with everything in the same call."""

    async def story() -> None:
        archive = open_archive()
        with pytest.raises(InvalidInput, match="record 1 "):
            await archive.append([b"good", record])
        assert [] == archive.segments()
        await archive.close()

    asyncio.run(story())


def test_a_closed_archive_takes_nothing_more(open_archive: OpenArchive) -> None:
    """Appending to a closed archive says that it is unavailable."""

    async def story() -> None:
        archive = open_archive()
        await archive.append([b"1"])
        await archive.close()
        with pytest.raises(ArchiveUnavailable, match="closed"):
            await archive.append([b"2"])

    asyncio.run(story())


@pytest.mark.parametrize("segment", [SECOND, "nonsense", "../../etc/passwd"])
def test_an_unknown_segment_is_named(open_archive: OpenArchive, segment: str) -> None:
    """Reading a segment that is not there, or cannot be, is an error that names it."""

    async def story() -> None:
        archive = open_archive()
        await archive.append([b"1"])
        with pytest.raises(SegmentUnknown, match=segment.replace(".", r"\.")):
            contents(archive, segment)
        await archive.close()

    asyncio.run(story())


def test_segments_are_abandoned_once_their_writer_is_gone(open_archive: OpenArchive) -> None:
    """Another writer sees a living writer's segments but counts them as abandoned only after that one has closed."""

    async def story() -> None:
        gone, living = open_archive(writer=ONE), open_archive(writer=TWO)
        await gone.append([b"left behind"])
        await living.append([b"own"])
        assert [] == living.abandoned()
        assert {FIRST, f"{TWO}-000001"} == {info.segment for info in living.segments()}
        await gone.close()
        assert [FIRST] == [info.segment for info in living.abandoned()]
        assert [(1, b"left behind")] == contents(living, FIRST)
        assert [] == living.adopt()
        assert [(1, b"left behind")] == contents(living, FIRST)
        await living.close()

    asyncio.run(story())


def test_a_sound_archive_has_no_damage(open_archive: OpenArchive) -> None:
    """Verification finds nothing in an archive with open, closed and abandoned segments."""

    async def story() -> None:
        gone, living = open_archive(writer=ONE, segment_bytes=600), open_archive(writer=TWO, segment_bytes=600)
        for number in range(6):
            await gone.append([b"%d" % number * 300])
            await living.append([b"%d" % number * 300])
        await gone.close()
        assert [] == living.verify()
        await living.close()
        assert [] == living.verify()

    asyncio.run(story())


def test_a_writer_id_is_used_once(open_archive: OpenArchive) -> None:
    """A second archive under the id of one that has written is refused, while that lives and afterwards."""

    async def story() -> None:
        first = open_archive()
        await first.append([b"1"])
        with pytest.raises(Conflict, match=str(ONE)):
            await open_archive().append([b"2"])
        await first.close()
        with pytest.raises(Conflict, match=str(ONE)):
            await open_archive().append([b"3"])
        assert [(1, b"1")] == contents(first, FIRST)

    asyncio.run(story())
