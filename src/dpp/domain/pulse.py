"""The team pulse: what people say of pace, tooling and clarity, never what one of them says (§6.6.1, decision 0023)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from dpp.domain.errors import InvalidInput
from dpp.domain.figures import mean
from dpp.domain.quality import MeasuredRate, QualityRate, measure_rate

LOWEST_SCORE, HIGHEST_SCORE = 1, 5
"""The ends of the scale of every question (§5.5.2)."""

LAST_SURVEY_DAY = 7
"""The last day of a month on which its survey is open, by default (§5.5.1)."""

_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class Period(NamedTuple):
    """A month of surveys; periods sort as time does."""

    year: int
    month: int

    def __str__(self) -> str:
        """Return it as it is written, such as ``2026-02``."""
        return f"{self.year:04}-{self.month:02}"

    @property
    def before(self) -> Period:
        """The month before."""
        return Period(self.year, self.month - 1) if self.month > 1 else Period(self.year - 1, 12)

    @classmethod
    def of(cls, day: date) -> Period:
        """Return the month of a day."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Period:
        """
        Read a period as it is written.

        Raises:
            InvalidInput: it is no year and month, such as ``2026-02``.
        """
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise InvalidInput(f"the survey period {text!r} is none; write it as 2026-02", field="survey_period")
        return cls(int(match[1]), int(match[2]))

    def closes_on(self, *, last_day: int = LAST_SURVEY_DAY) -> date:
        """Return the first day on which its survey is closed; before that, its answers are not shown.

        Args:
            last_day: the last day of the month on which the survey is open, 1 to 28.
        """
        return date(self.year, self.month, last_day) + timedelta(days=1)


class SurveyWindow(NamedTuple):
    """
    When people may answer.

    Attributes:
        period: the survey that is open or, while none is, the next one.
        opens_on: its first day.
        last_day: the last day on which it is open.
        is_open: whether it is open now.
    """

    period: Period
    opens_on: date
    last_day: date
    is_open: bool


def survey_window(today: date, *, last_day: int = LAST_SURVEY_DAY) -> SurveyWindow:
    """
    Return the survey that is open on a day, else the next one (§5.5.1): each is open from the first of its month.

    Args:
        today: the day, by the platform's clock.
        last_day: the last day of a month on which its survey is open, 1 to 28.
    """
    is_open = today.day <= last_day
    month = today.replace(day=1)
    opens_on = month if is_open else (month + timedelta(days=31)).replace(day=1)
    return SurveyWindow(Period.of(opens_on), opens_on, opens_on.replace(day=last_day), is_open)


class Dimension(StrEnum):
    """What the three questions are about (§5.5.2)."""

    PACE = "pace"
    TOOLING = "tooling"
    CLARITY = "clarity"


class ScoreSums(NamedTuple):
    """
    What the answers of one team and period add up to; those of several teams add up likewise.

    Attributes:
        responses: how many people answered, >= 0.
        pace: sum of their scores, as are the next two; each from ``responses`` to ``5 * responses``.
    """

    responses: int
    pace: int
    tooling: int
    clarity: int

    def of(self, dimension: Dimension) -> int:
        """Return the sum of the scores of one question."""
        return {Dimension.PACE: self.pace, Dimension.TOOLING: self.tooling, Dimension.CLARITY: self.clarity}[dimension]


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """
    The answers of one delivery stream.

    Attributes:
        answers: by period.
        team_size: how many could answer, >= 1; None when nobody has told.
        minimum: averages over fewer answers than this are withheld, >= 1.
    """

    answers: Mapping[Period, ScoreSums]
    team_size: int | None
    minimum: int

    def shows(self, period: Period) -> bool:
        """Tell whether enough people answered for an average to be nobody's own score."""
        return period in self.answers and self.answers[period].responses >= max(self.minimum, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PulsePeriod:
    """
    One period of the pulse.

    Attributes:
        period: which.
        response_count: how many answered.
        team_size: how many could have; None when nobody has told.
        averages: by dimension, 1 to 5; empty while they are withheld.
        trends: difference to the period before in the calendar, by dimension; empty unless both have averages.
        is_open: whether its survey is still open; its averages are withheld until it closes.
        withheld_teams: how many teams answered and are not in the averages.
    """

    period: Period
    response_count: int
    team_size: int | None
    averages: Mapping[Dimension, float]
    trends: Mapping[Dimension, float]
    is_open: bool
    withheld_teams: int

    @property
    def is_withheld(self) -> bool:
        """Whether the averages are not shown."""
        return not self.averages

    @property
    def overall(self) -> float | None:
        """The mean of the three averages (§6.6.1); None without them."""
        return mean(np.array(list(self.averages.values()))) if self.averages else None

    @property
    def response_rate(self) -> MeasuredRate:
        """How many of the team answered (§5.6); without a team size it has no value."""
        total = self.team_size or 0
        return measure_rate(QualityRate.PULSE_RESPONSE, complete=self.response_count if total else 0, total=total)


def pulse_series(teams: Iterable[Team], *, open_periods: Iterable[Period] = ()) -> tuple[PulsePeriod, ...]:
    """
    Return the pulse of some teams together, by period in order; a period that nobody answered in is not among them.

    Each team that has too few answers of its own is left out of the averages, and of the counts beside them: else the
    difference between all teams and the others would give its average away. When none has enough, the counts are those
    of all who answered, and there are no averages. An open survey shows counts only, since every further answer could
    be told from the average before it.

    Args:
        teams: any number; none gives nothing.
        open_periods: those whose surveys are still open.

    Raises:
        InvalidInput: a sum lies outside what its number of answers can add up to.
    """
    teams, still_open = list(teams), frozenset(open_periods)
    known = sorted({period for team in teams for period, row in team.answers.items() if row.responses})
    shown = {period: _averages(teams, period) for period in known if period not in still_open}
    return tuple(_period(teams, period, shown=shown, is_open=period in still_open) for period in known)


def _period(
    teams: Iterable[Team], period: Period, *, shown: Mapping[Period, Mapping[Dimension, float]], is_open: bool
) -> PulsePeriod:
    answered = [team for team in teams if period in team.answers and team.answers[period].responses]
    counted = [team for team in answered if team.shows(period)] or answered
    averages = shown.get(period, {})
    before = shown.get(period.before, {})
    sizes = [team.team_size for team in counted]
    return PulsePeriod(
        period=period,
        response_count=sum(team.answers[period].responses for team in counted),
        team_size=None if None in sizes else sum(filter(None, sizes)),
        averages=averages,
        trends={dimension: averages[dimension] - before[dimension] for dimension in averages if before},
        is_open=is_open,
        withheld_teams=len(answered) - (len(counted) if averages else 0),
    )


def _averages(teams: Iterable[Team], period: Period) -> dict[Dimension, float]:
    rows = [_checked(team.answers[period], period) for team in teams if team.shows(period)]
    responses = sum(row.responses for row in rows)
    return {dimension: sum(row.of(dimension) for row in rows) / responses for dimension in Dimension if responses}


def _checked(row: ScoreSums, period: Period) -> ScoreSums:
    for dimension in Dimension:
        if not LOWEST_SCORE * row.responses <= row.of(dimension) <= HIGHEST_SCORE * row.responses:
            raise InvalidInput(f"{row.responses} answers of {period} cannot add up to {row.of(dimension)}: {dimension}")
    return row
