"""The archive in memory: the same segments and cursors, for as long as the process lives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from dpp.application.archive import (
    Archive,
    ArchiveUnavailable,
    Damage,
    Position,
    SegmentInfo,
    SegmentUnknown,
    check_records,
)
from dpp.domain.errors import Conflict

SEGMENT_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class MemoryShelf:
    """What several memory archives share, as several processes share a directory."""

    segments: dict[str, tuple[SegmentInfo, list[bytes]]] = field(default_factory=dict)
    writers: set[UUID] = field(default_factory=set)
    alive: set[UUID] = field(default_factory=set)


class MemoryArchive(Archive):
    """An archive in memory.

    Args:
        writer: this archive's id on the shelf; by default a new one.
        now: the time, zone-aware; only dates the segments.
        shelf: where other archives' segments are too; by default one of its own.
        segment_bytes: a segment that holds this much is followed by the next.

    ``available`` set to False makes appends fail as on a full disk.
    """

    def __init__(
        self,
        *,
        writer: UUID | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        shelf: MemoryShelf | None = None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._id = uuid4() if writer is None else writer
        self._now = now
        self._shelf = MemoryShelf() if shelf is None else shelf
        self._segment_bytes = segment_bytes
        self._current: str | None = None
        self._number = 0
        self._closed = False
        self.available = True

    async def append(self, records: Sequence[bytes]) -> list[Position]:
        """Keep the records."""
        if self._closed or not self.available:
            raise ArchiveUnavailable("the archive is closed" if self._closed else "the archive was made unavailable")
        check_records(records)
        if not records:
            return []
        segment = self._segment()
        info, held = self._shelf.segments[segment]
        first = len(held) + 1
        held += records
        size = info.size + sum(map(len, records))
        self._shelf.segments[segment] = (replace(info, records=len(held), size=size), held)
        return [Position(segment=segment, record=first + offset) for offset in range(len(records))]

    async def close(self) -> None:
        """Close the last segment and leave the shelf to the others."""
        if not self._closed:
            self._closed = True
            self._close_segment()
            self._shelf.alive.discard(self._id)

    def segments(self) -> list[SegmentInfo]:
        """List all segments on the shelf, the earliest opened first."""
        return [info for info, _ in self._shelf.segments.values()]

    def read(self, segment: str, *, after: int = 0) -> Iterator[tuple[Position, bytes]]:
        """Yield the records of one segment as they are now."""
        if segment not in self._shelf.segments:
            raise SegmentUnknown(f"no archive segment {segment} in memory")
        held = self._shelf.segments[segment][1]
        for index in range(max(after, 0), len(held)):
            yield Position(segment=segment, record=index + 1), held[index]

    def verify(self) -> list[Damage]:
        """Return nothing: memory has no checks to fail."""
        return []

    def abandoned(self) -> list[SegmentInfo]:
        """List the segments of archives on the shelf that were closed."""
        return [info for info in self.segments() if info.writer not in self._shelf.alive]

    def adopt(self) -> list[Damage]:
        """Return nothing: an archive in memory that is gone has closed its segments."""
        return []

    def _segment(self) -> str:
        """Return the segment to append to, a new one when there is none or it is full."""
        if self._current is not None and self._shelf.segments[self._current][0].size < self._segment_bytes:
            return self._current
        if self._number == 0:
            self._enter()
        self._close_segment()
        self._number += 1
        self._current = f"{self._id}-{self._number:06d}"
        info = SegmentInfo(
            segment=self._current,
            writer=self._id,
            number=self._number,
            closed=False,
            records=0,
            size=0,
            opened_at=self._now(),
        )
        self._shelf.segments[self._current] = (info, [])
        return self._current

    def _enter(self) -> None:
        if self._id in self._shelf.writers:
            raise Conflict(f"archive writer {self._id} was used before: every start takes a new id")
        self._shelf.writers.add(self._id)
        self._shelf.alive.add(self._id)

    def _close_segment(self) -> None:
        if self._current is not None:
            info, held = self._shelf.segments[self._current]
            self._shelf.segments[self._current] = (replace(info, closed=True), held)
