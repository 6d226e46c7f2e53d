"""The metrics endpoints (§7.3.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from msgspec import structs

from dpp.application.answers import Asked
from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.forecasts import Forecasts
from dpp.application.ports import Clock
from dpp.application.queries import Queries
from dpp.application.views import MAX_WINDOW_DAYS, View, Window, view_of
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http import diagnostic_shapes, shapes
from dpp.entrypoints.http.envelope import answer

Stream = Annotated[str | None, Parameter(description="Delivery stream, by id or name; without it, all you may see")]
TechStream = Annotated[str | None, Parameter(description="Technology stream, by id or name")]
AsOf = Annotated[str | None, Parameter(description="ISO 8601 moment with a zone; without it, now")]
WindowDays = Annotated[
    int | None,
    Parameter(
        description=f"Days to look back, 1 to {MAX_WINDOW_DAYS}",
        schema_extra={"minimum": 1, "maximum": MAX_WINDOW_DAYS},
    ),
]
UnusedWindow = Annotated[
    int | None,
    Parameter(
        description="Taken, checked and not used: these figures have a window of their own, or none",
        schema_extra={"minimum": 1, "maximum": MAX_WINDOW_DAYS},
    ),
]

#: Outside of these years a moment is a slip of the pen, and reckoning from it would leave the calendar.
FIRST_YEAR, LAST_YEAR = 1971, 2199


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What the routes need to answer."""

    queries: Queries
    diagnostics: Diagnostics
    forecasts: Forecasts
    configuration: CurrentConfiguration
    clock: Clock

    def view(self, principal: Principal, *, stream: str | None, tech_stream: str | None, as_of: str | None) -> View:
        """Resolve what is asked for, within what the caller may see."""
        return view_of(
            scope=principal.scope,
            configuration=self.configuration.value,
            as_of=self.moment(as_of),
            stream=stream or None,
            tech_stream=tech_stream or None,
            is_live=not as_of,
        )

    def moment(self, as_of: str | None) -> datetime:
        """Read ``as_of``; without it, now.

        Raises:
            InvalidInput: it is not ISO 8601, or of a year that cannot be meant.
        """
        if not as_of:
            return self.clock.now()
        try:
            found = datetime.fromisoformat(as_of)
        except ValueError:
            plus = "; in an address, + is written %2B" if " " in as_of else ""
            raise InvalidInput(
                f"as_of is {as_of!r}; give a moment such as 2026-03-01T09:00:00Z{plus}", field="as_of"
            ) from None
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise InvalidInput(f"as_of must be of the years {FIRST_YEAR} to {LAST_YEAR}, not {as_of}", field="as_of")
        return found

    def window(self, days: int | None) -> int:
        """Return the days to look back, by default the configured ones.

        Raises:
            InvalidInput: they are below 1 or above ``MAX_WINDOW_DAYS``.
        """
        if days is None:
            return self.configuration.value.platform.window_days
        Window.back_from(self.clock.now(), days=days)
        return days

    def meta(self, asked: Asked) -> Mapping[str, Any]:
        """Describe an answer; one about the present may have been worked out a little earlier, and says so."""
        computed_at = asked.as_of if asked.is_live else self.clock.now()
        return structs.asdict(shapes.meta(asked, computed_at=computed_at))


def described(envelope: type[Any]) -> ResponseSpec:
    """Describe an answer in the published document."""
    return ResponseSpec(data_container=envelope, description="The answer in its envelope", generate_examples=False)


def routes(answering: Callable[[], Answering]) -> list[HTTPRouteHandler]:
    """Build the routes; ``answering`` gives what they need once the platform has started."""

    @get(
        "/metrics/realtime",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(shapes.RealtimeAnswer)},
    )
    async def realtime(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: UnusedWindow = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """Work in progress by stage, confidence in the running sprint, cycle times and the tickets behind them."""
        to = answering()
        to.window(window)
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found, confidence = await asyncio.gather(
            to.queries.realtime(view, window_days=to.window(None)), to.forecasts.sprint_confidence(view)
        )
        older = replace(found.asked, as_of=min(found.asked.as_of, confidence.asked.as_of))
        return answer(shapes.realtime(found, confidence), meta=to.meta(older))

    @get(
        "/metrics/diagnostic",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(diagnostic_shapes.DiagnosticAnswer)},
    )
    async def diagnostic(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """Flow efficiency and where the time went, escaped defects, and how changes are reviewed."""
        to = answering()
        view, days = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of), to.window(window)
        flow, diagnosis = await asyncio.gather(
            to.queries.diagnostic(view, window_days=days),
            to.diagnostics.diagnose(view, window_days=days, configuration=to.configuration.value),
        )
        older = min(flow.asked, diagnosis.asked, key=lambda asked: asked.as_of)
        return answer(diagnostic_shapes.diagnostic(flow, diagnosis), meta=to.meta(older))

    return [realtime, diagnostic]
