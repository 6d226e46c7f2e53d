"""Simulated answers to the survey, and the true figures of answers that were counted by hand."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dpp.adapters.simulation import true_pulse
from dpp.adapters.simulation.company import Company, found_company
from dpp.adapters.simulation.plan import Plan
from dpp.adapters.simulation.rates import Rates, Size
from dpp.adapters.simulation.surveys import Answer, answers_between

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def company() -> Company:
    """Three teams."""
    return found_company(random.Random(1))


def test_a_year_of_answers(company: Company) -> None:
    """Each is given in its month's first week by one of the team, on the scale; a person answers twice at most."""
    answers = list(answers_between(company, seed=1, start=START, end=END))
    assert 12 == len({answer.month for answer in answers})
    teams = {stream.name: set(stream.team) for stream in company.delivery_streams}
    for answer in answers:
        local = answer.given_at.astimezone(ZoneInfo("Europe/London"))
        assert (answer.month, True) == (f"{local:%Y-%m}", local.day <= 7)
        assert answer.person in teams[answer.stream]
        assert {answer.pace, answer.tooling, answer.clarity} <= {1, 2, 3, 4, 5}
    twice = Counter((answer.month, answer.stream, answer.respondent) for answer in answers)
    assert {1, 2} == set(twice.values())
    assert not any(name in answer.respondent for answer in answers for name in answer.person.identifiers)
    assert any(answer.text and answer.person.email in answer.text for answer in answers)


def test_halves_make_the_whole(company: Company) -> None:
    """What is given in two spans that meet in the middle of a window is what is given in both together."""
    middle = datetime(2026, 6, 4, 12, tzinfo=UTC)
    parts = [*answers_between(company, seed=1, start=START, end=middle)]
    assert 0 < len(parts)
    parts += answers_between(company, seed=1, start=middle, end=END)
    whole = list(answers_between(company, seed=1, start=START, end=END))
    key = lambda answer: (answer.given_at, answer.stream, answer.respondent)  # noqa: E731
    assert sorted(whole, key=key) == sorted(parts, key=key)


def test_true_figures_of_a_few_answers(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six of payments answer 1 to 5 and 3 again, one of them twice; one of onboarding is withheld and not counted."""
    payments, onboarding, _ = company.delivery_streams

    def answer(who: int, pace: int, *, month: int = 3, hour: int = 9, stream: str = "payments") -> Answer:
        team = payments.team if stream == "payments" else onboarding.team
        return Answer(
            person=team[who],
            stream=stream,
            month=f"2026-{month:02}",
            given_at=datetime(2026, month, 2, hour, tzinfo=UTC),
            pace=pace,
            tooling=4,
            clarity=2,
            text=None,
            number=1,
        )

    given = [answer(who, pace) for who, pace in enumerate((1, 2, 3, 4, 5, 5))] + [answer(5, 3, hour=10)]
    given += [answer(0, 5, stream="onboarding"), *(answer(who, 5, month=2) for who in range(6))]
    monkeypatch.setattr(true_pulse, "answers_between", lambda *_, **__: iter(given))
    plan = Plan.make(seed=1, start=START, size=Size.SMALL, rates=Rates())

    def months(day: int, stream: str | None = None) -> list[tuple[object, ...]]:
        found = true_pulse.pulse_months(
            plan, as_of=datetime(2026, 3, day, 12, tzinfo=UTC), delivery_stream=stream, tech_stream=None
        )
        return [(it.month, it.responses, it.team_size, it.averages, it.is_open, it.withheld_teams) for it in found]

    february = ("2026-02", 6, 9, {"pace": 5.0, "tooling": 4.0, "clarity": 2.0}, False, 0)
    march = ("2026-03", 6, 9, {"pace": 3.0, "tooling": 4.0, "clarity": 2.0}, False, 1)
    assert [february, march] == months(8)
    assert [february, ("2026-03", 6, 9, {}, True, 2)] == months(7)
    assert [("2026-03", 1, 8, {}, False, 1)] == months(8, "onboarding")
    latest = true_pulse.pulse_months(
        plan, as_of=datetime(2026, 3, 9, tzinfo=UTC), delivery_stream=None, tech_stream=None
    )[-1]
    assert ({"pace": -2.0, "tooling": 0.0, "clarity": 0.0}, 3.0) == (latest.trends, latest.overall)
    assert pytest.approx(100 * 6 / 9) == latest.response_rate_pct
    assert () == true_pulse.pulse_months(plan, as_of=END, delivery_stream=None, tech_stream="core-api")
