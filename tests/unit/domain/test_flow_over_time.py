"""Ages, cumulative flow, arrivals and departures: against counting by hand and one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.ageing import AgeBand, age_bands
from dpp.domain.arrivals import arrivals, in_progress
from dpp.domain.calendar import BusinessCalendar, to_micros
from dpp.domain.cumulative_flow import cumulative_flow
from dpp.domain.elapsed import elapsed_days
from dpp.domain.errors import InvalidInput
from dpp.domain.folded import Stays
from dpp.domain.histories import FOREVER
from dpp.domain.local_days import Buckets, last_days, last_weeks
from dpp.domain.positions import IS_ACTIVE, LABELS, STAGE_OF, STAGES
from dpp.domain.wip import wip_as_of, wip_by_stage

LONDON = BusinessCalendar(zone="Europe/London")
#: A Wednesday, after the clocks went forward on the Sunday before.
NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)


def stays(*rows: tuple[int, str, int, int]) -> Stays:
    """Return stays: item, label, from, to."""
    return Stays(
        item=np.array([row[0] for row in rows], dtype=np.int64),
        entered=np.array([row[2] for row in rows], dtype=np.int64),
        left=np.array([row[3] for row in rows], dtype=np.int64),
        position=np.array([LABELS.index(row[1]) for row in rows], dtype=np.int8),
        status_code=np.full(len(rows), -1, dtype=np.int32),
    )


@st.composite
def histories(draw: st.DrawFn) -> Stays:
    """Stays of up to four tickets, one after the other with gaps between some, the last of a ticket maybe for ever."""
    rows: list[tuple[int, str, int, int]] = []
    for item in range(draw(st.integers(0, 4))):
        moment = draw(st.integers(0, 10))
        for _ in range(draw(st.integers(0, 4))):
            end = moment + draw(st.integers(1, 8))
            rows.append((item, draw(st.sampled_from(LABELS)), moment, end))
            moment = end + draw(st.sampled_from([0, 0, 0, 3]))
        if rows and rows[-1][0] == item and draw(st.booleans()):
            rows[-1] = (*rows[-1][:3], FOREVER)
    return stays(*draw(st.permutations(rows)))


@st.composite
def buckets(draw: st.DrawFn) -> Buckets:
    """A few adjoining spans of time."""
    edges = sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=6)))
    dates = np.arange(len(edges) - 1).astype("datetime64[D]")
    return Buckets(dates=dates, edges=np.array(edges, dtype=np.int64))


def total_at(held: Stays, moment: int) -> int:
    """Return work in progress at a moment, as it is counted elsewhere."""
    return wip_as_of(held, moment=moment).total


@given(held=histories(), spans=buckets())
def test_what_arrived_less_what_departed_is_the_change_of_work_in_progress(held: Stays, spans: Buckets) -> None:
    """In every bucket, from what was in progress right before it to what is right before its end."""
    found = arrivals(held, buckets=spans)
    levels = [total_at(held, edge - 1) for edge in spans.edges.tolist()]
    assert levels[0] == found.opening
    assert np.diff(levels).tolist() == (found.arrived - found.departed).tolist()
    assert levels[1:] == found.in_progress.tolist()


@given(held=histories(), moments=st.lists(st.integers(0, 50), max_size=6))
def test_each_column_of_the_flow_is_work_in_progress_as_of_its_moment(held: Stays, moments: list[int]) -> None:
    """Every stage, active and queue, and the unmapped, as ``wip_as_of`` counts them."""
    columns = cumulative_flow(held, moments=np.array(moments, dtype=np.int64))
    assert (len(moments), len(LABELS)) == columns.shape
    for row, moment in zip(columns.tolist(), moments, strict=True):
        counted = wip_by_stage(
            (STAGES[stage], active, count)
            for stage, active, count in zip(STAGE_OF.tolist(), IS_ACTIVE.tolist(), row, strict=True)
        )
        assert wip_as_of(held, moment=moment) == counted


def test_coming_back_counts_again_and_moving_on_does_not() -> None:
    """Into dev at 2, on to qa at 4, back to the backlog at 6, into dev at 8, done at 9, all in one bucket up to 10."""
    held = stays(
        (0, "backlog", 0, 2), (0, "dev", 2, 4), (0, "qa_queue", 4, 6), (0, "backlog", 6, 8), (0, "dev", 8, 9),
        (0, "done", 9, FOREVER),
    )  # fmt: skip
    found = arrivals(held, buckets=Buckets(dates=np.array(["2026-03-02"], "datetime64[D]"), edges=np.array([0, 10])))
    assert (0, [2], [2], [1]) == (
        found.opening,
        found.arrived.tolist(),
        found.departed.tolist(),
        found.finished.tolist(),
    )


def test_an_instant_belongs_to_the_bucket_that_begins_with_it() -> None:
    """What is begun at 5 and done at 9 arrives in the second bucket and departs in the third."""
    held = stays((0, "dev", 5, 9), (0, "done", 9, FOREVER), (1, "dev", 0, FOREVER), (2, "cancelled", 6, FOREVER))
    edges = np.array([1, 5, 9, 12])
    found = arrivals(held, buckets=Buckets(dates=np.arange(3).astype("datetime64[D]"), edges=edges))
    assert (1, [0, 1, 0], [0, 0, 1], [0, 0, 1]) == (
        found.opening,
        found.arrived.tolist(),
        found.departed.tolist(),
        found.finished.tolist(),
    )
    assert [True, False, True, False] == in_progress(held).tolist()


def test_nothing_known_is_nothing_counted() -> None:
    """Without stays everything is 0."""
    spans = last_days(LONDON, now=to_micros(NOW), days=3)
    found = arrivals(stays(), buckets=spans)
    assert (0, [0, 0, 0], [0, 0, 0]) == (found.opening, found.arrived.tolist(), found.departed.tolist())
    assert 0 == cumulative_flow(stays(), moments=spans.ends).sum()


def test_days_begin_by_the_local_clock_and_the_last_one_ends_now() -> None:
    """On the 29th of March London's clock goes forward: that day begins at 0:00 UTC, the next one at 23:00 UTC."""
    found = last_days(LONDON, now=to_micros(NOW), days=4)
    starts = [datetime(2026, 3, 29, tzinfo=UTC), *(datetime(2026, 3, day, 23, tzinfo=UTC) for day in (29, 30, 31))]
    assert [date(2026, 3, 29), date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1)] == found.dates.tolist()
    assert [*map(to_micros, starts), to_micros(NOW) + 1] == found.edges.tolist()
    assert to_micros(NOW) == found.ends[-1]


def test_weeks_begin_on_monday() -> None:
    """The running week began on the 30th, the one before it on the 23rd, in winter time."""
    found = last_weeks(LONDON, now=to_micros(NOW), weeks=2)
    assert [date(2026, 3, 23), date(2026, 3, 30)] == found.dates.tolist()
    assert [to_micros(datetime(2026, 3, 23, tzinfo=UTC)), to_micros(datetime(2026, 3, 29, 23, tzinfo=UTC))] == (
        found.edges[:2].tolist()
    )


def test_there_is_at_least_one_bucket() -> None:
    """No day at all cannot be asked for."""
    with pytest.raises(InvalidInput, match="at least one bucket"):
        last_days(LONDON, now=0, days=0)
    with pytest.raises(InvalidInput, match="at least one bucket"):
        last_weeks(LONDON, now=0, weeks=-1)


def test_an_age_is_placed_among_the_cycle_times() -> None:
    """Of 0 to 100 days the percentiles are 50, 85 and 95; an age on a limit has passed it; nan takes no part."""
    cycle = np.array([*range(101), np.nan], dtype=np.float64)
    ages = np.array([0.0, 49.9, 50.0, 84.9, 85.0, 94.9, 95.0, 1000.0])
    assert [
        *[AgeBand.BELOW_P50] * 2,
        *[AgeBand.P50_TO_P85] * 2,
        *[AgeBand.P85_TO_P95] * 2,
        *[AgeBand.ABOVE_P95] * 2,
    ] == age_bands(ages, cycle_days=cycle)


def test_without_finished_work_an_age_has_no_band() -> None:
    """Nothing to compare with: None for each, and nothing for nothing."""
    assert [None, None] == age_bands(np.array([1.0, 2.0]), cycle_days=np.array([np.nan]))
    assert [] == age_bands(np.array([]), cycle_days=np.array([1.0]))


@given(age=st.floats(0, 50), cycle=st.lists(st.floats(0, 50), min_size=1, max_size=9))
def test_a_ticket_never_gets_younger(age: float, cycle: list[float]) -> None:
    """A greater age lies in the same band or a later one."""
    bands = list(AgeBand)
    older, younger = age_bands(np.array([age + 1, age]), cycle_days=np.array(cycle))
    assert older is not None
    assert younger is not None
    assert bands.index(younger) <= bands.index(older)


def test_each_interval_is_measured_on_its_own_calendar() -> None:
    """From Thursday noon to Saturday noon is 1.5 days with a weekend, and 1 where Friday is free and Saturday not."""
    thursday, saturday = (
        to_micros(datetime(2026, 4, 2, 12, tzinfo=UTC)),
        to_micros(datetime(2026, 4, 4, 12, tzinfo=UTC)),
    )
    calendars = [BusinessCalendar(zone="UTC"), BusinessCalendar(zone="UTC", weekend=frozenset({4}))]
    found = elapsed_days(
        starts=np.array([thursday] * 3),
        ends=np.array([saturday, saturday, thursday]),
        calendars=calendars,
        calendar_of=np.array([0, 1, 0]),
    )
    assert [1.5, 1.0, 0.0] == found.tolist()


def test_an_interval_without_a_calendar_is_refused() -> None:
    """A place outside of the calendars cannot be meant."""
    one = np.array([0])
    with pytest.raises(InvalidInput, match="on none of 1 calendars"):
        elapsed_days(starts=one, ends=one, calendars=[LONDON], calendar_of=np.array([1]))
