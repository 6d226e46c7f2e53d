"""What the pages beside the primary dashboard have in common: how they are shown whole, and how they look again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.dashboard.connecting import connecting
from dpp.entrypoints.http.dashboard.frame import frame
from dpp.entrypoints.http.dashboard.looking import Answers, Context, Looking, Showing, look
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.dashboard.zones import ZoneView


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPage:
    """
    A page of one part, which is exchanged when its kind of figure changes.

    Attributes:
        zone: its part; its name is in the address.
        template: of the part.
        context: makes what the part shows.
    """

    zone: ZoneView
    template: str
    context: Callable[[Showing, Looking], Awaitable[Context]]

    @property
    def path(self) -> str:
        """Where the page is."""
        return f"/{self.zone.name}"

    def routes(self, showing: Callable[[], Showing]) -> list[HTTPRouteHandler]:
        """Build the routes; ``showing`` gives what they need once the platform has started."""
        settings: Mapping[str, Any] = {
            "opt": {"permission": Permission.METRICS_READ},
            "exception_handlers": problems.handlers(lambda: showing().gate),
            "include_in_schema": False,
        }

        @get(self.path, **settings)
        async def whole(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
            """Show the page."""
            to = showing()
            looking = await look(request, principal, to.answering)
            around = frame(request, principal, to, looking)
            view = {"view_page": self, "view_part": self.template, "view_zone": self.zone}
            # A stream of which nothing is known is said card by card: one may hold others up without work of its own.
            whole = looking._replace(view=replace(looking.view, delivery_stream_id=None, tech_stream_id=None))
            connect = await connecting(request, principal, to, Answers(to, whole))
            part = looking.common() if connect else await self._part(to, looking)
            return page(request, "view.html", around | view | part | {"connect": connect})

        @get(f"/fragments/{self.zone.name}", **settings)
        async def fragment(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
            """Show its part alone."""
            to = showing()
            looking = await look(request, principal, to.answering)
            return page(request, self.template, await self._part(to, looking))

        return [whole, fragment]

    async def _part(self, to: Showing, looking: Looking) -> Context:
        common = looking.common() | {"view_zone": self.zone, "stale": await Answers(to, looking).stale()}
        return common | await self.context(to, looking)
