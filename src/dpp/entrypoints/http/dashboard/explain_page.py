"""The page "explain this number": one for every figure, whole and as the panel that opens beside a dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.daily_figures import MEASURED
from dpp.application.evidence_answers import Question
from dpp.domain import catalogue
from dpp.domain.access import Permission, Principal
from dpp.domain.catalogue import METRICS
from dpp.domain.errors import InvalidInput
from dpp.domain.metric import Zone
from dpp.entrypoints.http.dashboard import explained, exports, item_words, problems
from dpp.entrypoints.http.dashboard.cards import marks
from dpp.entrypoints.http.dashboard.explained import SHORT_NAMES, Explained, Shown, page_of
from dpp.entrypoints.http.dashboard.filters import Filters
from dpp.entrypoints.http.dashboard.frame import frame
from dpp.entrypoints.http.dashboard.looking import Answers, Context, Looking, Showing, look
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.source_links import SourceLinks

FRAGMENT = "explain.html"
#: Pages whose cards these are; all others are on the primary dashboard.
#: Figures whose days are stored under another name.
_MEASURED_AS = {"cumulative_flow": "wip_by_stage"}
_OF_ONE = "sprint_confidence"
_OF_DELIVERY = frozenset({_OF_ONE, "monte_carlo_forecast", "team_pulse"})
_PLACES = {"arrivals": "/flow", "technology_impact": "/cross-stream", "cross_stream_bottleneck": "/cross-stream"}


def routes(showing: Callable[[], Showing]) -> list[HTTPRouteHandler]:
    """Build the routes; ``showing`` gives what they need once the platform has started."""
    settings: Mapping[str, Any] = {
        "opt": {"permission": Permission.METRICS_READ},
        "exception_handlers": problems.handlers(lambda: showing().gate),
        "include_in_schema": False,
    }

    @get("/explain/{name:str}", **settings)
    async def whole(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], name: FromPath[str]
    ) -> Response[bytes]:
        """Explain a figure on a page of its own."""
        to = showing()
        looking = await look(request, principal, to.answering)
        around = frame(request, principal, to, looking)
        return page(request, "explain_page.html", around | await context(request, to, looking, name))

    @get("/fragments/explain/{name:str}", **settings)
    async def panel(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], name: FromPath[str]
    ) -> Response[bytes]:
        """Explain a figure for the panel."""
        to = showing()
        looking = await look(request, principal, to.answering)
        around = frame(request, principal, to, looking)
        return page(request, FRAGMENT, around | await context(request, to, looking, name))

    return [whole, panel]


async def context(request: Request[Any, Any, Any], to: Showing, looking: Looking, name: str) -> Context:
    """Return what the explanation of a figure shows.

    Raises:
        UnknownMetric: there is no such figure.
        InvalidInput: the list or the page of it cannot be.
    """
    answers = Answers(to, looking)
    now = to.answering.clock.now()
    found, changes, steady = await asyncio.gather(
        explain(to, answers, name),
        answers.restated(),
        to.freshness.sources(now=now, configuration=answers.configuration),
    )
    silent = {source.door: source.silent_days for source in steady if source.is_stale}
    shown, number = _shown(request.query_params.get("show", "")), _number(request.query_params.get("page", ""))
    links = SourceLinks.of(to.answering.configuration.value)
    columns = item_words.COLUMNS[name]
    measured = _MEASURED_AS.get(name, name)
    listed = page_of(found.items, shown=shown, number=number)
    return looking.common() | {
        "explained": found,
        "explained_marks": marks(found.figure),
        "rates": METRICS[name].affected_by if name in METRICS else (),
        "columns": columns,
        "listed": listed,
        "rows": [
            (
                item,
                links.of_place(item.place),
                item_words.value(item, columns),
                item_words.detail(item, zone=looking.zone),
                item_words.counting(item),
            )
            for item in listed.items
        ],
        "shown_list": shown,
        "Shown": Shown,
        "list_query": lambda **changed: _query(looking.filters, shown=shown, number=number, **changed),
        "siblings": [(sibling, SHORT_NAMES.get(sibling, sibling.rpartition("_")[2])) for sibling in found.siblings],
        "sources": sorted((item_words.source(door), at, silent.get(door)) for door, at in found.sources.items()),
        "now": now,
        "files": files_of(looking.filters, answers, found),
        "is_measured": measured in MEASURED,
        "measured": measured,
        "changes": changes.of([measured]),
        "daily_address": exports.daily(looking.filters, metric=measured) if measured in MEASURED else None,
        "back": _back(looking.filters, name),
        "is_of_others": _is_of_others(looking, name),
        "of_stream": lambda stream: replace(looking.filters.of_stream(stream), tech_stream=None).query(),
    }


def _is_of_others(looking: Looking, name: str) -> bool:
    """Whether a figure is never told of what is chosen: sprints, forecasts and surveys are of delivery streams."""
    view = looking.view
    is_of_several = name == _OF_ONE and view.delivery_stream_id is None
    return name in _OF_DELIVERY and (view.tech_stream_id is not None or is_of_several)


def files_of(filters: Filters, answers: Answers, found: Explained) -> tuple[exports.File, ...]:
    """Return where the things behind a figure are as CSV."""
    own = {
        "ageing_work": lambda: exports.table(
            filters, "ageing", "ageing_work.tickets", window=found.asked.window_days or None
        ),
        "arrivals": lambda: exports.own(filters, "arrivals-tickets"),
        "blocked_time": lambda: exports.own(filters, "blocked-tickets"),
    }
    if found.name in own:
        return (exports.File("CSV", own[found.name]()),)
    return exports.items(filters, _question(answers, found.name), found.items)


def _question(answers: Answers, name: str) -> Question:
    return Question(
        metric=catalogue.explained(name),
        view=answers.looking.view,
        window_days=answers.looking.filters.window,
        configuration=answers.configuration,
    )


async def explain(to: Showing, answers: Answers, name: str) -> Explained:
    """Return a figure of the catalogue, or beside it, explained.

    Raises:
        UnknownMetric: there is no such figure.
    """
    evidence = await to.explanations.explain(_question(answers, name))
    return explained.of_evidence(evidence, noun=item_words.NOUNS[explained.kind_of(name)])


def _shown(text: str) -> Shown:
    try:
        return Shown(text or Shown.ALL)
    except ValueError:
        raise InvalidInput(f"There is no list {text!r}; there are {', '.join(Shown)}", field="show") from None


def _number(text: str) -> int:
    if not text:
        return 1
    if not text.isdecimal() or len(text) > 6:
        raise InvalidInput(f"The page is {text!r}; give a number from 1 on", field="page")
    return int(text)


def _query(filters: Filters, *, shown: Shown, number: int, **changed: Any) -> str:
    """Return the address of a list: its filters, and what differs from the whole list's first page."""
    wanted, at = changed.get("show", shown), changed.get("page", 1 if "show" in changed else number)
    pairs = filters.pairs()
    pairs += [("show", str(wanted))] if wanted is not Shown.ALL else []
    pairs += [("page", str(at))] if at != 1 else []
    return urlencode(pairs)


def _back(filters: Filters, name: str) -> str:
    """Return where the card of a figure is."""
    zone = METRICS[name].zone if name in METRICS else None
    place = _PLACES.get(name, "/")
    anchor = f"#zone-{zone.value}" if zone and zone is not Zone.CROSS_STREAM and filters.shows(zone.value) else ""
    return f"{place}?{filters.query()}{anchor}"
