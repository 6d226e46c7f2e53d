"""Percentiles and means of what counts at each of many moments, sorted and added up once for all of them.

The samples of two days in a row have most of their values in common. So no sample is gone over by itself: each value is
looked at once, with the span of moments at which it counts. The results are, to the last digit, those of
``percentiles`` and ``mean`` of every sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.moments import Spans, counts, sums
from dpp.domain.percentiles import checked_percents, checked_values, interpolated, percentiles

_PART_BITS = 26
_LEAST_EXPONENT = -1074
"""Of the smallest number above 0 that a float can be."""


def percentiles_at(values: FloatArray, spans: Spans, *, moments: int, ps: Sequence[float]) -> FloatArray:
    """
    Return percentiles of the values that count at each moment, each as ``percentile`` of them.

    Args:
        values: shape (n,), in any order and unit; finite numbers where they count at all.
        spans: n of them, the moments at which each value counts.
        moments: how many there are, k.
        ps: percent, 0 to 100.

    Returns:
        Shape (len(ps), k), in the unit of the values; nan at moments at which nothing counts.

    Raises:
        InvalidInput: a percent lies outside 0 to 100, or a value that counts is not finite.
    """
    found = np.full((len(checked_percents(ps)), moments), np.nan)
    counted, spans = _counted(values, spans)
    sizes = counts(spans, moments=moments)
    at = np.flatnonzero(sizes)
    if moments == 1 and at.size:
        # A single sample has nothing in common with another one.
        found[:, 0] = percentiles(counted, ps)
    elif at.size:
        ranked = _Ranked.of(counted, spans, moments=moments)
        for row, p in enumerate(ps):
            found[row, at] = interpolated(partial(ranked.values, at), sizes[at], p)
    return found


def means_at(values: FloatArray, spans: Spans, *, moments: int) -> FloatArray:
    """
    Return the mean of the values that count at each moment, each as ``mean`` of them.

    Args:
        values: shape (n,), n up to 2 ** 27; finite numbers where they count at all.
        spans: n of them, the moments at which each value counts.
        moments: how many there are, k.

    Returns:
        Shape (k,), in the unit of the values; nan at moments at which nothing counts.

    Raises:
        InvalidInput: a value that counts is not finite.
    """
    counted, spans = _counted(values, spans)
    parts = [sums(part, spans, moments=moments).tolist() for part in _parts(counted)]
    sizes = counts(spans, moments=moments).tolist()
    # Sums of parts are exact, so that rounding their sum rounds once, as ``mean`` does.
    totals = map(math.fsum, zip(*parts, strict=True)) if parts else [0.0] * moments
    return np.array([total / size if size else np.nan for total, size in zip(totals, sizes, strict=True)])


def _counted(values: FloatArray, spans: Spans) -> tuple[FloatArray, Spans]:
    """Return the values that count at any moment, with their spans."""
    lasting = np.flatnonzero(spans.last > spans.first)
    return checked_values(values[lasting]), spans.at(lasting)


def _parts(values: FloatArray) -> Iterator[FloatArray]:
    """Return what the values are sums of: whole multiples, below 2 ** 26, of one unit, then of one that is finer.

    However many values there are, as long as it is no more than 2 ** 27, a float holds the sum of such parts exactly.
    """
    while values.any():
        exponent = math.frexp(float(np.abs(values).max()))[1]
        unit = math.ldexp(1.0, max(exponent - _PART_BITS, _LEAST_EXPONENT))
        part = np.trunc(values / unit) * unit
        yield part
        values = values - part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    """
    n values in order, in blocks of equal length: a rank leads to its block, and only that is looked through.

    Attributes:
        ordered: shape (n,), ascending.
        spans: n of them, the moments at which each counts.
        length: of a block; the last may be shorter.
        held: shape (blocks, k), how many of each block count at each moment.
        reached: shape (blocks, k), the same of each block and those before it.
    """

    ordered: FloatArray
    spans: Spans
    length: int
    held: IntArray
    reached: IntArray

    @classmethod
    def of(cls, values: FloatArray, spans: Spans, *, moments: int) -> _Ranked:
        """Put values in order that all count at some of so many moments, one of them at least."""
        order = np.argsort(values)
        # A block is looked through for every rank, the list of blocks for every moment too: half the root suits both.
        length = max(math.isqrt(order.size) // 2, 1)
        spans = spans.at(order)
        held = _held(spans, block=np.arange(order.size) // length, moments=moments)
        return cls(ordered=values[order], spans=spans, length=length, held=held, reached=np.cumsum(held, axis=0))

    def values(self, at: IntArray, rank: IntArray) -> FloatArray:
        """Return the value of a rank, from 0, among those that count at a moment; shape (m,), as both arguments."""
        block = np.count_nonzero(self.reached[:, at] <= rank, axis=0)
        left = rank - self.reached[block, at] + self.held[block, at]
        begin, moment = (block * self.length)[:, None], at[:, None]
        # Beyond the end the last one stands in: the wanted one has come by then.
        members = np.minimum(begin + np.arange(self.length), self.ordered.size - 1)
        counted = (self.spans.first[members] <= moment) & (moment < self.spans.last[members])
        ahead = np.count_nonzero(np.cumsum(counted, axis=1) <= left[:, None], axis=1)
        found: FloatArray = self.ordered[begin[:, 0] + ahead]
        return found


def _held(spans: Spans, *, block: IntArray, moments: int) -> IntArray:
    # Blocks one after the other on one line, each with a stretch of its own.
    stretch, blocks = moments + 1, int(block[-1]) + 1
    line = Spans(first=block * stretch + spans.first, last=block * stretch + spans.last)
    return counts(line, moments=blocks * stretch).reshape(blocks, stretch)[:, :moments]
