"""How far the missing could move a figure: the least and the most that it can be, whichever of them belong to it.

What is missing may belong to a figure or not, each thing by itself. The bounds are those over every choice of them, and
both come true for one: so a reader sees whether the gap matters (decision 0026).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    Between what a figure lies, in its unit.

    Attributes:
        low: the least.
        high: the most, >= ``low``.
        missing: how many things there are that may belong to it or count otherwise than they do, >= 1.

    Raises:
        InvalidInput: nothing is missing, or the least is more than the most.
    """

    low: float
    high: float
    missing: int

    def __post_init__(self) -> None:
        if self.missing < 1 or not self.low <= self.high:
            raise InvalidInput(f"{self.missing} missing cannot move a figure from {self.low} to {self.high}")


def count_bounds(count: float, *, missing: int, each: float = 1.0) -> Bounds | None:
    """
    Return the bounds of a count, or of what is a multiple of one.

    Args:
        count: without the missing, >= 0.
        missing: how many may belong to it, >= 0; None comes back for 0.
        each: what one of them adds, >= 0.
    """
    return Bounds(low=float(count), high=count + missing * each, missing=missing) if missing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """
    What may belong to a rate beside what is in it, by what is known of it; counts >= 0.

    Attributes:
        hits: would be among those that the rate is the share of.
        misses: would be in the total alone.
        unknown: could be either.
    """

    hits: int = 0
    misses: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.hits + self.misses + self.unknown


NOTHING_MISSING = Missing()


def rate_bounds(*, hits: int, total: int, undecided: int = 0, missing: Missing = NOTHING_MISSING) -> Bounds | None:
    """
    Return the bounds of a rate, with all missing counted against it, and all for it.

    Args:
        hits: what the rate is the share of, >= 0.
        total: everything in it, >= ``hits`` + ``undecided``.
        undecided: those in the total, and not among the hits, that may be hits for all that is known.
        missing: those that may belong to the rate.

    Returns:
        Percent; None when nothing is undecided or missing.

    Raises:
        InvalidInput: more are hits or undecided than there are.
    """
    if min(hits, undecided) < 0 or hits + undecided > total:
        raise InvalidInput(f"{hits} and {undecided} of {total} cannot be", field="hits")
    count = undecided + missing.total
    if not count:
        return None
    against = total + missing.misses + missing.unknown
    favourable = total + missing.hits + missing.unknown
    # With nothing but hits, or but misses, at hand there is no rate without them.
    low = 100 * hits / against if against else 100.0
    high = 100 * (hits + undecided + missing.hits + missing.unknown) / favourable if favourable else 0.0
    return Bounds(low=low, high=high, missing=count)


def mean_bounds(known: FloatArray, missing: FloatArray) -> Bounds | None:
    """
    Return the bounds of a mean.

    Args:
        known: shape (n,), finite numbers.
        missing: shape (m,), the values of those that may belong to the sample.

    Returns:
        In the unit of the values; None when m is 0.
    """
    if not missing.size:
        return None
    ascending = np.sort(missing)
    low, high = (pick(_means(known, part)) for pick, part in ((np.min, ascending), (np.max, ascending[::-1])))
    return Bounds(low=float(low), high=float(high), missing=int(missing.size))


def _means(known: FloatArray, missing: FloatArray) -> FloatArray:
    """Return the mean with none, one, two, … of the missing; without the first where there would be nothing."""
    sums = np.cumsum(np.concatenate(([known.sum()], missing)))
    sizes = np.arange(known.size, known.size + missing.size + 1)
    first = 0 if known.size else 1
    means: FloatArray = sums[first:] / sizes[first:]
    return means


def percentile_bounds(known: FloatArray, missing: FloatArray, *, p: float) -> Bounds | None:
    """
    Return the bounds of a percentile, with linear interpolation.

    Of so many missing the lowest give the least percentile, and the highest the greatest; how many do is tried.

    Args:
        known: shape (n,), finite numbers.
        missing: shape (m,), the values of those that may belong to the sample.
        p: percent, 0 to 100.

    Returns:
        In the unit of the values; None when m is 0.
    """
    if not missing.size:
        return None
    # The greatest percentile p of a sample is the least percentile 100 - p of its opposite.
    low = _least(np.sort(known), np.sort(missing), share=p / 100)
    high = -_least(np.sort(-known), np.sort(-missing), share=1 - p / 100)
    return Bounds(low=low, high=max(low, high), missing=int(missing.size))


def _least(known: FloatArray, missing: FloatArray, *, share: float) -> float:
    """Return the least quantile of the known with none, one, two, … of the missing; both ascending."""
    taken = np.arange(0 if known.size else 1, missing.size + 1)
    place = (known.size + taken - 1) * share
    below = np.floor(place).astype(np.int64)
    lower = _ranked(known, missing, taken=taken, rank=below)
    upper = _ranked(known, missing, taken=taken, rank=np.minimum(below + 1, known.size + taken - 1))
    return float(np.min(lower + (upper - lower) * (place - below)))


def _ranked(known: FloatArray, missing: FloatArray, *, taken: IntArray, rank: IntArray) -> FloatArray:
    """Return of the known and the first so many missing the value of a rank; shape (k,), as ``taken`` and ``rank``."""
    before = np.searchsorted(missing, known, side="right")
    # How many of the known are among the first rank + 1: their ranks rise, so that halving finds it for all at once.
    low, high = np.zeros(taken.size, dtype=np.int64), np.full(taken.size, known.size, dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        is_open = low < high
        at = np.minimum(middle, max(known.size - 1, 0))
        fits = is_open & (at + np.minimum(taken, before[at]) <= rank) if known.size else np.zeros_like(is_open)
        low = np.where(fits, middle + 1, low)
        high = np.where(is_open & ~fits, middle, high)
    others = rank + 1 - low
    of_known = known[np.maximum(low - 1, 0)] if known.size else np.full(taken.size, -np.inf)
    of_missing = missing[np.maximum(others - 1, 0)]
    last: FloatArray = np.maximum(np.where(low > 0, of_known, -np.inf), np.where(others > 0, of_missing, -np.inf))
    return last
