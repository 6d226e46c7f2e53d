"""The event tables again from the archive (§8.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dpp.application.archive import ArchiveDamaged
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ports import Archive, DeliveryCodec, EventStore, RepairBox
from dpp.application.settling import Settling
from dpp.domain.errors import Damaged, Unavailable

BATCH = 500


@dataclass(slots=True)
class Replayed:
    """What a replay came to: deliveries read, facts that were new and known, and what could not be read or written."""

    deliveries: int = 0
    accepted: int = 0
    duplicates: int = 0
    damaged: int = 0
    refused: int = 0


async def replay(
    archive: Archive,
    store: EventStore,
    codec: DeliveryCodec,
    repair_box: RepairBox,
    *,
    progress: Callable[[Replayed], None] = lambda _: None,
) -> Replayed:
    """Write every delivery of the archive to the event store; what is there already stays as it is.

    Damaged records are counted and passed over; ``Archive.verify`` names them. A delivery that the store refuses is
    counted and set aside for triage, and keeps no other out.

    Raises:
        Unavailable: the store does not answer; replaying again is right.
    """
    done = Replayed()
    settling = Settling(store=store, repair_box=repair_box)
    for info in await asyncio.to_thread(archive.segments):
        records = _records(archive, info.segment, codec, done)
        while batch := await asyncio.to_thread(_some, records):
            results = await _write(settling, batch)
            done.deliveries += len(batch)
            done.accepted += sum(result.accepted for result in results)
            done.duplicates += sum(result.duplicates for result in results)
            done.refused = settling.refused
            progress(done)
    return done


async def _write(settling: Settling, batch: Sequence[AcceptedDelivery]) -> Sequence[Appended]:
    try:
        return await settling.write(batch)
    except Unavailable:
        raise
    except Exception:
        # Which of them it was shows when each is written alone; what it was is logged there.
        return [await settling.write_or_set_aside(delivery) for delivery in batch]


def _some(records: Iterator[AcceptedDelivery]) -> list[AcceptedDelivery]:
    return [record for _, record in zip(range(BATCH), records, strict=False)]


def _records(archive: Archive, segment: str, codec: DeliveryCodec, done: Replayed) -> Iterator[AcceptedDelivery]:
    after = 0
    while True:
        try:
            for position, record in archive.read(segment, after=after):
                after = position.record
                try:
                    yield codec.decode(record)
                except Damaged:
                    done.damaged += 1
            return
        except ArchiveDamaged as damage:
            done.damaged += 1
            if damage.resume_after is None or damage.resume_after <= after:
                return
            after = damage.resume_after
