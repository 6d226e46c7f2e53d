"""The archive as files: concurrent appends share one write and one sync."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from dpp.adapters.files.closing import adopt_all, compress_closed
from dpp.adapters.files.listing import list_segments
from dpp.adapters.files.locks import is_alive
from dpp.adapters.files.manifests import read_manifest
from dpp.adapters.files.segments import Flaw, Line, parse_name, scan_segment
from dpp.adapters.files.verifying import verify_all
from dpp.adapters.files.writing import SegmentWriter
from dpp.application.archive import (
    Archive,
    ArchiveDamaged,
    ArchiveUnavailable,
    Damage,
    DamageKind,
    Position,
    SegmentInfo,
    SegmentUnknown,
    check_records,
)

SEGMENT_BYTES = 64 * 1024 * 1024
SEGMENT_AGE = timedelta(hours=1)
BATCH_BYTES = 8 * 1024 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """The records of one caller and where it waits for them to be stored."""

    records: list[bytes]
    size: int
    done: asyncio.Future[list[Position]]


class FileArchive(Archive):
    """An archive in a directory that any number of processes share, each with a writer of its own.

    Nothing is created before the first append, so that a process that only reads leaves no trace.

    Args:
        directory: on a local file system; created when missing, by the first append.
        writer: this process's id; every start takes a new one.
        now: the time, zone-aware.
        segment_bytes: a segment that has grown to this is closed and compressed.
        segment_age: likewise for one that has been open for so long when the next append comes.
    """

    def __init__(
        self,
        directory: Path,
        *,
        writer: UUID,
        now: Callable[[], datetime],
        segment_bytes: int = SEGMENT_BYTES,
        segment_age: timedelta = SEGMENT_AGE,
    ) -> None:
        self._directory = directory
        self._id = writer
        self._writer = SegmentWriter(
            directory=directory, writer=writer, now=now, segment_bytes=segment_bytes, segment_age=segment_age
        )
        self._waiting: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        # One thread each: writes come one after another, and compression never stands in their way.
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="archive-write")
        self._compressing = ThreadPoolExecutor(1, thread_name_prefix="archive-compress")
        self._segment: str | None = None

    def __repr__(self) -> str:
        return f"FileArchive({str(self._directory)!r}, writer={self._id})"

    async def append(self, records: Sequence[bytes]) -> list[Position]:
        """Store the records; concurrent calls share a write and a sync, a lone one starts at once."""
        if self._closed:
            raise ArchiveUnavailable("the archive is closed: the process is ending")
        check_records(records)
        if not records:
            return []
        done: asyncio.Future[list[Position]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(records=list(records), size=sum(map(len, records)), done=done))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="archive-flush")
        return await done

    async def close(self) -> None:
        """Store what waits, close and compress the last segment, and release the writer's lock."""
        if self._closed:
            return
        self._closed = True
        if self._flushing is not None:
            await self._flushing
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writing, self._writer.close)
            await loop.run_in_executor(self._compressing, self._compress)
        except OSError:
            # Nothing is lost: a living process adopts what could not be closed.
            logger.exception("archive_close_failed", extra={"writer": str(self._id)})
        finally:
            self._writer.release()
            self._writing.shutdown(wait=False)
            self._compressing.shutdown(wait=False)

    def segments(self) -> list[SegmentInfo]:
        """List the segments of every writer, from its manifest and the files that are there."""
        stored = self._writer.stored
        return [
            replace(info, records=stored[1]) if stored and info.segment == stored[0] and not info.closed else info
            for info in list_segments(directory=self._directory)
        ]

    def read(self, segment: str, *, after: int = 0) -> Iterator[tuple[Position, bytes]]:
        """Yield the records of a segment, plain or compressed, with one of them in memory."""
        records = self._records(segment)
        for item in scan_segment(directory=self._directory, segment=segment, records=records):
            if isinstance(item, Line) and item.number > max(after, 0):
                yield Position(segment=segment, record=item.number), item.body
            elif isinstance(item, Flaw) and _concerns(item, after, records):
                raise _damaged(item, segment)

    def verify(self) -> list[Damage]:
        """Check every line, the chain of each writer's segments and its manifest."""
        return list(verify_all(directory=self._directory))

    def abandoned(self) -> list[SegmentInfo]:
        """List the segments of writers whose lock nobody holds."""
        segments = self.segments()
        alive = {
            writer: is_alive(directory=self._directory, writer=writer) for writer in {info.writer for info in segments}
        }
        return [info for info in segments if not alive[info.writer]]

    def adopt(self) -> list[Damage]:
        """Close and compress, under its lock, what a dead writer left open."""
        return adopt_all(directory=self._directory)

    async def _flush(self) -> None:
        """Store what is waiting, batch after batch, until nothing is."""
        loop = asyncio.get_running_loop()
        try:
            while batch := self._take_batch():
                try:
                    records = [record for waiting in batch for record in waiting.records]
                    segment, first = await loop.run_in_executor(self._writing, self._writer.write, records)
                except OSError as error:
                    _fail(batch, ArchiveUnavailable(f"the archive in {self._directory} cannot be written: {error}"))
                except Exception as error:  # whatever it is goes to the callers, who would wait for ever
                    _fail(batch, error)
                else:
                    _resume(batch, segment, first)
                    self._compress_after(segment)
        finally:
            self._flushing = None

    def _take_batch(self) -> list[_Waiting]:
        """Take what is waiting, up to ``BATCH_BYTES`` but at least one caller's; who was cancelled is not written."""
        self._waiting = [waiting for waiting in self._waiting if not waiting.done.done()]
        size = count = 0
        while count < len(self._waiting) and (not count or size + self._waiting[count].size <= BATCH_BYTES):
            size += self._waiting[count].size
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _compress_after(self, segment: str) -> None:
        """When a batch went to a new segment, compress those that are closed."""
        if self._segment is not None and segment != self._segment:
            self._compressing.submit(self._compress_or_say)
        self._segment = segment

    def _compress_or_say(self) -> None:
        try:
            self._compress()
        except OSError:
            # The plain segment is as good; the next rotation tries again.
            logger.exception("archive_compression_failed", extra={"writer": str(self._id)})

    def _compress(self) -> None:
        manifest = read_manifest(directory=self._directory, writer=self._id)
        if manifest is not None:
            compress_closed(directory=self._directory, writer=self._id, manifest=manifest)

    def _records(self, segment: str) -> int | None:
        """Return how many records of a segment count; None where only its end can tell."""
        named = parse_name(segment)
        if named is None:
            raise SegmentUnknown(f"{segment!r} is not the name of an archive segment")
        stored = self._writer.stored
        if stored is not None and stored[0] == segment:
            return stored[1]
        manifest = read_manifest(directory=self._directory, writer=named[0])
        return manifest.records(named[1]) if manifest else None


def _concerns(flaw: Flaw, after: int, records: int | None) -> bool:
    """Tell whether a flaw keeps from the reader a record that it asked for."""
    if flaw.kind is DamageKind.UNREADABLE:
        return records is None or max(flaw.first, after + 1) <= records
    return flaw.last > after


def _damaged(flaw: Flaw, segment: str) -> ArchiveDamaged:
    damage = Damage(kind=flaw.kind, segment=segment, record=flaw.first, detail=flaw.detail)
    return ArchiveDamaged(damage, resume_after=None if flaw.kind is DamageKind.UNREADABLE else flaw.last)


def _resume(batch: list[_Waiting], segment: str, first: int) -> None:
    for waiting in batch:
        following = first + len(waiting.records)
        if not waiting.done.done():  # else its caller was cancelled; the records are stored all the same
            waiting.done.set_result([Position(segment=segment, record=number) for number in range(first, following)])
        first = following


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
