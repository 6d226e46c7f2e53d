"""Axes of the charts that the server draws: places in percent of the plot, so that it fits any width (§7.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import ceil, floor, log10
from typing import NamedTuple

from dpp.entrypoints.http.dashboard import manner, words

_STEPS = (1.0, 2.0, 5.0, 10.0)
STEPS_AT_MOST = 5
DAYS_AT_MOST = 5


class Tick(NamedTuple):
    """A place on an axis, percent from its left or its top, and what is written there."""

    at: float
    label: str


def place(value: float, *, end: float) -> float:
    """Return how far from the top a value lies on an axis from 0 at the bottom to ``end`` > 0, percent."""
    return round(100 - 100 * value / end, 2)


def end_of(highest: float) -> float:
    """Return a round number, a whole number of steps, that nothing exceeds; 1 when there is nothing."""
    if highest <= 0:
        return 1.0
    step = _step(highest)
    return step * max(ceil(highest / step - 1e-9), 1)


def value_ticks(end: float) -> tuple[Tick, ...]:
    """Return the marks of an axis from 0 to what ``end_of`` returned, from the bottom up."""
    step = _step(end)
    return tuple(
        Tick(place(step * number, end=end), words.number(step * number)) for number in range(_count(end, step))
    )


def day_ticks(days: Sequence[date], *, places: Sequence[float]) -> tuple[Tick, ...]:
    """
    Return marks for some days, evenly spread, the first and the last among them.

    Args:
        days: one or more, in order.
        places: where each is, percent.
    """
    count = min(len(days), DAYS_AT_MOST)
    chosen = sorted({round(number * (len(days) - 1) / max(count - 1, 1)) for number in range(count)})
    return tuple(Tick(places[number], manner.reader().short_day(days[number])) for number in chosen)


def _step(highest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least 1, of which ``STEPS_AT_MOST`` reach to a value."""
    rough = max(highest / STEPS_AT_MOST, 1.0)
    power = 10.0 ** floor(log10(rough))
    return power * next(step for step in _STEPS if step * power >= rough - 1e-9)


def _count(end: float, step: float) -> int:
    return floor(end / step + 1e-9) + 1
