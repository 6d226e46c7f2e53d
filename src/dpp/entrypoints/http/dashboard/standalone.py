"""Pictures that stand alone: a chart that the server draws with its title, its legend and its own colours (§7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dpp.domain.errors import NotFound
from dpp.entrypoints.http.dashboard import rendering
from dpp.entrypoints.http.dashboard.palette import Theme, inks

TEMPLATE = "charts.svg"
WIDTH = 960.0
MARGIN = 28.0
HEAD = 84.0
"""Height of title and note."""
#: About how wide a letter of the legend is: text that is not drawn yet cannot be measured.
_LETTER, _KEY, _LINE = 7.2, 34.0, 22.0


class NothingToDraw(NotFound):
    """There is no such chart, or it would be empty."""

    code = "chart_not_found"


class Key(NamedTuple):
    """An entry of a legend and where it stands; ``kind`` is the shape of its sign."""

    name: str
    ink: str
    kind: str
    x: float
    y: float


class Legend(NamedTuple):
    """Entries in as many lines as they need, and how high these are."""

    keys: Sequence[Key]
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """
    What there is to draw.

    Attributes:
        kind: the macro of the template that draws it.
        title: what it is about.
        note: of which streams and days.
        drawn: the geometry, in the terms of its module.
        height: of the plot.
        keys: name, ink and sign of each entry of the legend.
    """

    kind: str
    title: str
    note: str
    drawn: object
    height: float
    keys: tuple[tuple[str, str, str], ...] = ()


def legend(keys: Iterable[tuple[str, str, str]]) -> Legend:
    """Return where the entries of a legend stand, from the left, in lines within the picture's width."""
    placed: list[Key] = []
    x, y = MARGIN, 0.0
    for name, ink, kind in keys:
        width = _KEY + _LETTER * len(name)
        if x + width > WIDTH - MARGIN and x > MARGIN:
            x, y = MARGIN, y + _LINE
        placed.append(Key(name, ink, kind, round(x, 1), y))
        x += width
    return Legend(placed, y + _LINE if placed else 0.0)


def svg(picture: Picture, *, theme: Theme) -> str:
    """Return a picture as SVG: presentation attributes alone, no style, no script and nothing to fetch."""
    found = legend(picture.keys)
    context: Mapping[str, object] = {
        "picture": picture,
        "drawn": picture.drawn,
        "ink": inks(theme),
        "legend": found,
        "width": WIDTH,
        "margin": MARGIN,
        "top": HEAD,
        "total": HEAD + picture.height + found.height + MARGIN,
    }
    return rendering.render(TEMPLATE, context)
