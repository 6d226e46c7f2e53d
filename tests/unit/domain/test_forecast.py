"""Forecasts against the exact distribution, worked out by convolution, and against cases worked out by hand."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput, NotEnoughData
from dpp.domain.forecast import HORIZON_WEEKS, PERCENTS, Forecast, Method, forecast
from dpp.domain.resampling import Outcomes, as_sample, outcomes, running_totals, seed_of

MONDAY = date(2026, 3, 2)
#: Items done in twelve weeks of a team, one of them empty.
TEAM = (3, 5, 0, 7, 4, 6, 2, 5, 8, 1, 4, 5)


def made(scope: int, sample: Sequence[int] = TEAM, *, seed: int = 1, runs: int = 10_000) -> Forecast:
    """Return a forecast of that Monday."""
    return forecast(scope=scope, sample=sample, made_on=MONDAY, seed=seed, runs=runs)


def exact_done_by(scope: int, sample: Sequence[int], weeks: int) -> list[Fraction]:
    """Return the chance of having done the scope after 0, 1, … weeks: one minus that of a smaller sum, convolved."""
    short = [Fraction(0)] * scope
    short[0] = Fraction(1)
    chances = [Fraction(0)]
    for _ in range(weeks):
        after = [Fraction(0)] * scope
        for total, chance in enumerate(short):
            for items in sample:
                if total + items < scope:
                    after[total + items] += chance / len(sample)
        short = after
        chances.append(1 - sum(short, Fraction(0)))
    return chances


@pytest.mark.parametrize("scope", [1, 12, 40, 90])
def test_the_runs_follow_the_exact_distribution(scope: int) -> None:
    """After every week the share of finished runs is within four standard errors of the chance, worked out exactly."""
    runs = 40_000
    found = made(scope, runs=runs)
    chances = exact_done_by(scope, TEAM, len(found.finished))
    for chance, done in zip(chances[1:], np.cumsum(found.finished), strict=True):
        spread = float(chance * (1 - chance) / runs) ** 0.5
        assert abs(float(chance) - done / runs) <= 4 * spread + 1e-12


@pytest.mark.parametrize("scope", [12, 40, 90])
def test_dates_converge_to_those_of_the_exact_distribution(scope: int) -> None:
    """The date of each percentage is the exact one, or a neighbour where the exact chance is within noise of it."""
    found = made(scope, runs=40_000)
    chances = exact_done_by(scope, TEAM, len(found.finished) + 1)
    for percent in PERCENTS:
        week = (found.completion_dates[percent] - MONDAY).days // 7  # type: ignore[operator]
        assert percent / 100 - 0.01 <= float(chances[week])
        assert float(chances[week - 1]) < percent / 100 + 0.01


def test_a_constant_team_has_one_date() -> None:
    """Five a week do 23 items in the fifth week: every date is five weeks on, and so is every run."""
    found = made(23, [5] * 6)
    assert dict.fromkeys(PERCENTS, date(2026, 4, 6)) == found.completion_dates
    assert ((date(2026, 4, 6), 10_000, 100.0, 100.0),) == found.distribution
    assert (0.0, 0) == (found.cut_pct, found.weeks_until_probabilistic)


def test_the_date_of_a_percentage_is_the_first_by_which_so_many_runs_are_done() -> None:
    """Of ten runs five are done in week 1, two in week 3 and three in week 4: half are done by week 1, not later."""
    found = Forecast(
        method=Method.MONTE_CARLO, made_on=MONDAY, scope=9, sample=TEAM, seed=1, runs=10, finished=(5, 0, 2, 3)
    )
    weeks = {percent: found.date_of(week) for percent, week in ((50, 1), (70, 3), (85, 4), (95, 4))}
    assert weeks == found.completion_dates
    bars = (
        (date(2026, 3, 9), 5, 50.0, 50.0),
        (date(2026, 3, 23), 2, 20.0, 70.0),
        (date(2026, 3, 30), 3, 30.0, 100.0),
    )
    assert bars == found.distribution


def test_nothing_left_is_done() -> None:
    """Without scope no date is needed, whatever the history."""
    for sample in ((), (0, 0), TEAM):
        found = made(0, sample)
        assert (Method.DONE, (), 0) == (found.method, found.distribution, found.runs)
        assert dict.fromkeys(PERCENTS) == found.completion_dates


@pytest.mark.parametrize("weeks", [1, 5, 6, 12])
def test_a_history_without_any_completion_never_ends(weeks: int) -> None:
    """Nothing says that the first item will ever be done: there is no date and no estimate."""
    found = made(1, [0] * weeks)
    assert (Method.UNREACHABLE, None, None) == (found.method, found.estimated_weeks, found.estimated_date)
    assert dict.fromkeys(PERCENTS) == found.completion_dates


def test_a_short_history_is_projected_in_a_straight_line() -> None:
    """20 items at 3 and 4 a week, 3.5 on average, take 40/7 weeks, which are exactly 40 days; no chance is given."""
    found = made(20, [3, 4])
    assert (Method.LINEAR, 4) == (found.method, found.weeks_until_probabilistic)
    assert pytest.approx(40 / 7) == found.estimated_weeks
    assert date(2026, 4, 11) == found.estimated_date
    assert dict.fromkeys(PERCENTS) == found.completion_dates
    assert () == found.distribution


def test_a_part_of_a_day_is_a_day() -> None:
    """Three items at two a week take 10.5 days, and are done on the eleventh; two take exactly seven."""
    assert date(2026, 3, 13) == made(3, [2]).estimated_date
    assert date(2026, 3, 9) == made(2, [2]).estimated_date


def test_no_history_projects_nothing() -> None:
    """Before the first complete week there is neither a date nor an estimate, and six weeks to wait."""
    found = made(5, [])
    assert (Method.LINEAR, None, None, 6) == (
        found.method,
        found.estimated_weeks,
        found.estimated_date,
        found.weeks_until_probabilistic,
    )


def test_a_projection_beyond_ten_years_has_weeks_and_no_date() -> None:
    """1,000 items at one a week end in no year that anybody plans for."""
    found = made(1000, [1])
    assert (1000.0, None) == (found.estimated_weeks, found.estimated_date)


def test_runs_beyond_ten_years_are_cut_and_counted() -> None:
    """At one a week 521 items take a week too long: all runs are cut, the dates are the horizon and say so."""
    found = made(521, [1] * 6, runs=100)
    assert (100, 100.0, ()) == (found.cut_runs, found.cut_pct, found.distribution)
    assert date(2036, 2, 18) == found.completion_date(50) == found.date_of(HORIZON_WEEKS)
    assert all(found.is_beyond_horizon(percent) for percent in PERCENTS)
    at_the_edge = made(520, [1] * 6, runs=100)
    assert (0, date(2036, 2, 18), False) == (
        at_the_edge.cut_runs,
        at_the_edge.completion_date(95),
        at_the_edge.is_beyond_horizon(95),
    )


def test_some_runs_may_be_cut() -> None:
    """One item in twelve weeks and 43 to do: ten years do for about half of the runs, and the shares make 100."""
    found = made(43, [0] * 11 + [1], runs=2_000)
    expected = 1 - sum(
        float(Fraction(11, 12) ** (520 - k) * Fraction(1, 12) ** k * binomial(520, k)) for k in range(43)
    )
    assert abs(expected - (1 - found.cut_pct / 100)) < 4 * (0.25 / 2_000) ** 0.5
    assert pytest.approx(100) == sum(bar.share_pct for bar in found.distribution) + found.cut_pct
    assert found.is_beyond_horizon(95)


def binomial(n: int, k: int) -> int:
    """Return n over k."""
    result = 1
    for step in range(k):
        result = result * (n - step) // (step + 1)
    return result


def test_a_forecast_is_replayed_to_the_digit() -> None:
    """The stored seed, sample, scope and runs give the same forecast; another seed gives another."""
    found = made(40, seed=seed_of(stream=UUID(int=1), day=MONDAY))
    again = forecast(scope=found.scope, sample=found.sample, made_on=found.made_on, seed=found.seed, runs=found.runs)
    assert found == again
    assert found.finished != made(40, seed=2).finished


def test_draws_never_change() -> None:
    """The first totals of seed 7 were seen once; an upgrade that changed them would break the replay of what is stored.

    They follow from PCG64's raw output in whole numbers: the lower half of each word, then the upper, of 2^32 parts.
    """
    first = next(running_totals(as_sample(TEAM), seed=7, runs=8)).tolist()
    assert [5, 5, 8, 4, 2, 1, 4, 0] == first
    words = [int(word) for word in np.random.PCG64(7).random_raw(4)]
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    assert [TEAM[half * len(TEAM) >> 32] for half in halves] == first


def test_every_stream_and_day_has_a_seed_of_its_own() -> None:
    """All is a stream too; a seed fits into a signed 64-bit column."""
    seeds = {
        seed_of(stream=stream, day=day)
        for stream in (None, UUID(int=1), UUID(int=2))
        for day in (MONDAY, date(2026, 3, 3))
    }
    assert 6 == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


@given(
    scope=st.integers(1, 200),
    more=st.integers(0, 50),
    sample=st.lists(st.integers(0, 9), min_size=6, max_size=12).filter(any),
    seed=st.integers(0, 2**63 - 1),
)
@settings(max_examples=40, deadline=None)
def test_more_scope_is_never_done_earlier(scope: int, more: int, sample: list[int], seed: int) -> None:
    """The runs are the same ones, so added scope moves no date forward; and all runs are accounted for."""
    small, large = made(scope, sample, seed=seed, runs=200), made(scope + more, sample, seed=seed, runs=200)
    assert 200 == sum(large.finished) + large.cut_runs
    for percent in PERCENTS:
        assert small.completion_date(percent) <= large.completion_date(percent)  # type: ignore[operator]


@given(
    scope=st.integers(1, 60),
    weeks=st.integers(1, 20),
    sample=st.lists(st.integers(0, 9), min_size=6, max_size=12).filter(any),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_when_and_how_many_are_one_simulation(scope: int, weeks: int, sample: list[int], seed: int) -> None:
    """The chance of the scope by a date is the share of runs of the forecast that are done by then, to the digit."""
    found = made(scope, sample, seed=seed, runs=300)
    by_then = outcomes(sample=as_sample(sample), periods=weeks, seed=seed, runs=300)
    assert 100.0 * sum(found.finished[:weeks]) / 300 == by_then.chance_pct(scope)


@given(totals=st.lists(st.integers(0, 30), min_size=1, max_size=40), confidence=st.integers(1, 100))
def test_the_smallest_cut_is_enough_and_one_less_is_not(totals: list[int], confidence: int) -> None:
    """With the cut the rest is done with that confidence; with one item more it is not."""
    done = Outcomes(totals=np.sort(as_sample(totals)))
    cut = done.cut_for(25, confidence_pct=confidence)
    assert 0 <= cut <= 25
    assert done.chance_pct(25 - cut) >= confidence
    assert cut == 0 or done.chance_pct(25 - cut + 1) < confidence


def test_items_by_a_date_at_a_confidence() -> None:
    """Of the totals 1, 2, … 10, nine tenths are 2 or more, half are 6 or more, and all are 1 or more."""
    done = Outcomes(totals=as_sample(range(1, 11)))
    assert [2, 6, 1, 10] == [done.items_at(percent) for percent in (90, 50, 100, 0.5)]
    assert [100.0, 50.0, 0.0] == [done.chance_pct(items) for items in (1, 6, 11)]


@pytest.mark.parametrize("confidence", [0, -1, 100.5])
def test_a_confidence_is_a_percentage(confidence: float) -> None:
    """0 would be reached by anything, and more than 100 by nothing."""
    with pytest.raises(InvalidInput, match="confidence"):
        Outcomes(totals=as_sample([1])).items_at(confidence)


def test_in_no_time_nothing_is_done() -> None:
    """Without a period no sample is needed."""
    nothing = outcomes(sample=as_sample([]), periods=0, seed=1, runs=10)
    assert (0, 100.0, 0.0) == (nothing.items_at(50), nothing.chance_pct(0), nothing.chance_pct(1))


def test_what_cannot_be_drawn_from_is_refused() -> None:
    """Neither a negative scope, count, seed or number of periods, nor no run; an empty sample has no draw."""
    for arguments in (
        {"scope": -1},
        {"scope": 1, "sample": [-1] * 6},
        {"scope": 1, "seed": -1},
        {"scope": 1, "runs": 0},
    ):
        with pytest.raises(InvalidInput):
            made(**arguments)
    with pytest.raises(InvalidInput):
        outcomes(sample=as_sample(TEAM), periods=-1, seed=1, runs=1)
    with pytest.raises(NotEnoughData):
        running_totals(as_sample([]), seed=1, runs=1)
