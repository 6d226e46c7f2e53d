"""Tickets by stage over days as bands upon each other: what is done at the bottom, what was begun last on top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from dpp.application.flow_answers import CumulativeFlow
from dpp.domain.stages import WIP_STAGES
from dpp.entrypoints.http.dashboard import words
from dpp.entrypoints.http.dashboard.svg_axes import Tick, day_ticks, end_of, place, value_ticks


class Band(NamedTuple):
    """
    A band: its number from the bottom, from 1, for its colour; its outline; its counts at the first and last day.

    The path is in a square of 100 by 100, the top left being (0, 0).
    """

    name: str
    number: int
    path: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What there is to draw; ``bands`` from the bottom up."""

    bands: tuple[Band, ...]
    values: tuple[Tick, ...]
    days: tuple[Tick, ...]


def cumulative(answer: CumulativeFlow) -> Stack | None:
    """Return the bands of cumulative flow; None when no ticket was anywhere."""
    named = [("done", [day.done for day in answer.days])]
    named += [(stage.value, [day.wip.stages[stage].total for day in answer.days]) for stage in reversed(WIP_STAGES)]
    return stack([(words.stage(name), counts) for name, counts in named], days=[day.day for day in answer.days])


def stack(bands: Sequence[tuple[str, Sequence[int]]], *, days: Sequence[date]) -> Stack | None:
    """
    Return bands upon each other, the first one at the bottom.

    Args:
        bands: names with a count for each day, >= 0.
        days: one or more, in order; a single one is drawn as wide as the plot.

    Returns:
        None when every count is 0.
    """
    counts = np.array([row for _, row in bands], dtype=np.int64).reshape(len(bands), len(days))
    edges = np.vstack([np.zeros((1, len(days)), dtype=np.int64), np.cumsum(counts, axis=0)])
    if not edges[-1].any():
        return None
    end = end_of(float(edges[-1].max()))
    heights = [[place(value, end=end) for value in row] for row in edges.tolist()]
    across = _across(len(days))
    return Stack(
        bands=tuple(
            Band(name, number, _outline(across, heights[number], heights[number - 1]), row[0], row[-1])
            for number, (name, row) in enumerate(bands, start=1)
        ),
        values=value_ticks(end),
        days=day_ticks(days, places=across[: len(days)]),
    )


def _across(days: int) -> list[float]:
    """Return where days lie; a single one has both ends of the plot."""
    return [0.0, 100.0] if days == 1 else [round(100 * number / (days - 1), 2) for number in range(days)]


def _outline(across: Sequence[float], tops: Sequence[float], bottoms: Sequence[float]) -> str:
    if len(tops) == 1:
        tops, bottoms = list(tops) * 2, list(bottoms) * 2
    there = list(zip(across, tops, strict=True))
    back = list(zip(reversed(across), reversed(bottoms), strict=True))
    return f"M{_points(there)}L{_points(back)}Z"


def _points(points: Iterable[tuple[float, float]]) -> str:
    return "L".join(f"{x:g} {y:g}" for x, y in points)
