"""Judging forecasts by what came of them."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from dpp.domain.arrays import IntArray
from dpp.domain.calendar import BusinessCalendar, to_micros
from dpp.domain.calibration import Calibration, Promise, calibrate
from dpp.domain.forecast import PERCENTS, forecast
from dpp.domain.resampling import seed_of

LONDON = BusinessCalendar(zone="Europe/London")
START = datetime(2026, 6, 1, 6, tzinfo=UTC)


def at(day: float) -> int:
    """Return the instant so many days after the beginning, a Monday at 07:00 in London."""
    return to_micros(START + timedelta(days=day))


def completions(*days: float) -> IntArray:
    """Return completions so many days after the beginning."""
    return np.array([at(day) for day in sorted(days)], dtype=np.int64)


def promise(items: int, *, made: float = 0, due: date = date(2026, 6, 8)) -> Promise:
    """Return a forecast that names one date for every percentage."""
    return Promise(made_at=at(made), items=items, dates=dict.fromkeys(PERCENTS, due))


def judged(*promises: Promise, done: IntArray, now: float) -> Calibration:
    """Judge them at one percentage; the others have the same dates."""
    found = calibrate(promises, completed_at=done, now=at(now), calendar=LONDON)
    assert 1 == len(set(found.values()))
    return found[85]


def test_a_forecast_holds_when_enough_items_are_done_by_its_date() -> None:
    """Three items by the end of 8 June: two on the way and one on its last evening; a fourth comes too late."""
    done = completions(1, 3, 7.6, 8)
    assert Calibration(judged=1, held=1, pending=0) == judged(promise(3), done=done, now=9)
    assert Calibration(judged=1, held=0, pending=0) == judged(promise(4), done=done, now=9)


def test_the_day_ends_at_midnight_on_the_clock_of_the_stream() -> None:
    """23:00 UTC on 8 June is midnight in London's summer: too late by that instant, and just in time before it."""
    midnight = datetime(2026, 6, 8, 23, tzinfo=UTC)
    late = np.array([to_micros(midnight)], dtype=np.int64)
    assert 0 == judged(promise(1), done=late, now=9).held
    assert 1 == judged(promise(1), done=late - 1, now=9).held


def test_what_was_done_before_the_forecast_is_no_merit_of_it() -> None:
    """Its scope did not hold that item any more."""
    assert 0 == judged(promise(1, made=2), done=completions(1, 2), now=9).held
    assert 1 == judged(promise(1, made=2), done=completions(1, 2, 2.001), now=9).held


def test_a_forecast_is_not_judged_before_its_day_is_over() -> None:
    """Not even one that is kept already: of those that are not due, only such could be told."""
    done = completions(1)
    assert Calibration(judged=0, held=0, pending=1) == judged(promise(1), done=done, now=7)
    assert Calibration(judged=1, held=1, pending=0) == judged(promise(1), done=done, now=8)


def test_shares_are_of_those_that_could_be_judged() -> None:
    """One held, one did not, one is pending: half held. Where none could be judged there is no share."""
    promises = [promise(1), promise(9), promise(1, due=date(2026, 7, 1))]
    found = judged(*promises, done=completions(1), now=9)
    assert (Calibration(judged=2, held=1, pending=1), 50.0) == (found, found.held_pct)
    assert judged(promises[2], done=completions(), now=9).held_pct is None
    assert Calibration(judged=0, held=0, pending=0) == judged(done=completions(), now=9)


def test_percentages_are_judged_apart() -> None:
    """Early dates fall due, and fail, before late ones."""
    dates = {p: date(2026, 6, 1) + timedelta(weeks=week) for p, week in ((50, 1), (70, 2), (85, 3), (95, 4))}
    found = calibrate(
        [Promise(made_at=at(0), items=2, dates=dates)], completed_at=completions(1, 10), now=at(23), calendar=LONDON
    )
    expected = {50: (1, 0, 0), 70: (1, 1, 0), 85: (1, 1, 0), 95: (0, 0, 1)}
    assert expected == {percent: (it.judged, it.held, it.pending) for percent, it in found.items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_forecasts_of_a_team_that_stays_as_it_is_hold_about_as_often_as_they_say(seed: int) -> None:
    """600 weeks of a team whose weeks are drawn from one distribution: each share is within 12 points of its aim."""
    rng = np.random.default_rng(seed)
    weeks = rng.poisson(5, size=600)
    done = np.sort(
        np.concatenate([at(7 * week) + rng.integers(0, 5 * 86_400_000_000, size=n) for week, n in enumerate(weeks)])
    )
    promises = []
    for week in range(12, 560, 4):
        made_on = (START + timedelta(weeks=week)).date()
        found = forecast(
            scope=30,
            sample=weeks[week - 12 : week].tolist(),
            made_on=made_on,
            seed=seed_of(stream=None, day=made_on),
            runs=2_000,
        )
        dates = {percent: day for percent, day in found.completion_dates.items() if day is not None}
        promises.append(Promise(made_at=at(7 * week) - 1, items=30, dates=dates))
    shares = calibrate(promises, completed_at=done, now=at(7 * 600), calendar=LONDON)
    for percent, share in shares.items():
        assert len(promises) == share.judged
        assert share.held_pct is not None
        # A run that is done within a week is done by its end: whole weeks make dates a little safer than they say.
        assert percent - 12 <= share.held_pct <= percent + 22
