"""From the archive to the event store: what came while the store was away, and what dead processes left behind.

Every record that is passed over because it cannot be read leaves an entry for triage, in the transaction that passes
it over, so that nothing is lost without a count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from uuid import uuid5

import structlog

from dpp.application.archive import ArchiveDamaged, Position
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.ports import Archive, Clock, DeliveryCodec, EventStore
from dpp.application.settling import Settling
from dpp.domain.errors import Damaged, Unavailable
from dpp.domain.events import NAMESPACE, Outcome, Source

log = structlog.get_logger(__name__)

MAX_BATCH = 500
RETRY_SECONDS = 0.5
DRAIN_EVERY_SECONDS = 15.0

CHANNEL = "archive"
"""The door under which records that cannot be read are counted: which one they came through cannot be told."""


class _Read(NamedTuple):
    """Some records of a segment: what is to be written with what that settles, and whether that was the end."""

    rows: list[tuple[AcceptedDelivery, Position]]
    ended: bool


class Draining:
    """Reads the archive on from where the event store has got to; one per process.

    Args:
        settling: shared with the intake, so that each knows what the other has written.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        *,
        archive: Archive,
        store: EventStore,
        codec: DeliveryCodec,
        clock: Clock,
        settling: Settling,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._archive = archive
        self._store = store
        self._codec = codec
        self._clock = clock
        self._settling = settling
        self._sleep = sleep

    async def catch_up(self) -> None:
        """Wait for the store, then write from this process's segments until nothing is left that it lacks.

        Records that are appended meanwhile are written too. When this returns, nothing has run since the last look.
        """
        while True:
            before = self._settling.progress
            try:
                await self._drain_own()
            except Unavailable:
                await self._sleep(RETRY_SECONDS)
                continue
            except Exception:
                # The caller is the only one that can bring the store up to date: it goes on whatever happens.
                log.exception("catching_up_failed")
                await self._sleep(RETRY_SECONDS)
                continue
            if not self._settling.lag:
                return
            if self._settling.progress == before:
                await self._sleep(RETRY_SECONDS)

    async def watch(self) -> None:
        """Write what dead processes had accepted and not written, time and again; ends by cancellation only."""
        while True:
            try:
                await self.drain_abandoned()
            except (Unavailable, OSError) as error:
                log.warning("drain_waits", reason=str(error))
            except Exception:
                log.exception("drain_failed")
            await self._sleep(DRAIN_EVERY_SECONDS)

    async def drain_abandoned(self) -> None:
        """Write once what dead processes had accepted and not written; a segment that fails keeps no other out.

        Raises:
            Unavailable: the store does not answer.
        """
        for damage in await asyncio.to_thread(self._archive.adopt):
            log.warning("archive_damage", kind=damage.kind, segment=damage.segment, detail=damage.detail)
        settled = await self._store.settled()
        for info in await asyncio.to_thread(self._archive.abandoned):
            after = settled.get(info.segment, 0)
            if info.records is not None and info.records <= after:
                continue
            try:
                await self._drain(info.segment, after=after)
            except Unavailable:
                raise
            except Exception:
                log.exception("drain_failed", segment=info.segment)

    async def _drain_own(self) -> None:
        settled = await self._store.settled()
        for segment in self._settling.own_segments:
            await self._drain(segment, after=settled.get(segment, 0))

    async def _drain(self, segment: str, *, after: int) -> None:
        """Write a segment's records behind ``after`` to the store, batch by batch."""
        while True:
            read = await asyncio.to_thread(self._read_some, segment, after)
            if read.rows:
                await self._write(read.rows)
                after = read.rows[-1][1].record
            else:
                self._settling.reach(Position(segment=segment, record=after))
            if read.ended:
                return

    async def _write(self, rows: Sequence[tuple[AcceptedDelivery, Position]]) -> None:
        try:
            await self._settling.write([delivery for delivery, _ in rows], [rows[-1][1]])
        except Unavailable:
            raise
        except Exception:
            log.exception("append_failed", deliveries=len(rows))
            for delivery, position in rows:
                await self._settling.write_or_set_aside(delivery, [position])

    def _read_some(self, segment: str, after: int) -> _Read:
        rows: list[tuple[AcceptedDelivery, Position]] = []
        try:
            for position, record in self._archive.read(segment, after=after):
                after = position.record
                rows.append((self._decoded(record, position), position))
                if len(rows) == MAX_BATCH:
                    return _Read(rows, ended=False)
        except ArchiveDamaged as damage:
            log.error("archive_damaged", segment=segment, after=after, detail=str(damage))
            if damage.resume_after is not None and damage.resume_after > after:
                reason = f"the archive is damaged: {damage.damage.kind} in segment {segment}"
                lost = self._passed_over(Position(segment=segment, record=after + 1), reason)
                rows.append((lost, Position(segment=segment, record=damage.resume_after)))
                return _Read(rows, ended=False)
        return _Read(rows, ended=True)

    def _decoded(self, record: bytes, position: Position) -> AcceptedDelivery:
        try:
            return self._codec.decode(record)
        except Damaged as error:
            log.error("record_unreadable", segment=position.segment, record=position.record, reason=str(error))
            # The record's number is left to the log: with it every such record would be a reason of its own.
            return self._passed_over(position, f"a record of the archive is no delivery (segment {position.segment})")

    def _passed_over(self, position: Position, reason: str) -> AcceptedDelivery:
        """Return what stands for a record that cannot be read, the same whenever it is met."""
        return AcceptedDelivery(
            delivery_uid=uuid5(NAMESPACE, f"archive\x1f{position.segment}\x1f{position.record}"),
            received_at=self._clock.now(),
            channel=CHANNEL,
            # Whose it was cannot be told either; without facts nobody asks.
            source=Source.GITHUB,
            outcome=Outcome.UNKNOWN,
            reason=reason,
        )
