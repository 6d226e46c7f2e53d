"""How the teams are, as they say themselves: never what one of them says (§7.1.1, §4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dpp.application.pulse import TeamPulse
from dpp.domain.pulse import HIGHEST_SCORE, LOWEST_SCORE, Dimension, PulsePeriod
from dpp.domain.small_teams import minimum_contributors
from dpp.entrypoints.http.dashboard import flow_charts, words
from dpp.entrypoints.http.dashboard.cards import marks
from dpp.entrypoints.http.dashboard.charts import Chart
from dpp.entrypoints.http.dashboard.looking import Answers, Context

TEMPLATE = "zones/pulse.html"


async def context(answers: Answers) -> Context:
    """Return what the zone shows."""
    found = await answers.pulse()
    return {
        "pulse": found,
        "pulse_latest": latest(found),
        "pulse_marks": marks(found.figure),
        "pulse_chart": chart(found.periods),
        "pulse_minimum": minimum_contributors(answers.configuration, answers.looking.view.delivery_stream_id),
        "lowest": lowest(latest(found)),
        "Dimension": Dimension,
    }


def latest(found: TeamPulse) -> PulsePeriod | None:
    """Return the latest closed survey; None without any."""
    return next((period for period in reversed(found.periods) if not period.is_open), None)


def lowest(period: PulsePeriod | None) -> Dimension | None:
    """Return what the teams rate lowest; None when averages are withheld, or all are the same."""
    if period is None or len(set(period.averages.values())) < 2:
        return None
    return min(period.averages, key=lambda dimension: period.averages[dimension])


def chart(periods: Sequence[PulsePeriod]) -> Chart | None:
    """Return a line for each question; None when no survey may be shown."""
    if all(period.is_withheld for period in periods):
        return None
    return flow_charts.series(
        "the team pulse",
        {words.DIMENSIONS[dimension]: [row.averages.get(dimension) for row in periods] for dimension in Dimension},
        days=[date(row.period.year, row.period.month, 1) for row in periods],
        unit=f"{LOWEST_SCORE} to {HIGHEST_SCORE}",
        scale=(LOWEST_SCORE, HIGHEST_SCORE),
        has_signs=True,
    )
