"""The team pulse over HTTP (§6.6.1, §7.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from dpp.application.pulse import DEFAULT_PERIODS, MAX_PERIODS, Pulse
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import pulse_shapes
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, described

Periods = Annotated[
    int | None,
    Parameter(
        description=f"Months to look back, this one included: 1 to {MAX_PERIODS}, {DEFAULT_PERIODS} without it",
        schema_extra={"minimum": 1, "maximum": MAX_PERIODS},
    ),
]
NoWindow = Annotated[int | None, Parameter(description="Without effect here: see periods")]


def routes(answering: Callable[[], Answering], pulse_of: Callable[[], Pulse]) -> list[HTTPRouteHandler]:
    """Build the routes; the arguments give what they need once the platform has started."""

    @get(
        "/metrics/pulse",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(pulse_shapes.PulseAnswer)},
    )
    async def pulse(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        periods: Periods = None,
        window: NoWindow = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """What teams say of pace, tooling and clarity, by month; never what one person says."""
        to = answering()
        found = await pulse_of().pulse(
            to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of),
            configuration=to.configuration.value,
            periods=DEFAULT_PERIODS if periods is None else periods,
        )
        return answer(pulse_shapes.pulse(found), meta=to.meta(found.asked))

    return [pulse]
