"""The very tickets behind arrivals, departures and blocked time (decision 0023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from dpp.application.flow_answers import BlockedShare, Passage
from dpp.application.flow_reader import HeldStays
from dpp.domain.arrivals import passages
from dpp.domain.blocked import Spell
from dpp.domain.calendar import from_micros
from dpp.domain.configuration import TechStream
from dpp.domain.histories import FOREVER


def passages_in(held: HeldStays, *, keys: Mapping[str, str], start: int, end: int) -> tuple[Passage, ...]:
    """
    Return the times in progress that began or ended in a window, the latest arrival first.

    Args:
        held: where tickets were since the window began.
        keys: what they are called; one that has none is left out.
        start, end: of the window, microseconds; both belong to it.
    """
    found = passages(held.stays)
    rows = zip(found.item.tolist(), found.began.tolist(), found.ended.tolist(), found.is_finished.tolist(), strict=True)
    told = [
        Passage(
            ticket_id=keys[held.items[item]],
            began_at=from_micros(began),
            ended_at=from_micros(ended) if ended <= end else None,
            has_arrived=start <= began <= end,
            is_finished=is_finished and ended <= end,
        )
        for item, began, ended, is_finished in rows
        if held.items[item] in keys and (start <= began <= end or start <= ended <= end)
    ]
    return tuple(sorted(told, key=lambda one: (-one.began_at.timestamp(), one.ticket_id)))


def blocked_shares(
    blockers: Sequence[Spell], days: Sequence[float], *, keys: Mapping[str, str], tech: Mapping[UUID, TechStream]
) -> tuple[BlockedShare, ...]:
    """
    Return what each ticket was held up by each cause, the dearest first.

    Args:
        blockers: n, what blocked during parts of stays.
        days: n, working days of the parts.
        keys: what the tickets are called; one that has none is left out.
        tech: the technology streams that may be named.
    """
    parts: dict[tuple[str, UUID | None], list[tuple[Spell, float]]] = {}
    for spell, spent in zip(blockers, days, strict=True):
        if spell.item in keys:
            cause = spell.blocking if spell.blocking in tech else None
            parts.setdefault((spell.item, cause), []).append((spell, spent))
    shares = [
        BlockedShare(
            ticket_id=keys[item],
            tech_stream=tech[cause] if cause else None,
            since=from_micros(min(spell.start for spell, _ in some)),
            is_blocked=any(spell.end == FOREVER for spell, _ in some),
            days=sum(spent for _, spent in some),
        )
        for (item, cause), some in parts.items()
    ]
    return tuple(sorted(shares, key=lambda one: (-one.days, one.ticket_id, _name(one))))


def _name(share: BlockedShare) -> str:
    return share.tech_stream.name if share.tech_stream else ""
