"""Deliveries into the event store: what it refuses is set aside, and how far it has got with the archive is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from dpp.application.archive import Position
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ports import Batch, EventStore, RepairBox
from dpp.domain.errors import Unavailable
from dpp.domain.events import Facts, Outcome

log = structlog.get_logger(__name__)


class Settling:
    """Writes to the event store for whoever takes deliveries in, drains or replays; one per process."""

    def __init__(self, *, store: EventStore, repair_box: RepairBox) -> None:
        self._store = store
        self._repair_box = repair_box
        self._kept: dict[str, int] = {}
        self._settled: dict[str, int] = {}
        self.refused = 0
        """Deliveries that the store refused as they were, and that were set aside."""

    @property
    def own_segments(self) -> list[str]:
        """The segments of the archive that this process has appended to, in order."""
        return sorted(self._kept)

    @property
    def lag(self) -> int:
        """Records that this process has appended to the archive and the store lacks."""
        return sum(max(0, last - self._settled.get(segment, 0)) for segment, last in self._kept.items())

    @property
    def progress(self) -> dict[str, int]:
        """How many records of each segment are known to be written, as of now."""
        return dict(self._settled)

    def keep(self, position: Position) -> None:
        """Note that this process has appended a record."""
        self._kept[position.segment] = position.record

    def has(self, position: Position) -> bool:
        """Tell whether a record is known to be written."""
        return position.record <= self._settled.get(position.segment, 0)

    def reach(self, position: Position) -> None:
        """Note that everything up to a record is written."""
        self._settled[position.segment] = max(position.record, self._settled.get(position.segment, 0))

    async def write(
        self, deliveries: Sequence[AcceptedDelivery], positions: Sequence[Position] = ()
    ) -> Sequence[Appended]:
        """Write a batch, with the sealed payloads of what nobody could read, all of it or nothing.

        Args:
            deliveries: in order.
            positions: the last record that the batch covers, for each segment concerned.

        Raises:
            Unavailable: the store does not answer.
            Exception: it refuses the batch, whatever its reason.
        """
        sealed = {}
        for delivery in deliveries:
            if delivery.outcome is Outcome.UNKNOWN:
                payload = await self._sealed(delivery.delivery_uid)
                if payload is not None:
                    sealed[delivery.delivery_uid] = payload
        results = await self._store.append(Batch(deliveries=deliveries, positions=positions, sealed=sealed))
        for position in positions:
            self.reach(position)
        for letter in sealed:
            await self._forget(letter)
        return results

    async def write_or_set_aside(self, delivery: AcceptedDelivery, positions: Sequence[Position] = ()) -> Appended:
        """Write one delivery, for triage when the store refuses it.

        Raises:
            Unavailable: the store does not answer, or refuses even that; nothing may be settled beyond it.
        """
        try:
            return (await self.write([delivery], positions))[0]
        except Unavailable:
            raise
        except Exception as error:
            log.exception("delivery_set_aside", delivery=str(delivery.delivery_uid))
            aside = _set_aside(delivery, error)
        try:
            appended = (await self.write([aside], positions))[0]
        except Unavailable:
            raise
        except Exception as error:
            raise Unavailable(f"The event store takes nothing: {type(error).__name__}") from error
        self.refused += 1
        return appended

    async def _sealed(self, letter: UUID) -> bytes | None:
        try:
            return await asyncio.to_thread(self._repair_box.take, letter)
        except OSError as error:
            # The payload stays in the box; everything that comes after it must not wait for one file.
            log.error("repair_box_unreadable", delivery=str(letter), reason=str(error))
            return None

    async def _forget(self, letter: UUID) -> None:
        try:
            await asyncio.to_thread(self._repair_box.remove, letter)
        except OSError as error:
            # It is in the store by now: what stays in the box is of no use, and expires there.
            log.warning("repair_box_not_cleared", delivery=str(letter), reason=str(error))


def _set_aside(delivery: AcceptedDelivery, error: Exception) -> AcceptedDelivery:
    """Return the delivery as one for triage: its facts stay in the archive, and are read again by a replay."""
    return replace(
        delivery, outcome=Outcome.UNKNOWN, facts=Facts(), reason=f"the event store refused it: {type(error).__name__}"
    )
