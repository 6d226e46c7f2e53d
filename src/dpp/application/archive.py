"""What the platform asks of the archive of accepted deliveries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from dpp.domain.errors import Damaged, InvalidInput, NotFound, Unavailable

MAX_RECORD_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """Where one record lies: its segment's name, and its number in that segment, counted from 1."""

    segment: str
    record: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentInfo:
    """One segment as the archive lists it.

    ``records`` is known for closed segments and for those that this archive writes itself, else None; ``size`` is in
    bytes as stored (compressed, when it is); ``opened_at`` is None only where the writer's own list was lost.
    """

    segment: str
    writer: UUID
    number: int
    closed: bool
    records: int | None
    size: int
    opened_at: datetime | None


class DamageKind(StrEnum):
    """Ways in which a stored segment can fail its checks."""

    TORN_TAIL = "torn_tail"  # an append cut short by a crash; it was never acknowledged
    CORRUPT = "corrupt"  # bytes differ from what was written
    MISSING_RECORD = "missing_record"
    MISSING_SEGMENT = "missing_segment"
    UNREADABLE = "unreadable"  # the file, or the rest of it, gives no bytes at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One fault, by name; ``record`` is the first record concerned, None when it is the file as a whole."""

    kind: DamageKind
    segment: str
    record: int | None
    detail: str


class ArchiveUnavailable(Unavailable):
    """The records were not stored: they are in no segment, and appending them again is right."""

    code = "archive_unavailable"


class SegmentUnknown(NotFound):
    """No segment of this name is in the archive."""

    code = "segment_unknown"


class ArchiveDamaged(Damaged):
    """Reading met damage.

    ``resume_after`` is what to give ``read`` as ``after`` to go on behind the fault; None when nothing behind it can
    be read.
    """

    code = "archive_damaged"

    def __init__(self, damage: Damage, *, resume_after: int | None) -> None:
        super().__init__(f"archive segment {damage.segment}: {damage.kind.value}: {damage.detail}")
        self.damage = damage
        self.resume_after = resume_after


class Archive(Protocol):
    """An append-only log of accepted deliveries, in segments, one writer to a process.

    Records are opaque UTF-8 JSON on one line. Only ``append`` and ``close`` are for the event loop; the other methods
    may block on the disk and belong in a thread when a loop is running.
    """

    @abstractmethod
    async def append(self, records: Sequence[bytes]) -> list[Position]:
        """Store the records and return their positions, in order, once they survive a power cut.

        May be called by many coroutines at once; their records then share one write and one sync. The records of one
        call are stored together or not at all, and lie side by side in one segment.

        Args:
            records: each 1 byte to ``MAX_RECORD_BYTES``, without a newline; none gives no position.

        Raises:
            InvalidInput: a record is empty, too long or has a newline in it.
            ArchiveUnavailable: the records could not be stored, or the archive is closed.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish the appends under way, close this writer's segment and let go of it; may be called again."""

    @abstractmethod
    def segments(self) -> list[SegmentInfo]:
        """List the segments of every writer, living and dead, the earliest opened first."""

    @abstractmethod
    def read(self, segment: str, *, after: int = 0) -> Iterator[tuple[Position, bytes]]:
        """Yield the records of one segment with numbers above ``after``, in order, in bounded memory.

        A segment that is being appended to ends at the last complete record; of this process's own segment, at the
        last one that is safely stored, so that ``after`` may be kept as a cursor.

        Raises:
            SegmentUnknown: there is no such segment.
            ArchiveDamaged: a record behind ``after`` fails its checks or is missing.
        """

    @abstractmethod
    def verify(self) -> list[Damage]:
        """Check every record of every segment and return what is wrong, segment by segment; empty when sound."""

    @abstractmethod
    def abandoned(self) -> list[SegmentInfo]:
        """List the segments of writers that are gone; a living process has to bring what is in them further."""

    @abstractmethod
    def adopt(self) -> list[Damage]:
        """Close and compress what writers that are gone left open, and return the torn tails and faults met.

        No complete record is lost by it. A segment whose writer, or another adopter, holds it is left alone.
        """


def check_records(records: Sequence[bytes]) -> None:
    """Refuse what an archive of lines could not give back.

    Raises:
        InvalidInput: a record is empty, too long or has a newline in it.
    """
    for index, record in enumerate(records):
        if not record or b"\n" in record:
            raise InvalidInput(
                f"record {index} is empty or has a newline in it: encode it on one line", field="records"
            )
        if len(record) > MAX_RECORD_BYTES:
            message = f"record {index} has {len(record)} bytes, more than the {MAX_RECORD_BYTES} that are stored"
            raise InvalidInput(message, field="records")
