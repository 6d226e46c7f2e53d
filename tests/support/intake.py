"""What surrounds an intake, in memory, with faults that a test switches on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.events import MemoryEventStore
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ports import Batch, RepairBox, Sealer
from dpp.domain.events import Outcome, Source
from tests.support.access import START

UNREADABLE = b'{"nobody":"knows"}'
"""A record that is whole, and no delivery."""


class Reversed(Sealer):
    """Hides a payload well enough for a test."""

    def seal(self, payload: bytes, *, associated: bytes) -> bytes:
        """Return it backwards."""
        return payload[::-1]

    def open(self, sealed: bytes, *, associated: bytes) -> bytes:
        """Return it forwards."""
        return sealed[::-1]


@dataclass
class Box(RepairBox):
    """A repair box in memory; ``cannot_take`` and ``cannot_remove`` are a disk that does not let it."""

    held: dict[UUID, bytes] = field(default_factory=dict)
    cannot_take: bool = False
    cannot_remove: bool = False

    def put(self, letter: UUID, sealed: bytes) -> None:
        """Keep."""
        self.held[letter] = sealed

    def take(self, letter: UUID) -> bytes | None:
        """Look."""
        if self.cannot_take:
            raise PermissionError("no reading here")
        return self.held.get(letter)

    def remove(self, letter: UUID) -> None:
        """Forget."""
        if self.cannot_remove:
            raise PermissionError("no writing here")
        self.held.pop(letter, None)


class Store(MemoryEventStore):
    """Remembers its batches, and refuses the kind ``poison``, with the whole batch, until it comes for triage.

    ``errors`` are raised one at each call, from the first on; None among them lets a call through.
    """

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database=database)
        self.database = database
        self.batches: list[Batch] = []
        self.errors: list[Exception | None] = []
        self.refuses_everything = False
        self.asked = 0

    async def append(self, batch: Batch) -> tuple[Appended, ...]:
        """Write what is not poisoned."""
        self._fail()
        if self.refuses_everything:
            raise ValueError("nothing at all")
        if any(row.kind == "poison" and row.outcome is not Outcome.UNKNOWN for row in batch.deliveries):
            raise ValueError("poison")
        done = await super().append(batch)
        self.batches.append(batch)
        return done

    async def settled(self) -> Mapping[str, int]:
        """Tell how far it has got, and count who asks."""
        self.asked += 1
        self._fail()
        return await super().settled()

    def _fail(self) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error

    def written(self, kind: str, *, outcome: Outcome | None = None) -> int:
        """Return how many deliveries of a kind it has counted."""
        return sum(
            row.deliveries
            for row in self.database.intake_counts.values()
            if row.kind == kind and outcome in (None, row.outcome)
        )

    def counted(self, channel: str) -> dict[tuple[str, str], int]:
        """Return the deliveries of a door by outcome and reason."""
        return {
            (row.outcome, row.reason): row.deliveries
            for row in self.database.intake_counts.values()
            if row.channel == channel
        }


def delivery(number: int, kind: str = "push", outcome: Outcome = Outcome.UNDERSTOOD) -> AcceptedDelivery:
    """Return a delivery without facts."""
    return AcceptedDelivery(
        delivery_uid=UUID(int=number),
        received_at=START,
        channel="github",
        source=Source.GITHUB,
        outcome=outcome,
        kind=kind,
    )


def record(number: int, kind: str = "push", outcome: Outcome = Outcome.UNDERSTOOD) -> bytes:
    """Return the same as the archive keeps it."""
    return JsonDeliveryCodec().encode(delivery(number, kind, outcome))
