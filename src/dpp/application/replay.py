"""The event tables again from the archive (§8.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dpp.application.archive import ArchiveDamaged
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.ports import Archive, Batch, DeliveryCodec, EventStore, RepairBox
from dpp.domain.errors import Damaged
from dpp.domain.events import Outcome

BATCH = 500


@dataclass(slots=True)
class Replayed:
    """What a replay came to: deliveries read, facts that were new and known, and what could not be read."""

    deliveries: int = 0
    accepted: int = 0
    duplicates: int = 0
    damaged: int = 0


async def replay(
    archive: Archive,
    store: EventStore,
    codec: DeliveryCodec,
    repair_box: RepairBox,
    *,
    progress: Callable[[Replayed], None] = lambda _: None,
) -> Replayed:
    """Write every delivery of the archive to the event store; what is there already stays as it is.

    Damaged records are counted and passed over; ``Archive.verify`` names them.

    Raises:
        Unavailable: the store does not answer; replaying again is right.
    """
    done = Replayed()
    for info in await asyncio.to_thread(archive.segments):
        records = _records(archive, info.segment, codec, done)
        while batch := await asyncio.to_thread(_some, records):
            letters = [row.delivery_uid for row in batch if row.outcome is Outcome.UNKNOWN]
            kept = {letter: repair_box.take(letter) for letter in letters}
            sealed = {letter: payload for letter, payload in kept.items() if payload is not None}
            results = await store.append(Batch(deliveries=batch, sealed=sealed))
            done.deliveries += len(batch)
            done.accepted += sum(result.accepted for result in results)
            done.duplicates += sum(result.duplicates for result in results)
            progress(done)
    return done


def _some(records: Iterator[AcceptedDelivery]) -> list[AcceptedDelivery]:
    return [record for _, record in zip(range(BATCH), records, strict=False)]


def _records(archive: Archive, segment: str, codec: DeliveryCodec, done: Replayed) -> Iterator[AcceptedDelivery]:
    after: int | None = 0
    while after is not None:
        try:
            for _, record in archive.read(segment, after=after):
                try:
                    yield codec.decode(record)
                except Damaged:
                    done.damaged += 1
            return
        except ArchiveDamaged as damage:
            done.damaged += 1
            after = damage.resume_after
