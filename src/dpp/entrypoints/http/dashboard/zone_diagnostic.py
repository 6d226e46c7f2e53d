"""Where time and quality go: waits, blockers, defects that escape, and reviews (§7.1.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dpp.application.diagnostics import BREAKDOWN_DAYS
from dpp.application.queries import Diagnostic, LabelTime
from dpp.domain.reviews import Concentration, SuppressedConcentration
from dpp.domain.stages import WIP_STAGES
from dpp.entrypoints.http.dashboard import charts, flow_charts
from dpp.entrypoints.http.dashboard.cards import marks
from dpp.entrypoints.http.dashboard.looking import Answers, Context
from dpp.entrypoints.http.dashboard.sankey import sankey

TEMPLATE = "zones/diagnostic.html"


async def context(answers: Answers) -> Context:
    """Return what the zone shows."""
    diagnostic, diagnosis, cumulative, arrivals, blocked, restated = await asyncio.gather(
        answers.diagnostic(),
        answers.diagnosis(),
        answers.cumulative_flow(),
        answers.arrivals(),
        answers.blocked(),
        answers.restated(),
    )
    reviewing = diagnosis.reviewing
    return {
        "diagnostic": diagnostic,
        "restated": restated,
        "shown_day": answers.day,
        "flow_marks": marks(diagnostic.flow_efficiency),
        "flow_chart": charts.flow(diagnostic),
        "longest_wait": longest_wait(diagnostic),
        "diagnosis": diagnosis,
        "defects": diagnosis.defects,
        "defect_marks": marks(diagnosis.defects.rate),
        "sankey": sankey(diagnosis.defects.matrix),
        "review_marks": marks(diagnosis.review_turnaround["review_turnaround_p50"]),
        "concentration": reviewing.concentration,
        "concentration_marks": marks(reviewing.figure),
        "why_withheld": _why_withheld(answers, reviewing.concentration),
        "cumulative": cumulative,
        "cumulative_marks": marks(cumulative.figure),
        "cumulative_chart": flow_charts.cumulative(cumulative),
        "arrivals": arrivals,
        "blocked": blocked,
        "blocked_marks": marks(blocked.figure),
    }


def _why_withheld(answers: Answers, found: Concentration | SuppressedConcentration) -> str | None:
    """Return why the shares of reviewers are not shown; None when they are."""
    if not isinstance(found, SuppressedConcentration):
        return None
    view, offered = answers.looking.view, sorted(BREAKDOWN_DAYS | {answers.usual_days})
    return why_withheld(
        minimum=found.minimum,
        is_past=not view.is_live,
        is_crossing=bool(view.delivery_stream_id and view.tech_stream_id),
        window_days=answers.looking.filters.window,
        offered=offered,
    )


def why_withheld(*, minimum: int, is_past: bool, is_crossing: bool, window_days: int, offered: Sequence[int]) -> str:
    """Return the first reason that holds, with what would show the shares."""
    if is_past:
        return "Shares are shown as of now only: two moments would differ by what one person did between them."
    if is_crossing:
        return "Shares are shown for a delivery stream or a technology stream, not for what belongs to both."
    if window_days not in offered:
        ranges = ", ".join(str(days) for days in offered[:-1]) + f" or {offered[-1]} days"
        return f"Shares are shown over {ranges}: other ranges would differ by what one person did in a day."
    return (
        f"Shares are shown from {minimum} contributors on, and where the difference to another breakdown is no smaller "
        "group either."
    )


def longest_wait(answer: Diagnostic) -> LabelTime | None:
    """Return the queue between the first stage and the last that takes longest; None without any.

    Before the first and after the last nobody has promised anything, and a status that nobody mapped is no queue.
    """
    queues = [row for row in answer.labels if row.is_queue and row.label.removesuffix("_queue") in WIP_STAGES]
    return max(queues, key=lambda row: row.average_days, default=None)
