"""What an append reports and remembers of its deliveries, beside their facts."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ports import DeadLetter
from dpp.application.resolving import ResolvedEvent

#: A payload that nobody could read is kept for repair so long, and no longer.
DEAD_LETTERS_KEPT = timedelta(days=30)

#: Characters of a kind that are kept: the sender names it, and no database sorts names of any length.
MAX_KIND = 100


@dataclass(slots=True, kw_only=True)
class IntakeCount:
    """Deliveries of one hour, door, outcome, kind and reason; an empty text where there is none."""

    hour: datetime
    channel: str
    outcome: str
    kind: str
    reason: str
    deliveries: int = 0
    accepted: int = 0
    duplicates: int = 0
    last_at: datetime


def counted(resolved: Iterable[Sequence[ResolvedEvent]], new: Container[UUID]) -> tuple[Appended, ...]:
    """Return for each delivery how many of its facts were new.

    Args:
        resolved: the facts of each delivery, in order.
        new: the ids that the store did not have; a fact that is in the batch twice is new the first time.
    """
    seen: set[UUID] = set()
    results = []
    for items in resolved:
        accepted = 0
        for item in items:
            if item.event_id in new and item.event_id not in seen:
                seen.add(item.event_id)
                accepted += 1
        results.append(Appended(accepted=accepted, duplicates=len(items) - accepted))
    return tuple(results)


def tally(deliveries: Sequence[AcceptedDelivery], appended: Sequence[Appended]) -> list[IntakeCount]:
    """Return the counts of a batch, in the order of their keys."""
    counts: dict[tuple[object, ...], IntakeCount] = {}
    for delivery, result in zip(deliveries, appended, strict=True):
        hour = delivery.received_at.replace(minute=0, second=0, microsecond=0)
        kind = _kind(delivery) or ""
        key = (hour, delivery.channel, delivery.outcome.value, kind, delivery.reason or "")
        count = counts.get(key)
        if count is None:
            count = counts[key] = IntakeCount(
                hour=hour,
                channel=delivery.channel,
                outcome=delivery.outcome.value,
                kind=kind,
                reason=delivery.reason or "",
                last_at=delivery.received_at,
            )
        count.deliveries += 1
        count.accepted += result.accepted
        count.duplicates += result.duplicates
        count.last_at = max(count.last_at, delivery.received_at)
    return [counts[key] for key in sorted(counts, key=str)]


def dead_letter_of(delivery: AcceptedDelivery) -> DeadLetter:
    """Return what is kept of a delivery that nobody could read."""
    return DeadLetter(
        delivery_uid=delivery.delivery_uid,
        received_at=delivery.received_at,
        channel=delivery.channel,
        kind=_kind(delivery),
        reason=delivery.reason or "",
        expires_at=delivery.received_at + DEAD_LETTERS_KEPT,
    )


def _kind(delivery: AcceptedDelivery) -> str | None:
    """Return a kind that can be stored whatever the sender called it, without NUL; None where it has none."""
    return None if delivery.kind is None else delivery.kind.replace("\0", "")[:MAX_KIND]
