"""Futures drawn from the past: sums of random draws from a sample, period by period.

The draws are taken from the raw output of numpy's PCG64, which numpy promises never to change, and not through a
method of its generators, which it may improve: a stored seed and sample give the same numbers after any upgrade.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np

from dpp.domain.arrays import IntArray
from dpp.domain.errors import InvalidInput, NotEnoughData

_SEED_BITS = 63
"""A seed fits into a signed 64-bit column."""


def seed_of(*, stream: UUID | None, day: date) -> int:
    """Return the seed of what is drawn for a stream (or a sprint; None for all) on a day, 0 to 2^63 - 1."""
    digest = hashlib.sha256(f"{stream}\x1f{day.isoformat()}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SEED_BITS)


def running_totals(sample: IntArray, *, seed: int, runs: int) -> Iterator[IntArray]:
    """
    Yield what each run has drawn in total after the first period, after the second, and so on without an end.

    Args:
        sample: shape (n,), int64, >= 0: what was done in each past period. Every one is as likely as the others.
        seed: 0 or above; the same seed, sample and runs give the same numbers on every machine.
        runs: how many futures, >= 1.

    Yields:
        Shape (runs,), int64: always the same array, brought up to date in place.

    Raises:
        NotEnoughData: n is 0.
        InvalidInput: a number of the sample or the seed is negative, or there is no run.
    """
    _check(sample, seed=seed, runs=runs)
    return _totals(sample, seed=seed, runs=runs)


def _check(sample: IntArray, *, seed: int, runs: int) -> None:
    if not sample.size:
        raise NotEnoughData("there is nothing to draw from an empty sample")
    if int(sample.min()) < 0:
        raise InvalidInput("a sample counts what was done and holds nothing negative", field="sample")
    if seed < 0:
        raise InvalidInput(f"the seed {seed} is negative", field="seed")
    if runs < 1:
        raise InvalidInput(f"{runs} runs are none", field="runs")


def _totals(sample: IntArray, *, seed: int, runs: int) -> Iterator[IntArray]:
    bits, size = np.random.PCG64(seed), np.uint64(sample.size)
    totals = np.zeros(runs, dtype=np.int64)
    while True:
        # Two draws from each 64 bits; the upper half of 32 bits times n is a place in the sample, and each of them is
        # as likely as the next but for n / 2^32.
        raw = bits.random_raw((runs + 1) // 2).astype("<u8", copy=False).view("<u4")[:runs]
        places = np.multiply(raw, size, dtype=np.uint64) >> np.uint64(32)
        totals += sample.take(places.view(np.int64))
        yield totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """
    What each of many runs has done in a number of periods.

    Attributes:
        totals: shape (runs,), in ascending order, items.
    """

    totals: IntArray

    def chance_pct(self, items: int) -> float:
        """Return how many runs have done at least so many items, in percent."""
        reached = self.totals.size - int(np.searchsorted(self.totals, items, side="left"))
        return 100.0 * reached / self.totals.size

    def items_at(self, confidence_pct: float) -> int:
        """Return the largest number of items that at least so many percent of the runs have done.

        Raises:
            InvalidInput: the confidence is not above 0 and at most 100.
        """
        if not 0 < confidence_pct <= 100:
            raise InvalidInput(
                f"confidence is {confidence_pct}; give percent, above 0 and up to 100", field="confidence"
            )
        # Rounded first, so that what floats make of 70 % of 1,000 runs is 700 and not one more.
        needed = max(1, math.ceil(round(confidence_pct * self.totals.size / 100, 6)))
        return int(self.totals[self.totals.size - needed])

    def cut_for(self, items: int, *, confidence_pct: float) -> int:
        """Return how many of the items must go at least, so that the rest is done with that confidence; 0 for none.

        Raises:
            InvalidInput: the confidence is not above 0 and at most 100.
        """
        return max(0, items - self.items_at(confidence_pct))


def outcomes(*, sample: IntArray, periods: int, seed: int, runs: int) -> Outcomes:
    """
    Return what runs do in a number of periods.

    Args:
        sample: shape (n,), items of each past period, >= 0.
        periods: 0 or more; in none nothing is done, and no sample is needed.
        seed: as for ``running_totals``; the runs are the same ones.
        runs: how many, >= 1.

    Raises:
        NotEnoughData: there are periods and n is 0.
        InvalidInput: an argument lies outside its range.
    """
    if periods < 0:
        raise InvalidInput(f"{periods} periods cannot be", field="periods")
    if not periods:
        return Outcomes(totals=np.zeros(max(runs, 1), dtype=np.int64))
    totals = running_totals(sample, seed=seed, runs=runs)
    for _ in range(periods - 1):
        next(totals)
    return Outcomes(totals=np.sort(next(totals)))


def as_sample(counts: Sequence[int]) -> IntArray:
    """Return counts as the array that is drawn from."""
    return np.array(counts, dtype=np.int64)
