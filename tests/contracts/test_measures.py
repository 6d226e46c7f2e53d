"""What every store of figures by day promises, and what keeps them up to date, on lives worked out by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from dpp.application.daily_figures import MEASURED
from dpp.application.measure import CLOSING_DAYS, GRACE
from dpp.application.measures import (
    Cause,
    DayFigure,
    FigurePlace,
    MeasuredDays,
    Restatement,
    Settled,
    StaleDays,
    StaleStream,
    StreamKey,
    Wanted,
    place_of,
    restatement_place_of,
)
from dpp.application.stale import StaleKind
from dpp.domain.events import CicdEventType, IncidentEventType, PullRequestEventType, WorkItemEventType
from dpp.domain.metric import Dimension
from tests.support.derivation import (
    CONFIGURATION,
    CORE,
    LOGISTICS,
    PAYMENTS,
    STORY,
    at,
    delivery,
    deployment_event,
    finished_ticket,
    incident_event,
    pull_request_event,
    ticket_event,
)
from tests.support.derived_stores import stores
from tests.support.happenings import Happening
from tests.support.measuring import STREAMS, Measuring, lives, measuring
from tests.support.postgres import TestServer

pytestmark = pytest.mark.anyio

T = WorkItemEventType
PAY = StreamKey(Dimension.DELIVERY, PAYMENTS)
LOG = StreamKey(Dimension.DELIVERY, LOGISTICS)
EVERYTHING = Wanted()
MONDAY = date(2026, 3, 2)
WEDNESDAY_NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@asynccontextmanager
async def _measuring(url: str | None, now: datetime = WEDNESDAY_NOON) -> AsyncIterator[Measuring]:
    async with stores(url) as found:
        yield measuring(found, now=now)


@pytest.fixture
async def known(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Measuring]:
    """A platform of one family at noon of the third day."""
    async with _measuring(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        yield found


def _figure(day: date, value: float, *, metric: str = "wip_by_stage", percentile: int | None = None) -> DayFigure:
    return DayFigure(day, metric, percentile, value, "count", 3)


def _measured(*figures: DayFigure, first: date = MONDAY, days: int = 2, now: datetime = NOW) -> MeasuredDays:
    every = [first + place * DAY for place in range(days)]
    closes_at = {day: datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY for day in every}
    return MeasuredDays(closes_at=closes_at, figures=figures, computed_at=now)


async def _settle(known: Measuring, measured: MeasuredDays | None, *, stream: StreamKey = PAY) -> Settled | None:
    await known.store.mark([stream], StaleDays(None, Cause.LATE_EVENT))

    async def measure(_stale: StaleStream) -> MeasuredDays | None:
        return measured

    return await known.store.measure_next(measure)


async def _wip(known: Measuring, stream: StreamKey = PAY) -> dict[date, float]:
    wanted = Wanted(streams=frozenset({stream}), metrics=frozenset({"wip_by_stage"}))
    return {row.figure.day: row.figure.value for row in await known.store.figures(wanted, limit=100)}


# --- the store --------------------------------------------------------------------------------------------------------


async def test_an_empty_store_has_nothing(known: Measuring) -> None:
    """Where nothing was marked nothing waits, nothing is measured, and nothing is listed."""

    async def measure(_stale: StaleStream) -> MeasuredDays | None:
        raise AssertionError("nothing waits")

    assert await known.store.measure_next(measure) is None
    assert 0 == await known.store.waiting()
    assert [] == list(await known.store.figures(EVERYTHING, limit=10))
    assert [] == list(await known.store.restatements(EVERYTHING, limit=10))
    assert {} == await known.store.measured(since=MONDAY)


async def test_a_store_gives_back_every_digit(known: Measuring) -> None:
    """A value comes back as it was, to its last digit, with its percentile, unit, sample and time."""
    figure = DayFigure(MONDAY, "cycle_time_p85", 85, 0.1 + 0.2, "days", 7)
    assert Settled(PAY, 1, 0) == await _settle(known, _measured(figure))
    ((stream, found, computed_at),) = await known.store.figures(EVERYTHING, limit=10)
    assert (PAY, figure, NOW) == (stream, found, computed_at)


async def test_whoever_measures_is_told_why(known: Measuring) -> None:
    """The oldest waiting stream is measured first, with all its marks in order and the first day that it has."""
    await _settle(known, _measured(_figure(MONDAY, 1)), stream=LOG)
    late, verdict = StaleDays(at(5), Cause.LATE_EVENT, "1 ticket"), StaleDays(None, Cause.VERDICT)
    await known.store.mark([PAY], late)
    await known.store.mark([LOG, PAY], verdict)
    assert 2 == await known.store.waiting()
    told = []

    async def measure(stale: StaleStream) -> MeasuredDays | None:
        told.append(stale)
        return _measured()

    for _ in range(2):
        await known.store.measure_next(measure)
    assert [(PAY, [late, verdict], None), (LOG, [verdict], MONDAY)] == [
        (stale.stream, [mark.days for mark in stale.marks], stale.first_stored) for stale in told
    ]
    numbers = [mark.number for mark in told[0].marks]
    assert sorted(set(numbers)) == numbers
    assert 0 == await known.store.waiting()


async def test_what_is_marked_meanwhile_waits(known: Measuring) -> None:
    """A mark that comes while its stream is measured is still there afterwards."""
    await known.store.mark([PAY], StaleDays(at(1), Cause.LATE_EVENT))

    async def measure(_stale: StaleStream) -> MeasuredDays:
        await known.store.mark([PAY], StaleDays(at(2), Cause.LATE_EVENT))
        return _measured()

    assert Settled(PAY, 0, 0) == await known.store.measure_next(measure)
    assert 1 == await known.store.waiting()


async def test_marks_that_are_not_settled_wait_on(known: Measuring) -> None:
    """Of two marks the one that the measurement leaves waiting is there the next time, alone."""
    late, verdict = StaleDays(at(5), Cause.LATE_EVENT), StaleDays(None, Cause.VERDICT)
    await known.store.mark([PAY], late)
    await known.store.mark([PAY], verdict)
    told = []

    async def measure(stale: StaleStream) -> MeasuredDays:
        told.append([mark.days for mark in stale.marks])
        waiting = frozenset(mark.number for mark in stale.marks if mark.days == late) if len(told) == 1 else frozenset()
        return replace(_measured(), waiting=waiting)

    while await known.store.measure_next(measure):
        pass
    assert [[late, verdict], [late]] == told


async def test_a_stream_that_fails_waits_and_stands_in_nobodys_way(known: Measuring) -> None:
    """A stream without a result, and one whose measuring raises, keep their marks; a skipped one is passed over."""
    assert Settled(PAY, 0, 0) == await _settle(known, None)
    assert 1 == await known.store.waiting()

    async def failing(_stale: StaleStream) -> MeasuredDays:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await known.store.measure_next(failing)
    assert 1 == await known.store.waiting()
    assert await known.store.measure_next(failing, skip={PAY}) is None


async def test_the_first_figures_of_days_are_no_restatements(known: Measuring) -> None:
    """What is measured for the first time, however long after, changes nothing that was told before."""
    assert Settled(PAY, 2, 0) == await _settle(known, _measured(_figure(MONDAY, 4), _figure(MONDAY + DAY, 5)))
    assert {MONDAY: 4, MONDAY + DAY: 5} == await _wip(known)


async def test_a_day_that_goes_on_is_not_restated(known: Measuring) -> None:
    """Until it has been measured after its end a day's figures change without a word."""
    evening = datetime(2026, 3, 2, 20, tzinfo=UTC)
    await _settle(known, _measured(_figure(MONDAY, 4), days=1, now=evening))
    assert Settled(PAY, 1, 0) == await _settle(known, _measured(_figure(MONDAY, 6), days=1, now=NOW))
    assert {MONDAY: 6} == await _wip(known)


async def test_a_day_is_closed_though_its_figures_stay(known: Measuring) -> None:
    """A measurement after the end closes a day also where it finds the same as before; the next change is told."""
    evening = datetime(2026, 3, 2, 20, tzinfo=UTC)
    await _settle(known, _measured(_figure(MONDAY, 4), days=1, now=evening))
    assert Settled(PAY, 1, 0) == await _settle(known, _measured(_figure(MONDAY, 4), days=1))
    assert Settled(PAY, 1, 1) == await _settle(known, _measured(_figure(MONDAY, 5), days=1))


async def test_changes_of_closed_days_are_recorded(known: Measuring) -> None:
    """A value that changes, comes or goes after its day was closed is told with both values, samples and the cause."""
    await _settle(known, _measured(_figure(MONDAY, 4), _figure(MONDAY, 2.5, metric="cycle_time_p50", percentile=50)))
    later = NOW + DAY
    why = StaleDays(at(5), Cause.MANUAL_LINK, "1 pull request")
    changed = replace(
        _measured(_figure(MONDAY, 4), DayFigure(MONDAY, "flow_efficiency", None, 80.0, "percent", 2), now=later),
        first_days=[(MONDAY + DAY, StaleDays(None, Cause.CONFIGURATION)), (MONDAY, why)],
    )
    assert Settled(PAY, 2, 2) == await _settle(known, changed)
    told = [
        Restatement(
            *(PAY, MONDAY, "flow_efficiency", None, "percent", None, 80.0, 0, 2),
            *(Cause.MANUAL_LINK, "1 pull request", at(5), later),
        ),
        Restatement(
            *(PAY, MONDAY, "cycle_time_p50", 50, "count", 2.5, None, 3, 0),
            *(Cause.MANUAL_LINK, "1 pull request", at(5), later),
        ),
    ]
    rows = await known.store.restatements(EVERYTHING, limit=10)
    assert told == list(rows)
    place = restatement_place_of(rows[0])
    assert place > restatement_place_of(rows[1])
    assert [rows[1]] == list(await known.store.restatements(EVERYTHING, before=place, limit=10))
    assert [rows[0]] == list(await known.store.restatements(EVERYTHING, limit=1))


async def test_lists_have_what_is_wanted(known: Measuring) -> None:
    """Both lists keep to streams, metrics and days; figures come by day, stream and metric, behind a place."""
    figures = [
        *(_figure(MONDAY, 1), _figure(MONDAY, 2, metric="flow_efficiency"), _figure(MONDAY + DAY, 3)),
        *(_figure(MONDAY + DAY, 4, metric="cycle_time_p50", percentile=50),),
    ]
    for stream in (PAY, LOG, StreamKey(Dimension.TECH, CORE)):
        await _settle(known, _measured(*(figure._replace(value=9) for figure in figures)), stream=stream)
        await _settle(known, _measured(*figures), stream=stream)
    every = list(await known.store.figures(EVERYTHING, limit=100))
    assert 12 == len(every)
    assert sorted(every, key=place_of) == every
    for place in (0, 4, 11):
        assert every[place + 1 :] == list(
            await known.store.figures(EVERYTHING, after=place_of(every[place]), limit=100)
        )
    assert [] == list(await known.store.figures(Wanted(streams=frozenset()), limit=100))
    for wanted, size in (
        (Wanted(streams=frozenset({PAY, LOG})), 8),
        (Wanted(metrics=frozenset({"flow_efficiency"})), 3),
        (Wanted(first=MONDAY + DAY), 6),
        (Wanted(last=MONDAY, streams=frozenset({PAY})), 2),
    ):
        assert size == len(await known.store.figures(wanted, limit=100))
        assert size == len(await known.store.restatements(wanted, limit=100))


async def test_days_tell_when_they_were_measured(known: Measuring) -> None:
    """Of each day since the one asked for the time of its latest figure is told."""
    await _settle(known, _measured(_figure(MONDAY, 1), _figure(MONDAY + DAY, 1)))
    await _settle(known, _measured(_figure(MONDAY, 1), _figure(MONDAY + DAY, 2), now=NOW + DAY))
    assert {PAY: {MONDAY: NOW, MONDAY + DAY: NOW + DAY}} == await known.store.measured(since=MONDAY)
    assert {PAY: {MONDAY + DAY: NOW + DAY}} == await known.store.measured(since=MONDAY + DAY)


# --- keeping them up to date ------------------------------------------------------------------------------------------


async def test_a_new_fact_measures_the_streams_that_it_touches(known: Measuring) -> None:
    """A ticket that was begun on Monday and finished on Tuesday is work in progress of Monday's end alone."""
    await known.stores.append([delivery(*finished_ticket())])
    await known.stores.drain()
    assert 0 < await known.measurer.measure_stale(is_patient=False)
    assert {MONDAY: 1, MONDAY + DAY: 0, MONDAY + 2 * DAY: 0} == await _wip(known)
    assert {} == await _wip(known, LOG)
    assert 0 == await known.measurer.measure_stale(is_patient=False)
    rows = await known.store.figures(Wanted(metrics=frozenset({"cycle_time_p50"})), limit=10)
    # 24 hours of work, 6 of waiting and 6 of tests, all on working days.
    assert [(MONDAY + DAY, 50, 1.5, "days", 1), (MONDAY + 2 * DAY, 50, 1.5, "days", 1)] == [
        (row.figure.day, *row.figure[2:]) for row in rows
    ]


async def test_a_late_event_restates_the_days_since_it_happened(known: Measuring) -> None:
    """What comes after its day was closed changes that day and those after it, and is told as the cause."""
    created, begun, *rest = finished_ticket()
    await known.stores.append([delivery(created, begun)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert {MONDAY: 1, MONDAY + DAY: 1, MONDAY + 2 * DAY: 1} == await _wip(known)
    await known.stores.append([delivery(*rest)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert {MONDAY: 1, MONDAY + DAY: 0, MONDAY + 2 * DAY: 0} == await _wip(known)
    told = await known.store.restatements(Wanted(metrics=frozenset({"wip_by_stage"})), limit=10)
    # Wednesday goes on.
    assert [(PAY, MONDAY + DAY, 1.0, 0.0, Cause.LATE_EVENT, "1 ticket", at(26), WEDNESDAY_NOON)] == [
        (row.stream, row.day, row.old_value, row.new_value, row.cause, row.detail, row.since, row.restated_at)
        for row in told
    ]
    every = await known.store.restatements(EVERYTHING, limit=100)
    assert {MONDAY + DAY} == {row.day for row in every}


async def test_what_is_derived_again_and_comes_out_the_same_marks_no_day(known: Measuring) -> None:
    """Deployments, changes and incidents are derived for much that happens beside them; their streams hear of news."""
    opened = pull_request_event(PullRequestEventType.OPENED, 20)
    merged = pull_request_event(PullRequestEventType.MERGED, 30, merge_sha="m1")
    deployed = deployment_event(CicdEventType.DEPLOY_COMPLETED, 32, commit="m1")
    broken = incident_event(IncidentEventType.INCIDENT_OPENED, 33)
    await known.stores.append([delivery(*finished_ticket()), delivery(opened, merged), delivery(deployed, broken)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    told: dict[StaleKind, set[StreamKey]] = {}
    for kind in (StaleKind.DEPLOYMENT, StaleKind.CHANGE, StaleKind.INCIDENT, StaleKind.TICKET):
        assert 0 < (await known.stores.derivations.mark_all(kind)).things
        await known.stores.drain()
        seen: list[StreamKey] = []
        await known.measurer.measure_stale(progress=seen.append, is_patient=False)
        told[kind] = set(seen)
    assert PAY in told.pop(StaleKind.TICKET)
    assert {StaleKind.DEPLOYMENT: set(), StaleKind.CHANGE: set(), StaleKind.INCIDENT: set()} == told


async def test_a_stream_that_a_ticket_never_was_of_loses_it(known: Measuring) -> None:
    """A ticket was taken to be of logistics until it moved to payments; a better report says that it never was."""
    of_logistics = replace(STORY, delivery_stream="logistics")
    created = ticket_event(T.CREATED, 1, status="Doing", change="1", fields=of_logistics)
    moved = ticket_event(T.UPDATED, 26, change="2", fields=replace(STORY, delivery_stream="payments"))
    await known.stores.append([delivery(created, moved)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert 1 == (await _wip(known, LOG))[MONDAY]
    better = replace(created, event_timestamp=at(0), fields=replace(STORY, delivery_stream="payments"))
    await known.stores.append([delivery(better)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert 0 == (await _wip(known, LOG)).get(MONDAY, 0)
    assert 1 == (await _wip(known, PAY))[MONDAY]


async def test_another_link_changes_the_days_since_the_pull_request_was_opened(known: Measuring) -> None:
    """A ticket is work of the technology from Monday on; on Tuesday its pull request is of another ticket."""
    created, begun, *_ = finished_ticket()
    opened = pull_request_event(PullRequestEventType.OPENED, 3, change="1")
    tech = StreamKey(Dimension.TECH, CORE)
    await known.stores.append([delivery(created, begun), delivery(opened)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert 1 == (await _wip(known, tech))[MONDAY]
    elsewhere = pull_request_event(PullRequestEventType.OPENED, 26, change="2", branch="LOG-5-things")
    await known.stores.append([delivery(elsewhere)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert 0 == (await _wip(known, tech))[MONDAY]


async def test_a_mapping_restates_and_is_told(known: Measuring) -> None:
    """A status that is mapped to waiting instead of work changes the efficiency of closed days, and is the cause."""
    await known.stores.append([delivery(*finished_ticket())])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    mapped = tuple(replace(row, active=row.active and row.status != "In QA") for row in CONFIGURATION.status_mappings)
    await known.stores.configure(replace(CONFIGURATION, status_mappings=mapped))
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    told = await known.store.restatements(EVERYTHING, limit=10)
    # 24 of 36 hours are work now, where 30 were.
    (row,) = told
    assert (MONDAY + DAY, "flow_efficiency", Cause.CONFIGURATION, None) == (row.day, row.metric, row.cause, row.since)
    assert pytest.approx(30 / 36 * 100) == row.old_value
    assert pytest.approx(24 / 36 * 100) == row.new_value


async def test_a_ticket_that_moves_leaves_its_past_behind(known: Measuring) -> None:
    """A late event of a ticket's time in another stream changes the figures of that stream."""
    moved = ticket_event(T.MOVED, 30, key="LOG-5", from_key="PAY-1", change="30")
    await known.stores.append([delivery(*finished_ticket()[:2], moved)])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert 1 == (await _wip(known))[MONDAY]
    await known.stores.append([delivery(ticket_event(T.TRANSITIONED, 5, status="Closed", change="5"))])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    assert 0 == (await _wip(known))[MONDAY]


async def test_a_rebuild_finds_what_it_found_before(known: Measuring) -> None:
    """Deriving and measuring everything again restates nothing, and fills days that nobody has measured."""
    await known.stores.append([delivery(*finished_ticket())])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    before = list(await known.store.figures(EVERYTHING, limit=1000))
    for kind in StaleKind:
        await known.stores.derivations.mark_all(kind)
    await known.stores.drain()
    assert 4 == await known.measurer.mark_all(Cause.REBUILD)
    await known.measurer.measure_stale(is_patient=False)
    assert [] == list(await known.store.restatements(EVERYTHING, limit=10))
    after = list(await known.store.figures(EVERYTHING, limit=1000))
    assert before == [row for row in after if row.stream == PAY]
    # Nothing has happened in the others, so they have today alone.
    assert {MONDAY + 2 * DAY} == {row.figure.day for row in after if row.stream != PAY}


async def test_days_are_closed_once_they_are_over(known: Measuring) -> None:
    """Every stream gets its figures of a day that has ended, a quarter of an hour after it and only once."""
    streams = len(STREAMS)
    assert streams == await known.measurer.close_days()
    await known.measurer.measure_stale(is_patient=False)
    assert 0 == await known.measurer.close_days()
    known.clock.time = datetime(2026, 3, 5, tzinfo=UTC) + GRACE - timedelta(seconds=1)
    assert 0 == await known.measurer.close_days()
    known.clock.forward(seconds=1)
    assert streams == await known.measurer.close_days()
    await known.measurer.measure_stale(is_patient=False)
    assert 0 == await known.measurer.close_days()
    assert {MONDAY + 2 * DAY: 0, MONDAY + 3 * DAY: 0} == await _wip(known)
    assert [] == list(await known.store.restatements(EVERYTHING, limit=10))


async def test_days_that_nobody_measured_are_closed_later(known: Measuring) -> None:
    """After days without a worker the last one measured and all since are closed at once."""
    await known.measurer.close_days()
    await known.measurer.measure_stale(is_patient=False)
    known.clock.forward(days=5)
    assert len(STREAMS) == await known.measurer.close_days()
    await known.measurer.measure_stale(is_patient=False)
    assert [MONDAY + place * DAY for place in range(2, 8)] == sorted(await _wip(known))
    known.clock.forward(days=CLOSING_DAYS + 5)
    assert len(STREAMS) == await known.measurer.close_days()


async def test_a_range_is_measured_without_being_stored(known: Measuring) -> None:
    """The figures of some days can be asked for as they are now; days to come have none."""
    await known.stores.append([delivery(*finished_ticket())])
    await known.stores.drain()
    found = await known.measurer.measure_range(PAY, first_day=MONDAY + DAY, last_day=MONDAY + 9 * DAY)
    assert {MONDAY + DAY, MONDAY + 2 * DAY} == {figure.day for figure in found}
    assert {figure.metric for figure in found} <= set(MEASURED)
    assert [] == list(await known.store.figures(EVERYTHING, limit=10))
    assert [] == await known.measurer.measure_range(PAY, first_day=MONDAY + 9 * DAY, last_day=MONDAY + 10 * DAY)


# --- whatever happens -------------------------------------------------------------------------------------------------


async def _incremental(url: str | None, happening: Happening) -> None:
    """Measure after each batch; at the end everything is as if it had been measured once, and every change is told."""
    async with _measuring(url, NOW) as found:
        first: dict[FigurePlace, float] = {}
        told = 0
        for batch in happening.batched():
            # Restatements are told apart by their time.
            found.clock.forward(microseconds=1)
            await found.stores.append(batch)
            await found.stores.drain()
            await found.measurer.measure_stale(is_patient=False)
            rows = await found.store.figures(EVERYTHING, limit=100_000)
            changes = list(await found.store.restatements(EVERYTHING, limit=100_000))
            for change in reversed(changes[: len(changes) - told]):
                first[_place(change)] = change.new_value if change.new_value is not None else float("nan")
            told = len(changes)
            for row in rows:
                if row.figure.day < NOW.date():
                    assert row.figure.value == first.setdefault(place_of(row), row.figure.value)
        stored = [row for row in await found.store.figures(EVERYTHING, limit=100_000)]
        for stream in STREAMS:
            of_stream = [row.figure for row in stored if row.stream == stream]
            if of_stream:
                anew = await found.measurer.measure_range(stream, first_day=of_stream[0].day, last_day=NOW.date())
                assert sorted(anew, key=repr) == sorted(of_stream, key=repr)


def _place(row: Restatement) -> FigurePlace:
    percentile = -1 if row.percentile is None else row.percentile
    return FigurePlace(row.day, row.stream.dimension.value, row.stream.stream_id, row.metric, percentile)


@settings(max_examples=30, deadline=None)
@given(happening=lives())
def test_measuring_again_and_again_ends_where_measuring_once_does(happening: Happening) -> None:
    """In whatever order deliveries come, the stored figures are those of a fresh measurement, and no change of a
    closed day goes untold.
    """
    asyncio.run(_incremental(None, happening))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=lives())
def test_postgres_ends_there_as_well(postgres_server: TestServer, happening: Happening) -> None:
    """On PostgreSQL the stored figures are those of a fresh measurement, too."""
    with postgres_server.database(template=postgres_server.template) as url:
        asyncio.run(_incremental(url, happening))
