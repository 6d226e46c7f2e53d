"""The forecast (§7.3.2), and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from dpp.application.forecast_answers import MAX_SCOPE_CHANGE, WhatIf
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import forecast_shapes
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, UnusedWindow, described

ScopeChange = Annotated[
    int | None,
    Parameter(
        description="What if so many items came in addition; negative, if so many went",
        schema_extra={"minimum": -MAX_SCOPE_CHANGE, "maximum": MAX_SCOPE_CHANGE},
    ),
]
ByDate = Annotated[
    date | None, Parameter(description="How many items will be done by the end of this day, within ten years")
]
Confidence = Annotated[
    float | None,
    Parameter(
        description="How sure to be, in percent, above 0 and at most 100: by when, and what must go for it",
        schema_extra={"exclusive_minimum": 0, "maximum": 100},
    ),
]


def routes(answering: Callable[[], Answering]) -> list[HTTPRouteHandler]:
    """Build the routes; ``answering`` gives what they need once the platform has started."""

    @get(
        "/metrics/forecast",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(forecast_shapes.ForecastAnswer)},
    )
    async def forecast(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: UnusedWindow = None,
        as_of: AsOf = None,
        scope_change: ScopeChange = None,
        by_date: ByDate = None,
        confidence: Confidence = None,
    ) -> Response[Any]:
        """When the remaining work will be done, how sure that is, how earlier forecasts fared, and what if."""
        to = answering()
        to.window(window)
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        what_if = WhatIf(scope_change=scope_change or 0, by_date=by_date, confidence_pct=confidence)
        found = await to.forecasts.forecast(view, what_if=what_if)
        return answer(forecast_shapes.forecast(found), meta=to.meta(found.asked))

    return [forecast]
