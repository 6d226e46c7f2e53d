"""Rows about where tickets are and were, for figures over time (decision 0023)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

import numpy as np

from dpp.application.views import View, Window
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.folded import Stays
from dpp.domain.histories import UNTOLD
from dpp.domain.positions import IS_ACTIVE, STAGE_OF, STAGES

#: The position of a stage, by its name and whether it is worked in.
POSITIONS: Mapping[tuple[str, bool], int] = {
    (STAGES[stage], active): position
    for position, (stage, active) in enumerate(zip(STAGE_OF.tolist(), IS_ACTIVE.tolist(), strict=True))
}


class UnfinishedRow(NamedTuple):
    """
    A ticket that is neither done nor cancelled nor deleted.

    Attributes:
        ticket_id: its key as of the view's moment.
        delivery_stream_id: its delivery stream then.
        stage: where it is; ``unmapped`` is a stage here.
        active: whether that is a position of work.
        first_in_progress: microseconds at which somebody first worked on it; None if nobody had by the view's moment.
    """

    issue_id: str
    ticket_id: str
    delivery_stream_id: UUID | None
    stage: str
    active: bool
    first_in_progress: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStays:
    """
    Where tickets were while the view showed them; n rows, by ticket and time.

    A ticket that came to a stream, or left it, in the midst of a stay has the part of the stay that belongs to the
    stream: so figures of a stream at a moment are those of the tickets that it had then.

    Attributes:
        items: identities of the tickets; a stay's ``item`` is a position in it.
        stays: of n rows; what the ticket's status was is not told.
        delivery_streams: what the next column means.
        stream_of: shape (n,), the delivery stream of each row, as a position in ``delivery_streams``.
    """

    items: tuple[str, ...]
    stays: Stays
    delivery_streams: tuple[UUID | None, ...]
    stream_of: IntArray

    @classmethod
    def of(cls, rows: Sequence[tuple[str, UUID | None, str, bool, int, int]]) -> HeldStays:
        """Return them from rows: identity, delivery stream, stage, active, entered, left; in order."""
        items = {item: number for number, item in enumerate(dict.fromkeys(row[0] for row in rows))}
        streams = {stream: number for number, stream in enumerate(dict.fromkeys(row[1] for row in rows))}
        return cls(
            items=tuple(items),
            stays=Stays(
                item=np.array([items[row[0]] for row in rows], dtype=np.int64),
                entered=np.array([row[4] for row in rows], dtype=np.int64),
                left=np.array([row[5] for row in rows], dtype=np.int64),
                position=np.array([POSITIONS[row[2], row[3]] for row in rows], dtype=np.int8),
                status_code=np.full(len(rows), UNTOLD, dtype=np.int32),
            ),
            delivery_streams=tuple(streams),
            stream_of=np.array([streams[row[1]] for row in rows], dtype=np.int64),
        )

    def only(self, chosen: BoolArray | IntArray) -> HeldStays:
        """Return some of the rows: those marked, shape (n,), or those at places, in their order."""
        held = self.stays
        return HeldStays(
            items=self.items,
            stays=Stays(
                item=held.item[chosen],
                entered=held.entered[chosen],
                left=held.left[chosen],
                position=held.position[chosen],
                status_code=held.status_code[chosen],
            ),
            delivery_streams=self.delivery_streams,
            stream_of=self.stream_of[chosen],
        )


class FlowReader(Protocol):
    """Rows about positions, filtered by a view."""

    @abstractmethod
    async def unfinished(self, view: View) -> Sequence[UnfinishedRow]:
        """Return the unfinished tickets as of the view's moment, by key."""

    @abstractmethod
    async def keys(self, view: View, items: Collection[str]) -> Mapping[str, str]:
        """Return what tickets that the view showed at some time up to its moment were called when it last did.

        By identity; those that it never showed in any stage but ``cancelled`` and ``deleted`` are absent.
        """

    @abstractmethod
    async def held(self, view: View, *, window: Window, naming: Collection[str] | None = None) -> HeldStays:
        """Return where tickets were at some time from the window's start up to the view's moment.

        ``naming`` are the tickets whose identities are wanted, None for all. Given it, ``items`` has no others: a stay
        of another ticket has an ``item`` beyond it that only tells its ticket apart, and the order of the rows is any.

        All stays that had not ended before the window began, but those in ``cancelled`` and ``deleted``; of ``done``
        those that began in it. What began after the view's moment is left out; what ended after it is as it turned out.
        """
