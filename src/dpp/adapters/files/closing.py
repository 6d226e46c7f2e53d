"""Closed segments become plain zstd files; segments that a dead writer left open are closed for it."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import zstandard

from dpp.adapters.files.durable import sync_directory
from dpp.adapters.files.listing import writers
from dpp.adapters.files.locks import WriterLock
from dpp.adapters.files.manifests import Closed, Manifest, manifest_path, read_manifest
from dpp.adapters.files.segments import (
    COMPRESSED,
    PLAIN,
    Flaw,
    Line,
    Tail,
    decompressed,
    end_mark,
    scan_segment,
    segment_name,
)
from dpp.application.archive import Damage, DamageKind

LEVEL = 3
CHUNK_BYTES = 1 << 20


def compress_closed(*, directory: Path, writer: UUID, manifest: Manifest) -> None:
    """Compress those segments of a writer that are closed and still plain; the caller holds the writer's lock.

    Raises:
        OSError: one could not be compressed; it stays as it was and can be tried again.
    """
    for closed in manifest.closed.values():
        name = segment_name(writer=writer, number=closed.number)
        # A file shorter than it was closed at has lost records: verification names them, and the rest stays as it is.
        if _size(directory / f"{name}{PLAIN}") >= closed.size:
            compress_segment(directory=directory, segment=name, size=closed.size)


def _size(path: Path) -> int:
    """Return a file's size, -1 when there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def compress_segment(*, directory: Path, segment: str, size: int) -> None:
    """Replace the plain file of a segment by a zstd file of its first ``size`` bytes, proven to hold the same.

    Raises:
        OSError: the segment stays as it was.
    """
    plain, final = directory / f"{segment}{PLAIN}", directory / f"{segment}{COMPRESSED}"
    new = final.with_name(f"{final.name}.tmp")
    try:
        written = _compress(plain, new, size)
        with new.open("rb") as file:
            if _checksum(decompressed(file)) != written:
                raise OSError(f"segment {segment} does not read back as it was compressed; the plain file is kept")
        os.replace(new, final)
    except zstandard.ZstdError as error:
        raise OSError(f"segment {segment} was not compressed: {error}") from error
    finally:
        new.unlink(missing_ok=True)
    sync_directory(directory)
    plain.unlink()
    sync_directory(directory)


def _compress(plain: Path, new: Path, size: int) -> int:
    """Compress and sync; return the checksum of what was read."""
    crc, left = 0, size
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with (
        plain.open("rb") as source,
        open(new, "wb", opener=_private) as target,
        compressor.stream_writer(target, size=size, closefd=False) as stream,
    ):
        while left and (chunk := source.read(min(left, CHUNK_BYTES))):
            crc, left = zlib.crc32(chunk, crc), left - len(chunk)
            stream.write(chunk)
    _finish(new)
    return crc


def _finish(new: Path) -> None:
    """Put the end mark behind the data and sync."""
    with new.open("r+b") as target:
        packed = 0
        while chunk := target.read(CHUNK_BYTES):
            packed = zlib.crc32(chunk, packed)
        target.write(end_mark(crc=packed))
        target.flush()
        os.fsync(target.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _checksum(stream: BinaryIO) -> int:
    crc = 0
    while chunk := stream.read(CHUNK_BYTES):
        crc = zlib.crc32(chunk, crc)
    return crc


def adopt_all(*, directory: Path) -> list[Damage]:
    """Close and compress the segments of every writer that is gone; return the damage met.

    Raises:
        OSError: a segment could not be closed or compressed; trying again is right.
    """
    found: list[Damage] = []
    for writer in writers(directory=directory):
        if not manifest_path(directory=directory, writer=writer).exists():
            continue  # a writer that is only about to begin, or one whose list is lost: verification tells
        lock = WriterLock(directory=directory, writer=writer)
        if lock.take():
            try:
                found += _adopt(directory, writer)
            finally:
                lock.release()
    return found


def _adopt(directory: Path, writer: UUID) -> list[Damage]:
    manifest = read_manifest(directory=directory, writer=writer)
    if manifest is None:
        return []
    for leftover in (*directory.glob(f"{writer}*.new"), *directory.glob(f"{writer}*.tmp")):
        leftover.unlink()
    found: list[Damage] = []
    for number in sorted(manifest.opened.keys() - manifest.closed.keys()):
        name = segment_name(writer=writer, number=number)
        if (directory / f"{name}{PLAIN}").exists():
            closed, damage = _close_for_the_dead(directory, name, number)
            found += damage
            if closed is not None:
                manifest.append([closed])
    compress_closed(directory=directory, writer=writer, manifest=manifest)
    return found


def _close_for_the_dead(directory: Path, name: str, number: int) -> tuple[Closed | None, list[Damage]]:
    """Return the closing entry, up to the last complete line, and the damage met; no entry for an unreadable file.

    Lines that fail their checks stay in the segment as they are: they may have been acknowledged, and a person may
    still read them.
    """
    size, records, crc = (directory / f"{name}{PLAIN}").stat().st_size, 0, ""
    found: list[Damage] = []
    for item in scan_segment(directory=directory, segment=name):
        match item:
            case Line():
                records, crc = item.number, item.crc
            case Flaw():
                records = max(records, item.last)
                found.append(Damage(kind=item.kind, segment=name, record=item.first, detail=item.detail))
            case Tail():
                size -= item.size
                found.append(torn_tail(segment=name, record=records + 1, size=item.size))
    unreadable = any(damage.kind is DamageKind.UNREADABLE for damage in found)
    return None if unreadable else Closed(number=number, records=records, size=size, last_crc=crc), found


def torn_tail(*, segment: str, record: int, size: int) -> Damage:
    """Return the note about an append that its writer died in."""
    detail = f"{size} byte(s) behind record {record - 1}: its writer died in an append that was never acknowledged"
    return Damage(kind=DamageKind.TORN_TAIL, segment=segment, record=record, detail=detail)
