"""Ageing, cumulative flow, arrivals and blocked time, over rows of a memory database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.application.calendars import Calendars, Holidays
from dpp.application.derived_rows import WorkItemRow
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.ports import Batch
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.ageing import AgeBand
from dpp.domain.configuration import CalendarRules
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Facts, TicketFields, WorkItemEvent, WorkItemEventType
from dpp.domain.stages import Stage
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB, delivery
from tests.support.reading import MemoryReading, Ticket, at, micros

pytestmark = pytest.mark.anyio

T = WorkItemEventType
DAY = 24.0

#: Identity does not work on Mondays.
CONFIGURATION = replace(
    ORGANISATION,
    delivery_streams=(
        ORGANISATION.delivery_streams[0],
        replace(ORGANISATION.delivery_streams[1], calendar=CalendarRules(weekend=frozenset({0, 5, 6}))),
    ),
)


class NoHolidays(Holidays):
    """Knows none."""

    def dates(self, codes: Sequence[str], years: Iterable[int]) -> frozenset[date]:
        return frozenset()


@dataclass
class Worked(Ticket):
    """A ticket that was begun, and whose flag is up, since some hour."""

    begun: float | None = None
    blocked_since: float | None = None

    @property
    def work_item(self) -> WorkItemRow:
        """How it stands."""
        return super().work_item._replace(
            first_in_progress=None if self.begun is None else micros(self.begun),
            blocked_since=None if self.blocked_since is None else micros(self.blocked_since),
        )


async def setting(*tickets: Ticket, flags: Iterable[WorkItemEvent] = ()) -> FlowOverTime:
    """Return answers over some tickets and their flags."""
    store = MemoryReading()
    await store.configurations.save(CONFIGURATION, expected_version=0, actor="a test", at=at(0))
    await store.events.append(Batch(deliveries=[delivery(Facts(work_items=(event,))) for event in flags]))
    await store.put(*tickets)
    return FlowOverTime(
        reader=MemoryFlowReader(database=store.database, tables=store.tables),
        bottlenecks=MemoryBottleneckReader(database=store.database, tables=store.tables),
        metrics=store.metrics,
        calendars=Calendars(NoHolidays()),
    )


def seen(hours: float, *, scope: StreamScope | None = None, **asked: object) -> View:
    """Return a view as of an hour after Monday, 2 March 2026."""
    return View(scope=scope or StreamScope.everything(), as_of=at(hours), **asked)  # type: ignore[arg-type]


def flag(issue: str, kind: WorkItemEventType, hours: float, blocking: str | None = None) -> WorkItemEvent:
    """Return a flag that is raised or lowered."""
    return WorkItemEvent(
        event_type=kind,
        event_timestamp=at(hours),
        ticket_id=f"PAY-{issue}",
        project_key="PAY",
        issue_id=issue,
        fields=TicketFields(blocking_tech_stream=blocking),
    )


def ticket(issue: str, *stays: tuple[float, str, bool], stream: object = PAYMENTS, **more: object) -> Worked:
    """Return a ticket of one delivery stream."""
    return Worked(issue, streams=[(0, f"PAY-{issue}", stream, ())], stays=stays, **more)  # type: ignore[arg-type, list-item]


#: Cycle times of 1 to 4 days: the percentiles are 2.5, 3.55 and 3.85.
FINISHED = [
    Ticket(str(days), streams=[(0, f"PAY-{days}", PAYMENTS, ())], cycles=[(DAY, None, float(days), 50.0, {})])
    for days in (1, 2, 3, 4)
]


async def test_ages_are_working_days_on_the_streams_own_calendar_against_its_cycle_times() -> None:
    """On Thursday noon: since Monday noon 3 days, where Monday is free 2.5 since its end; the oldest comes first."""
    flow = await setting(
        *FINISHED,
        ticket("10", (0, "dev", True), begun=12),
        ticket("11", (0, "qa", False), begun=12, stream=IDENTITY),
        ticket("12", (0, "backlog", False), begun=3.5 * DAY),
        ticket("13", (0, "dev", True)),
        ticket("14", (0, "dev", True), (DAY, "done", False), begun=0),
    )
    found = await flow.ageing(seen(3.5 * DAY), configuration=CONFIGURATION, window_days=30)
    assert [
        ("PAY-10", 3.0, AgeBand.P50_TO_P85),
        ("PAY-11", 2.5, AgeBand.P50_TO_P85),
        ("PAY-12", 0.0, AgeBand.BELOW_P50),
    ] == [(it.ticket_id, it.age_days, it.band) for it in found.tickets]
    assert (3, 3, 1) == (found.figure.value, found.figure.sample_size, found.unbegun)
    assert [1, 2, 0, 0] == list(found.bands.values())
    assert [2.5, pytest.approx(3.55), pytest.approx(3.85)] == [it.value for it in found.cycle_times.values()]


async def test_an_old_ticket_is_above_every_percentile_and_a_flag_shows() -> None:
    """A week and a half later it is 8 days old, and blocked; as of before the flag it was not."""
    flow = await setting(
        *FINISHED,
        ticket("10", (0, "dev", True), begun=0, blocked_since=5 * DAY),
        flags=[flag("10", T.BLOCKED, 5 * DAY)],
    )
    late, early = [
        (await flow.ageing(seen(days * DAY), configuration=CONFIGURATION, window_days=30)).tickets[0]
        for days in (10, 4)
    ]
    assert (8.0, AgeBand.ABOVE_P95, True) == (late.age_days, late.band, late.is_blocked)
    assert (4.0, AgeBand.ABOVE_P95, False) == (early.age_days, early.band, early.is_blocked)


async def test_without_finished_work_ages_have_no_band() -> None:
    """Nothing to compare with, and no percentile."""
    flow = await setting(ticket("10", (0, "dev", True), begun=0))
    found = await flow.ageing(seen(DAY), configuration=CONFIGURATION, window_days=30)
    assert ([None], [0, 0, 0, 0]) == ([it.band for it in found.tickets], list(found.bands.values()))
    assert [None] * 3 == [it.value for it in found.cycle_times.values()]


#: 20 is begun on Tuesday noon, tested from Wednesday on, and done on Thursday; 21 is in progress since before Monday;
#: 22 comes from payments to identity on Wednesday; 23 was done on Monday.
MOVING = (
    ticket("20", (0, "backlog", False), (1.5 * DAY, "dev", True), (2 * DAY, "qa", False), (3 * DAY + 1, "done", False)),
    Worked("21", streams=[(-DAY, "PAY-21", PAYMENTS, ())], stays=[(-DAY, "uat", True)]),
    Worked(
        "22",
        streams=[(0, "PAY-22", PAYMENTS, ()), (2.5 * DAY, "IDN-22", IDENTITY, ())],
        stays=[(DAY, "dev", True)],
    ),
    ticket("23", (0, "dev", True), (1, "done", False)),
)


async def test_each_day_of_the_flow_is_work_in_progress_at_its_end() -> None:
    """From Monday on, by stage, with what has been finished since; today as of now."""
    flow = await setting(*MOVING)
    found = await flow.cumulative_flow(seen(3.5 * DAY), configuration=CONFIGURATION, window_days=4)
    assert [date(2026, 3, day) for day in (2, 3, 4, 5)] == [row.day for row in found.days]
    assert [1, 3, 3, 2] == [row.wip.total for row in found.days]
    assert [1, 1, 1, 2] == [row.done for row in found.days]
    assert [1, 0, 0, 0] == [row.wip.stages[Stage.BACKLOG].total for row in found.days]
    assert [0, 2, 1, 1] == [row.wip.stages[Stage.DEV].active for row in found.days]
    assert [0, 0, 1, 0] == [row.wip.stages[Stage.QA].queue for row in found.days]
    assert (2, "count") == (found.figure.value, found.figure.unit)


async def test_a_day_of_the_flow_is_what_was_answered_at_its_end() -> None:
    """Each column equals work in progress as of its moment, for a stream that a ticket has left as well."""
    store = MemoryReading()
    await store.put(*MOVING)
    flow = await setting(*MOVING)
    for stream in (None, PAYMENTS, IDENTITY):
        view = seen(3.5 * DAY, delivery_stream_id=stream)
        found = await flow.cumulative_flow(view, configuration=ORGANISATION, window_days=4)
        for row in found.days:
            end = datetime(row.day.year, row.day.month, row.day.day, tzinfo=UTC) + timedelta(days=1, microseconds=-1)
            then = replace(view, as_of=min(end, view.as_of))
            counts = {(it.stage, it.active): it.tickets for it in await store.metrics.wip(then)}
            assert counts == {
                (stage.value, active): number
                for stage, count in row.wip.stages.items()
                for active, number in ((True, count.active), (False, count.queue))
                if number
            }


async def test_what_arrives_and_departs_makes_the_change_of_work_in_progress() -> None:
    """Four came and two of them went; 22 left payments, where it arrived, for identity, where it arrived again."""
    flow = await setting(*MOVING)
    everything = await flow.arrivals(seen(3.5 * DAY), configuration=ORGANISATION, window_days=4)
    assert (1, [(1, 1, 1), (2, 0, 0), (0, 0, 0), (0, 1, 1)], [1, 3, 3, 2]) == (
        everything.opening,
        [(row.arrived, row.departed, row.finished) for row in everything.days],
        [row.in_progress for row in everything.days],
    )
    assert (3.0, 2.0, 2.0) == (everything.arrived.value, everything.departed.value, everything.finished.value)
    payments, identity = [
        (
            await flow.arrivals(seen(3.5 * DAY, delivery_stream_id=stream), configuration=ORGANISATION, window_days=4)
        ).days
        for stream in (PAYMENTS, IDENTITY)
    ]
    assert [(1, 1), (2, 0), (0, 1), (0, 1)] == [(row.arrived, row.departed) for row in payments]
    assert [(0, 0), (0, 0), (1, 0), (0, 0)] == [(row.arrived, row.departed) for row in identity]


async def test_the_tickets_behind_arrivals_are_those_that_are_counted() -> None:
    """As many came, left and were finished as the figures say, whichever stream is asked; each is told by its key."""
    flow = await setting(*MOVING)
    for stream in (None, PAYMENTS, IDENTITY):
        asked = seen(3.5 * DAY, delivery_stream_id=stream)
        figures = await flow.arrivals(asked, configuration=ORGANISATION, window_days=4)
        behind = await flow.passages(asked, configuration=ORGANISATION, window_days=4)
        assert (figures.arrived.value, figures.departed.value) == (
            sum(row.has_arrived for row in behind),
            sum(row.ended_at is not None for row in behind),
        )
        assert all(row.ended_at is not None for row in behind if row.is_finished or not row.has_arrived)
        assert [row.began_at for row in behind] == sorted((row.began_at for row in behind), reverse=True)
    everything = await flow.passages(seen(3.5 * DAY), configuration=ORGANISATION, window_days=4)
    assert [("PAY-20", True), ("PAY-23", True)] == sorted(
        (row.ticket_id, row.has_arrived) for row in everything if row.is_finished
    )


async def test_weeks_are_whole_ones() -> None:
    """The last two days lie in one week, which is told from its Monday on; the last nine lie in two."""
    flow = await setting(*MOVING)
    found = await flow.arrivals(seen(3.5 * DAY), configuration=ORGANISATION, window_days=2)
    assert (2, 3) == (len(found.days), found.opening)
    assert [(date(2026, 3, 2), 3, 2, 2)] == [(it.begins, it.arrived, it.departed, it.in_progress) for it in found.weeks]
    longer = await flow.arrivals(seen(3.5 * DAY), configuration=ORGANISATION, window_days=9)
    assert [date(2026, 2, 23), date(2026, 3, 2)] == [it.begins for it in longer.weeks]
    assert [1, 2] == [it.in_progress for it in longer.weeks]


#: 30 is in dev from Monday to Friday and blocked by core on Tuesday; 31 waits in the backlog till Wednesday and is
#: blocked all the time, by web from Thursday on; both are of payments.
BLOCKED = (
    ticket("30", (0, "dev", True), (4 * DAY, "done", False)),
    ticket("31", (0, "backlog", False), (2 * DAY, "dev", True), blocked_since=0),
)
FLAGS = (
    flag("30", T.BLOCKED, DAY, "core"),
    flag("30", T.UNBLOCKED, 2 * DAY),
    flag("31", T.BLOCKED, 0),
    flag("31", T.BLOCKED, 3 * DAY, "web"),
)


async def test_blocked_time_is_what_tickets_in_progress_have_lost() -> None:
    """By Friday's end they were in progress for 4 and 3 days, of which 1 was lost to core, 2 to web, 1 to nobody."""
    flow = await setting(*BLOCKED, flags=FLAGS)
    found = await flow.blocked(seen(5 * DAY), configuration=CONFIGURATION, window_days=30)
    assert (4.0, "days", 2, 7.0) == (
        found.figure.value,
        found.figure.unit,
        found.figure.sample_size,
        found.in_progress_days,
    )
    assert [("web", 2.0, 1), (None, 1.0, 1), ("core", 1.0, 1)] == sorted(
        ((it.tech_stream and it.tech_stream.name, it.time.days, it.time.tickets) for it in found.causes),
        key=lambda row: (-row[1], row[0] or ""),
    )
    assert 400 / 7 == pytest.approx(found.whole.share_pct)


async def test_the_tickets_behind_blocked_time_have_its_days() -> None:
    """30 lost Tuesday to core; 31 Wednesday to nobody and two days to web, which still blocks it."""
    flow = await setting(*BLOCKED, flags=FLAGS)
    shares = await flow.blocked_tickets(seen(5 * DAY), configuration=CONFIGURATION, window_days=30)
    assert [
        ("PAY-31", "web", at(3 * DAY), True, 2.0),
        ("PAY-30", "core", at(DAY), False, 1.0),
        ("PAY-31", None, at(0), False, 1.0),
    ] == [
        (it.ticket_id, it.tech_stream.name if it.tech_stream else None, it.since, it.is_blocked, round(it.days, 9))
        for it in shares
    ]
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({WEB}))
    scoped = await flow.blocked_tickets(seen(5 * DAY, scope=scope), configuration=CONFIGURATION, window_days=30)
    assert [("PAY-31", "web"), ("PAY-30", None), ("PAY-31", None)] == [
        (it.ticket_id, it.tech_stream and it.tech_stream.name) for it in scoped
    ]
    hidden = StreamScope(delivery_streams=frozenset({IDENTITY}))
    assert () == await flow.blocked_tickets(seen(5 * DAY, scope=hidden), configuration=CONFIGURATION, window_days=30)


async def test_blocked_time_is_that_of_the_window() -> None:
    """Of the last day up to Thursday noon, half was lost to web and half to nobody; the weekend costs nothing."""
    flow = await setting(*BLOCKED, flags=FLAGS)
    thursday = await flow.blocked(seen(3.5 * DAY), configuration=CONFIGURATION, window_days=1)
    assert (1.0, 2.0, [0.5, 0.5]) == (
        thursday.figure.value,
        thursday.in_progress_days,
        [it.time.days for it in thursday.causes],
    )
    sunday = await flow.blocked(seen(7 * DAY), configuration=CONFIGURATION, window_days=2)
    assert (0.0, 0.0, None) == (sunday.figure.value, sunday.in_progress_days, sunday.whole.share_pct)


async def test_a_technology_that_may_not_be_named_stands_with_the_untold() -> None:
    """Who may not name core learns what was lost to it together with what nobody has told."""
    flow = await setting(*BLOCKED, flags=FLAGS)
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({WEB}))
    found = await flow.blocked(seen(5 * DAY, scope=scope), configuration=CONFIGURATION, window_days=30)
    assert [(None, 2.0), ("web", 2.0)] == [
        (it.tech_stream and it.tech_stream.name, it.time.days) for it in found.causes
    ]
    hidden = StreamScope(delivery_streams=frozenset({IDENTITY}), tech_streams=frozenset({CORE}))
    nothing = await flow.blocked(seen(5 * DAY, scope=hidden), configuration=CONFIGURATION, window_days=30)
    assert (0.0, (), None) == (nothing.figure.value, nothing.causes, nothing.whole.share_pct)


async def test_what_one_technology_costs_is_told_by_whom_it_holds_up() -> None:
    """Web costs payments Thursday and Friday of 31, which it blocks since Thursday and still; core blocks none now."""
    flow = await setting(*BLOCKED, flags=FLAGS)
    web = await flow.blocked_by(seen(5 * DAY), blocking=WEB, configuration=CONFIGURATION, window_days=30)
    core = await flow.blocked_by(seen(5 * DAY), blocking=CORE, configuration=CONFIGURATION, window_days=30)

    assert (2.0, 1) == (web.figure.value, web.figure.sample_size)
    assert pytest.approx(200 / 7) == web.whole.share_pct
    assert [("payments", 2.0, 1)] == [
        (it.delivery_stream and it.delivery_stream.name, it.time.days, it.time.tickets) for it in web.streams
    ]
    assert [("PAY-31", "dev", True, at(3 * DAY), 2.0)] == [
        (it.ticket_id, it.stage, it.active, it.since, it.days) for it in web.tickets
    ]
    assert (1.0, ()) == (core.figure.value, core.tickets)


async def test_the_parts_of_what_one_technology_costs_add_up() -> None:
    """A ticket of no stream stands for itself; on identity's calendar Monday costs nothing, for payments it does."""
    blocked = {"40": PAYMENTS, "41": IDENTITY, "42": None}
    flow = await setting(
        *(ticket(key, (0, "dev", True), stream=stream, blocked_since=0) for key, stream in blocked.items()),
        flags=[flag(key, T.BLOCKED, 0, "core") for key in blocked],
    )
    found = await flow.blocked_by(seen(2 * DAY), blocking=CORE, configuration=CONFIGURATION, window_days=30)

    by_name = {it.delivery_stream and it.delivery_stream.name: it.time.days for it in found.streams}
    assert {"payments": 2.0, "identity": 1.0, None: 2.0} == by_name
    assert 5.0 == found.figure.value == found.whole.days
    assert [("PAY-40", 2.0), ("PAY-42", 2.0), ("PAY-41", 1.0)] == [(it.ticket_id, it.days) for it in found.tickets]


async def test_streams_that_may_not_be_named_cost_without_a_name() -> None:
    """Who sees core's tickets and may name no delivery stream learns the cost, and not whose it was."""
    flow = await setting(
        replace(ticket("50", (0, "dev", True), blocked_since=0), streams=[(0, "PAY-50", PAYMENTS, (CORE,))]),
        ticket("51", (0, "dev", True), blocked_since=0),
        flags=[flag("50", T.BLOCKED, 0, "core"), flag("51", T.BLOCKED, 0, "core")],
    )
    scope = StreamScope(tech_streams=frozenset({CORE}))
    found = await flow.blocked_by(seen(DAY, scope=scope), blocking=CORE, configuration=CONFIGURATION, window_days=30)

    assert [(None, 1.0)] == [(it.delivery_stream, it.time.days) for it in found.streams]
    assert [("PAY-50", None)] == [(it.ticket_id, it.delivery_stream) for it in found.tickets]


@pytest.mark.parametrize("days", [0, -1, 1101])
async def test_windows_have_a_range(days: int) -> None:
    """From one day to three years, for every question."""
    flow = await setting()
    for ask in (flow.ageing, flow.cumulative_flow, flow.arrivals, flow.blocked):
        with pytest.raises(InvalidInput, match="window must be between 1 and 1100 days"):
            await ask(seen(DAY), configuration=CONFIGURATION, window_days=days)


async def test_an_empty_store_gives_counts_of_nothing() -> None:
    """Zeros for every day, and no share."""
    flow = await setting()
    view = seen(DAY)
    columns = await flow.cumulative_flow(view, configuration=CONFIGURATION, window_days=2)
    spans = await flow.arrivals(view, configuration=CONFIGURATION, window_days=2)
    assert [0, 0] == [row.wip.total for row in columns.days] == [row.in_progress for row in spans.days]
    assert (0.0, 0) == (spans.arrived.value, spans.opening)
    assert () == (await flow.ageing(view, configuration=CONFIGURATION, window_days=2)).tickets
