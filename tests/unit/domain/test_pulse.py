"""The team pulse: averages, trends, and what is withheld."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput
from dpp.domain.pulse import Dimension, Period, PulsePeriod, ScoreSums, Team, pulse_series

JANUARY, FEBRUARY, MARCH = Period(2026, 1), Period(2026, 2), Period(2026, 3)
PACE, TOOLING, CLARITY = Dimension


def sums(*answers: tuple[int, int, int]) -> ScoreSums:
    """Return what some answers add up to."""
    return ScoreSums(len(answers), *(sum(scores) for scores in zip(*answers, strict=True)))


def team(answers: dict[Period, ScoreSums], *, size: int | None = 10, minimum: int = 2) -> Team:
    """Return a team."""
    return Team(answers=answers, team_size=size, minimum=minimum)


def test_each_question_is_averaged_and_compared_with_the_month_before() -> None:
    """Scores 4, 2, 5 and 2, 4, 4 average 3, 3, 4.5; January had 3, 4, 4.5; the overall mean is 3.5."""
    (january, february) = pulse_series(
        [team({FEBRUARY: sums((4, 2, 5), (2, 4, 4)), JANUARY: sums((3, 4, 5), (3, 4, 4))}, size=8)]
    )
    assert {PACE: 3.0, TOOLING: 3.0, CLARITY: 4.5} == february.averages
    assert {PACE: 0.0, TOOLING: -1.0, CLARITY: 0.0} == february.trends
    assert (3.5, 2, 25.0) == (february.overall, february.response_count, february.response_rate.value)
    assert {} == january.trends


def test_a_trend_needs_the_month_right_before() -> None:
    """March has no trend when nobody answered in February, although January is known; January follows December."""
    answers = sums((4, 4, 4), (4, 4, 4))
    found = pulse_series([team({Period(2025, 12): answers, JANUARY: answers, MARCH: answers})])
    assert [False, True, False] == [bool(it.trends) for it in found]


def test_too_few_answers_are_counted_and_not_shown() -> None:
    """One answer under a minimum of two has no averages, and the month after has no trend that would give them away."""
    february, march = pulse_series([team({FEBRUARY: sums((1, 1, 1)), MARCH: sums((2, 2, 2), (3, 3, 3))})])
    assert (1, 10.0, True, {}, None) == (
        february.response_count,
        february.response_rate.value,
        february.is_withheld,
        february.averages,
        february.overall,
    )
    assert ({}, False) == (march.trends, march.is_withheld)


def test_an_open_survey_shows_counts_only() -> None:
    """While a survey is open each answer could be told from the average before it."""
    (found,) = pulse_series([team({MARCH: sums((2, 2, 2), (3, 3, 3), (5, 5, 5))})], open_periods=[MARCH])
    assert (3, True, True, {}) == (found.response_count, found.is_open, found.is_withheld, found.averages)


def test_a_small_team_is_not_in_the_averages_of_all() -> None:
    """All together average the two teams that are shown on their own; the third can not be told from the difference."""
    large, other = sums((4, 4, 4), (4, 4, 4)), sums((2, 2, 2), (1, 1, 1))
    (found,) = pulse_series([team({MARCH: large}), team({MARCH: other}, size=4), team({MARCH: sums((5, 1, 5))})])
    assert ({PACE: 2.75, TOOLING: 2.75, CLARITY: 2.75}, 1) == (found.averages, found.withheld_teams)
    assert (4, 14) == (found.response_count, found.team_size)


def test_a_team_of_unknown_size_has_no_response_rate() -> None:
    """Without a size the rate has no value, and it cannot be below its target."""
    (found,) = pulse_series([team({MARCH: sums((4, 4, 4), (4, 4, 4))}, size=None)])
    assert (None, False) == (found.response_rate.value, found.response_rate.below_target)


def test_more_answers_than_members_are_over_a_hundred_percent() -> None:
    """A team that has shrunk since keeps its answers."""
    (found,) = pulse_series([team({MARCH: sums((4, 4, 4), (4, 4, 4), (4, 4, 4))}, size=2)])
    assert 150.0 == found.response_rate.value


def test_nobody_answering_gives_no_period() -> None:
    """No team, no answers and no one answering are the same."""
    assert () == pulse_series([]) == pulse_series([team({})]) == pulse_series([team({MARCH: ScoreSums(0, 0, 0, 0)})])


def test_impossible_sums_are_refused() -> None:
    """Two answers cannot add up to 11, nor to 1."""
    for wrong in (11, 1):
        with pytest.raises(InvalidInput, match=r"2 answers of 2026-03 cannot add up to (11|1): pace"):
            pulse_series([team({MARCH: ScoreSums(2, wrong, 4, 4)})])


scores = st.integers(1, 5)
answers = st.lists(st.tuples(scores, scores, scores), min_size=1, max_size=5).map(lambda rows: sums(*rows))
teams = st.builds(
    Team,
    answers=st.dictionaries(st.builds(Period, st.integers(2025, 2026), st.integers(1, 12)), answers, max_size=5),
    team_size=st.none() | st.integers(1, 9),
    minimum=st.integers(1, 4),
)


@given(teams=st.lists(teams, max_size=4), small=teams)
def test_averages_do_not_depend_on_withheld_answers(teams: list[Team], small: Team) -> None:
    """Whatever a team says whose answers are all withheld, the averages and trends of all stay the same."""
    hidden = Team(answers=small.answers, team_size=small.team_size, minimum=6)

    def shown(found: tuple[PulsePeriod, ...]) -> list[object]:
        return [(it.period, it.averages, it.trends) for it in found if it.averages]

    assert shown(pulse_series(teams)) == shown(pulse_series([*teams, hidden]))


@given(teams=st.lists(teams, max_size=4))
def test_averages_stay_on_the_scale_and_trends_within_its_width(teams: list[Team]) -> None:
    """Averages lie from 1 to 5, their mean as well, and trends from -4 to 4; periods are in order and distinct."""
    found = pulse_series(teams)
    assert sorted({it.period for it in found}) == [it.period for it in found]
    for it in found:
        assert all(1 <= value <= 5 for value in it.averages.values())
        assert it.overall is None or 1 <= it.overall <= 5
        assert all(-4 <= value <= 4 for value in it.trends.values())
        assert set(it.trends) <= set(it.averages)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "26-01", "2026/01", "", "2026-01 ", "٢٠٢٦-01"])
def test_other_texts_are_no_period(text: str) -> None:
    """A period is a year of four digits and a month of two."""
    with pytest.raises(InvalidInput, match="write it as 2026-02"):
        Period.parse(text)


@given(year=st.integers(1000, 9998), month=st.integers(1, 12))
def test_a_period_is_read_as_it_is_written_and_follows_the_one_before(year: int, month: int) -> None:
    """Writing and reading give the same period; the one before is a month earlier, and periods sort by time."""
    period = Period(year, month)
    assert period == Period.parse(str(period))
    assert period.before < period
    assert 1 == (year * 12 + month) - (period.before.year * 12 + period.before.month)


def test_a_survey_closes_after_its_last_day() -> None:
    """Open to the 7th, it is closed from the 8th on; a day tells its period."""
    assert date(2026, 2, 8) == FEBRUARY.closes_on()
    assert date(2026, 3, 1) == FEBRUARY.closes_on(last_day=28)
    assert FEBRUARY == Period.of(date(2026, 2, 28))
