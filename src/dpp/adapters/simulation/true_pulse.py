"""What the survey says, read off the answers (§6.6.1): averages of whole teams, where enough people answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dpp.adapters.simulation.company import ZONE, DeliveryStream
from dpp.adapters.simulation.plan import Plan
from dpp.adapters.simulation.surveys import LAST_DAY, Answer, answers_between

#: As the configuration says: averages over fewer answers are not shown.
FEWEST = 6
MONTHS_SHOWN = 12
QUESTIONS = ("pace", "tooling", "clarity")


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseMonth:
    """One month's survey of a scope. ``averages`` and ``trends`` are by question, empty where nothing is shown.

    ``responses`` and ``team_size`` are of the teams that are shown, and of all that answered where none is.
    """

    month: str
    responses: int
    team_size: int
    averages: dict[str, float]
    trends: dict[str, float]
    is_open: bool
    withheld_teams: int

    @property
    def response_rate_pct(self) -> float:
        """How many of the teams' people answered."""
        return 100 * self.responses / self.team_size

    @property
    def overall(self) -> float | None:
        """The mean of the three averages."""
        return sum(self.averages.values()) / len(QUESTIONS) if self.averages else None


def pulse_months(
    plan: Plan, *, as_of: datetime, delivery_stream: str | None, tech_stream: str | None
) -> tuple[PulseMonth, ...]:
    """The last twelve months that somebody answered in, in order. Answers belong to no technology stream."""
    if tech_stream is not None:
        return ()
    teams = [team for team in plan.company.delivery_streams if delivery_stream in (None, team.name)]
    answers = list(answers_between(plan.company, seed=plan.seed, start=plan.start, end=as_of))
    months: list[PulseMonth] = []
    for month in sorted({answer.month for answer in answers}):
        found = _month(month, teams, answers, as_of=as_of, before=months[-1] if months else None)
        if found is not None:
            months.append(found)
    return tuple(months[-MONTHS_SHOWN:])


def _month(
    month: str, teams: list[DeliveryStream], answers: list[Answer], *, as_of: datetime, before: PulseMonth | None
) -> PulseMonth | None:
    given: dict[str, list[Answer]] = {}
    for team in teams:
        latest: dict[str, Answer] = {}
        for answer in answers:
            if (answer.month, answer.stream) == (month, team.name):
                known = latest.get(answer.respondent)
                if known is None or known.given_at < answer.given_at:
                    latest[answer.respondent] = answer
        if latest:
            given[team.name] = list(latest.values())
    if not given:
        return None
    now = as_of.astimezone(ZONE)
    is_open = month == f"{now:%Y-%m}" and now.day <= LAST_DAY
    large = {name: found for name, found in given.items() if len(found) >= FEWEST}
    averages = {} if is_open else _averages(large)
    counted = large or given
    previous = before.averages if before is not None and before.month == _month_before(month) else {}
    return PulseMonth(
        month=month,
        responses=sum(map(len, counted.values())),
        team_size=sum(len(team.team) for team in teams if team.name in counted),
        averages=averages,
        trends={question: averages[question] - previous[question] for question in averages if previous},
        is_open=is_open,
        withheld_teams=len(given) - len(large) if averages else len(given),
    )


def _averages(teams: dict[str, list[Answer]]) -> dict[str, float]:
    everybody = [answer for found in teams.values() for answer in found]
    if not everybody:
        return {}
    return {question: sum(getattr(answer, question) for answer in everybody) / len(everybody) for question in QUESTIONS}


def _month_before(month: str) -> str:
    first = datetime.strptime(f"{month}-01", "%Y-%m-%d").replace(tzinfo=ZONE)
    return f"{first - timedelta(days=1):%Y-%m}"
