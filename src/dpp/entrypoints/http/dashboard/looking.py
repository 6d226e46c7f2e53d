"""One request for a page, understood: what it asks to see, and the answers to that, each asked for once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request

from dpp.application.change_ledger import MAX_LIMIT, ChangeLedger, LedgerPage
from dpp.application.delivery_reader import ChangeState
from dpp.application.diagnostics import Diagnosis
from dpp.application.evidence import Explanations
from dpp.application.figure_history import FigureHistory
from dpp.application.flow_answers import (
    Ageing,
    ArrivalsAndDepartures,
    Blocked,
    BlockedByOne,
    BlockedShare,
    CumulativeFlow,
    Passage,
)
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.forecast_answers import DeliveryForecast, SprintConfidence, WhatIf
from dpp.application.freshness import Freshness, Source
from dpp.application.pulse import Pulse, TeamPulse
from dpp.application.queries import DataQuality, Diagnostic, Realtime
from dpp.application.trends import DeliveryTrends, Trends
from dpp.application.views import MAX_WINDOW_DAYS, View
from dpp.domain.access import Principal, StreamScope
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.entrypoints.http.auth import Gate
from dpp.entrypoints.http.dashboard import beyond, exports, filters, manner, restated, zones
from dpp.entrypoints.http.dashboard.filters import Filters
from dpp.entrypoints.http.dashboard.restated import NOTHING, Restated
from dpp.entrypoints.http.metrics import Answering

T = TypeVar("T")
Context = dict[str, object]

LEDGER_ROWS = 12
"""Changes of each kind on the page: the latest; the API has the rest."""
RESCUE_PCT = 85.0
"""How sure one wants to be of a sprint that is rescued by leaving something out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What the pages need: what the API answers with, who is let in, and how browsers reach the platform."""

    answering: Answering
    trends: Trends
    ledger: ChangeLedger
    pulse: Pulse
    flow: FlowOverTime
    explanations: Explanations
    history: FigureHistory
    freshness: Freshness
    gate: Gate
    public_url: str | None = None


class Looking(NamedTuple):
    """What a request asks to see; ``has_no_sprint`` when it asks for a sprint's days and none runs."""

    filters: Filters
    view: View
    zone: ZoneInfo
    has_no_sprint: bool = False

    def common(self) -> Context:
        """Return what every zone needs, alone or on the page."""
        return {
            "filters": self.filters,
            "has_no_sprint": self.has_no_sprint,
            "zone": self.zone,
            "as_of": self.view.as_of,
            "zones": zones,
            "metrics": METRICS,
            "beyond": beyond,
            "exports": exports,
            "restated_address": lambda metric: restated.address(self.filters, metric=metric),
        }


async def look(request: Request[Any, Any, Any], principal: Principal, answering: Answering) -> Looking:
    """Read what a request asks to see, within what its sender may see.

    Raises:
        InvalidInput: a filter cannot be.
        UnknownStream: there is no such stream, or none that the reader may see.
        Unavailable: the configuration is not loaded yet, or the store does not answer.
    """
    manner.follow(request)
    zone = ZoneInfo(answering.configuration.value.platform.calendar.time_zone)
    asked = filters.read(
        request.query_params, default_window=answering.window(None), zone=zone, known_zones=zones.CHOICE_NAMES
    )
    view = answering.view(principal, stream=asked.stream, tech_stream=asked.tech_stream, as_of=asked.as_of)
    if not asked.is_sprint:
        return Looking(asked, view, zone)
    sprint = (await answering.forecasts.sprint_confidence(view)).sprint
    if sprint is None:
        return Looking(asked, view, zone, has_no_sprint=True)
    # The first day is a part of the sprint: on it one looks back one day.
    days = (view.as_of.astimezone(zone).date() - sprint.start_date).days + 1
    return Looking(replace(asked, window=min(max(days, 1), MAX_WINDOW_DAYS)), view, zone)


def sees(stream: DeliveryStream | TechStream, scope: StreamScope) -> bool:
    """Whether somebody with this scope may choose a stream."""
    own = scope.delivery_streams if isinstance(stream, DeliveryStream) else scope.tech_streams
    return scope.is_all or stream.stream_id in own


class Answers:
    """The answers for one page: each question is asked once, however many parts of the page want its answer."""

    def __init__(self, to: Showing, looking: Looking) -> None:
        self.looking = looking
        self._to = to
        self._view = looking.view
        self._asked: dict[str, asyncio.Task[Any]] = {}

    @property
    def configuration(self) -> Configuration:
        """The current one."""
        return self._to.answering.configuration.value

    @property
    def usual_days(self) -> int:
        """The window of what does not follow the chosen one (§7.2)."""
        return self._to.answering.window(None)

    @property
    def _days(self) -> int:
        return self.looking.filters.window

    def _once(self, question: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> Awaitable[T]:
        if question not in self._asked:
            self._asked[question] = asyncio.ensure_future(ask())
        return cast("asyncio.Task[T]", self._asked[question])

    def realtime(self) -> Awaitable[Realtime]:
        """Return what is in progress, and cycle times."""
        queries = self._to.answering.queries
        return self._once("realtime", lambda: queries.realtime(self._view, window_days=self.usual_days))

    def diagnostic(self) -> Awaitable[Diagnostic]:
        """Return flow efficiency."""
        queries = self._to.answering.queries
        return self._once("diagnostic", lambda: queries.diagnostic(self._view, window_days=self._days))

    def quality(self) -> Awaitable[DataQuality]:
        """Return how complete the data is."""
        return self._once("quality", lambda: self._to.answering.queries.data_quality(self._view))

    def diagnosis(self) -> Awaitable[Diagnosis]:
        """Return defects and reviews."""
        ask = self._to.answering.diagnostics.diagnose
        return self._once(
            "diagnosis", lambda: ask(self._view, window_days=self._days, configuration=self.configuration)
        )

    def stale(self) -> Awaitable[tuple[Source, ...]]:
        """Return the sources that have fallen silent; of the past none, since nobody noted it then."""
        return self._once("stale", self._stale)

    async def _stale(self) -> tuple[Source, ...]:
        if self.looking.filters.as_of is not None:
            return ()
        found = await self._to.freshness.sources(now=self._view.as_of, configuration=self.configuration)
        return tuple(source for source in found if source.is_stale)

    def confidence(self) -> Awaitable[SprintConfidence]:
        """Return the confidence in the running sprint."""
        return self._once("confidence", lambda: self._to.answering.forecasts.sprint_confidence(self._view))

    def confidences(self) -> Awaitable[list[tuple[DeliveryStream, SprintConfidence]]]:
        """Return the confidence in the running sprint of each delivery stream that the reader may see."""
        return self._once("confidences", self._confidences)

    async def _confidences(self) -> list[tuple[DeliveryStream, SprintConfidence]]:
        ask, view = self._to.answering.forecasts.sprint_confidence, self._view
        streams = [row for row in self.configuration.delivery_streams if row.is_active and sees(row, view.scope)]
        found = await asyncio.gather(*(ask(replace(view, delivery_stream_id=row.stream_id)) for row in streams))
        return list(zip(streams, found, strict=True))

    def rescue(self) -> Awaitable[DeliveryForecast]:
        """Return what would make the running sprint ``RESCUE_PCT`` sure."""
        wondered = WhatIf(confidence_pct=RESCUE_PCT)
        return self._once("rescue", lambda: self._to.answering.forecasts.forecast(self._view, what_if=wondered))

    def forecast(self) -> Awaitable[DeliveryForecast]:
        """Return the forecast, and what was wondered about."""
        wondered = self.looking.filters.what_if
        return self._once("forecast", lambda: self._to.answering.forecasts.forecast(self._view, what_if=wondered))

    def trends(self) -> Awaitable[DeliveryTrends]:
        """Return the delivery metrics."""
        ask = self._to.trends.trends
        return self._once("trends", lambda: ask(self._view, window_days=self._days, configuration=self.configuration))

    def changes(self, state: ChangeState) -> Awaitable[LedgerPage]:
        """Return the latest changes of a state."""
        ask = self._to.ledger.page
        return self._once(
            f"changes {state}", lambda: ask(self._view, state=state, window_days=self._days, limit=LEDGER_ROWS)
        )

    def pulse(self) -> Awaitable[TeamPulse]:
        """Return the team pulse."""
        return self._once("pulse", lambda: self._to.pulse.pulse(self._view, configuration=self.configuration))

    def ageing(self) -> Awaitable[Ageing]:
        """Return the ages of unfinished work."""
        ask = self._to.flow.ageing
        return self._once(
            "ageing", lambda: ask(self._view, configuration=self.configuration, window_days=self.usual_days)
        )

    def cumulative_flow(self) -> Awaitable[CumulativeFlow]:
        """Return where tickets were day by day."""
        ask = self._to.flow.cumulative_flow
        return self._once(
            "cumulative", lambda: ask(self._view, configuration=self.configuration, window_days=self._days)
        )

    def arrivals(self) -> Awaitable[ArrivalsAndDepartures]:
        """Return what came and went."""
        ask = self._to.flow.arrivals
        return self._once("arrivals", lambda: ask(self._view, configuration=self.configuration, window_days=self._days))

    def blocked(self) -> Awaitable[Blocked]:
        """Return what blocked time has cost."""
        ask = self._to.flow.blocked
        return self._once("blocked", lambda: ask(self._view, configuration=self.configuration, window_days=self._days))

    def passages(self) -> Awaitable[tuple[Passage, ...]]:
        """Return the tickets that came and went."""
        ask = self._to.flow.passages
        return self._once("passages", lambda: ask(self._view, configuration=self.configuration, window_days=self._days))

    def blocked_tickets(self) -> Awaitable[tuple[BlockedShare, ...]]:
        """Return the tickets that stood blocked."""
        ask = self._to.flow.blocked_tickets
        return self._once("shares", lambda: ask(self._view, configuration=self.configuration, window_days=self._days))

    @property
    def day(self) -> date:
        """The day of the view's moment, by the platform's calendar."""
        return self._view.as_of.astimezone(self.looking.zone).date()

    def restated(self) -> Awaitable[Restated]:
        """Return the restated values of the days that are looked at; none of a view of two streams, which has none."""
        return self._once("restated", self._restated)

    async def _restated(self) -> Restated:
        view, last = self._view, self.day
        streams = (view.delivery_stream_id, view.tech_stream_id)
        if all(streams):
            return NOTHING
        first = last - timedelta(days=self._days)
        page = await self._to.history.restatements(view, first=first, last=last, limit=MAX_LIMIT)
        return Restated(page.restatements, configuration=self.configuration, is_of_one=any(streams))

    def impact(self, blocking: UUID) -> Awaitable[BlockedByOne]:
        """Return what one technology stream has cost, whatever technology the tickets themselves are of."""
        ask, whole = self._to.flow.blocked_by, replace(self._view, tech_stream_id=None)
        return self._once(
            f"impact {blocking}",
            lambda: ask(whole, blocking=blocking, configuration=self.configuration, window_days=self._days),
        )
