"""Forecasts and sprint confidence from stored rows: what they are made from, what is kept of them, what would be if."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from dpp.adapters.memory.forecasting import MemoryForecastReader, MemoryForecasts, MemorySprintSnapshot
from dpp.application.answers import Answers
from dpp.application.cache import Cache
from dpp.application.enrich import sprint_uuid
from dpp.application.forecast_answers import DeliveryForecast, Reason, WhatIf
from dpp.application.forecasts import CONFIDENCE, FORECAST, Forecasts
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.configuration import CalendarRules, Configuration, DeliveryStream
from dpp.domain.errors import InvalidInput, Unavailable
from dpp.domain.events import SprintFact
from dpp.domain.forecast import Method, forecast
from dpp.domain.quality import ConfidenceLevel
from dpp.domain.resampling import seed_of
from tests.support.fake_forecasts import memory_forecasts
from tests.support.fake_reader import FakeReader
from tests.support.reading import MemoryReading, Ticket, at

pytestmark = pytest.mark.anyio

PAYMENTS, LENDING, ARCHIVED, CORE = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=11)
CONFIGURATION = Configuration(
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),
        DeliveryStream(
            stream_id=LENDING,
            name="lending",
            display_name="Lending",
            calendar=CalendarRules(time_zone="Pacific/Auckland", extra_holidays=(date(2026, 4, 29),)),
        ),
        DeliveryStream(stream_id=ARCHIVED, name="old", display_name="Old", is_active=False),
    )
)
WEEK = 7 * 24
#: Items done in eight weeks, one of them empty; the first begins on Monday 2026-03-02.
WEEKS = (3, 5, 0, 7, 4, 6, 2, 5)
#: Wednesday 2026-04-29 09:00 UTC, in the ninth week; in Auckland it is that day's evening.
NOW = 8 * WEEK + 57
TODAY = date(2026, 4, 29)
ONLY_PAYMENTS = StreamScope(delivery_streams=frozenset({PAYMENTS}))


def view(hours: float = NOW, *, scope: StreamScope | None = None, **asked: Any) -> View:
    """Return a view as of so many hours."""
    return View(scope=scope or StreamScope.everything(), as_of=at(hours), **asked)


class Platform:
    """A store with a stream's history, and forecasts over it."""

    def __init__(self, *, answers: Answers | None = None, metrics: FakeReader | None = None) -> None:
        self.rows, self.kept = MemoryReading(), MemoryForecasts()
        self.forecasts: Forecasts = memory_forecasts(
            metrics or FakeReader(),
            configuration=CONFIGURATION,
            database=self.rows.database,
            tables=self.rows.tables,
            kept=self.kept,
            answers=answers,
        )
        self.reader = MemoryForecastReader(database=self.rows.database, tables=self.rows.tables, kept=self.kept)

    async def work(
        self, stream: UUID | None = PAYMENTS, *, weeks: Sequence[int] = WEEKS, left: int = 20, begins: float = 0
    ) -> None:
        """Add what a stream has done, each week on its Monday at ten, and what it has left."""
        name = str(stream)[-1] if stream else "none"
        for week, items in enumerate(weeks):
            for number in range(items):
                done = begins + week * WEEK + 10
                key = f"{name}-{week}-{number}"
                cycle: Any = (done, None, 1.0, 50.0, {})
                stays = [(begins, "dev", True), (done, "done", False)]
                await self.rows.put(Ticket(key, streams=[(begins, key, stream, ())], stays=stays, cycles=[cycle]))
        for number in range(left):
            key = f"{name}-left-{number}"
            await self.rows.put(Ticket(key, streams=[(begins, key, stream, ())], stays=[(begins, "backlog", False)]))

    async def sprint(self, key: str, start: date, end: date, *, state: str = "active", told: float = 0) -> None:
        """Add a sprint of payments with one ticket that is done."""
        self.rows.database.sprints[key] = SprintFact(
            event_timestamp=at(told),
            jira_sprint_id=key,
            name=f"Sprint {key}",
            state=state,
            start_date=start,
            end_date=end,
        )
        ticket = Ticket(
            f"in-{key}", streams=[(0, f"PAY-{key}", PAYMENTS, ())], stays=[(0, "done", False)], jira_sprint_id=key
        )
        await self.rows.put(ticket)

    def snapshot(self, key: str, remaining: int, *, hours: float = NOW) -> None:
        """Add a snapshot of a sprint."""
        row = MemorySprintSnapshot(sprint_uuid(key), at(hours).date(), at(hours), remaining)
        self.kept.snapshots.append(row)

    async def ask(self, what_if: WhatIf | None = None, **asked: Any) -> DeliveryForecast:
        """Return the forecast of payments unless told otherwise."""
        return await self.forecasts.forecast(
            view(**({"delivery_stream_id": PAYMENTS} | asked)), what_if=what_if or WhatIf()
        )


async def test_a_forecast_is_made_from_weeks_and_scope_with_the_seed_of_stream_and_day() -> None:
    """All complete weeks with the empty one, all that is left, and the local day: nothing else."""
    to = Platform()
    await to.work()
    found = await to.ask()
    expected = forecast(scope=20, sample=WEEKS, made_on=TODAY, seed=seed_of(stream=PAYMENTS, day=TODAY))
    assert (Method.MONTE_CARLO, expected) == (expected.method, found.forecast)
    assert (20.0, "count", 8) == (found.figure.value, found.figure.unit, found.figure.sample_size)
    assert [date(2026, 3, 2) + timedelta(weeks=number) for number in range(8)] == list(found.weeks)
    assert found == await to.ask()


async def test_only_twelve_weeks_count() -> None:
    """Of thirteen the first is no sample any more."""
    to = Platform()
    await to.work(weeks=(50, *range(12)))
    found = (await to.ask(hours=13 * WEEK + 1)).forecast
    assert found is not None
    assert tuple(range(12)) == found.sample


async def test_all_is_the_union_of_delivery_streams() -> None:
    """Tickets of no delivery stream are in none, and so not in the union; who sees one stream has a union of one."""
    to = Platform()
    await to.work(left=3)
    await to.work(LENDING, weeks=(1,) * 8, left=4)
    await to.work(None, weeks=(9,) * 8, left=9)
    everything = (await to.ask(delivery_stream_id=None)).forecast
    one = (await to.ask(delivery_stream_id=None, scope=ONLY_PAYMENTS)).forecast
    assert everything is not None
    assert one is not None
    assert (7, tuple(items + 1 for items in WEEKS)) == (everything.scope, everything.sample)
    assert (3, WEEKS) == (one.scope, one.sample)


async def test_a_technology_stream_has_no_forecast() -> None:
    """Not even together with a delivery stream."""
    to = Platform()
    await to.work()
    for stream in (None, PAYMENTS):
        found = await to.ask(delivery_stream_id=stream, tech_stream_id=CORE)
        assert (None, None, Reason.TECH_STREAM) == (found.figure.value, found.forecast, found.reason)
        confidence = await to.forecasts.sprint_confidence(view(delivery_stream_id=stream, tech_stream_id=CORE))
        assert (None, Reason.TECH_STREAM) == (confidence.figure.value, confidence.reason)


async def test_a_young_stream_is_projected_and_an_unknown_one_waits() -> None:
    """First heard of in the fifth week: after four complete weeks two more are needed. Nothing known, nothing left."""
    to = Platform()
    await to.work(weeks=(2, 0, 3, 3), left=6, begins=4 * WEEK + 50)
    found = (await to.ask()).forecast
    assert found is not None
    assert (Method.LINEAR, (2, 0, 3, 3), 2) == (found.method, found.sample, found.weeks_until_probabilistic)
    assert date(2026, 5, 20) == found.estimated_date
    unknown = (await to.ask(delivery_stream_id=LENDING)).forecast
    assert unknown is not None
    assert (Method.DONE, 0) == (unknown.method, unknown.scope)


async def test_a_forecast_as_of_an_earlier_time_is_the_one_of_then() -> None:
    """In the third week: two complete ones, and everything that was done later still to do."""
    to = Platform()
    await to.work(left=1)
    found = (await to.ask(hours=2 * WEEK + 1)).forecast
    assert found is not None
    assert (WEEKS[:2], 1 + sum(WEEKS[2:]), date(2026, 3, 16)) == (found.sample, found.scope, found.made_on)


async def test_the_day_is_that_of_the_stream() -> None:
    """On Wednesday evening in London's zone it is Thursday in Auckland."""
    to = Platform()
    await to.work(LENDING)
    found = (await to.ask(hours=NOW + 6, delivery_stream_id=LENDING)).forecast
    assert found is not None
    assert date(2026, 4, 30) == found.made_on


async def test_a_forecast_is_marked_by_the_quality_of_the_data() -> None:
    """When tickets lack streams, the forecast and the confidence say so."""
    to = Platform()
    await to.work()
    assert ConfidenceLevel.REDUCED == (await to.ask()).figure.confidence.level
    clear = Platform(metrics=FakeReader.empty())
    await clear.work()
    assert ConfidenceLevel.FULL == (await clear.ask()).figure.confidence.level


async def test_forecasts_are_stored_once_a_day_for_each_active_stream_and_all() -> None:
    """Those without a probability are not kept; a second run on the day keeps what there is, the next day adds."""
    to = Platform()
    await to.work()
    await to.work(LENDING, weeks=(1, 1), begins=2 * WEEK)
    assert 2 == await to.forecasts.store_forecasts(at=at(7 * WEEK + 1))
    await to.work(ARCHIVED)
    assert 0 == await to.forecasts.store_forecasts(at=at(7 * WEEK + 9))
    # By then lending has six weeks, four of them empty.
    assert 3 == await to.forecasts.store_forecasts(at=at(NOW))
    assert {(None, date(2026, 4, 20)), (PAYMENTS, date(2026, 4, 20))} | {
        (stream, TODAY) for stream in (None, PAYMENTS, LENDING)
    } == to.kept.forecasts.keys()


async def test_the_forecasts_of_past_weeks_are_made_up_for_once() -> None:
    """Eight weeks of history give one of each week from the sixth on, for the stream and all; what is there stays."""
    to = Platform()
    await to.work()
    assert 4 == await to.forecasts.catch_up_forecasts(at=at(NOW))
    assert 0 == await to.forecasts.catch_up_forecasts(at=at(NOW + 20))
    assert {TODAY - timedelta(weeks=1), TODAY - timedelta(weeks=2)} == {day for _, day in to.kept.forecasts}
    found = (await to.ask()).calibration
    assert 2 == found[50].judged + found[50].pending


async def test_a_stored_forecast_is_what_was_answered_and_can_be_made_again() -> None:
    """From its own seed and sample, whatever has happened since."""
    to = Platform()
    await to.work()
    answered = (await to.ask()).forecast
    await to.forecasts.store_forecasts(at=at(NOW))
    kept = await to.reader.stored(view(NOW + 1, delivery_stream_id=PAYMENTS), day=TODAY)
    assert kept is not None
    assert answered == kept.forecast
    made = kept.forecast
    assert made == forecast(scope=made.scope, sample=made.sample, made_on=made.made_on, seed=made.seed, runs=made.runs)


async def test_stored_forecasts_are_judged_by_what_came_of_them() -> None:
    """Forty items were done in the week that was forecast for them; two were not in theirs."""
    to = Platform()
    await to.work(weeks=[40] * 8, left=0)
    await to.forecasts.store_forecasts(at=at(7 * WEEK - 100))
    await to.work(weeks=(), left=2, begins=NOW - 1)
    await to.forecasts.store_forecasts(at=at(NOW))
    found = (await to.ask(hours=11 * WEEK)).calibration
    assert {50: (2, 1, 0), 70: (2, 1, 0), 85: (2, 1, 0), 95: (2, 1, 0)} == {
        percent: (it.judged, it.held, it.pending) for percent, it in found.items()
    }
    earlier = (await to.ask(hours=NOW + 1)).calibration
    assert (1, 1, 1) == (earlier[95].judged, earlier[95].held, earlier[95].pending)


async def test_who_sees_one_stream_does_not_see_forecasts_of_all() -> None:
    """Their union is another one, and nothing was stored of it."""
    to = Platform()
    await to.work()
    await to.forecasts.store_forecasts(at=at(7 * WEEK + 1))
    everything, union, own = (
        await to.ask(delivery_stream_id=None),
        await to.ask(delivery_stream_id=None, scope=ONLY_PAYMENTS),
        await to.ask(scope=ONLY_PAYMENTS),
    )
    totals = [found.calibration[50].judged + found.calibration[50].pending for found in (everything, union, own)]
    assert [1, 0, 1] == totals


async def test_what_if_the_scope_changes() -> None:
    """The forecast beside the real one is of the changed scope; more than all cannot go."""
    to = Platform()
    await to.work()
    more, less = (await to.ask(WhatIf(scope_change=15))).imagined, (await to.ask(WhatIf(scope_change=-99))).imagined
    assert more is not None
    assert less is not None
    seed = seed_of(stream=PAYMENTS, day=TODAY)
    assert forecast(scope=35, sample=WEEKS, made_on=TODAY, seed=seed) == more.forecast
    assert (0, Method.DONE) == (less.forecast.scope, less.forecast.method)
    assert None is (await to.ask()).imagined


async def test_what_is_done_by_a_date_agrees_with_the_forecast() -> None:
    """The chance of the scope by a date is the share of runs done by then; the cut is what is missing to be so sure."""
    to = Platform()
    await to.work()
    day = TODAY + timedelta(days=4 * 7 + 6)
    found = await to.ask(WhatIf(by_date=day, confidence_pct=85))
    assert found.forecast is not None
    assert found.imagined is not None
    assert found.imagined.by_date is not None
    by_date = found.imagined.by_date
    assert 100 * sum(found.forecast.finished[:4]) / 10_000 == by_date.chance_pct
    assert by_date.items[95] <= by_date.items[85] <= by_date.items[70] <= by_date.items[50]
    assert 20 - by_date.items[85] == by_date.scope_cut
    assert found.imagined.confident_date == found.forecast.completion_date(85)


async def test_today_nothing_is_done_yet() -> None:
    """What a week does counts when it is over: by today only nothing is sure, and all must go."""
    to = Platform()
    await to.work()
    imagined = (await to.ask(WhatIf(by_date=TODAY, confidence_pct=50))).imagined
    assert imagined is not None
    assert imagined.by_date is not None
    assert (0, 0.0, 20) == (imagined.by_date.items[50], imagined.by_date.chance_pct, imagined.by_date.scope_cut)


async def test_a_short_history_tells_no_chances() -> None:
    """Neither by a date nor with a confidence."""
    to = Platform()
    await to.work(weeks=(3, 3), begins=6 * WEEK)
    imagined = (await to.ask(WhatIf(by_date=TODAY + timedelta(days=30), confidence_pct=50))).imagined
    assert imagined is not None
    assert (None, None, Method.LINEAR) == (imagined.by_date, imagined.confident_date, imagined.forecast.method)


@pytest.mark.parametrize("days", [-1, 7 * 520 + 1, 365_000])
async def test_a_date_that_cannot_be_told_about_is_refused(days: int) -> None:
    """It is over, or more than ten years ahead."""
    with pytest.raises(InvalidInput, match="by_date"):
        await Platform().ask(WhatIf(by_date=TODAY + timedelta(days=days)))


@pytest.mark.parametrize(
    "asked",
    [
        {"confidence_pct": 0.0},
        {"confidence_pct": 101.0},
        {"confidence_pct": float("nan")},
        {"scope_change": 1_000_001},
        {"scope_change": -1_000_001},
    ],
)
def test_a_question_out_of_range_is_refused(asked: dict[str, Any]) -> None:
    """With the name of the parameter."""
    with pytest.raises(InvalidInput, match=r"confidence|scope_change"):
        WhatIf(**asked)


# --- sprints ----------------------------------------------------------------------------------------------------------


async def sprints(to: Platform) -> None:
    """Add a closed sprint of two weeks, in which nothing but its two Mondays did anything, and a running one."""
    await to.work()
    await to.sprint("1", date(2026, 4, 13), date(2026, 4, 26))
    await to.sprint("2", date(2026, 4, 27), date(2026, 5, 8))


async def test_sprint_confidence_is_drawn_from_the_days_of_closed_sprints() -> None:
    """Ten working days of which two did 2 and 5 items; eight days are left, Wednesday's included, and ten items."""
    to = Platform()
    await sprints(to)
    to.snapshot("2", 10)
    found = await to.forecasts.sprint_confidence(view(delivery_stream_id=PAYMENTS))
    assert (10, 8, None) == (found.figure.sample_size, found.working_days_left, found.reason)
    assert found.remaining == (10, TODAY)
    assert found.sprint is not None
    assert "2" == found.sprint.jira_sprint_id
    assert found.figure.value is not None
    assert abs(exact(10, 8) - found.figure.value / 100) < 4 * (0.25 / 1000) ** 0.5
    assert found == await to.forecasts.sprint_confidence(view(delivery_stream_id=PAYMENTS))


def exact(items: int, days: int) -> float:
    """Return the chance that so many draws from ten days, of which two did 2 and 5, reach so many items."""
    sums = {0: 1.0}
    for _ in range(days):
        after: dict[int, float] = {}
        for total, chance in sums.items():
            for done, share in ((2, 0.1), (5, 0.1), (0, 0.8)):
                after[total + done] = after.get(total + done, 0.0) + chance * share
        sums = after
    return sum(chance for total, chance in sums.items() if total >= items)


async def test_a_sprint_is_over_on_the_day_after_its_last() -> None:
    """On its last day one day is left, on the next none runs, whatever was last reported of it."""
    to = Platform()
    await sprints(to)
    to.snapshot("2", 1)
    friday = 8 * WEEK + 11 * 24 + 9
    assert 1 == (await to.forecasts.sprint_confidence(view(friday, delivery_stream_id=PAYMENTS))).working_days_left
    over = await to.forecasts.sprint_confidence(view(friday + 24, delivery_stream_id=PAYMENTS))
    assert (None, Reason.NO_SPRINT) == (over.figure.value, over.reason)


async def test_a_sprint_that_was_closed_early_runs_until_that_was_told() -> None:
    """Before the report it ran; its days are a sample afterwards."""
    to = Platform()
    await to.work()
    await to.sprint("2", date(2026, 4, 20), date(2026, 5, 8), state="closed", told=NOW)
    asked: dict[str, Any] = {"delivery_stream_id": PAYMENTS}
    assert 100.0 == (await to.forecasts.sprint_confidence(view(NOW - 1, **asked))).figure.value
    assert Reason.NO_SPRINT == (await to.forecasts.sprint_confidence(view(NOW, **asked))).reason


async def test_edges_of_a_sprint() -> None:
    """Nothing left is 100; no closed sprint is no history; a weekend at the end leaves no day, and something left 0."""
    to = Platform()
    await to.work()
    await to.sprint("2", date(2026, 4, 27), date(2026, 5, 3))
    asked: dict[str, Any] = {"delivery_stream_id": PAYMENTS}
    assert 100.0 == (await to.forecasts.sprint_confidence(view(**asked))).figure.value
    to.snapshot("2", 3)
    unknown = await to.forecasts.sprint_confidence(view(**asked))
    assert (None, Reason.NO_HISTORY, 3) == (unknown.figure.value, unknown.reason, unknown.working_days_left)
    sunday = await to.forecasts.sprint_confidence(view(8 * WEEK + 6 * 24 + 9, **asked))
    assert (0.0, 0, None) == (sunday.figure.value, sunday.working_days_left, sunday.reason)


async def test_sprints_belong_to_one_delivery_stream() -> None:
    """All streams together have no running sprint to be confident in."""
    to = Platform()
    await sprints(to)
    assert Reason.NO_STREAM == (await to.forecasts.sprint_confidence(view())).reason
    assert Reason.NO_SPRINT == (await to.forecasts.sprint_confidence(view(delivery_stream_id=LENDING))).reason


async def test_holidays_of_the_stream_are_no_working_days() -> None:
    """Lending's calendar has a holiday on the day of asking; it is Wednesday there too."""
    to = Platform()
    await to.sprint("2", date(2026, 4, 27), date(2026, 5, 8))
    row = to.rows.tables.work_items["in-2"]
    to.rows.tables.work_items["in-2"] = row._replace(delivery_stream_id=LENDING)
    assert 7 == (await to.forecasts.sprint_confidence(view(delivery_stream_id=LENDING))).working_days_left


async def test_the_smallest_cut_that_brings_a_sprint_there() -> None:
    """With it the rest reaches the confidence; without history, or without a sprint, there is none to tell."""
    to = Platform()
    await sprints(to)
    to.snapshot("2", 10)
    imagined = (await to.ask(WhatIf(confidence_pct=60))).imagined
    assert imagined is not None
    assert imagined.sprint is not None
    cut = imagined.sprint.scope_cut
    assert 10 == imagined.sprint.remaining
    assert exact(10 - cut, 8) > 0.55
    assert exact(10 - cut + 1, 8) < 0.65
    everything = (await to.ask(WhatIf(confidence_pct=60), delivery_stream_id=None)).imagined
    assert everything is not None
    assert everything.sprint is None


async def test_slips_in_the_dates_of_sprints_break_nothing() -> None:
    """A sprint from year one to the end of time leaves a year of working days; a closed one is clipped to history."""
    to = Platform()
    await to.work()
    await to.sprint("1", date(1, 1, 1), date(2026, 3, 31))
    await to.sprint("2", date(2026, 4, 1), date.max)
    to.snapshot("2", 3)
    found = await to.forecasts.sprint_confidence(view(delivery_stream_id=PAYMENTS))
    assert (22, 263, 100.0) == (found.figure.sample_size, found.working_days_left, found.figure.value)


# --- keeping ----------------------------------------------------------------------------------------------------------


class Kept(Answers):
    """Keeps every answer, and remembers how long it may."""

    def __init__(self) -> None:
        self.cache, self.keepings = Cache(), set[object]()

    async def get(self, question: Any, *, view: View, keeping: Any, compute: Any) -> Any:
        """Return the kept answer, or work it out."""
        self.keepings.add(keeping.ttl)
        return await self.cache.get(question, view=view, keeping=keeping, compute=compute)


async def test_answers_are_kept_apart_by_question_and_day() -> None:
    """An hour for forecasts and half a minute for sprints; past midnight the day is another, and so is the answer."""
    assert (timedelta(hours=1), timedelta(seconds=30)) == (FORECAST.ttl, CONFIDENCE.ttl)
    kept = Kept()
    to = Platform(answers=kept)
    await to.work()
    late = view(8 * WEEK + 71.9, delivery_stream_id=PAYMENTS)
    first = await to.forecasts.forecast(late)
    assert first is await to.forecasts.forecast(late)
    assert first is not await to.forecasts.forecast(late, what_if=WhatIf(scope_change=1))
    next_day = await to.forecasts.forecast(replace(late, as_of=late.as_of + timedelta(minutes=10)))
    assert next_day.forecast is not None
    assert date(2026, 4, 30) == next_day.forecast.made_on
    await to.forecasts.sprint_confidence(late)
    assert {timedelta(hours=1), timedelta(seconds=30)} <= kept.keepings


async def test_an_absent_store_is_said() -> None:
    """Nothing is answered from nothing."""
    to = Platform()
    to.rows.database.available = False
    with pytest.raises(Unavailable):
        await to.ask()
    with pytest.raises(Unavailable):
        await to.forecasts.store_forecasts(at=at(NOW))


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 2, tzinfo=at(0).tzinfo), datetime(9999, 12, 30, tzinfo=at(0).tzinfo)]
)
async def test_a_moment_outside_of_the_calendar_is_refused(moment: datetime) -> None:
    """No day of it can be told."""
    to = Platform()
    asked = View(scope=StreamScope.everything(), as_of=moment, delivery_stream_id=PAYMENTS)
    with pytest.raises(InvalidInput):
        await to.forecasts.forecast(asked)
    with pytest.raises(InvalidInput):
        await to.forecasts.sprint_confidence(asked)
