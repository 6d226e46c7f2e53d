"""What is going on right now: work by stage, the running sprint, cycle times, and what gets old (§7.1.1)."""

from __future__ import annotations

import asyncio

from dpp.application.flow_answers import Ageing
from dpp.application.forecast_answers import DeliveryForecast, Reason, SprintConfidence
from dpp.domain.ageing import AgeBand
from dpp.entrypoints.http.dashboard import charts, words
from dpp.entrypoints.http.dashboard.cards import marks
from dpp.entrypoints.http.dashboard.gauge import gauge
from dpp.entrypoints.http.dashboard.looking import RESCUE_PCT, Answers, Context
from dpp.entrypoints.http.dashboard.restated import NOTHING

TEMPLATE = "zones/realtime.html"
LATE = (AgeBand.P85_TO_P95, AgeBand.ABOVE_P95)


async def context(answers: Answers) -> Context:
    """Return what the zone shows."""
    realtime, confidence, rescue, ageing = await asyncio.gather(
        answers.realtime(), answers.confidence(), answers.rescue(), answers.ageing()
    )
    # The present day is not over, so that nothing of it can have been restated.
    restated = NOTHING if answers.looking.view.is_live else await answers.restated()
    is_of_many = confidence.reason is Reason.NO_STREAM
    return {
        "sprints": await answers.confidences() if is_of_many else (),
        "realtime": realtime,
        "completed": len(realtime.points) + realtime.unmeasured,
        "wip_marks": marks(realtime.wip),
        "cycle_marks": marks(realtime.cycle_times["cycle_time_p85"]),
        "wip_chart": charts.wip(realtime),
        "scatter_chart": charts.scatter(realtime, zone=answers.looking.zone),
        "sprint": confidence,
        "sprint_gauge": gauge(confidence.figure.value),
        "sprint_marks": marks(confidence.figure),
        "sprint_rescue": rescue_of(confidence, rescue),
        "ageing": ageing,
        "ageing_marks": marks(ageing.figure),
        "ageing_chart": charts.ageing(ageing),
        "ageing_late": late(ageing),
        "cycles_restated": [row for name in realtime.cycle_times for row in restated.on(name, answers.day)],
        "wip_restated": restated.on("wip_by_stage", answers.day),
    }


def rescue_of(confidence: SprintConfidence, answer: DeliveryForecast) -> str | None:
    """Return what to leave out of the sprint to be ``RESCUE_PCT`` sure of the rest; None when that is not known."""
    cut = answer.imagined.sprint if answer.imagined else None
    if confidence.figure.value is None or cut is None:
        return None
    sure = f"{words.percent(RESCUE_PCT)}{words.FIXED_SPACE}%"
    if not cut.remaining:
        return "Nothing is left in it."
    if not cut.scope_cut:
        return f"Nothing has to go: the chance is {sure} or more."
    if cut.scope_cut >= cut.remaining:
        return f"No smaller sprint reaches {sure}: at the usual pace nothing more is done in time that surely."
    left = cut.remaining - cut.scope_cut
    return f"Leave out {cut.scope_cut} of {cut.remaining} to be {sure} sure of the other {left}."


def late(ageing: Ageing) -> int:
    """Return how many unfinished tickets are older than 85 percent of finished ones became."""
    return sum(ageing.bands[band] for band in LATE)
