"""Blocked time: when tickets were held up, by what, and what that costs (decision 0023).

A ticket is blocked while its flag is up. What it costs is the working time that blocked tickets would have been in
progress otherwise: time in the backlog or after the end costs nothing, whatever the flag says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.errors import InvalidInput
from dpp.domain.folded import Stays
from dpp.domain.histories import FOREVER


class Flag(NamedTuple):
    """
    A ticket's flag that was raised or lowered.

    Attributes:
        item: the ticket.
        at: microseconds.
        change: orders what happened in one instant; of equal ones raising comes first.
        is_raised: raised or lowered.
        blocking: the technology stream that the ticket is blocked by, None when nobody has told; of raised ones only.
    """

    item: str
    at: int
    change: int
    is_raised: bool
    blocking: UUID | None = None


class Spell(NamedTuple):
    """A time during which a ticket was blocked by one thing: microseconds, ``end`` ``FOREVER`` while it is."""

    item: str
    start: int
    end: int
    blocking: UUID | None


def blocked_spells(flags: Iterable[Flag]) -> list[Spell]:
    """
    Return when tickets were blocked, by ticket and time; spells of one ticket do not overlap, and last some time.

    A flag that is raised again while it is up tells what blocks from then on, unless it tells nothing; lowering a flag
    that is down does nothing. The order of the flags given does not matter.
    """
    ordered = sorted(flags, key=lambda flag: (flag.item, flag.at, flag.change, not flag.is_raised, str(flag.blocking)))
    spells: list[Spell] = []
    for _, story in groupby(ordered, key=attrgetter("item")):
        spells += _spells_of(list(story))
    return [spell for spell in spells if spell.end > spell.start]


def _spells_of(story: Sequence[Flag]) -> Iterable[Spell]:
    up: Spell | None = None
    for flag in story:
        if up is None:
            up = Spell(flag.item, flag.at, FOREVER, flag.blocking) if flag.is_raised else None
        elif not flag.is_raised:
            yield Spell(up.item, up.start, flag.at, up.blocking)
            up = None
        elif flag.blocking not in (None, up.blocking):
            yield Spell(up.item, up.start, flag.at, up.blocking)
            up = Spell(flag.item, flag.at, FOREVER, flag.blocking)
    if up is not None:
        yield up


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedParts:
    """
    What spells have in common with stays, within a window; arrays of one shape (n,).

    Attributes:
        stay: position among the stays.
        spell: position among the spells.
        start: microseconds.
        end: microseconds, after ``start``.
    """

    stay: IntArray
    spell: IntArray
    start: IntArray
    end: IntArray


def blocked_parts(spells: Sequence[Spell], *, stays: Stays, items: Sequence[str], start: int, end: int) -> BlockedParts:
    """
    Return the parts of stays during which their tickets were blocked.

    Args:
        spells: as ``blocked_spells`` returns them.
        stays: those that count, such as the ones in progress; of one ticket none overlap.
        items: what the stays' items are called; one that is not among these is blocked by nothing.
        start: microseconds; earlier parts do not count.
        end: microseconds, >= ``start``; later parts do not count.

    Raises:
        InvalidInput: the window ends before it starts.
    """
    if end < start:
        raise InvalidInput("the window ends before it starts", field="end")
    held: dict[str, list[int]] = {}
    blocked = {spell.item for spell in spells}
    concerned = np.isin(stays.item, [code for code, item in enumerate(items) if item in blocked])
    for place in np.flatnonzero(concerned).tolist():
        held.setdefault(items[stays.item[place]], []).append(place)
    pairs = [(place, number) for number, spell in enumerate(spells) for place in held.get(spell.item, ())]
    stay, spell = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    begins = np.array([one.start for one in spells], dtype=np.int64)[spell]
    ends = np.array([one.end for one in spells], dtype=np.int64)[spell]
    first = np.maximum(np.maximum(stays.entered[stay], begins), start)
    last = np.minimum(np.minimum(stays.left[stay], ends), end)
    kept = last > first
    return BlockedParts(stay=stay[kept], spell=spell[kept], start=first[kept], end=last[kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedTime:
    """
    What one cause costs.

    Attributes:
        days: working days that tickets in progress were blocked, >= 0.
        tickets: how many tickets were.
        share_pct: of all time in progress, percent, 0 to 100; None when there was none.
    """

    days: float
    tickets: int
    share_pct: float | None


def blocked_time(
    days: FloatArray, *, causes: Sequence[UUID | None], tickets: Sequence[str], total_days: float
) -> tuple[BlockedTime, Mapping[UUID | None, BlockedTime]]:
    """
    Return what being blocked costs, in all and by cause.

    Args:
        days: shape (n,), working days of each part, >= 0.
        causes: n, what each is put down to.
        tickets: n, whose time it is.
        total_days: working days that all tickets, blocked or not, were in progress.

    Returns:
        The whole, and the causes, the dearest first; the days of the causes add up to those of the whole.
    """
    groups: dict[UUID | None, list[int]] = {}
    for place, cause in enumerate(causes):
        groups.setdefault(cause, []).append(place)
    found = {cause: _cost(days[places], [tickets[it] for it in places], total_days) for cause, places in groups.items()}
    dearest = sorted(found.items(), key=lambda one: (-one[1].days, -one[1].tickets, str(one[0])))
    return _cost(days, tickets, total_days), dict(dearest)


def _cost(days: FloatArray, tickets: Sequence[str], total_days: float) -> BlockedTime:
    spent = float(np.sort(days).sum())
    # A sum of many parts may pass the whole by a rounding error.
    share = min(100 * spent / total_days, 100.0) if total_days > 0 else None
    return BlockedTime(days=spent, tickets=len(set(tickets)), share_pct=share)
