"""The DORA metrics by hand, against a brute force, and on a published case."""

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.calendar import BusinessCalendar, from_micros, to_micros
from dpp.domain.dora import (
    HELD_RESPONSIBLE,
    change_failure_rate,
    deployment_frequency,
    lead_time,
    time_to_restore,
)
from dpp.domain.errors import InvalidInput
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing
from dpp.domain.moments import Measured, Spans, counts, day_ends, united
from tests.support.delivery_columns import (
    Blamed,
    Deployed,
    Restored,
    blames,
    deployments,
    hour,
    moments,
    restores,
)


def told(found: Measured) -> list[tuple[float | None, int]]:
    """Return values with their samples."""
    return [(found.value(place), int(size)) for place, size in enumerate(found.sample_sizes)]


def test_frequency_counts_successes_that_still_stand_a_week() -> None:
    """Of five, one failed, one changed configuration alone and one was taken back: two in two days are seven a week."""
    columns = deployments(
        Deployed(1), Deployed(2, ok=False), Deployed(3, config=True), Deployed(4, undone=5), Deployed(47)
    )
    assert [(7.0, 2)] == told(deployment_frequency(columns, moments=moments(48), days=2))


def test_a_deployment_counts_until_it_is_taken_back_and_while_it_is_in_the_window() -> None:
    """It is there right after its end, gone in the instant of its rollback, and out of a later window."""
    standing, undone = deployments(Deployed(10)), deployments(Deployed(10, undone=12))
    at = moments(10, 10.001, 12, 34, 34.001)
    assert [0, 1, 1, 1, 0] == [size for _, size in told(deployment_frequency(standing, moments=at, days=1))]
    assert [0, 1, 0, 0, 0] == [size for _, size in told(deployment_frequency(undone, moments=at, days=1))]


def test_nothing_deployed_is_a_frequency_of_zero_and_no_rate() -> None:
    """A frequency of nothing is truly 0; a rate, a percentile or a mean of nothing is none."""
    columns, none = deployments(), blames()
    assert [(0.0, 0)] == told(deployment_frequency(columns, moments=moments(24), days=1))
    assert [(None, 0)] == told(change_failure_rate(columns, none, moments=moments(24), days=1))
    assert [(None, 0)] == told(lead_time(columns, moments=moments(24), days=1)[50])
    found = time_to_restore(restores(), moments=moments(24), days=1)
    assert [(None, 0)] == told(found.median) == told(found.mean)


def test_the_failure_rate_counts_a_deployment_once() -> None:
    """Taken back and blamed for two incidents is one failure of four; a failed one is in the denominator alone."""
    columns = deployments(
        Deployed(1, undone=3), Deployed(2), Deployed(3, ok=False), Deployed(4), Deployed(5, config=True, undone=6)
    )
    blamed = blames(Blamed(0, 2), Blamed(0, 1.5, 2.5), Blamed(4, 5))
    assert [(25.0, 4)] == told(change_failure_rate(columns, blamed, moments=moments(24), days=1))


def test_the_failure_rate_follows_what_was_thought_at_each_moment() -> None:
    """A blame counts from its beginning until before its end, a candidate and a rejected one not at all."""
    columns = deployments(Deployed(1), Deployed(2))
    blamed = blames(
        Blamed(0, 3, 6),
        Blamed(0, 6, None, Standing.REJECTED),
        Blamed(1, 3, 6, Standing.CANDIDATE),
        Blamed(1, 8, None, Standing.CONFIRMED),
        Blamed(-1, 3),
    )
    found = change_failure_rate(columns, blamed, moments=moments(2.5, 3, 5.999, 6, 8), days=1)
    assert [(0.0, 2), (50.0, 2), (50.0, 2), (0.0, 2), (50.0, 2)] == told(found)


def test_lead_times_are_those_of_successes_taken_back_or_not() -> None:
    """Of 1, 2, 3 and 4 hours the 50th percentile is 2.5, the 85th 3.55; a failed one takes no part."""
    columns = deployments(
        Deployed(1, lead=1),
        Deployed(2, lead=2, undone=3),
        Deployed(3, lead=3, config=True),
        Deployed(4, lead=4),
        Deployed(5, lead=99, ok=False),
        Deployed(6),
    )
    found = lead_time(columns, moments=moments(2, 24), days=1)
    assert [(1.0, 1), (2.5, 4)] == told(found[50])
    assert [(1.0, 1), (pytest.approx(3.55), 4)] == told(found[85])


def test_time_to_restore_is_the_one_known_at_the_moment() -> None:
    """An incident that is told twice lasts 10 minutes as of its first end, 70 as of its second, and counts once."""
    rows = restores(Restored(1, 10, since=1, until=2), Restored(2, 70, since=2), Restored(3, 20, since=3))
    found = time_to_restore(rows, moments=moments(1.5, 2.5, 4), days=1)
    assert [(10.0, 1), (70.0, 1), (45.0, 2)] == told(found.median) == told(found.mean)


def test_the_median_does_not_follow_one_long_outage() -> None:
    """10, 20 and 600 minutes have the median 20 and the mean 210."""
    rows = restores(Restored(1, 10, since=1), Restored(2, 600, since=2), Restored(3, 20, since=3))
    found = time_to_restore(rows, moments=moments(4), days=1)
    assert (20.0, 210.0) == (found.median.value(), found.mean.value())


def test_a_published_case_of_two_pipelines() -> None:
    """Two pipelines that deployed on the 1st, 15th and 30th of January 2021 (metrik, DF case 1) made 1.4 a week."""
    days = (datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 1, 15, tzinfo=UTC), datetime(2021, 1, 30, tzinfo=UTC))
    columns = deployments(*(Deployed(to_micros(day) / hour(1), repo=pipeline) for day in days for pipeline in (1, 2)))
    at = np.array([to_micros(datetime(2021, 1, day, tzinfo=UTC)) for day in (15, 31)])
    found = deployment_frequency(columns, moments=at, days=30)
    assert [2, 6] == found.sample_sizes.tolist()
    assert [pytest.approx(4 / 30 * 7 / 2), pytest.approx(1.4)] == found.values.tolist()


@pytest.mark.parametrize("at", [[], [2.0, 1.0]])
def test_moments_are_in_order_and_there_is_one(at: list[float]) -> None:
    """A series needs a moment, and its moments in order."""
    with pytest.raises(InvalidInput):
        deployment_frequency(deployments(), moments=moments(*at), days=1)


def test_deployments_are_in_order() -> None:
    """Columns that are not in the order of the end, or not of one length, are refused."""
    with pytest.raises(InvalidInput):
        deployments(Deployed(2), Deployed(1))


# --- against a brute force that looks at every thing at every moment -----------------------------------------------

_HOURS = st.integers(0, 72).map(lambda half: half / 2)
_LATER = st.one_of(st.none(), _HOURS)
_MOMENTS = st.lists(_HOURS, min_size=1, max_size=6).map(sorted)


@st.composite
def delivered(draw: st.DrawFn) -> tuple[list[Deployed], list[Blamed]]:
    """Draw deployments on a grid of half hours, so that many things fall on one instant, and blames on them."""
    rows = [
        Deployed(
            at,
            ok=draw(st.booleans()),
            config=draw(st.integers(0, 4)) == 0,
            undone=draw(_LATER),
            lead=draw(st.sampled_from([math.nan, 0.0, 1.5, 7.0, 7.0])),
        )
        for at in sorted(draw(st.lists(_HOURS, max_size=8)))
    ]
    some = draw(st.lists(st.tuples(st.integers(-1, len(rows) - 1), _HOURS, _LATER, st.sampled_from(list(Standing)))))
    return rows, [Blamed(place, since, until, standing) for place, since, until, standing in some]


def inside(at: float, moment: float, days: float) -> bool:
    """Whether a time lies in the window before a moment."""
    return moment - 24 * days <= at < moment


def holds(row: Blamed, moment: float) -> bool:
    """Whether a blame held at a moment."""
    return row.since <= moment and (row.until is None or moment < row.until)


@given(delivered(), _MOMENTS, st.sampled_from([0.25, 1.0, 2.0]))
def test_rates_are_those_of_counting_one_by_one(
    drawn: tuple[list[Deployed], list[Blamed]], at: list[float], days: float
) -> None:
    """At every moment the figures are what looking at each deployment with each of its blames gives."""
    rows, blamed = drawn
    columns, pairs = deployments(*rows), blames(*blamed)
    frequency = deployment_frequency(columns, moments=moments(*at), days=days)
    rate = change_failure_rate(columns, pairs, moments=moments(*at), days=days)
    times = lead_time(columns, moments=moments(*at), days=days)[50]
    for place, moment in enumerate(at):
        there = [(number, row) for number, row in enumerate(rows) if inside(row.at, moment, days)]
        counted = [(number, row) for number, row in there if not row.config]
        undone = {number for number, row in there if row.undone is not None and row.undone <= moment}
        guilty = {row.deployment for row in blamed if holds(row, moment) and row.standing in HELD_RESPONSIBLE}
        assert sum(row.ok and number not in undone for number, row in counted) == frequency.sample_sizes[place]
        failed = sum(number in undone | guilty for number, _ in counted)
        assert (len(counted), failed / len(counted) * 100 if counted else None) == (
            rate.sample_sizes[place],
            None if (value := rate.value(place)) is None else pytest.approx(value),
        )
        hours = sorted(row.lead for _, row in there if row.ok and not math.isnan(row.lead))
        assert (len(hours), np.median(hours) if hours else None) == (times.sample_sizes[place], times.value(place))


@given(delivered(), _MOMENTS)
def test_a_series_is_its_single_figures(drawn: tuple[list[Deployed], list[Blamed]], at: list[float]) -> None:
    """Each point of a series is the figure that the same question about that moment alone has."""
    columns, pairs = deployments(*drawn[0]), blames(*drawn[1])
    series = told(change_failure_rate(columns, pairs, moments=moments(*at), days=1))
    alone = [told(change_failure_rate(columns, pairs, moments=moments(moment), days=1))[0] for moment in at]
    assert alone == series


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_united_spans_cover_each_moment_of_a_thing_once(drawn: list[tuple[int, int, int]]) -> None:
    """However the spans of a thing overlap, together they count a thing once at each moment that any covers."""
    of, first, last = (
        np.array(column, dtype=np.int64) for column in (zip(*drawn, strict=True) if drawn else ([],) * 3)
    )
    found = counts(united(Spans(first=first, last=last), of=of, moments=6), moments=6)
    expected = [len({thing for thing, begin, end in drawn if begin <= moment < end}) for moment in range(6)]
    assert expected == found.tolist()


def test_days_end_by_the_local_clock() -> None:
    """In London the 29th of March 2026 ended 23 hours after it began; today ends now."""
    now = to_micros(datetime(2026, 3, 30, 8, tzinfo=UTC))
    dates, ends = day_ends(BusinessCalendar(zone="Europe/London"), now=now, days=3)
    assert [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)] == dates
    assert datetime(2026, 3, 29, 0, tzinfo=UTC) == from_micros(int(ends[0]))
    assert timedelta(hours=23) == from_micros(int(ends[1])) - from_micros(int(ends[0]))
    assert now == ends[2]


def test_days_beyond_the_calendar_are_those_of_utc() -> None:
    """Before 1970 no zone's clock is known: days then begin at midnight UTC, and so do all of that series."""
    now = to_micros(datetime(1970, 1, 2, 12, tzinfo=UTC))
    dates, ends = day_ends(BusinessCalendar(zone="Asia/Tokyo"), now=now, days=4)
    assert [date(1969, 12, 30), date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 2)] == dates
    assert [-24 * hour(1), 0, 24 * hour(1), now] == ends.tolist()


def test_a_hundred_thousand_deployments_have_a_series_of_a_year() -> None:
    """Much data goes the same way as little: of a deployment every five minutes, 2016 a week stand at every point."""
    columns = deployments(*(Deployed(number / 12, lead=1.0) for number in range(100_000)))
    at = moments(*(24.0 * day for day in range(30, 348)))
    assert {2016.0} == set(deployment_frequency(columns, moments=at, days=28).values)
    assert {(1.0, 8640)} == set(told(lead_time(columns, moments=at, days=30)[85]))
    assert FOREVER == columns.rolled_back_at[0]
