"""Flow over time over HTTP: ageing work, cumulative flow, arrivals and departures, blocked time (decision 0023)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.flow_over_time import FlowOverTime
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import flow_shapes
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, WindowDays, described


def routes(answering: Callable[[], Answering], flow_of: Callable[[], FlowOverTime]) -> list[HTTPRouteHandler]:
    """Build the routes; the arguments give what they need once the platform has started."""

    @get(
        "/metrics/ageing",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(flow_shapes.AgeingAnswer)},
    )
    async def ageing(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """How old unfinished work is, compared with the cycle times of the window."""
        to = answering()
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found = await flow_of().ageing(view, configuration=to.configuration.value, window_days=to.window(window))
        return answer(flow_shapes.ageing(found), meta=to.meta(found.asked))

    @get(
        "/metrics/cumulative-flow",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(flow_shapes.CumulativeFlowAnswer)},
    )
    async def cumulative_flow(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """Where tickets were at the end of each local day of the window."""
        to = answering()
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found = await flow_of().cumulative_flow(
            view, configuration=to.configuration.value, window_days=to.window(window)
        )
        return answer(flow_shapes.cumulative_flow(found), meta=to.meta(found.asked))

    @get(
        "/metrics/arrivals",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(flow_shapes.ArrivalsAnswer)},
    )
    async def arrivals(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """What came into progress against what left it, by local day and ISO week."""
        to = answering()
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found = await flow_of().arrivals(view, configuration=to.configuration.value, window_days=to.window(window))
        return answer(flow_shapes.arrivals(found), meta=to.meta(found.asked))

    @get(
        "/metrics/blocked",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(flow_shapes.BlockedAnswer)},
    )
    async def blocked(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """What blocked time of tickets in progress costs, by the technology stream that blocked them."""
        to = answering()
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found = await flow_of().blocked(view, configuration=to.configuration.value, window_days=to.window(window))
        return answer(flow_shapes.blocked(found), meta=to.meta(found.asked))

    return [ageing, cumulative_flow, arrivals, blocked]
