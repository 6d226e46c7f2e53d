"""Damage to the archive is found, told apart and named, whatever it is."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.adapters.files import verifying
from dpp.adapters.files.archive import FileArchive
from dpp.adapters.files.closing import compress_segment
from dpp.adapters.files.manifests import read_manifest
from dpp.adapters.files.segments import Line, Tail, decode_line, encode_line, scan
from dpp.application.archive import ArchiveDamaged, Damage, DamageKind, Position

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WRITER = UUID(int=1)
READER = UUID(int=2)
RECORDS = [b'{"record":%d}' % number for number in range(1, 10)]
MANIFEST = f"{WRITER}.manifest"
LATEST = f"{WRITER}-000003"
"""Three segments of three records each; the last one was open when its writer died."""


def name(number: int) -> str:
    """Return a segment's name."""
    return f"{WRITER}-{number:06d}"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of three segments by a writer that died; the first two are compressed."""
    directory = tmp_path_factory.mktemp("sound")

    times = [NOW]

    async def story() -> None:
        archive = FileArchive(directory, writer=WRITER, now=lambda: times[-1], segment_age=timedelta(hours=1))
        for start in (0, 3, 6):
            times.append(times[-1] + timedelta(hours=1))
            await archive.append(RECORDS[start : start + 2])
            await archive.append(RECORDS[start + 2 : start + 3])
        await asyncio.get_running_loop().run_in_executor(archive._compressing, archive._compress)
        archive._writer.release()

    asyncio.run(story())
    assert [MANIFEST, f"{name(1)}.jsonl.zst", f"{name(2)}.jsonl.zst", f"{name(3)}.jsonl"] == sorted(
        (path.name for path in directory.iterdir() if path.suffix != ".lock"), key=lambda file: (file != MANIFEST, file)
    )
    return directory


@pytest.fixture
def directory(sound: Path, tmp_path: Path) -> Path:
    """A copy of the archive, to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "archive"))


def reader(directory: Path) -> FileArchive:
    """Open the archive as another process would."""
    return FileArchive(directory, writer=READER, now=lambda: NOW)


def found(directory: Path) -> list[tuple[str, str, int | None]]:
    """Return what verification names: kind, segment, record."""
    return [(damage.kind.value, damage.segment, damage.record) for damage in reader(directory).verify()]


def edit(directory: Path, number: int, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of a segment, the header being line 0."""
    packed, plain = directory / f"{name(number)}.jsonl.zst", directory / f"{name(number)}.jsonl"
    was_packed = packed.exists()
    content = zstandard.ZstdDecompressor().decompress(packed.read_bytes()) if was_packed else plain.read_bytes()
    plain.write_bytes(b"".join(change(content.splitlines(keepends=True))))
    if was_packed:
        packed.unlink()
        compress_segment(directory=directory, segment=name(number), size=plain.stat().st_size)


def without(line: int) -> Callable[[list[bytes]], list[bytes]]:
    """Return the change that takes a line away."""
    return lambda lines: lines[:line] + lines[line + 1 :]


def flipped(line: int, *, at: int = 20) -> Callable[[list[bytes]], list[bytes]]:
    """Return the change that flips a bit of a line."""

    def change(lines: list[bytes]) -> list[bytes]:
        raw = bytearray(lines[line])
        raw[at] ^= 1
        return [*lines[:line], bytes(raw), *lines[line + 1 :]]

    return change


def drained(directory: Path) -> tuple[list[bytes], list[Damage]]:
    """Read everything as a drain does, stepping over damage where that can be done."""
    archive, records, damages = reader(directory), [], []
    for info in archive.segments():
        after: int | None = 0
        while after is not None:
            start, after = after, None
            try:
                records += [record for _, record in archive.read(info.segment, after=start)]
            except ArchiveDamaged as error:
                damages.append(error.damage)
                records += list(_until_damage(archive, info.segment, start))
                after = error.resume_after
    return records, damages


def _until_damage(archive: FileArchive, segment: str, after: int) -> Iterator[bytes]:
    try:
        for _, record in archive.read(segment, after=after):
            yield record
    except ArchiveDamaged:
        return


def test_the_sound_archive_is_sound(directory: Path) -> None:
    """Before any damage nothing is found, and everything is read."""
    assert [] == found(directory)
    assert (RECORDS, []) == drained(directory)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_flipped_bit_is_corruption_of_that_record(directory: Path, number: int, line: int) -> None:
    """A flipped bit is named with segment and record, and every other record can still be read."""
    edit(directory, number, flipped(line))
    assert [("corrupt", name(number), line)] == found(directory)
    records, damages = drained(directory)
    lost = (number - 1) * 3 + line - 1
    assert RECORDS[:lost] + RECORDS[lost + 1 :] == records
    assert [(DamageKind.CORRUPT, line)] == [(damage.kind, damage.record) for damage in damages]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_flipped_bit_in_a_header_is_corruption_of_record_0(directory: Path, number: int) -> None:
    """A damaged header is named as record 0, and the records are read without it."""
    edit(directory, number, flipped(0))
    assert [("corrupt", name(number), 0)] == found(directory)
    assert (RECORDS, []) == drained(directory)


@pytest.mark.parametrize(("number", "line"), [(1, 1), (1, 3), (2, 2), (3, 1), (3, 2)])
def test_a_record_taken_out_is_missing(directory: Path, number: int, line: int) -> None:
    """A line taken out is a missing record: in the middle by its number, at a closed segment's end by its count."""
    edit(directory, number, without(line))
    assert [("missing_record", name(number), line)] == found(directory)
    records, damages = drained(directory)
    lost = (number - 1) * 3 + line - 1
    assert RECORDS[:lost] + RECORDS[lost + 1 :] == records
    assert [(DamageKind.MISSING_RECORD, line)] == [(damage.kind, damage.record) for damage in damages]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_segment_is_named(directory: Path, number: int) -> None:
    """Every segment that is gone is missed, the newest too."""
    next(directory.glob(f"{name(number)}*")).unlink()
    assert [("missing_segment", name(number), None)] == found(directory)


def test_a_missing_manifest_is_named_and_the_chain_still_counts(directory: Path) -> None:
    """Without the manifest its loss is told, and a segment that has lost its last record is still found by the next."""
    (directory / MANIFEST).unlink()
    assert [("unreadable", MANIFEST, None)] == found(directory)
    assert (RECORDS, []) == drained(directory)
    edit(directory, 1, without(3))
    assert [("unreadable", MANIFEST, None), ("missing_record", name(1), 3)] == found(directory)


def test_a_replaced_segment_breaks_the_chain(directory: Path) -> None:
    """Without the manifest, a record exchanged for another valid one is found by the next segment's header."""
    (directory / MANIFEST).unlink()
    edit(directory, 2, lambda lines: [*lines[:3], encode_line(number=3, body=b'{"forged":1}')])
    assert [("unreadable", MANIFEST, None), ("corrupt", name(2), 3)] == found(directory)


def test_a_shortened_manifest_is_found_by_the_segments(directory: Path) -> None:
    """A manifest that has lost the last entries is noticed by the segments that it does not list."""
    lines = (directory / MANIFEST).read_bytes().splitlines(keepends=True)
    (directory / MANIFEST).write_bytes(b"".join(lines[:-2]))
    assert [("missing_record", MANIFEST, None)] == found(directory)


def test_a_segment_under_another_name_is_corruption(directory: Path) -> None:
    """A segment whose header names another place is told."""
    shutil.copy(directory / f"{name(1)}.jsonl.zst", directory / f"{name(2)}.jsonl.zst")
    assert ("corrupt", name(2), 0) in found(directory)


@pytest.mark.parametrize("cut", range(1, 22))
def test_a_torn_tail_is_told_from_damage(directory: Path, cut: int) -> None:
    """A last line cut anywhere is a torn tail; what stands before is read, and adoption keeps it."""
    plain = directory / f"{LATEST}.jsonl"
    plain.write_bytes(plain.read_bytes()[:-cut])
    assert [("torn_tail", LATEST, 3)] == found(directory)
    assert (RECORDS[:8], []) == drained(directory)
    assert ["torn_tail"] == [damage.kind.value for damage in reader(directory).adopt()]
    assert [] == found(directory)
    assert (RECORDS[:8], []) == drained(directory)


@pytest.mark.parametrize("number", [1, 3])
def test_an_emptied_segment_is_missing_all(directory: Path, number: int) -> None:
    """A segment that was emptied is named with the first line that it lacks, its header."""
    edit(directory, number, lambda _: [])
    assert [("missing_record", name(number), 0)] == found(directory)


def test_zeros_behind_the_last_record_are_a_torn_tail(directory: Path) -> None:
    """Blocks that a power cut left empty behind the last line are a torn tail."""
    with (directory / f"{LATEST}.jsonl").open("ab") as file:
        file.write(bytes(8192))
    assert [("torn_tail", LATEST, 4)] == found(directory)
    assert (RECORDS, []) == drained(directory)


def test_bytes_behind_a_closed_segment_are_no_torn_tail(directory: Path) -> None:
    """A cut-off line in a segment that has a successor is corruption, since such a segment was whole once."""
    edit(directory, 1, lambda lines: [*lines[:3], lines[3][:-5]])
    assert [("corrupt", name(1), 3)] == found(directory)


def test_adoption_keeps_a_corrupt_record_for_people_to_look_at(directory: Path) -> None:
    """Adoption of a segment with a damaged line keeps the line as it is, and the damage is still reported later."""
    edit(directory, 3, flipped(3))
    before = (directory / f"{LATEST}.jsonl").read_bytes()
    assert [(DamageKind.CORRUPT, 3)] == [(damage.kind, damage.record) for damage in reader(directory).adopt()]
    packed = (directory / f"{LATEST}.jsonl.zst").read_bytes()
    assert before == zstandard.ZstdDecompressor().decompress(packed)
    assert [("corrupt", LATEST, 3)] == found(directory)


@pytest.mark.parametrize("keep", [0, 3, 40, -30])
def test_a_compressed_file_cut_short_is_unreadable(directory: Path, keep: int) -> None:
    """A zstd file that has lost records with its end is unreadable, and reading cannot step over that."""
    packed = directory / f"{name(1)}.jsonl.zst"
    packed.write_bytes(packed.read_bytes()[:keep])
    ((kind, segment, _),) = found(directory)
    assert ("unreadable", name(1)) == (kind, segment)
    with pytest.raises(ArchiveDamaged, match="unreadable") as caught:
        list(reader(directory).read(name(1), after=0))
    assert caught.value.resume_after is None


@pytest.mark.parametrize("cut", [1, 12, 13, 16])
def test_a_cut_that_costs_no_record_is_found_and_everything_read(directory: Path, cut: int) -> None:
    """A zstd file that has lost only checksums is reported, while all its records are still read."""
    packed = directory / f"{name(1)}.jsonl.zst"
    packed.write_bytes(packed.read_bytes()[:-cut])
    assert [("unreadable", name(1), 4)] == found(directory)
    assert RECORDS[:3] == [record for _, record in reader(directory).read(name(1))]


def test_a_line_that_grows_while_it_is_read_is_no_damage() -> None:
    """A reader that comes in the middle of a write stops before the line under way, though its rest follows at once."""

    class Growing(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            if line == whole[: len(whole) // 2]:
                self.write(whole[len(whole) // 2 :])
                self.seek(-len(whole[len(whole) // 2 :]), io.SEEK_CUR)
            return line

    first, whole = (encode_line(number=number, body=b'{"a":1}') for number in (0, 1))
    items = list(scan(Growing(first + whole[: len(whole) // 2])))
    assert [Line(number=0, body=b'{"a":1}', crc=first[:8].decode()), Tail(size=len(whole) // 2)] == items


def test_a_manifest_entry_made_during_the_check_is_no_damage(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment whose entry comes between the look at the manifest and the look at its records is not called lost."""
    lines = (directory / MANIFEST).read_bytes().splitlines(keepends=True)
    (directory / MANIFEST).write_bytes(b"".join(lines[:-2]))
    looks: list[dict[str, Any]] = []

    def look(**where: Any) -> Any:
        if looks:
            (directory / MANIFEST).write_bytes(b"".join(lines))
        looks.append(where)
        return read_manifest(**where)

    monkeypatch.setattr(verifying, "read_manifest", look)
    assert [] == found(directory)
    assert len(looks) == 2


def test_an_endless_line_is_corruption_and_not_a_full_memory(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than any record is one corrupt line, whose rest is skipped."""
    monkeypatch.setattr("dpp.adapters.files.segments.MAX_LINE_BYTES", 400)
    edit(directory, 3, lambda lines: [*lines[:2], b"x" * 5000 + b"\n", *lines[3:]])
    assert [("corrupt", LATEST, 2)] == found(directory)


@settings(max_examples=150)
@given(data=st.data())
def test_any_flipped_bit_anywhere_is_found(sound: Path, data: st.DataObject) -> None:
    """Whichever bit flips in whichever file, verification finds something, and nothing is read that was not written."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(shutil.copytree(sound, Path(place) / "archive"))
        files = sorted(path for path in directory.iterdir() if path.stat().st_size)
        path = data.draw(st.sampled_from(files), label="file")
        raw = bytearray(path.read_bytes())
        bit = data.draw(st.integers(0, len(raw) * 8 - 1), label="bit")
        raw[bit // 8] ^= 1 << bit % 8
        path.write_bytes(raw)
        assert [] != found(directory)
        assert set(RECORDS) >= set(drained(directory)[0])


@given(number=st.integers(0, 10**9), body=st.binary(min_size=1).filter(lambda body: b"\n" not in body))
def test_a_line_gives_back_what_went_in(number: int, body: bytes) -> None:
    """Encoding and decoding a line are each other's inverse."""
    line = decode_line(encode_line(number=number, body=body))
    assert line is not None
    assert (number, body) == (line.number, line.body)


def test_positions_sort_as_they_were_written() -> None:
    """Positions of one writer sort in the order of writing."""
    early, late = Position(segment=name(1), record=10), Position(segment=name(2), record=2)
    assert [early, late] == sorted([late, early])
