"""The format of one segment: numbered lines with checksums, plain while it grows, zstd once it is closed.

A line is ``<crc32, 8 hex digits> <number> <json>\\n``; the checksum covers the number, the blank and the JSON. Line 0
is the header, which repeats the count and the last checksum of the segment before, so that a chain of segments proves
itself without any other file. ``zstdcat`` and ``cut -d' ' -f3-`` are enough to read it.
"""

from __future__ import annotations

import errno
import io
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from uuid import UUID

import zstandard

from dpp.application.archive import MAX_RECORD_BYTES, DamageKind, SegmentUnknown

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FORMAT = "dpp-archive/1"
PLAIN = ".jsonl"
COMPRESSED = ".jsonl.zst"
MAX_LINE_BYTES = MAX_RECORD_BYTES + 64
END_MARK = struct.pack("<II", 0x184D2A5D, 4)  # a frame that zstd tools skip, with 4 bytes in it
END_MARK_BYTES = 12
NAME = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([0-9]{6,})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that passed its checks."""

    number: int
    body: bytes
    crc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Records ``first`` to ``last`` are not what was written, or not there."""

    kind: DamageKind
    first: int
    last: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Bytes behind the last newline: a line under way, or one whose writer died in it."""

    size: int


def segment_name(*, writer: UUID, number: int) -> str:
    """Return the name by which positions refer to a segment, whether it is compressed or not."""
    return f"{writer}-{number:06d}"


def parse_name(name: str) -> tuple[UUID, int] | None:
    """Return writer and number of a segment's name, None when it is no such name."""
    match = NAME.fullmatch(name)
    return (UUID(match[1]), int(match[2])) if match else None


def encode_line(*, number: int, body: bytes) -> bytes:
    """Return the line, with its newline."""
    content = b"%d %b" % (number, body)
    return b"%08x %b\n" % (zlib.crc32(content), content)


def decode_line(raw: bytes) -> Line | None:
    """Return what a line with its newline holds, None when it is not a line as ``encode_line`` writes it."""
    content = raw[9:-1]
    crc = b"%08x" % zlib.crc32(content)
    if raw[:8] != crc or raw[8:9] != b" " or raw[-1:] != b"\n":
        return None
    number, blank, body = content.partition(b" ")
    return Line(number=int(number), body=body, crc=crc.decode()) if blank and number.isdigit() else None


def scan(stream: BinaryIO, *, records: int | None = None) -> Iterator[Line | Flaw | Tail]:
    """Yield what a segment holds, in order, in memory for one line.

    Args:
        stream: at the segment's start.
        records: the number of the last record when it is known. Lines behind it were never acknowledged and are left
            out; records missing before it are named.
    """
    expected, bad = 0, 0
    tail: Tail | None = None
    try:
        for raw in _raw_lines(stream):
            line = decode_line(raw)
            if line is not None:
                if records is not None and line.number > records:
                    break
                yield from _between(expected, bad, line.number)
                bad = 0
                if line.number >= expected:
                    yield line
                    expected = line.number + 1
            elif raw.endswith(b"\n") or _lost_its_newline(raw) or _belongs(expected + bad, records):
                bad += 1
            else:
                tail = Tail(size=len(raw))
    except OSError as error:
        yield Flaw(kind=DamageKind.UNREADABLE, first=expected, last=max(expected, records or 0), detail=str(error))
        return
    yield from _at_the_end(expected, bad, records)
    if tail is not None and records is None:
        yield tail


def _raw_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines with their newline, lastly what lies behind the last newline; a line too long for us as a bad one."""
    while raw := stream.readline(MAX_LINE_BYTES):
        while len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
            more = stream.readline(MAX_LINE_BYTES)
            raw = more if len(more) == MAX_LINE_BYTES else b"\n"
        yield raw
        if not raw.endswith(b"\n"):
            return  # the file may have grown since: its next bytes would be the rest of this line, not a line


def _lost_its_newline(raw: bytes) -> bool:
    """Tell a whole last line whose newline was changed from a line that was cut short."""
    return decode_line(raw[:-1] + b"\n") is not None


def _belongs(number: int, records: int | None) -> bool:
    """Tell whether unfinished bytes stand where a record is known to have been stored."""
    return records is not None and number <= records


def _between(expected: int, bad: int, number: int) -> Iterator[Flaw]:
    """Yield the flaws between the last good line and the good line ``number``, ``bad`` lines apart."""
    if bad:
        last = max(min(expected + bad, number) - 1, expected - 1)
        yield _corrupt(min(expected, last), last, f"{bad} line(s) fail their checksum")
    if number > expected + bad:
        yield _missing(expected + bad, number - 1)
    if number < expected:
        yield _corrupt(number, expected - 1, f"record {number} stands behind record {expected - 1}")


def _at_the_end(expected: int, bad: int, records: int | None) -> Iterator[Flaw]:
    """Yield the flaws between the last good line and the segment's end."""
    last = expected + bad - 1 if records is None else min(expected + bad - 1, records)
    if last >= expected:
        yield _corrupt(expected, last, f"{bad} line(s) fail their checksum")
    if records is not None and last < records:
        yield _missing(last + 1, records)


def _corrupt(first: int, last: int, why: str) -> Flaw:
    return Flaw(kind=DamageKind.CORRUPT, first=first, last=last, detail=f"{_numbers(first, last)}: {why}")


def _missing(first: int, last: int) -> Flaw:
    return Flaw(
        kind=DamageKind.MISSING_RECORD, first=first, last=last, detail=f"{_numbers(first, last)}: not in the segment"
    )


def _numbers(first: int, last: int) -> str:
    return f"record {first}" if first >= last else f"records {first} to {last}"


def scan_segment(*, directory: Path, segment: str, records: int | None = None) -> Iterator[Line | Flaw | Tail]:
    """Yield what the named segment holds, as ``scan`` does; a file that cannot be opened is one flaw.

    Raises:
        SegmentUnknown: there is no such segment.
    """
    try:
        with open_segment(directory=directory, segment=segment) as stream:
            yield from scan(stream, records=records)
    except OSError as error:
        yield Flaw(kind=DamageKind.UNREADABLE, first=0, last=records or 0, detail=str(error))


@contextmanager
def open_segment(*, directory: Path, segment: str) -> Iterator[BinaryIO]:
    """Open a segment for reading, plain or compressed, as one stream of lines.

    Raises:
        SegmentUnknown: there is no such segment.
        OSError: it cannot be read; also while reading, when compressed data is damaged or cut short.
    """
    with _open_file(directory, segment) as file:
        yield decompressed(file) if file.name.endswith(COMPRESSED) else file


def decompressed(file: BinaryIO) -> BinaryIO:
    """Return the content of a zstd file as a stream.

    Raises:
        OSError: it is no such file; while reading, it is damaged or cut short.
    """
    return cast(BinaryIO, io.BufferedReader(_Decompressed(file), 1 << 17))


def _open_file(directory: Path, segment: str) -> BinaryIO:
    # Compression puts the new file in place before it takes the old one away, so one of the three looks succeeds.
    for suffix in (COMPRESSED, PLAIN, COMPRESSED):
        try:
            return (directory / f"{segment}{suffix}").open("rb")
        except FileNotFoundError:
            continue
    raise SegmentUnknown(f"no archive segment {segment} in {directory}")


class _Decompressed(io.RawIOBase):
    """The content of one closed segment's file.

    The library's own reader takes a cut-off file for a short one, and some bits of a zstd file change nothing in its
    content; therefore the file ends in a mark with the checksum of all before it, and at its end that is compared.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._packed = _Packed(file)
        self._reader = zstandard.ZstdDecompressor().stream_reader(cast(BinaryIO, self._packed), closefd=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        try:
            count = self._reader.readinto(buffer)
        except zstandard.ZstdError as error:
            raise OSError(errno.EIO, f"compressed data is damaged: {error}") from error
        if not count:
            self._packed.check_end()
        return count


class _Packed:
    """The zstd frame of a file, without the mark behind it, and its checksum as far as it was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = os.fstat(file.fileno()).st_size
        if os.pread(file.fileno(), len(END_MARK), max(0, self._left - END_MARK_BYTES)) == END_MARK:
            self._left -= END_MARK_BYTES  # else the mark is lost, and the data may still be whole
        self._crc = 0
        self._mark: bytes | None = None

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        return data

    def check_end(self) -> None:
        """Refuse a file that does not end in the mark that belongs to what stands before."""
        while self.read(1 << 16):
            pass
        if self._mark is None:  # a stream may be asked for more at its end more than once
            self._mark = self._file.read()
        if self._mark != end_mark(crc=self._crc):
            raise OSError(errno.EIO, "the compressed file is damaged or cut short: its end mark does not fit it")


def end_mark(*, crc: int) -> bytes:
    """Return what stands behind the data of a compressed segment: a frame that zstd tools skip (RFC 8878, 3.1.2).

    Args:
        crc: CRC-32 of all bytes of the file before the mark.
    """
    return END_MARK + struct.pack("<I", crc)
