"""One writer's segments: appending batches, and changing to the next segment when one is full or old."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from dpp.adapters.files.durable import create_synced, make_directory, write_at
from dpp.adapters.files.locks import WriterLock
from dpp.adapters.files.manifests import Closed, Manifest, Opened, create_manifest
from dpp.adapters.files.segments import FORMAT, PLAIN, encode_line, segment_name
from dpp.domain.errors import Conflict

LOCK_ATTEMPTS = 5  # somebody who looks whether this writer lives holds the lock for a moment

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Open:
    """The segment in use: how far it is safely stored, and whether it can still be trusted."""

    name: str
    number: int
    fd: int
    opened_at: datetime
    size: int
    records: int
    last_crc: str
    spoilt: bool = False


class SegmentWriter:
    """Writes the segments of one writer; every method is for one thread, and nothing is created before the first write.

    Args:
        directory: the archive; created when missing.
        writer: used by one process, once.
        now: the time, zone-aware.
        segment_bytes: a segment that has grown to this is followed by the next.
        segment_age: likewise for one that was opened so long ago.
    """

    def __init__(
        self,
        *,
        directory: Path,
        writer: UUID,
        now: Callable[[], datetime],
        segment_bytes: int,
        segment_age: timedelta,
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._now = now
        self._segment_bytes = segment_bytes
        self._segment_age = segment_age
        self._lock = WriterLock(directory=directory, writer=writer)
        self._manifest: Manifest | None = None
        self._open: _Open | None = None

    @property
    def stored(self) -> tuple[str, int] | None:
        """The segment in use and the number of records safely in it; None before the first."""
        current = self._open
        return (current.name, current.records) if current else None

    def write(self, records: Sequence[bytes]) -> tuple[str, int]:
        """Append the records and sync; return the segment and the number of the first.

        Raises:
            OSError: none of them is stored.
            Conflict: the writer's id is, or was, another process's.
        """
        current = self._segment()
        first = current.records + 1
        lines = [encode_line(number=first + offset, body=record) for offset, record in enumerate(records)]
        data = b"".join(lines)
        self._store(current, data)
        current.size += len(data)
        current.last_crc = _crc(lines[-1])
        current.records += len(lines)
        return current.name, first

    def close(self) -> None:
        """Close the segment in use and say so in the manifest."""
        if self._open is not None and self._manifest is not None:
            self._manifest.append([_closing(self._open)])
            os.close(self._open.fd)
            self._open = None

    def release(self) -> None:
        """Let go of the writer's lock: from now on others may adopt what it left."""
        self._lock.release()

    def _segment(self) -> _Open:
        """Return the segment to write to, a new one when there is none or it had its time."""
        current = self._open
        if current is None:
            return self._start(number=1, before=None)
        if current.spoilt or current.size >= self._segment_bytes or self._age(current) >= self._segment_age:
            return self._start(number=current.number + 1, before=current)
        return current

    def _age(self, current: _Open) -> timedelta:
        return self._now() - current.opened_at

    def _start(self, *, number: int, before: _Open | None) -> _Open:
        """Create a segment; the manifest names it, and ends the one before, ahead of its first record."""
        manifest = self._manifest or self._enter()
        opened = Opened(number=number, at=self._now())
        name = segment_name(writer=self._writer, number=number)
        path = self._directory / f"{name}{PLAIN}"
        header = self._header(opened, before)
        path.unlink(missing_ok=True)  # a start of ours that failed before the manifest named it
        create_synced(path, header)
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            manifest.append([opened] if before is None else [_closing(before), opened])
        except OSError:
            os.close(fd)
            raise
        if before is not None:
            os.close(before.fd)
        self._open = _Open(
            name=name, number=number, fd=fd, opened_at=opened.at, size=len(header), records=0, last_crc=_crc(header)
        )
        return self._open

    def _enter(self) -> Manifest:
        """Take this writer's place in the archive."""
        make_directory(self._directory)
        if not self._lock.take(attempts=LOCK_ATTEMPTS):
            raise Conflict(f"archive writer {self._writer} is in use by another process")
        try:
            self._manifest = create_manifest(directory=self._directory, writer=self._writer, at=self._now())
        except FileExistsError:
            self._lock.release()
            raise Conflict(
                f"archive writer {self._writer} was used before; every process needs an id of its own"
            ) from None
        except OSError:
            self._lock.remove()  # a lock without a manifest would look as if that had been lost
            raise
        return self._manifest

    def _header(self, opened: Opened, before: _Open | None) -> bytes:
        body = {
            "format": FORMAT,
            "writer": str(self._writer),
            "segment": opened.number,
            "created": opened.at.isoformat(),
            "previous_records": before.records if before else None,
            "previous_crc": before.last_crc if before else None,
        }
        return encode_line(number=0, body=json.dumps(body, separators=(",", ":")).encode())

    def _store(self, current: _Open, data: bytes) -> None:
        """Write and sync, or leave the segment as it was."""
        try:
            write_at(current.fd, data, current.size)
            _sync(current)
        except OSError:
            self._take_back(current)
            raise

    def _take_back(self, current: _Open) -> None:
        """Cut off what a failed write left, so that no reader meets it and its numbers can be used again."""
        try:
            os.ftruncate(current.fd, current.size)
            _sync(current)
        except OSError:
            # The file cannot be trusted any more. Its manifest entry will end it at the last good byte.
            current.spoilt = True
            logger.exception("archive_segment_spoilt", extra={"segment": current.name, "records": current.records})


def _sync(current: _Open) -> None:
    """Sync the segment's data.

    A failed sync may have dropped pages that a later one would call clean, so the segment is not written to again. One
    that somebody deleted would take records that nobody can ever read.
    """
    try:
        os.fdatasync(current.fd)
    except OSError:
        current.spoilt = True
        raise
    if os.fstat(current.fd).st_nlink == 0:
        current.spoilt = True
        raise OSError(errno.ENOENT, "the segment was deleted while in use", current.name)


def _closing(current: _Open) -> Closed:
    return Closed(number=current.number, records=current.records, size=current.size, last_crc=current.last_crc)


def _crc(line: bytes) -> str:
    return line[:8].decode()
