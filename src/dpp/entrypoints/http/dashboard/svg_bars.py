"""What came into progress against what left it, week by week, as bars side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dpp.application.flow_answers import FlowSpan
from dpp.entrypoints.http.dashboard.svg_axes import Tick, day_ticks, end_of, place, value_ticks

FILLED = 0.7
"""How much of a week's width its two bars take together."""


class Bar(NamedTuple):
    """A bar that stands on the bottom: percent of the plot."""

    x: float
    y: float
    width: float
    height: float


class Pair(NamedTuple):
    """A week's bars; the last week is running and therefore not comparable yet."""

    begins: date
    arrived: int
    departed: int
    arrived_bar: Bar
    departed_bar: Bar
    is_running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What there is to draw."""

    pairs: tuple[Pair, ...]
    values: tuple[Tick, ...]
    weeks: tuple[Tick, ...]


def bars(weeks: Sequence[FlowSpan]) -> Bars | None:
    """Return the bars of one or more weeks in order, of which the last is running; None when nothing came or went."""
    highest = max((max(week.arrived, week.departed) for week in weeks), default=0)
    if not highest:
        return None
    end, width = end_of(float(highest)), 100 / len(weeks)
    middles = [round(width * (number + 0.5), 2) for number in range(len(weeks))]
    return Bars(
        pairs=tuple(
            _pair(week, middle, width=width * FILLED / 2, end=end, is_running=week is weeks[-1])
            for week, middle in zip(weeks, middles, strict=True)
        ),
        values=value_ticks(end),
        weeks=day_ticks([week.begins for week in weeks], places=middles),
    )


def _pair(week: FlowSpan, middle: float, *, width: float, end: float, is_running: bool) -> Pair:
    return Pair(
        begins=week.begins,
        arrived=week.arrived,
        departed=week.departed,
        arrived_bar=_bar(middle - width, width, value=week.arrived, end=end),
        departed_bar=_bar(middle, width, value=week.departed, end=end),
        is_running=is_running,
    )


def _bar(x: float, width: float, *, value: int, end: float) -> Bar:
    y = place(value, end=end)
    return Bar(round(x, 2), y, round(width, 2), round(100 - y, 2))
