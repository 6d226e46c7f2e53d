"""The summary for a wall screen: the figures of the health bar for each delivery stream, read from across the room.

It has nothing to operate: what it shows stands in its address, like that of every other page (§7.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import DeliveryStream
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.dashboard import gauge, problems, words, zone_bar, zones
from dpp.entrypoints.http.dashboard.cards import Tile
from dpp.entrypoints.http.dashboard.connecting import steps
from dpp.entrypoints.http.dashboard.frame import frame
from dpp.entrypoints.http.dashboard.looking import Answers, Context, Looking, Showing, look, sees
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.dashboard.zones import ZoneView

PATH = "/wall"
TEMPLATE = "wall_streams.html"
ZONE = ZoneView(name="wall", title="Wall screen", topics=zones.HEALTH_BAR.topics)
ROWS = 10
"""Streams on one screen: more cannot be read from four metres; the rest take turns."""
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """Why figures are trusted less, and of which streams."""

    reason: str
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One delivery stream.

    Attributes:
        name: in addresses; None for everything that the reader may see.
        tiles: its figures, in the order of the health bar; empty when nothing at all is known of it.
        level: how likely the sprint is to be finished, for a style.
    """

    name: str | None
    title: str
    tiles: tuple[Tile, ...]
    level: str = "none"
    level_word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """
    What is on the screen.

    Attributes:
        part: which part of the streams, from 1.
        parts: of how many.
    """

    rows: tuple[Row, ...]
    reduced: tuple[Reduced, ...]
    part: int
    parts: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of any stream."""
        return not any(row.tiles for row in self.rows)

    @property
    def density(self) -> str:
        """How much room each stream has."""
        sizes = (("one", 1), ("few", 3), ("some", 6))
        return next((name for name, most in sizes if len(self.rows) <= most), "many")

    @property
    def titles(self) -> tuple[str, ...]:
        """What the figures are called; empty when there are none."""
        return tuple(tile.title for tile in next((row.tiles for row in self.rows if row.tiles), ()))

    @property
    def next_part(self) -> int:
        """The part that comes after this one."""
        return self.part % self.parts + 1


def routes(showing: Callable[[], Showing]) -> list[HTTPRouteHandler]:
    """Build the routes; ``showing`` gives what they need once the platform has started."""
    settings: Mapping[str, Any] = {
        "opt": {"permission": Permission.METRICS_READ},
        "exception_handlers": problems.handlers(lambda: showing().gate),
        "include_in_schema": False,
    }

    @get(PATH, **settings)
    async def wall(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
        """Show the screen."""
        to = showing()
        looking = await look(request, principal, to.answering)
        found = await _wall(request, to, looking)
        around = frame(request, principal, to, looking) | {
            "theme": _theme(request),
            "connect": await steps(request, principal, to, looking) if found.is_empty else None,
        }
        return page(request, "wall.html", around | await _context(to, looking, found))

    @get(f"/fragments/{ZONE.name}", **settings)
    async def fragment(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
        """Show the figures alone."""
        to = showing()
        looking = await look(request, principal, to.answering)
        return page(request, TEMPLATE, await _context(to, looking, await _wall(request, to, looking)))

    return [wall, fragment]


async def _wall(request: Request[Any, Any, Any], to: Showing, looking: Looking) -> Wall:
    return await wall_of(to, looking, part=_part(request.query_params.get("part", "")))


async def _context(to: Showing, looking: Looking, found: Wall) -> Context:
    return looking.common() | {"wall": found, "wall_zone": ZONE, "stale": await Answers(to, looking).stale()}


async def wall_of(to: Showing, looking: Looking, *, part: int = 1) -> Wall:
    """Return what is on the screen; a part beyond the last is the last."""
    streams = shown(to, looking)
    parts = max(1, ceil(len(streams) / ROWS))
    here = min(part, parts)
    chosen = streams[(here - 1) * ROWS : here * ROWS]
    rows = await asyncio.gather(*(_row(to, looking, stream) for stream in chosen))
    return Wall(rows=tuple(rows), reduced=reduced(rows), part=here, parts=parts)


def shown(to: Showing, looking: Looking) -> Sequence[DeliveryStream | None]:
    """Return the delivery streams that are asked for and may be seen; (None,) for one row of all there is to see."""
    chosen = looking.view.delivery_stream_id
    rows = [
        row
        for row in to.answering.configuration.value.delivery_streams
        if (row.stream_id == chosen if chosen else row.is_active and sees(row, looking.view.scope))
    ]
    return rows or [None]


async def _row(to: Showing, looking: Looking, stream: DeliveryStream | None) -> Row:
    view = replace(looking.view, delivery_stream_id=stream.stream_id if stream else None)
    found = await zone_bar.summary(Answers(to, looking._replace(view=view)))
    drawn = gauge.gauge(found.confidence.figure.value)
    return Row(
        name=stream.name if stream else None,
        title=stream.display_name if stream else "All streams",
        tiles=() if found.is_empty else _brief(zone_bar.tiles(found), window_days=looking.filters.window),
        level=drawn.level,
        level_word=drawn.word,
    )


def _brief(tiles: Sequence[Tile], *, window_days: int) -> tuple[Tile, ...]:
    """Return figures without the window that the screen names once, on top; one that has another keeps it."""
    said = f", last {words.days(window_days)}"
    return tuple(replace(tile, sample=tile.sample.removesuffix(said)) for tile in tiles)


def reduced(rows: Sequence[Row]) -> tuple[Reduced, ...]:
    """Return why figures on the screen are trusted less, each reason once, with the streams that it holds for."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for tile in row.tiles:
            for mark in tile.marks:
                found.setdefault(mark.short, {})[row.title] = None
    return tuple(Reduced(reason=reason, streams=tuple(streams)) for reason, streams in found.items())


def _part(text: str) -> int:
    if not text.strip():
        return 1
    if not text.isdecimal() or len(text) > 4 or int(text) < 1:
        raise InvalidInput(f"The part is {text!r}; give a number from 1 up", field="part")
    return int(text)


def _theme(request: Request[Any, Any, Any]) -> str | None:
    """Return the theme that the address asks for: a screen on a wall has nobody to choose one."""
    wanted = request.query_params.get("theme", "")
    return wanted if wanted in THEMES else None
