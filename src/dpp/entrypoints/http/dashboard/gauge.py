"""A half-circle that shows a share, as geometry: drawn on the server, so that it is there without JavaScript."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, pi, sin
from typing import NamedTuple

WIDTH, HEIGHT = 200.0, 116.0
CENTRE = (100.0, 100.0)
RADIUS = 82.0
TICKS = (50.0, 85.0)
"""Where the words change, percent."""


class Tick(NamedTuple):
    """A line across the arc, and where its label stands."""

    percent: float
    x1: float
    y1: float
    x2: float
    y2: float
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """
    What there is to draw.

    Attributes:
        percent: what is shown; None for an empty gauge.
        track: path of the whole arc.
        value: path of the part that is filled; None when there is nothing to fill.
        word: what the value means.
        level: the same for a style: ``likely``, ``open``, ``unlikely`` or ``none``.
    """

    percent: float | None
    track: str
    value: str | None
    ticks: tuple[Tick, ...]
    word: str
    level: str


def gauge(percent: float | None, *, ticks: Iterable[float] = TICKS) -> Gauge:
    """Return a gauge; what lies outside of 0 to 100 percent is drawn at the end."""
    shown = None if percent is None else min(max(percent, 0.0), 100.0)
    word, level = _said(shown)
    return Gauge(
        percent=percent,
        track=_arc(100.0),
        value=_arc(shown) if shown else None,
        ticks=tuple(_tick(at) for at in ticks),
        word=word,
        level=level,
    )


def _said(percent: float | None) -> tuple[str, str]:
    if percent is None:
        return "not known", "none"
    low, high = TICKS
    if percent >= high:
        return "likely", "likely"
    return ("open", "open") if percent >= low else ("unlikely", "unlikely")


def _point(percent: float, radius: float) -> tuple[float, float]:
    angle = pi * (1 - percent / 100)
    return round(CENTRE[0] + radius * cos(angle), 2), round(CENTRE[1] - radius * sin(angle), 2)


def _arc(percent: float) -> str:
    (x1, y1), (x2, y2) = _point(0, RADIUS), _point(percent, RADIUS)
    return f"M{x1:g} {y1:g}A{RADIUS:g} {RADIUS:g} 0 0 1 {x2:g} {y2:g}"


def _tick(percent: float) -> Tick:
    (x1, y1), (x2, y2) = _point(percent, RADIUS - 10), _point(percent, RADIUS + 10)
    x, y = _point(percent, RADIUS - 20)
    return Tick(percent, x1, y1, x2, y2, x, y + 4)
