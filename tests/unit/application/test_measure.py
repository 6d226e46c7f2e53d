"""What keeps figures by day up to date: patience, failures, zones, and what made days stale."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from dpp.adapters.memory.measure_reader import MemoryMeasureReader
from dpp.application import measure as module
from dpp.application.derivation import News
from dpp.application.measure import LONGEST_WAIT, QUIET
from dpp.application.measures import Cause, StaleDays, StreamKey, Wanted
from dpp.application.stale import StaleKey, StaleKind
from dpp.application.stale_days import Reason, inherited, reason, stale_days
from dpp.application.views import MAX_WINDOW_DAYS
from dpp.domain.configuration import CalendarRules, PlatformSettings
from dpp.domain.metric import Dimension
from tests.support.derivation import APPS, CONFIGURATION, LOGISTICS, PAYMENTS, at, delivery, finished_ticket
from tests.support.derived_stores import stores
from tests.support.measuring import Measuring, measuring

pytestmark = pytest.mark.anyio

PAY = StreamKey(Dimension.DELIVERY, PAYMENTS)
LOG = StreamKey(Dimension.DELIVERY, LOGISTICS)
MONDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 4)
WIP = Wanted(metrics=frozenset({"wip_by_stage"}))


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture
async def known() -> AsyncIterator[Measuring]:
    """A platform in memory at noon of a Wednesday."""
    async with stores(None) as found:
        yield measuring(found, now=datetime(2026, 3, 4, 12, tzinfo=UTC))


async def _days(known: Measuring) -> dict[date, float]:
    return {row.figure.day: row.figure.value for row in await known.store.figures(WIP, limit=10_000)}


async def test_nothing_is_measured_while_derivation_is_far_behind(
    known: Measuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While much waits to be derived the marks stay; who will not wait measures all the same."""
    monkeypatch.setattr(module, "CATCHING_UP", 0)
    await known.store.mark([PAY], StaleDays(at(0), Cause.LATE_EVENT))
    await known.stores.append([delivery(*finished_ticket())])
    assert 0 == await known.measurer.measure_stale()
    assert 1 == await known.store.waiting()
    assert 0 < await known.measurer.measure_stale(is_patient=False)
    assert 0 == await known.store.waiting()


async def test_past_days_wait_until_nothing_touches_them(known: Measuring) -> None:
    """A history that comes in part by part is measured once, five minutes after the last part; today at once."""
    created, *rest = finished_ticket()
    today = StaleDays(known.clock.now(), Cause.LATE_EVENT)
    for minute in range(20):
        if minute < len(rest):
            await known.stores.append([delivery(created if minute == 0 else rest[minute])])
            await known.stores.drain()
        if minute == 2:
            await known.store.mark([PAY], today)
        await known.measurer.measure_stale()
        # The first part came in minute 0, the last one in minute 3.
        past = minute >= 3 + QUIET / timedelta(minutes=1)
        assert ([MONDAY] if past else []) == [day for day in await _days(known) if day == MONDAY]
        assert (minute >= 2) == (WEDNESDAY in await _days(known))
        known.clock.forward(minutes=1)
    assert [] == list(await known.store.restatements(Wanted(), limit=10))
    assert 0 == await known.store.waiting()


async def test_past_days_do_not_wait_for_ever(known: Measuring) -> None:
    """However often something late comes, six hours after the first of it the past is measured."""
    begun = known.clock.now()
    while not await _days(known):
        await known.store.mark([PAY], StaleDays(at(0), Cause.LATE_EVENT))
        await known.measurer.measure_stale()
        known.clock.forward(minutes=4)
    assert LONGEST_WAIT <= known.clock.now() - begun < LONGEST_WAIT + timedelta(minutes=9)


async def test_a_stream_that_cannot_be_measured_stops_no_other(
    known: Measuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are measured, then the failure is told, and the stream waits for the next time."""
    read = MemoryMeasureReader.wip

    async def failing(self: MemoryMeasureReader, stream: StreamKey, **asked: object) -> object:
        if stream == PAY:
            raise ArithmeticError("no figure today")
        return await read(self, stream, **asked)  # type: ignore[arg-type]

    monkeypatch.setattr(MemoryMeasureReader, "wip", failing)
    await known.store.mark([PAY, LOG], StaleDays(at(0), Cause.LATE_EVENT))
    with pytest.raises(ExceptionGroup) as told:
        await known.measurer.measure_stale(is_patient=False)
    assert ["no figure today"] == [str(error) for error in told.value.exceptions]
    assert {LOG} == {row.stream for row in await known.store.figures(WIP, limit=100)}
    assert 1 == await known.store.waiting()


async def test_days_are_those_of_the_platforms_calendar(known: Measuring) -> None:
    """In Auckland Monday ends at 11:00 UTC, when work on a ticket begins: it counts from Monday on, not on Sunday."""
    zone = PlatformSettings(calendar=CalendarRules(time_zone="Pacific/Auckland"))
    await known.stores.configure(replace(CONFIGURATION, platform=zone))
    await known.stores.append([delivery(*finished_ticket()[:2])])
    await known.stores.drain()
    await known.measurer.measure_stale(is_patient=False)
    days = [MONDAY + timedelta(days=place) for place in range(4)]
    # At 12:00 UTC of Wednesday it is Thursday there.
    assert dict(zip(days, (1.0, 1.0, 1.0, 1.0), strict=True)) == await _days(known)
    early = await known.measurer.measure_range(PAY, first_day=MONDAY - timedelta(days=1), last_day=MONDAY)
    assert [(MONDAY - timedelta(days=1), 0.0), (MONDAY, 1.0)] == [
        (row.day, row.value) for row in early if row.metric == "wip_by_stage"
    ]


async def test_figures_do_not_go_back_for_ever(known: Measuring) -> None:
    """However old a fact is, days are measured as far back as figures are kept, and no further."""
    await known.store.mark([PAY], StaleDays(datetime(1971, 1, 1, tzinfo=UTC), Cause.LATE_EVENT))
    await known.measurer.measure_stale(is_patient=False)
    days = await _days(known)
    assert MAX_WINDOW_DAYS == len(days)
    assert date(2026, 3, 4) == max(days)


async def test_a_fact_of_the_future_measures_today(known: Measuring) -> None:
    """What is dated after today changes no day that there is; today is measured all the same."""
    await known.store.mark([PAY], StaleDays(datetime(2026, 4, 1, tzinfo=UTC), Cause.LATE_EVENT))
    await known.measurer.measure_stale()
    assert [date(2026, 3, 4)] == list(await _days(known))


def test_reasons_are_told_cause_by_cause() -> None:
    """Each cause concerns the days since its earliest time, all days when one of its reasons has none."""
    tickets = [StaleKey(StaleKind.TICKET, str(number)) for number in range(3)]
    request = StaleKey(StaleKind.PULL_REQUEST, "1/2")
    reasons = [
        reason(tickets[0], at(5), "late_event"),
        reason(tickets[1], at(3), "late_event"),
        reason(tickets[1], at(4), "late_event"),
        Reason(tickets[2], None, Cause.CONFIGURATION),
        Reason(tickets[2], at(9), Cause.CONFIGURATION),
        Reason(request, at(1), Cause.MANUAL_LINK),
    ]
    news = News()
    for key in (*tickets, request):
        news.add(key, PAYMENTS, [])
    assert {
        StaleDays(at(3), Cause.LATE_EVENT, "2 tickets"): [PAY],
        StaleDays(None, Cause.CONFIGURATION, "1 ticket"): [PAY],
        StaleDays(at(1), Cause.MANUAL_LINK, "1 pull request"): [PAY],
    } == stale_days(reasons, news)
    assert {} == stale_days([], news)


def test_each_stream_is_told_of_its_own_things_alone() -> None:
    """What was derived along with a stream's things changes neither its days, nor the cause, nor what is said of it."""
    mine, both, others = (StaleKey(StaleKind.TICKET, str(number)) for number in range(3))
    reasons = [
        Reason(mine, at(5), Cause.LATE_EVENT),
        Reason(both, at(4), Cause.LATE_EVENT),
        Reason(others, None, Cause.CONFIGURATION),
        Reason(others, at(1), Cause.LATE_EVENT),
    ]
    news = News()
    news.add(mine, PAYMENTS, [])
    news.add(both, PAYMENTS, [APPS])
    news.add(others, UUID(int=5), [])
    other = StreamKey(Dimension.DELIVERY, UUID(int=5))
    assert {
        StaleDays(at(4), Cause.LATE_EVENT, "2 tickets"): [PAY],
        StaleDays(at(4), Cause.LATE_EVENT, "1 ticket"): [StreamKey(Dimension.TECH, APPS)],
        StaleDays(None, Cause.CONFIGURATION, "1 ticket"): [other],
        StaleDays(at(1), Cause.LATE_EVENT, "1 ticket"): [other],
    } == stale_days(reasons, news)


def test_what_follows_from_several_reasons_follows_from_the_weightiest() -> None:
    """It is of the earliest time that any of them is about, of any time when one is; a mark without a cause is late."""
    ticket = StaleKey(StaleKind.TICKET, "1")
    late, linked = Reason(ticket, at(2), Cause.LATE_EVENT), Reason(ticket, at(7), Cause.MANUAL_LINK)
    assert (at(2), Cause.MANUAL_LINK) == inherited([late, linked])
    assert (None, Cause.LATE_EVENT) == inherited([late, reason(ticket, None, None)])


def test_news_tell_the_streams_of_both_kinds() -> None:
    """Every stream that news are of is to be measured."""
    ticket, news = StaleKey(StaleKind.TICKET, "1"), News()
    news.add(ticket, PAYMENTS, [APPS, UUID(int=5)])
    (streams,) = stale_days([Reason(ticket, None, Cause.REBUILD)], news).values()
    assert {PAY, StreamKey(Dimension.TECH, APPS), StreamKey(Dimension.TECH, UUID(int=5))} == set(streams)
