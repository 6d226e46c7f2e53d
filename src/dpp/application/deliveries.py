"""A delivery that was accepted: what the archive keeps of it and the event store writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dpp.domain.events import Facts, Outcome, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedDelivery:
    """One verified payload, normalised, with every person already hashed.

    ``channel`` is the door that it came through (``github``, ``jira``, ``deployment``, …). A payload of which
    something could not be read has the outcome ``unknown``, the facts of the rest, if any, and waits encrypted under
    its ``delivery_uid`` for repair.
    """

    delivery_uid: UUID
    received_at: datetime
    channel: str
    source: Source
    outcome: Outcome
    kind: str | None = None
    delivery_id: str | None = None
    reason: str | None = None
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of the facts of one delivery: new ones, and ones that were there already."""

    accepted: int = 0
    duplicates: int = 0

    def __add__(self, other: Appended) -> Appended:
        """Return both together."""
        return Appended(accepted=self.accepted + other.accepted, duplicates=self.duplicates + other.duplicates)
