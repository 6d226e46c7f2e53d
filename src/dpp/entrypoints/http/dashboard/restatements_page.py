"""The list of past values that were restated, each before and after, and why (decision 0025)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.daily_figures import MEASURED
from dpp.domain.access import Permission, Principal
from dpp.domain.catalogue import METRICS
from dpp.entrypoints.http import measures
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.dashboard.frame import frame
from dpp.entrypoints.http.dashboard.looking import Context, Looking, Showing, look
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.dashboard.restated import change, names_of

ROWS = 100
_LIST = "restatements-page"


def routes(showing: Callable[[], Showing]) -> list[HTTPRouteHandler]:
    """Build the route; ``showing`` gives what it needs once the platform has started."""
    settings: Mapping[str, Any] = {
        "opt": {"permission": Permission.METRICS_READ},
        "exception_handlers": problems.handlers(lambda: showing().gate),
        "include_in_schema": False,
    }

    @get("/restatements", **settings)
    async def restatements(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Response[bytes]:
        """List the restatements of the days that are looked at."""
        to = showing()
        looking = await look(request, principal, to.answering)
        around = frame(request, principal, to, looking)
        return page(request, "restatements.html", around | await _context(request, to, looking))

    return [restatements]


async def _context(request: Request[Any, Any, Any], to: Showing, looking: Looking) -> Context:
    metric = request.query_params.get("metric", "") or None
    before = measures.read(request.query_params.get("before", ""), of=_LIST)
    last = looking.view.as_of.astimezone(looking.zone).date()
    first = last - timedelta(days=looking.filters.window)
    view = looking.view
    is_crossing = bool(view.delivery_stream_id and view.tech_stream_id)
    context = looking.common() | {
        "first": first,
        "last": last,
        "metric": METRICS.get(metric or ""),
        "measured": [METRICS[name] for name in MEASURED],
        "is_crossing": is_crossing,
        "changes": (),
        "older": None,
        "list_query": lambda **changed: _query(looking, **{"metric": metric, **changed}),
        "csv_query": _csv_query(looking, metric=metric, first=first.isoformat(), last=last.isoformat()),
    }
    if is_crossing:
        return context
    found = await to.history.restatements(view, metric=metric, first=first, last=last, before=before, limit=ROWS)
    names = names_of(to.answering.configuration.value)
    changes = [change([row], stream=names.get(row.stream)) for row in found.restatements]
    return context | {"changes": changes, "older": found.following and measures.written(found.following, of=_LIST)}


def _query(looking: Looking, **given: Any) -> str:
    return urlencode([*looking.filters.pairs(), *((name, value) for name, value in given.items() if value)])


def _csv_query(looking: Looking, *, metric: str | None, first: str, last: str) -> str:
    """Return the same list's address in the API."""
    filters = looking.filters
    given = {"stream": filters.stream, "tech_stream": filters.tech_stream, "metric": metric}
    told = {name: value for name, value in given.items() if value}
    return urlencode({**told, "from": first, "to": last, "limit": 1000, "format": "csv"})
