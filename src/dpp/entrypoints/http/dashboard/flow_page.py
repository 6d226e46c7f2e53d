"""Flow over time: cumulative flow, arrivals against departures, blocked time and its cost, and ageing work in full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from litestar.handlers import HTTPRouteHandler

from dpp.application.flow_answers import ArrivalsAndDepartures, Blocked, CumulativeFlow
from dpp.application.flow_over_time import LIKE
from dpp.application.views import may_name
from dpp.domain.ageing import AgeBand
from dpp.domain.stages import WIP_STAGES
from dpp.entrypoints.http.dashboard import svg_ages, svg_bars, svg_stack, words
from dpp.entrypoints.http.dashboard.beyond import ARRIVALS
from dpp.entrypoints.http.dashboard.cards import marks
from dpp.entrypoints.http.dashboard.filters import Filters
from dpp.entrypoints.http.dashboard.looking import Answers, Context, Looking, Showing
from dpp.entrypoints.http.dashboard.view_page import ViewPage
from dpp.entrypoints.http.dashboard.zones import ZoneView, topics_of

LATE = (AgeBand.P85_TO_P95, AgeBand.ABOVE_P95)


class Cause(NamedTuple):
    """What blocked time is put down to, its cost, and where more is said about it."""

    name: str
    address: str | None
    days: float
    tickets: int
    share_pct: float | None
    of_all_pct: float


async def context(to: Showing, looking: Looking) -> Context:
    """Return what the page shows."""
    answers = Answers(to, looking)
    cumulative, arrivals, blocked, ageing, restated = await asyncio.gather(
        answers.cumulative_flow(), answers.arrivals(), answers.blocked(), answers.ageing(), answers.restated()
    )
    streams = answers.configuration.delivery_streams
    return {
        "arrivals_card": ARRIVALS,
        "cumulative": cumulative,
        "restated": restated,
        "cumulative_marks": marks(cumulative.figure),
        "cumulative_stack": svg_stack.cumulative(cumulative),
        "growth": growth(cumulative),
        "arrivals": arrivals,
        "arrivals_marks": marks(arrivals.arrived),
        "arrivals_bars": svg_bars.bars(arrivals.weeks),
        "balance": balance(arrivals),
        "blocked": blocked,
        "blocked_marks": marks(blocked.figure),
        "causes": causes(blocked, filters=looking.filters),
        "ageing": ageing,
        "ageing_marks": marks(ageing.figure),
        "ages": svg_ages.ages(ageing),
        "late": sum(ageing.bands[band] for band in LATE),
        "stream_names": {row.stream_id: row.display_name for row in streams if may_name(row, scope=looking.view.scope)},
    }


PAGE = ViewPage(
    zone=ZoneView(name="flow", title="Flow over time", topics=topics_of([LIKE])),
    template="flow.html",
    context=context,
)


def routes(showing: Callable[[], Showing]) -> list[HTTPRouteHandler]:
    """Build the routes of the page; ``showing`` gives what they need once the platform has started."""
    return PAGE.routes(showing)


def growth(answer: CumulativeFlow) -> str:
    """Return how work in progress changed from the end of the first day to that of the last, and where it grew most."""
    first, last = answer.days[0].wip, answer.days[-1].wip
    change = last.total - first.total
    if change:
        said = f"{'up' if change > 0 else 'down'} {words.number(abs(change))} from {words.number(first.total)}"
    else:
        said = "as many as at first"
    grown = {stage: last.stages[stage].total - first.stages[stage].total for stage in WIP_STAGES}
    widest = max(grown, key=lambda stage: grown[stage])
    if grown[widest] <= 0:
        return f"{said}; no stage grew"
    return f"{said}; {words.stage(widest)} grew most, by {words.number(grown[widest])}"


def balance(answer: ArrivalsAndDepartures) -> str:
    """Return how many more came than left, or the other way round."""
    more = int((answer.arrived.value or 0) - (answer.departed.value or 0))
    if not more:
        return "As many came into progress as left it."
    other = "came into progress than left it" if more > 0 else "left progress than came into it"
    return f"{words.number(abs(more))} more {other}."


def causes(answer: Blocked, *, filters: Filters) -> tuple[Cause, ...]:
    """Return what blocked time is put down to, the dearest first, each with its place in the cross-stream view."""
    whole = answer.whole.days
    return tuple(
        Cause(
            name=cause.tech_stream.display_name if cause.tech_stream else "Not told",
            address=_impact(filters, cause.tech_stream.name) if cause.tech_stream else None,
            days=cause.time.days,
            tickets=cause.time.tickets,
            share_pct=cause.time.share_pct,
            of_all_pct=100 * cause.time.days / whole if whole else 0.0,
        )
        for cause in answer.causes
    )


def _impact(filters: Filters, tech_stream: str) -> str:
    return f"/cross-stream?{replace(filters.certain(), tech_stream=tech_stream).query()}"
