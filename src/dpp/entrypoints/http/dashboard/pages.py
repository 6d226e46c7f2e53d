"""The primary dashboard (§7.1.1), whole and in the parts that are exchanged while it is open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.dashboard import (
    problems,
    zone_bar,
    zone_diagnostic,
    zone_forecast,
    zone_health,
    zone_realtime,
    zone_trends,
    zones,
)
from dpp.entrypoints.http.dashboard.connecting import connecting
from dpp.entrypoints.http.dashboard.frame import frame
from dpp.entrypoints.http.dashboard.looking import Answers, Context, Looking, Showing, look
from dpp.entrypoints.http.dashboard.rendering import page

__all__ = ["Showing", "routes"]


class Part(NamedTuple):
    """A part of the page that is exchanged on its own: its template, and what makes what it shows."""

    zone: zones.ZoneView
    template: str
    context: Callable[[Answers], Awaitable[Context]]


BAR = Part(zones.HEALTH_BAR, zone_bar.TEMPLATE, zone_bar.context)
ZONES = (
    Part(zones.REAL_TIME, zone_realtime.TEMPLATE, zone_realtime.context),
    Part(zones.DIAGNOSTIC, zone_diagnostic.TEMPLATE, zone_diagnostic.context),
    Part(zones.TRENDS, zone_trends.TEMPLATE, zone_trends.context),
    Part(zones.FORECAST, zone_forecast.TEMPLATE, zone_forecast.context),
    Part(zones.HEALTH, zone_health.TEMPLATE, zone_health.context),
)


def routes(showing: Callable[[], Showing]) -> list[HTTPRouteHandler]:
    """Build the routes; ``showing`` gives what they need once the platform has started."""
    settings: Mapping[str, Any] = {
        "opt": {"permission": Permission.METRICS_READ},
        "exception_handlers": problems.handlers(lambda: showing().gate),
        "include_in_schema": False,
    }

    @get("/", **settings)
    async def dashboard(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
        """Show the dashboard."""
        to = showing()
        looking = await look(request, principal, to.answering)
        context = looking.common() | frame(request, principal, to, looking) | {"connect": None, "shown": ()}
        answers = Answers(to, looking)
        context["connect"] = await connecting(request, principal, to, answers)
        if context["connect"] is None:
            context |= await _whole(answers, looking)
        return page(request, "dashboard.html", context)

    def part_of(part: Part) -> HTTPRouteHandler:
        @get(f"/fragments/{part.zone.name}", **settings)
        async def fragment(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
            """Show one part alone."""
            to = showing()
            looking = await look(request, principal, to.answering)
            context = await part.context(Answers(to, looking))
            return page(request, part.template, looking.common() | context)

        return fragment

    return [dashboard, *(part_of(part) for part in (BAR, *ZONES))]


async def _whole(answers: Answers, looking: Looking) -> Context:
    """Return what the bar and the chosen zones show; each names what it shows in its own words."""
    shown = [part for part in ZONES if looking.filters.shows(part.zone.name)]
    found = await asyncio.gather(*(part.context(answers) for part in (BAR, *shown)))
    whole: Context = {"shown": [part.template for part in shown]}
    for context in found:
        whole |= context
    return whole
