"""The team pulse as the JSON that scripts rely on (§6.6.1)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from dpp.application.pulse import TeamPulse
from dpp.domain.pulse import Dimension, PulsePeriod
from dpp.entrypoints.http.shapes import Figure, Meta, trust


class Period(Struct, frozen=True, kw_only=True):
    """
    One month's survey: scores from 1 to 5, and their differences to the month before.

    Where too few answered or the survey is still open, the answer is ``suppressed``: counts, and no scores.
    ``response_rate_pct`` is null while nobody has told the size of a team. ``withheld_teams`` answered and are not in
    the scores.
    """

    survey_period: str
    response_count: int
    team_size: int | None
    response_rate_pct: float | None
    pace_avg: float | None
    pace_trend: float | None
    tooling_avg: float | None
    tooling_trend: float | None
    clarity_avg: float | None
    clarity_trend: float | None
    overall_avg: float | None
    suppressed: bool
    is_open: bool
    withheld_teams: int


class Pulse(Figure, frozen=True, kw_only=True):
    """The overall score of the latest closed survey, and every period asked for that somebody answered in, in order."""

    periods: list[Period]


class PulseData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/pulse``."""

    team_pulse: Pulse


class PulseAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the pulse."""

    status: Literal["ok"]
    data: PulseData
    meta: Meta


def pulse(answer: TeamPulse) -> PulseData:
    """Return the figures of ``GET /metrics/pulse``."""
    figure = answer.figure
    return PulseData(
        team_pulse=Pulse(
            value=figure.value,
            unit=figure.unit,
            sample_size=figure.sample_size,
            confidence=trust(figure.confidence),
            periods=[_period(row) for row in answer.periods],
        )
    )


def _period(row: PulsePeriod) -> Period:
    return Period(
        survey_period=str(row.period),
        response_count=row.response_count,
        team_size=row.team_size,
        response_rate_pct=row.response_rate.value,
        pace_avg=row.averages.get(Dimension.PACE),
        pace_trend=row.trends.get(Dimension.PACE),
        tooling_avg=row.averages.get(Dimension.TOOLING),
        tooling_trend=row.trends.get(Dimension.TOOLING),
        clarity_avg=row.averages.get(Dimension.CLARITY),
        clarity_trend=row.trends.get(Dimension.CLARITY),
        overall_avg=row.overall,
        suppressed=row.is_withheld,
        is_open=row.is_open,
        withheld_teams=row.withheld_teams,
    )
