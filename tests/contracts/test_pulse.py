"""What every store of survey answers promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import permutations
from uuid import UUID

import anyio
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.events import MemoryEventStore
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.pulse import MemoryPulse
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.events import PostgresEventStore
from dpp.adapters.postgres.feed import PostgresChangeFeed
from dpp.adapters.postgres.pulse import PostgresPulse
from dpp.application.deliveries import Appended
from dpp.application.ports import Batch, Change
from dpp.application.pulse_ports import TOPIC, PulseAggregateRow, PulseResponse, PulseRow
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.errors import InvalidInput, Unavailable
from dpp.domain.events import Facts
from dpp.domain.pulse import Period, ScoreSums
from dpp.domain.survey import PulseFact
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, T0, delivery, moved_to
from tests.support.reading import at, view

pytestmark = pytest.mark.anyio

JANUARY, FEBRUARY, MARCH = Period(2026, 1), Period(2026, 2), Period(2026, 3)


@dataclass
class Store:
    """What keeps deliveries, and what reads the answers among them."""

    events: MemoryEventStore | PostgresEventStore
    pulse: MemoryPulse | PostgresPulse
    feed: MemoryChangeFeed | PostgresChangeFeed

    async def submit(self, *answers: PulseFact) -> Appended:
        """Deliver answers together, with some other fact, and return what became of the answers."""
        (appended,) = await self.events.append(Batch(deliveries=[delivery(Facts(pulses=answers))]))
        return appended


@asynccontextmanager
async def opened(url: str | None) -> AsyncIterator[Store]:
    """Yield a store that knows two delivery streams, on a database or in memory without one."""
    if url is None:
        database = MemoryDatabase()
        configurations = MemoryConfigurationStore(database=database)
        await configurations.save(ORGANISATION, expected_version=0, actor="a test", at=at(0))
        feed = MemoryChangeFeed()
        yield Store(MemoryEventStore(database=database, feed=feed), MemoryPulse(database=database), feed)
        return
    async with Database(url, max_size=4) as connected:
        stored = PostgresConfigurationStore(database=connected)
        await stored.save(ORGANISATION, expected_version=0, actor="a test", at=at(0))
        events = PostgresEventStore(database=connected, configuration=stored.load)
        listening = PostgresChangeFeed(database=connected)
        yield Store(events, PostgresPulse(database=connected), listening)
        await listening.close()


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A store of one family."""
    async with opened(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        yield found


def answer(
    who: str = "a",
    *,
    hours: float = 1,
    scores: tuple[int, int, int] = (3, 4, 5),
    period: Period = MARCH,
    stream: UUID = PAYMENTS,
    free_text: str | None = None,
) -> PulseFact:
    """Return an answer, by default for payments in March."""
    pace, tooling, clarity = scores
    return PulseFact(
        survey_period=str(period),
        delivery_stream_id=stream,
        respondent_hash=who,
        pace_score=pace,
        tooling_score=tooling,
        clarity_score=clarity,
        event_timestamp=at(hours),
        free_text=free_text,
    )


async def told(store: Store, view: View, *, first: Period = JANUARY, closed: Period = MARCH) -> list[PulseRow]:
    """Return what the answers to March add up to."""
    return list(await store.pulse.answers(view, first=first, last=MARCH, closed=closed))


async def test_answers_add_up_by_period_and_stream(store: Store) -> None:
    """Two of payments in March and one in February, one of identity; sorted by period, then stream."""
    given = (
        answer(),
        answer("b", scores=(1, 4, 5)),
        answer(period=FEBRUARY, free_text="nothing"),
        answer(stream=IDENTITY),
        answer(period=Period(2025, 12)),
    )
    assert Appended(accepted=5) == await store.submit(*given)
    assert [
        PulseRow(PAYMENTS, FEBRUARY, ScoreSums(1, 3, 4, 5)),
        PulseRow(PAYMENTS, MARCH, ScoreSums(2, 4, 8, 10)),
        PulseRow(IDENTITY, MARCH, ScoreSums(1, 3, 4, 5)),
    ] == await told(store, view())


async def test_nobody_answering_gives_no_rows(store: Store) -> None:
    """Neither answers nor aggregates."""
    assert Appended() == await store.submit()
    assert [] == await told(store, view())
    assert [] == list(await store.pulse.all())


async def test_the_latest_answer_of_a_person_counts_in_whatever_order_they_come(store: Store) -> None:
    """Of three answers the one given last counts; of two given at once the greater one; repeating one is no news."""
    given = (answer(hours=1, scores=(5, 5, 5)), answer(hours=2, scores=(1, 2, 3)), answer(hours=2, scores=(1, 1, 5)))
    for number, order in enumerate(permutations(given)):
        own = [replace(one, respondent_hash=str(number)) for one in order]
        for one in own:
            await store.submit(one)
        assert Appended(duplicates=3) == await store.submit(*own)
    (row,) = await told(store, view())
    assert ScoreSums(6, 6, 12, 18) == row.sums


async def test_several_answers_of_one_person_may_come_together(store: Store) -> None:
    """A batch with three answers of one person, one of them twice, writes the one that counts, and says so."""
    given = (answer(hours=2, scores=(1, 1, 1)), answer(hours=1), answer(hours=2, scores=(1, 1, 1)))
    assert Appended(accepted=1, duplicates=2) == await store.submit(*given)
    assert [PulseRow(PAYMENTS, MARCH, ScoreSums(1, 1, 1, 1))] == await told(store, view())


async def test_an_answer_counts_for_the_delivery_that_brought_it(store: Store) -> None:
    """In one batch with another ticket's delivery, the late answer is known better already and the other is new."""
    deliveries = [
        delivery(Facts(pulses=(answer(hours=1),))),
        delivery(Facts(work_items=(moved_to("In Dev"),), pulses=(answer(hours=2),))),
    ]
    assert (Appended(duplicates=1), Appended(accepted=2)) == await store.events.append(Batch(deliveries=deliveries))


@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_any_order_and_repetition_of_answers_gives_the_same_rows(data: st.DataObject) -> None:
    """Answers that come in any order, some of them twice, in batches of any size, add up as they do in order."""
    answers = [
        answer(who, hours=hours, scores=(score, 1 + hours % 5, 3), period=period)
        for who in ("a", "b")
        for hours, score, period in ((1, 5, MARCH), (2, 2, MARCH), (2, 4, MARCH), (3, 1, FEBRUARY))
    ]
    told_twice = data.draw(st.lists(st.sampled_from(answers), max_size=4))
    order = data.draw(st.permutations([*answers, *told_twice]))
    size = data.draw(st.integers(1, len(order)))

    async def rows(given: Sequence[PulseFact], size: int) -> list[PulseResponse]:
        database = MemoryDatabase()
        await MemoryConfigurationStore(database=database).save(
            ORGANISATION, expected_version=0, actor="a test", at=at(0)
        )
        events = MemoryEventStore(database=database)
        for start in range(0, len(given), size):
            await events.append(Batch(deliveries=[delivery(Facts(pulses=(one,))) for one in given[start:][:size]]))
        return sorted(database.surveys.responses.values(), key=lambda row: row.natural_key)

    assert anyio.run(rows, answers, 1) == anyio.run(rows, order, size)


async def test_both_families_keep_the_same_row(database_url: str) -> None:
    """The row that stays of several answers is the same in memory and on PostgreSQL, free text and times included."""
    given = (
        answer(hours=2, scores=(2, 2, 2), free_text="b"),
        answer(hours=1, scores=(5, 5, 5)),
        answer(hours=2, scores=(2, 2, 2), free_text="\N{LATIN SMALL LETTER E WITH ACUTE}"),
        answer(hours=2, scores=(2, 2, 2)),
    )
    async with opened(database_url) as stored, opened(None) as remembered:
        for one in given:
            assert await stored.submit(one) == await remembered.submit(one)
    assert isinstance(remembered.pulse, MemoryPulse)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT event_id, source, received_at, event_timestamp, survey_period, respondent_hash, pace_score,"
            " free_text, delivery_stream_id FROM pulse_responses"
        ).fetchall()
    (kept,) = remembered.pulse.surveys.responses.values()
    assert [
        (kept.event_id, "survey", T0, at(2), "2026-03", "a", 2, "\N{LATIN SMALL LETTER E WITH ACUTE}", PAYMENTS)
    ] == rows
    assert (kept.received_at, kept.free_text) == (T0, "\N{LATIN SMALL LETTER E WITH ACUTE}")


async def test_an_answer_about_a_stream_that_nobody_configured_is_kept_and_counts_nowhere(store: Store) -> None:
    """It has no stream, is in no sum, and keeps no other answer out."""
    assert Appended(accepted=2) == await store.submit(answer(stream=UUID(int=99)), answer())
    assert [PulseRow(PAYMENTS, MARCH, ScoreSums(1, 3, 4, 5))] == await told(store, view())
    assert Appended(duplicates=1) == await store.submit(answer(stream=UUID(int=99)))


async def test_whoever_shows_the_pulse_hears_of_answers(store: Store) -> None:
    """A new answer is told with its stream; one that changes nothing is not."""
    async with store.feed.subscribe() as changes:
        await store.submit(answer(hours=2))
        await store.submit(answer(hours=1))
        await store.submit(answer(stream=IDENTITY))
        with anyio.fail_after(5):
            heard = [change.delivery_streams async for change in first(changes, 2)]
    assert [{PAYMENTS}, {IDENTITY}] == heard


async def first(changes: AsyncIterator[Change], count: int) -> AsyncIterator[Change]:
    """Yield so many changes about surveys."""
    while count:
        change = await anext(changes)
        if change.topic == TOPIC:
            count -= 1
            yield change


async def test_a_view_shows_its_delivery_streams_and_nothing_of_technology(store: Store) -> None:
    """Filters and scopes apply; an answer belongs to no technology stream."""
    await store.submit(answer(), answer(stream=IDENTITY))
    payments, tech = StreamScope(delivery_streams=frozenset({PAYMENTS})), StreamScope(tech_streams=frozenset({CORE}))
    for asked, streams in (
        (view(), [PAYMENTS, IDENTITY]),
        (view(delivery_stream_id=IDENTITY), [IDENTITY]),
        (view(scope=payments), [PAYMENTS]),
        (view(scope=payments, delivery_stream_id=IDENTITY), []),
        (view(scope=tech), []),
        (view(tech_stream_id=CORE), []),
    ):
        assert streams == [row.delivery_stream_id for row in await told(store, asked)]


async def test_of_an_open_survey_the_answers_up_to_the_moment_count_of_a_closed_one_all(store: Store) -> None:
    """At hour 2 the answer of hour 3 is not there yet, unless its survey was closed by then."""
    await store.submit(answer("a", hours=1), answer("b", hours=3))
    (early,) = await told(store, view(2), closed=FEBRUARY)
    (closed,) = await told(store, view(2), closed=MARCH)
    assert (1, 2) == (early.sums.responses, closed.sums.responses)
    assert [] == await told(store, view(0.5), closed=FEBRUARY)


def aggregate(period: Period = MARCH, **changes: object) -> PulseAggregateRow:
    """Return an aggregate of payments."""
    row = PulseAggregateRow(
        delivery_stream_id=PAYMENTS,
        survey_period=period,
        response_count=7,
        team_size=None,
        response_rate_pct=None,
        pace_avg=10 / 3,
        pace_trend=None,
        tooling_avg=3.5,
        tooling_trend=-0.1,
        clarity_avg=4.0,
        clarity_trend=0.0,
        overall_avg=3.61,
    )
    return row._replace(**changes)  # type: ignore[arg-type]


async def test_aggregates_of_some_periods_are_replaced(store: Store) -> None:
    """What is not given of those periods goes, other periods stay, and the streams of every change are told."""
    identity = aggregate(delivery_stream_id=IDENTITY, team_size=9, response_rate_pct=77.7)
    both = [aggregate(), identity, aggregate(FEBRUARY)]
    assert {PAYMENTS, IDENTITY} == await store.pulse.replace(both, periods=[FEBRUARY, MARCH], at=at(1))
    assert [aggregate(FEBRUARY), aggregate(), identity] == list(await store.pulse.all())
    assert frozenset() == await store.pulse.replace(both, periods=[FEBRUARY, MARCH], at=at(2))
    assert {IDENTITY} == await store.pulse.replace([aggregate()], periods=[MARCH], at=at(3))
    assert {PAYMENTS} == await store.pulse.replace([aggregate(pace_trend=0.5)], periods=[MARCH], at=at(4))
    assert [aggregate(FEBRUARY), aggregate(pace_trend=0.5)] == list(await store.pulse.all())


@pytest.mark.parametrize("scores", [(0, 3, 3), (3, 6, 3), (3, 3, -1)])
def test_a_score_off_the_scale_is_refused(scores: tuple[int, int, int]) -> None:
    """Scores are from 1 to 5, and the message names the wrong one."""
    with pytest.raises(InvalidInput, match=r"_score is (0|6|-1); it is from 1 to 5"):
        answer(scores=scores)


async def test_a_store_that_is_away_says_so() -> None:
    """Nothing is written or read while the database does not answer."""
    database = MemoryDatabase(available=False)
    store = Store(MemoryEventStore(database=database), MemoryPulse(database=database), MemoryChangeFeed())
    calls: list[Callable[[], object]] = [
        lambda: store.submit(answer()),
        lambda: told(store, view()),
        lambda: store.pulse.replace([], periods=[], at=at(0)),
        store.pulse.all,
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            await call()  # type: ignore[misc]


LAST_YEAR = Period(2020, 3)
OLD = 24.0 * 365 * 6


def old_answer(who: str, stream: UUID = PAYMENTS, *, scores: tuple[int, int, int] = (3, 4, 5)) -> PulseFact:
    """Return an answer of six years ago."""
    return answer(who, hours=-OLD, period=LAST_YEAR, stream=stream, scores=scores)


def aggregate_of(row: PulseRow) -> PulseAggregateRow:
    """Return the aggregate of some sums."""
    responses, pace, tooling, clarity = row.sums
    averages = (pace / responses, None, tooling / responses, None, clarity / responses, None)
    overall = (pace + tooling + clarity) / responses / 3
    return PulseAggregateRow(row.delivery_stream_id, row.period, responses, 9, 50.0, *averages, overall)


async def test_old_answers_go_and_what_they_came_to_stays(store: Store) -> None:
    """After their time the answers are gone for good, and the sums of what was aggregated read as before."""
    given = (old_answer("a"), old_answer("b", scores=(1, 1, 2)), old_answer("c", scores=(1, 4, 5)), answer())
    await store.submit(*given, old_answer("a", IDENTITY))
    rows = await told(store, view(2), first=LAST_YEAR)
    final = next(row for row in rows if row.delivery_stream_id == PAYMENTS and row.period == LAST_YEAR)
    await store.pulse.replace([aggregate_of(final)], periods=[LAST_YEAR], at=at(0))
    assert 4 == await store.pulse.expire_answers(before=at(-24.0 * 365))
    assert 0 == await store.pulse.expire_answers(before=at(-24.0 * 365))
    # What was never aggregated, since too few had answered, is nowhere any more.
    shown = [row for row in rows if (row.delivery_stream_id, row.period) != (IDENTITY, LAST_YEAR)]
    assert shown == await told(store, view(2), first=LAST_YEAR)
    assert shown[1:] == await told(store, view(2))
    assert [] == await told(store, view(2, delivery_stream_id=IDENTITY), first=LAST_YEAR)


async def test_nothing_changes_an_aggregate_whose_answers_are_gone(store: Store) -> None:
    """Neither a late answer nor another aggregation touches it."""
    await store.submit(*map(old_answer, "abc"))
    (row,) = await told(store, view(2), first=LAST_YEAR)
    await store.pulse.replace([aggregate_of(row)], periods=[LAST_YEAR], at=at(0))
    assert 3 == await store.pulse.expire_answers(before=at(-24.0 * 365))
    await store.submit(answer("late", period=LAST_YEAR, scores=(1, 1, 1)))
    assert [row] == await told(store, view(2), first=LAST_YEAR)
    assert frozenset() == await store.pulse.replace([], periods=[LAST_YEAR], at=at(1))
    assert [aggregate_of(row)] == list(await store.pulse.all())


async def test_a_team_with_a_young_answer_keeps_all_of_that_survey(store: Store) -> None:
    """The answers of one team to one survey are deleted together or not at all."""
    await store.submit(old_answer("a"), old_answer("b"), answer("c", period=LAST_YEAR), old_answer("a", IDENTITY))
    assert 1 == await store.pulse.expire_answers(before=at(-24.0 * 365))
    (row,) = await told(store, view(2), first=LAST_YEAR)
    assert (PAYMENTS, 3) == (row.delivery_stream_id, row.sums.responses)


async def test_no_answer_is_deleted_by_other_ways_or_too_early(database_url: str) -> None:
    """The database refuses a deletion outside of retention, and within it that of an answer of this year."""
    young, old = "now() - interval '11 months'", "now() - interval '13 months'"
    added = (
        "INSERT INTO pulse_responses (source, event_timestamp, survey_period, respondent_hash, pace_score,"
        " tooling_score, clarity_score) VALUES ('survey', {}, '2020-01', '{}', 3, 3, 3)"
    )
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(added.format(young, "young").encode())
        await connection.execute(added.format(old, "old").encode())
        for who, is_retention, refused in (("old", False, True), ("young", True, True), ("old", True, False)):
            deleted = 0
            with pytest.raises(psycopg.Error) if refused else nullcontext():
                async with connection.transaction():
                    if is_retention:
                        await connection.execute("SET LOCAL dpp.retention = 'on'")
                    cursor = await connection.execute("DELETE FROM pulse_responses WHERE respondent_hash = %s", [who])
                    deleted = cursor.rowcount
            assert (0 if refused else 1) == deleted
