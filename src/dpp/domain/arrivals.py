"""Arrivals against departures: whether more is begun than finished (decision 0023).

Work arrives when a ticket comes into one of the stages of work in progress, and departs when it leaves them, be it
done, cancelled, put back, or given to others. So what arrived less what departed is the change of work in progress.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.folded import Stays
from dpp.domain.local_days import Buckets
from dpp.domain.positions import DONE, STAGE_OF, STAGES
from dpp.domain.stages import WIP_STAGES

_IN_PROGRESS: BoolArray = np.isin(STAGE_OF, [STAGES.index(stage.value) for stage in WIP_STAGES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """
    What came and went, by bucket; arrays of shape (k,).

    Attributes:
        opening: work in progress right before the first bucket.
        arrived: tickets that came into progress; one that comes back counts again.
        departed: tickets that left it, wherever they went.
        finished: tickets that were done, wherever they came from.
    """

    opening: int
    arrived: IntArray
    departed: IntArray
    finished: IntArray

    @property
    def in_progress(self) -> IntArray:
        """Work in progress at the end of each bucket."""
        return self.opening + np.cumsum(self.arrived - self.departed)


def arrivals(stays: Stays, *, buckets: Buckets) -> Arrivals:
    """
    Return what came and went.

    Args:
        stays: in any order; of one ticket none overlap. Those that ended before the first bucket change nothing.
        buckets: k spans of time.
    """
    (found,) = arrivals_in(stays, buckets=[buckets])
    return found


def arrivals_in(stays: Stays, *, buckets: Sequence[Buckets]) -> list[Arrivals]:
    """Return the same for several divisions of time, one after the other."""
    in_progress, done = _runs(stays, _IN_PROGRESS[stays.position]), _runs(stays, stays.position == DONE)
    return [_arrivals(in_progress.began, in_progress.ended, done.began, buckets=some) for some in buckets]


class Passages(NamedTuple):
    """
    Times that tickets spent in progress without a break; arrays of shape (n,), by ticket and time.

    Attributes:
        item: the ticket, as in the stays.
        began: when it came into progress, microseconds.
        ended: when it left it; ``FOREVER`` while it has not.
        is_finished: whether it was done then.
    """

    item: IntArray
    began: IntArray
    ended: IntArray
    is_finished: BoolArray


def passages(stays: Stays) -> Passages:
    """
    Return when each ticket came into progress and left it: what ``arrivals`` counts, one by one.

    Args:
        stays: in any order; of one ticket none overlap. None gives none.
    """
    found, done = _runs(stays, _IN_PROGRESS[stays.position]), _runs(stays, stays.position == DONE)
    ends = set(zip(done.item.tolist(), done.began.tolist(), strict=True))
    finished = [one in ends for one in zip(found.item.tolist(), found.ended.tolist(), strict=True)]
    return Passages(found.item, found.began, found.ended, np.array(finished, dtype=np.bool_))


def _arrivals(entered: IntArray, left: IntArray, done: IntArray, *, buckets: Buckets) -> Arrivals:
    first = buckets.edges[0]
    return Arrivals(
        opening=int(((entered < first) & (left >= first)).sum()),
        arrived=buckets.count(entered),
        departed=buckets.count(left),
        finished=buckets.count(done),
    )


def in_progress(stays: Stays) -> BoolArray:
    """Tell which stays are in one of the stages of work in progress."""
    found: BoolArray = _IN_PROGRESS[stays.position]
    return found


def _in_order(item: IntArray, entered: IntArray) -> bool:
    same = item[1:] == item[:-1]
    return bool(np.all((item[1:] > item[:-1]) | (same & (entered[1:] >= entered[:-1]))))


class _Runs(NamedTuple):
    item: IntArray
    began: IntArray
    ended: IntArray


def _runs(stays: Stays, chosen: BoolArray) -> _Runs:
    """Return when the runs of chosen stays that follow each other without a gap began and ended."""
    rows = np.flatnonzero(chosen)
    if not _in_order(stays.item[rows], stays.entered[rows]):
        rows = rows[np.lexsort((stays.entered[rows], stays.item[rows]))]
    item, entered, left = stays.item[rows], stays.entered[rows], stays.left[rows]
    begins = np.ones(len(rows), dtype=np.bool_)
    begins[1:] = (item[1:] != item[:-1]) | (entered[1:] != left[:-1])
    ends = np.ones(len(rows), dtype=np.bool_)
    ends[:-1] = begins[1:]
    return _Runs(item[begins], entered[begins], left[ends])
