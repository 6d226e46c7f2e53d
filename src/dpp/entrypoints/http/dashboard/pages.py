"""The primary dashboard (§7.1.1), whole and in the parts that are exchanged while it is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.queries import Diagnostic, Realtime
from dpp.application.views import MAX_WINDOW_DAYS, View
from dpp.domain.access import Permission, Principal
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.entrypoints.http.auth import COOKIE, CSRF_FIELD, Gate
from dpp.entrypoints.http.dashboard import cards, charts, filters, problems, zones
from dpp.entrypoints.http.dashboard.filters import Filters
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.metrics import Answering

Context = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What the pages need: what the API answers with, who is let in, and how browsers reach the platform."""

    answering: Answering
    gate: Gate
    public_url: str | None = None


class Looking(NamedTuple):
    """One request for a page, understood."""

    filters: Filters
    view: View
    zone: ZoneInfo


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
        looking = look(request, principal, to.answering)
        answers = await _answers(to.answering, looking)
        context = _frame(request, principal, to, looking) | _common(looking)
        if answers.is_empty:
            context |= {"connect": _connect(request, to, looking)}
        else:
            context |= {"connect": None, "tiles": cards.health_bar(answers)}
            context |= _realtime(answers.realtime, looking) | _diagnostic(answers.diagnostic)
        return page(request, "dashboard.html", context)

    @get("/fragments/health-bar", **settings)
    async def health_bar(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
        """Show the health bar alone."""
        to = showing().answering
        looking = look(request, principal, to)
        answers = await _answers(to, looking)
        return page(request, "zones/health_bar.html", _common(looking) | {"tiles": cards.health_bar(answers)})

    @get("/fragments/realtime", **settings)
    async def realtime(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
        """Show the real-time zone alone."""
        to = showing().answering
        looking = look(request, principal, to)
        answer = await to.queries.realtime(looking.view, window_days=to.window(None))
        return page(request, "zones/realtime.html", _common(looking) | _realtime(answer, looking))

    @get("/fragments/diagnostic", **settings)
    async def diagnostic(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
        """Show the diagnostic zone alone."""
        to = showing().answering
        looking = look(request, principal, to)
        answer = await to.queries.diagnostic(looking.view, window_days=looking.filters.window)
        return page(request, "zones/diagnostic.html", _common(looking) | _diagnostic(answer))

    return [dashboard, health_bar, realtime, diagnostic]


def look(request: Request[Any, Any, Any], principal: Principal, answering: Answering) -> Looking:
    """Read what a request asks to see, within what its sender may see.

    Raises:
        InvalidInput: a filter cannot be.
        UnknownStream: there is no such stream, or none that the reader may see.
        Unavailable: the configuration is not loaded yet.
    """
    zone = ZoneInfo(answering.configuration.value.platform.calendar.time_zone)
    asked = filters.read(
        request.query_params, default_window=answering.window(None), zone=zone, known_zones=zones.CHOICE_NAMES
    )
    view = answering.view(principal, stream=asked.stream, tech_stream=asked.tech_stream, as_of=asked.as_of)
    return Looking(asked, view, zone)


async def _answers(answering: Answering, looking: Looking) -> cards.Answers:
    queries, view = answering.queries, looking.view
    realtime, diagnostic, quality = await asyncio.gather(
        queries.realtime(view, window_days=answering.window(None)),
        queries.diagnostic(view, window_days=looking.filters.window),
        queries.data_quality(view),
    )
    return cards.Answers(realtime=realtime, diagnostic=diagnostic, quality=quality)


def _common(looking: Looking) -> Context:
    """What every zone needs, alone or on the page."""
    return {
        "filters": looking.filters,
        "zone": looking.zone,
        "as_of": looking.view.as_of,
        "zones": zones,
        "metrics": METRICS,
    }


def _realtime(answer: Realtime, looking: Looking) -> Context:
    return {
        "realtime": answer,
        "completed": cards.completed(answer),
        "wip_marks": cards.marks(answer.wip),
        "cycle_marks": cards.marks(answer.cycle_times["cycle_time_p85"]),
        "wip_chart": charts.wip(answer),
        "scatter_chart": charts.scatter(answer, zone=looking.zone),
    }


def _diagnostic(answer: Diagnostic) -> Context:
    return {
        "diagnostic": answer,
        "flow_marks": cards.marks(answer.flow_efficiency),
        "flow_chart": charts.flow(answer),
    }


def _frame(request: Request[Any, Any, Any], principal: Principal, to: Showing, looking: Looking) -> Context:
    """What stands around the zones: filters, and who is signed in."""
    configuration = to.answering.configuration.value
    chosen = _chosen(configuration, looking.view)
    session = request.cookies.get(COOKIE)
    return {
        "heading": chosen,
        "streams": [
            (row.name, row.display_name)
            for row in configuration.delivery_streams
            if principal.scope.is_all or row.stream_id in principal.scope.delivery_streams
        ],
        "tech_streams": [
            (row.name, row.display_name)
            for row in configuration.tech_streams
            if principal.scope.is_all or row.stream_id in principal.scope.tech_streams
        ],
        "chosen_stream": _name(configuration.delivery_streams, looking.view.delivery_stream_id),
        "chosen_tech_stream": _name(configuration.tech_streams, looking.view.tech_stream_id),
        "presets": filters.PRESET_DAYS,
        "max_days": MAX_WINDOW_DAYS,
        "signed_in_as": principal.name,
        "csrf_field": CSRF_FIELD,
        "csrf_token": to.gate.csrf_token(session) if session else "",
    }


def _chosen(configuration: Configuration, view: View) -> str:
    """Name what is shown."""
    delivery = [row.display_name for row in configuration.delivery_streams if row.stream_id == view.delivery_stream_id]
    tech = [row.display_name for row in configuration.tech_streams if row.stream_id == view.tech_stream_id]
    names = delivery + tech
    return " on ".join(names) if names else "All streams"


def _name(rows: Sequence[DeliveryStream] | Sequence[TechStream], stream_id: UUID | None) -> str | None:
    return next((row.name for row in rows if row.stream_id == stream_id), None)


def _connect(request: Request[Any, Any, Any], to: Showing, looking: Looking) -> Context:
    """What to do when nothing is known yet; with a stream chosen, only that it has nothing."""
    base = (to.public_url or str(request.base_url)).rstrip("/")
    view = looking.view
    return {
        "is_configured": bool(to.answering.configuration.value.delivery_streams),
        "is_filtered": bool(view.delivery_stream_id or view.tech_stream_id or looking.filters.as_of),
        "github": f"{base}/api/v1/webhooks/github",
        "jira": f"{base}/api/v1/webhooks/jira",
    }
