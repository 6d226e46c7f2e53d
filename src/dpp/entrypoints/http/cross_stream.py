"""Shared bottlenecks over HTTP (§6.7, §7.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.cross_stream import CrossStream
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import cross_stream_shapes
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, WindowDays, described


def routes(answering: Callable[[], Answering], cross_stream_of: Callable[[], CrossStream]) -> list[HTTPRouteHandler]:
    """Build the routes; the arguments give what they need once the platform has started."""

    @get(
        "/metrics/cross-stream",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(cross_stream_shapes.CrossStreamAnswer)},
    )
    async def cross_stream(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """Technology streams that hold several deliveries up; the window is that of the cycle times."""
        to = answering()
        found = await cross_stream_of().bottlenecks(
            to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of),
            configuration=to.configuration.value,
            window_days=to.window(window),
        )
        return answer(cross_stream_shapes.cross_stream(found), meta=to.meta(found.asked))

    return [cross_stream]
