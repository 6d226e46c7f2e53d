"""Which breakdowns by person may be told together, so that no difference of them shows a small team (§4.6).

Whoever subtracts the breakdown of thirty days from that of ninety, or that of one stream from that of all, gets the
breakdown of the rest. So a breakdown is told only when its own group is large enough, and when every rest that it
leaves beside the ones told before it is either empty or large enough too. Short windows come before long ones, single
technology streams before delivery streams, and these before everything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.domain.privacy import suppressed


class Contribution(NamedTuple):
    """
    What one person did, in some span of time, for pull requests or tickets of the same streams.

    ``person`` is a hash, ``reviews`` how many reviews of other people's changes they submitted: 0 for who was only an
    author or an assignee.
    """

    delivery_stream_id: UUID | None
    tech_stream_ids: tuple[UUID, ...]
    person: str
    reviews: int


class Breakdown(NamedTuple):
    """A breakdown that may be asked for: of which stream, None for all, and over how many of the spans."""

    stream_id: UUID | None
    spans: int


def minimum_contributors(configuration: Configuration, stream_id: UUID | None) -> int:
    """Return the fewest people of a stream among whom nobody is recognised: its own number, else the platform's."""
    streams: tuple[DeliveryStream | TechStream, ...] = (*configuration.delivery_streams, *configuration.tech_streams)
    own = next((stream.minimum_contributors for stream in streams if stream.stream_id == stream_id), None)
    return configuration.platform.minimum_contributors if own is None else own


def contributors(contributions: Iterable[Contribution]) -> int:
    """Return how many different people there are."""
    return len({contribution.person for contribution in contributions})


def told_breakdowns(
    spans: Sequence[Sequence[Contribution]], *, minimum_of: Callable[[UUID | None], int]
) -> frozenset[Breakdown]:
    """
    Return the breakdowns that may all be told to one person.

    Args:
        spans: contributions of neighbouring spans of time, the latest span first: the first one is the shortest window,
            the first two together the next longer one, and so on.
        minimum_of: fewest people of a stream, and of all with None.

    Returns:
        For every pair of them of which one is part of the other, the people of the rest number none, or no fewer than
        the larger of both minimums; the same holds for the rest beside all that are part of it together.
    """
    ledger = _Ledger(list(chain.from_iterable(spans)), minimum_of)
    ends = accumulate(map(len, spans))
    for number, end in enumerate(ends, start=1):
        for level, stream_ids in enumerate(ledger.streams()):
            for stream_id in stream_ids:
                ledger.consider(Breakdown(stream_id, number), level=level, end=end)
    return frozenset(group.breakdown for group in ledger.told)


class _Group(NamedTuple):
    """The contributions of a breakdown, and those of them with reviews, as positions in the list of all.

    ``level`` is the kind of stream, in the order of ``_Ledger.streams``.
    """

    breakdown: Breakdown
    level: int
    minimum: int
    rows: frozenset[int]
    reviews: frozenset[int]

    def holds(self, other: _Group) -> bool:
        """Whether the other's breakdown is part of this one; one without reviews tells nothing."""
        return bool(other.reviews) and self.reviews >= other.reviews

    def is_sibling(self, other: _Group) -> bool:
        return (self.level, self.breakdown.spans) == (other.level, other.breakdown.spans)


class _Ledger:
    """The breakdowns told so far."""

    def __init__(self, rows: Sequence[Contribution], minimum_of: Callable[[UUID | None], int]) -> None:
        self.told: list[_Group] = []
        self._rows = rows
        self._minimum_of = minimum_of
        self._tech: dict[UUID, list[int]] = {}
        self._delivery: dict[UUID, list[int]] = {}
        first = 0
        # Rows of the same streams mostly follow each other.
        for (delivery, tech), same in groupby(rows, key=itemgetter(0, 1)):
            after = first + sum(1 for _ in same)
            for stream in tech:
                self._tech.setdefault(stream, []).extend(range(first, after))
            if delivery is not None:
                self._delivery.setdefault(delivery, []).extend(range(first, after))
            first = after
        self._reviewed = frozenset(position for position, row in enumerate(rows) if row.reviews)

    def streams(self) -> tuple[Sequence[UUID | None], ...]:
        """Return the streams to consider, by kind: technology, delivery, all."""
        return sorted(self._tech), sorted(self._delivery), (None,)

    def consider(self, breakdown: Breakdown, *, level: int, end: int) -> None:
        """Tell a breakdown of the first ``end`` contributions unless it would show a small team."""
        group = self._group(breakdown, level, end)
        if self._is_large(group, [], group.minimum) and self._is_safe(group):
            self.told.append(group)

    def _group(self, breakdown: Breakdown, level: int, end: int) -> _Group:
        stream = breakdown.stream_id
        known = range(end) if stream is None else self._tech.get(stream) or self._delivery[stream]
        # Positions are in order.
        rows = frozenset(known[: bisect_left(known, end)])
        return _Group(breakdown, level, self._minimum_of(stream), rows, rows & self._reviewed)

    def _is_safe(self, group: _Group) -> bool:
        inside = [other for other in self.told if group.holds(other)]
        around = [other for other in self.told if other.holds(group)]
        return (
            all(self._leaves_no_small_rest(group, [other]) for other in inside)
            and all(self._leaves_no_small_rest(group, siblings) for siblings in _families(inside))
            and all(self._leaves_no_small_rest(other, [group]) for other in around)
            and all(self._leaves_no_small_rest(other, [group, *self._siblings(group, other)]) for other in around)
        )

    def _siblings(self, group: _Group, outer: _Group) -> list[_Group]:
        return [other for other in self.told if other.is_sibling(group) and outer.holds(other)]

    def _leaves_no_small_rest(self, outer: _Group, inner: Sequence[_Group]) -> bool:
        # All of them are parts, so that equal numbers of reviews are the same reviews.
        if len(outer.reviews) == len(frozenset[int]().union(*(group.reviews for group in inner))):
            return True
        return self._is_large(outer, inner, max(group.minimum for group in (outer, *inner)))

    def _is_large(self, outer: _Group, inner: Sequence[_Group], minimum: int) -> bool:
        """Tell whether enough people contributed to a group and not to its parts; looks no further than it must."""
        told = inner[0].rows if len(inner) == 1 else frozenset[int]().union(*(group.rows for group in inner))
        people: set[str] = set()
        for row in outer.rows:
            if row not in told:
                people.add(self._rows[row].person)
                if not suppressed(contributors=len(people), minimum=minimum):
                    return True
        return not suppressed(contributors=len(people), minimum=minimum)


def _families(groups: Sequence[_Group]) -> list[list[_Group]]:
    """Return groups of one kind and window together: whoever adds their breakdowns up knows that of their union."""
    families: dict[tuple[int, int], list[_Group]] = {}
    for group in groups:
        families.setdefault((group.level, group.breakdown.spans), []).append(group)
    return list(families.values())
