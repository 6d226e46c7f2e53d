"""The archive in files: what is shared, what survives a failing disk, and who may touch what."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import zstandard

from dpp.adapters.files.archive import FileArchive
from dpp.application.archive import ArchiveUnavailable, DamageKind, Position

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
FIRST, SECOND = f"{ONE}-000001", f"{ONE}-000002"


def archive_in(directory: Path, *, writer: UUID = ONE, **options: Any) -> FileArchive:
    """Open an archive in a directory."""
    return FileArchive(directory, writer=writer, now=options.pop("now", lambda: NOW), **options)


def contents(archive: FileArchive, segment: str) -> list[bytes]:
    """Return the records of a segment."""
    return [record for _, record in archive.read(segment)]


def fill(directory: Path, records: Sequence[bytes], *, writer: UUID = ONE, **options: Any) -> None:
    """Append records one after another, and close."""

    async def story() -> None:
        archive = archive_in(directory, writer=writer, **options)
        for record in records:
            await archive.append([record])
        await archive.close()

    asyncio.run(story())


class Disk:
    """Counts the syncs of the process and makes its writes, truncations or syncs fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs = 0
        self.free: int | None = None
        self.sync_fails = False
        self.truncate_fails = False
        self._pwrite, self._fdatasync, self._ftruncate = os.pwrite, os.fdatasync, os.ftruncate
        monkeypatch.setattr(os, "pwrite", self.pwrite)
        monkeypatch.setattr(os, "fdatasync", self.fdatasync)
        monkeypatch.setattr(os, "ftruncate", self.ftruncate)

    def pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        if self.free == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = self._pwrite(fd, data[: self.free], offset)
        if self.free is not None:
            self.free -= count
        return count

    def fdatasync(self, fd: int) -> None:
        self.syncs += 1
        if self.sync_fails:
            raise OSError(errno.EIO, "Input/output error")
        self._fdatasync(fd)

    def ftruncate(self, fd: int, size: int) -> None:
        if self.truncate_fails:
            raise OSError(errno.EIO, "Input/output error")
        self._ftruncate(fd, size)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Stand between the archive and the disk."""
    return Disk(monkeypatch)


def test_concurrent_appends_share_a_sync(tmp_path: Path, disk: Disk) -> None:
    """A hundred appends that wait together take one sync, and a lone one takes one too."""

    async def story() -> None:
        archive = archive_in(tmp_path)
        await archive.append([b"opens the segment"])
        before = disk.syncs
        await asyncio.gather(*(archive.append([b"%d" % number]) for number in range(100)))
        assert 1 == disk.syncs - before
        await archive.append([b"alone"])
        assert 2 == disk.syncs - before
        await archive.close()

    asyncio.run(story())


def test_a_record_is_synced_before_its_caller_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When append returns, a sync of the segment has seen the record in the file."""
    seen: list[bytes] = []
    real = os.fdatasync

    def sync(fd: int) -> None:
        seen.append(os.pread(fd, 1 << 20, 0))
        real(fd)

    async def story() -> None:
        archive = archive_in(tmp_path)
        monkeypatch.setattr(os, "fdatasync", sync)
        await archive.append([b'{"important":true}'])
        assert seen[-1].endswith(b' 1 {"important":true}\n')
        await archive.close()

    asyncio.run(story())


def test_a_full_disk_fails_the_append_and_leaves_no_half_record(tmp_path: Path, disk: Disk) -> None:
    """An append that the disk takes half of fails; what came before is intact, and what comes after takes its place."""

    async def story() -> None:
        archive = archive_in(tmp_path)
        await archive.append([b"before"])
        size = (tmp_path / f"{FIRST}.jsonl").stat().st_size
        disk.free = 30
        results = await asyncio.gather(
            archive.append([b"lost" * 10]), archive.append([b"lost too"]), return_exceptions=True
        )
        assert [ArchiveUnavailable, ArchiveUnavailable] == [type(result) for result in results]
        assert "No space left" in str(results[0])
        assert size == (tmp_path / f"{FIRST}.jsonl").stat().st_size
        disk.free = None
        assert [Position(segment=FIRST, record=2)] == await archive.append([b"after"])
        assert [b"before", b"after"] == contents(archive, FIRST)
        assert [] == archive.verify()
        await archive.close()
        assert [] == archive.verify()

    asyncio.run(story())


def test_a_disk_full_from_the_start_fails_appends_until_there_is_room(tmp_path: Path, disk: Disk) -> None:
    """Where not even a segment can be created the append fails, and the first one that finds room succeeds."""

    async def story() -> None:
        archive = archive_in(tmp_path)
        for free in (0, 20, 150, 400):
            disk.free = free
            with pytest.raises(ArchiveUnavailable):
                await archive.append([b"x" * 400])
        disk.free = None
        assert [Position(segment=FIRST, record=1)] == await archive.append([b"y"])
        assert [] == archive.verify()
        await archive.close()

    asyncio.run(story())


def test_a_start_that_failed_at_its_last_sync_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the directory cannot be synced the append fails without a trace, and the next one begins anew."""

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def story() -> None:
        archive = archive_in(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr("dpp.adapters.files.durable.sync_directory", fail)
            with pytest.raises(ArchiveUnavailable):
                await archive.append([b"lost"])
        assert [] == [*tmp_path.iterdir()]
        assert [Position(segment=FIRST, record=1)] == await archive.append([b"kept"])
        assert [] == archive.verify()
        await archive.close()

    asyncio.run(story())


def test_a_look_at_a_lock_does_not_stop_its_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that starts while somebody looks whether it lives waits a moment and goes on."""
    looking = os.open(tmp_path / f"{ONE}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr("dpp.adapters.files.locks.time.sleep", lambda _: os.close(looking))
    fill(tmp_path, [b"1"])
    assert [b"1"] == contents(archive_in(tmp_path, writer=TWO), FIRST)


@pytest.mark.parametrize("truncate_fails", [False, True])
def test_after_a_failed_sync_the_segment_is_left(tmp_path: Path, disk: Disk, truncate_fails: bool) -> None:
    """A segment whose sync failed is never written to again; its acknowledged records are read, the failed ones not."""

    async def story() -> None:
        archive = archive_in(tmp_path)
        await archive.append([b"before"])
        disk.sync_fails, disk.truncate_fails = True, truncate_fails
        with pytest.raises(ArchiveUnavailable, match="Input/output"):
            await archive.append([b"lost"])
        disk.sync_fails = disk.truncate_fails = False
        assert [Position(segment=SECOND, record=1)] == await archive.append([b"after"])
        assert [b"before"] == contents(archive, FIRST)
        await archive.close()
        assert [b"before"] == contents(archive, FIRST)
        assert [b"after"] == contents(archive, SECOND)
        assert [] == archive.verify()

    asyncio.run(story())


def test_one_failed_sync_is_enough_to_leave_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment is left after a failed sync even when the next sync succeeds, since that one may not tell the truth."""
    real, fails = os.fdatasync, [True]

    def sync(fd: int) -> None:
        if fails and fails.pop():
            raise OSError(errno.EIO, "Input/output error")
        real(fd)

    async def story() -> None:
        archive = archive_in(tmp_path)
        await archive.append([b"before"])
        monkeypatch.setattr(os, "fdatasync", sync)
        with pytest.raises(ArchiveUnavailable):
            await archive.append([b"lost"])
        assert [Position(segment=SECOND, record=1)] == await archive.append([b"after"])
        assert [b"before"] == contents(archive, FIRST)
        await archive.close()

    asyncio.run(story())


def test_a_writer_reads_only_what_it_has_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that is written but not yet synced is not read by its own process, which keeps its place by number."""
    seen: list[list[bytes]] = []
    real = os.fdatasync

    async def story() -> None:
        archive = archive_in(tmp_path)
        await archive.append([b"safe"])

        def sync(fd: int) -> None:
            seen.append(contents(archive, FIRST))
            real(fd)

        monkeypatch.setattr(os, "fdatasync", sync)
        await archive.append([b"under way"])
        assert [[b"safe"]] == seen
        assert [b"safe", b"under way"] == contents(archive, FIRST)
        monkeypatch.undo()
        await archive.close()

    asyncio.run(story())


def test_records_never_go_to_a_deleted_file(tmp_path: Path) -> None:
    """When the segment in use is deleted, the next append fails, a later one finds a new file, and the loss is told."""

    async def story() -> None:
        archive = archive_in(tmp_path)
        await archive.append([b"gone", b"gone too"])
        (tmp_path / f"{FIRST}.jsonl").unlink()
        with pytest.raises(ArchiveUnavailable, match="deleted"):
            await archive.append([b"refused"])
        assert [Position(segment=SECOND, record=1)] == await archive.append([b"kept"])
        (damage,) = archive.verify()
        assert (DamageKind.MISSING_SEGMENT, FIRST) == (damage.kind, damage.segment)
        assert "2 record(s)" in damage.detail
        await archive.close()

    asyncio.run(story())


def test_a_cancelled_caller_does_not_disturb_the_others(tmp_path: Path) -> None:
    """A caller that is cancelled before its batch is taken is not written, and the others are."""

    async def story() -> None:
        archive = archive_in(tmp_path)
        tasks = [asyncio.create_task(archive.append([b"%d" % number])) for number in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[1], asyncio.CancelledError)
        assert [b"0", b"2"] == contents(archive, FIRST)
        await archive.close()

    asyncio.run(story())


def test_an_old_segment_is_followed_by_the_next(tmp_path: Path) -> None:
    """An append that comes an hour after its segment was opened goes to a new one."""
    times = [NOW]

    async def story() -> None:
        archive = archive_in(tmp_path, now=lambda: times[-1], segment_age=timedelta(hours=1))
        await archive.append([b"1"])
        times.append(NOW + timedelta(minutes=59))
        assert [Position(segment=FIRST, record=2)] == await archive.append([b"2"])
        times.append(NOW + timedelta(minutes=60))
        assert [Position(segment=SECOND, record=1)] == await archive.append([b"3"])
        await archive.close()

    asyncio.run(story())


def test_closed_segments_are_plain_zstd(tmp_path: Path) -> None:
    """A closed segment is one zstd file that any zstd tool unpacks to lines of checksum, number and JSON."""
    fill(tmp_path, [b'{"n":1}', b'{"n":2}'])
    packed = tmp_path / f"{FIRST}.jsonl.zst"
    assert [packed] == [*tmp_path.glob(f"{FIRST}*")]
    text = zstandard.ZstdDecompressor().decompress(packed.read_bytes())
    header, *lines = text.decode().splitlines()
    assert header.split(" ", 2)[1] == "0"
    # crc32 of '1 {"n":1}' and of '2 {"n":2}', from gzip
    assert ['6f124669 1 {"n":1}', '7db2296f 2 {"n":2}'] == lines
    if tool := shutil.which("zstdcat"):  # the library has said the same where there is none
        assert text == subprocess.run([tool, packed], check=True, capture_output=True).stdout


def test_rotation_compresses_while_appends_go_on(tmp_path: Path) -> None:
    """Of many small segments every closed one ends up compressed, and every record is still there."""
    fill(tmp_path, [b"%04d" % number * 50 for number in range(40)], segment_bytes=900)
    archive = archive_in(tmp_path, writer=TWO)
    infos = archive.segments()
    assert len(infos) > 5
    assert [] == [*tmp_path.glob("*.jsonl")]
    assert [b"%04d" % number * 50 for number in range(40)] == [
        record for info in infos for record in contents(archive, info.segment)
    ]
    assert 40 == sum(info.records or 0 for info in infos)
    assert [] == archive.verify()


def test_a_compression_that_failed_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that could not be compressed stays readable, and is compressed by the next adopter."""

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dpp.adapters.files.closing._compress", fail)
        fill(tmp_path, [b"kept"])
    archive = archive_in(tmp_path, writer=TWO)
    assert [tmp_path / f"{FIRST}.jsonl"] == [*tmp_path.glob("*.jsonl*")]
    assert [b"kept"] == contents(archive, FIRST)
    assert [] == archive.adopt()
    assert [tmp_path / f"{FIRST}.jsonl.zst"] == [*tmp_path.glob("*.jsonl*")]
    assert [b"kept"] == contents(archive, FIRST)


def test_a_crash_between_compressing_and_removing_loses_nothing(tmp_path: Path) -> None:
    """Where both the plain and the compressed file are there, each record is read once and adoption tidies up."""
    fill(tmp_path, [b"1", b"2"])
    packed = tmp_path / f"{FIRST}.jsonl.zst"
    plain = tmp_path / f"{FIRST}.jsonl"
    plain.write_bytes(zstandard.ZstdDecompressor().decompress(packed.read_bytes()))
    (tmp_path / f"{FIRST}.jsonl.zst.tmp").write_bytes(b"half")
    archive = archive_in(tmp_path, writer=TWO)
    assert [FIRST] == [info.segment for info in archive.segments()]
    assert [b"1", b"2"] == contents(archive, FIRST)
    assert [] == archive.adopt()
    assert [packed] == [*tmp_path.glob("*.jsonl*")]
    assert [] == archive.verify()


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from dpp.adapters.files.archive import FileArchive

async def main():
    archive = FileArchive(Path(sys.argv[1]), writer=UUID(int=1), now=lambda: datetime.now(UTC))
    number = 0
    while True:
        for position in await archive.append([b'{"n":%d}' % (number + more) for more in range(7)]):
            print(position.record, flush=True)
        number += 7

asyncio.run(main())
"""


def test_what_a_killed_writer_acknowledged_is_adopted(tmp_path: Path) -> None:
    """Each record that a process acknowledged before it was killed is read by another, before and after adoption."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(300):
            writer.stdout.readline()
        living = archive_in(tmp_path, writer=TWO)
        assert [] == living.abandoned()
        assert [] == living.adopt()
        assert [] == living.verify()
        writer.send_signal(signal.SIGKILL)
        acknowledged = 300 + len(writer.stdout.read().splitlines())
    with (tmp_path / f"{FIRST}.jsonl").open("ab") as file:
        file.write(b'0badc0de 99999 {"cut off')
    assert [FIRST] == [info.segment for info in living.abandoned()]
    before = contents(living, FIRST)
    assert len(before) >= acknowledged
    assert [b'{"n":%d}' % number for number in range(len(before))] == before
    assert [DamageKind.TORN_TAIL] == [damage.kind for damage in living.verify()]
    (torn,) = living.adopt()
    assert (DamageKind.TORN_TAIL, FIRST, len(before) + 1) == (torn.kind, torn.segment, torn.record)
    assert before == contents(living, FIRST)
    assert [] == living.adopt()
    assert [] == living.verify()
    (info,) = living.abandoned()
    assert (True, len(before)) == (info.closed, info.records)


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    """An archive that is only read creates nothing, and an empty or missing place has no segments and no damage."""
    archive = archive_in(tmp_path / "none")
    assert ([], [], [], []) == (archive.segments(), archive.abandoned(), archive.verify(), archive.adopt())
    asyncio.run(archive.close())
    assert not (tmp_path / "none").exists()


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Open segments, manifests and locks can be read by the owner only."""

    async def story() -> None:
        archive = archive_in(tmp_path)
        await archive.append([b"1"])
        assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        await archive.close()
        assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    asyncio.run(story())
