"""What every store of survey answers promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import permutations
from typing import TypeAlias

import pytest

from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.pulse import MemoryPulse
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.pulse import PostgresPulse
from dpp.application.pulse_ports import PulseAggregateRow, PulseResponse, PulseRow
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.errors import InvalidInput, Unavailable
from dpp.domain.pulse import Period, ScoreSums
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS
from tests.support.reading import at, view

pytestmark = pytest.mark.anyio

JANUARY, FEBRUARY, MARCH = Period(2026, 1), Period(2026, 2), Period(2026, 3)

Store: TypeAlias = MemoryPulse | PostgresPulse


@asynccontextmanager
async def opened(url: str | None) -> AsyncIterator[Store]:
    """Yield a store that knows two delivery streams, on a database or in memory without one."""
    if url is None:
        database = MemoryDatabase()
        await MemoryConfigurationStore(database=database).save(
            ORGANISATION, expected_version=0, actor="a test", at=at(0)
        )
        yield MemoryPulse(database=database)
        return
    async with Database(url, max_size=2) as connected:
        await PostgresConfigurationStore(database=connected).save(
            ORGANISATION, expected_version=0, actor="a test", at=at(0)
        )
        yield PostgresPulse(database=connected)


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A store of one family."""
    async with opened(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        yield found


def answer(who: str = "a", *, hours: float = 1, scores: tuple[int, int, int] = (3, 4, 5)) -> PulseResponse:
    """Return an answer for payments in March."""
    pace, tooling, clarity = scores
    return PulseResponse(
        survey_period=MARCH,
        delivery_stream_id=PAYMENTS,
        respondent_hash=who,
        pace_score=pace,
        tooling_score=tooling,
        clarity_score=clarity,
        answered_at=at(hours),
    )


async def told(store: Store, view: View, *, first: Period = JANUARY, closed: Period = MARCH) -> list[PulseRow]:
    """Return what the answers to March add up to."""
    return list(await store.answers(view, first=first, last=MARCH, closed=closed))


async def test_answers_add_up_by_period_and_stream(store: Store) -> None:
    """Two of payments in March and one in February, one of identity; sorted by period, then stream."""
    others = (
        replace(answer("b"), pace_score=1),
        replace(answer(), survey_period=FEBRUARY, free_text="nothing"),
        replace(answer(), delivery_stream_id=IDENTITY),
        replace(answer(), survey_period=Period(2025, 12)),
    )
    assert 5 == await store.submit([answer(), *others])
    assert [
        PulseRow(PAYMENTS, FEBRUARY, ScoreSums(1, 3, 4, 5)),
        PulseRow(PAYMENTS, MARCH, ScoreSums(2, 4, 8, 10)),
        PulseRow(IDENTITY, MARCH, ScoreSums(1, 3, 4, 5)),
    ] == await told(store, view())


async def test_nobody_answering_gives_no_rows(store: Store) -> None:
    """Neither answers nor aggregates."""
    assert 0 == await store.submit([])
    assert [] == await told(store, view())
    assert [] == list(await store.all())


async def test_the_latest_answer_of_a_person_counts_in_whatever_order_they_come(
    family: str, request: pytest.FixtureRequest
) -> None:
    """Of three answers the one given last counts; of two given at once the greater one; repeating one is no news."""
    given = (answer(hours=1, scores=(5, 5, 5)), answer(hours=2, scores=(1, 2, 3)), answer(hours=2, scores=(1, 1, 5)))
    async with opened(None if family == "memory" else request.getfixturevalue("database_url")) as store:
        for number, order in enumerate(permutations(given)):
            who = str(number)
            for one in order:
                await store.submit([replace(one, respondent_hash=who)])
            assert 0 == await store.submit([replace(one, respondent_hash=who) for one in given])
        (row,) = await told(store, view())
        assert ScoreSums(6, 6, 12, 18) == row.sums


async def test_several_answers_of_one_person_may_come_together(store: Store) -> None:
    """A batch with two answers of one person writes the one that counts."""
    assert 1 == await store.submit([answer(hours=2, scores=(1, 1, 1)), answer(hours=1)])
    assert [PulseRow(PAYMENTS, MARCH, ScoreSums(1, 1, 1, 1))] == await told(store, view())


async def test_a_view_shows_its_delivery_streams_and_nothing_of_technology(store: Store) -> None:
    """Filters and scopes apply; an answer belongs to no technology stream."""
    await store.submit([answer(), replace(answer(), delivery_stream_id=IDENTITY)])
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
    await store.submit([answer("a", hours=1), answer("b", hours=3)])
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
    assert {PAYMENTS, IDENTITY} == await store.replace(both, periods=[FEBRUARY, MARCH], at=at(1))
    assert [aggregate(FEBRUARY), aggregate(), identity] == list(await store.all())
    assert frozenset() == await store.replace(both, periods=[FEBRUARY, MARCH], at=at(2))
    assert {IDENTITY} == await store.replace([aggregate()], periods=[MARCH], at=at(3))
    assert {PAYMENTS} == await store.replace([aggregate(pace_trend=0.5)], periods=[MARCH], at=at(4))
    assert [aggregate(FEBRUARY), aggregate(pace_trend=0.5)] == list(await store.all())


@pytest.mark.parametrize("scores", [(0, 3, 3), (3, 6, 3), (3, 3, -1)])
async def test_a_score_off_the_scale_is_refused(scores: tuple[int, int, int]) -> None:
    """Scores are from 1 to 5, and the message names the wrong one."""
    with pytest.raises(InvalidInput, match=r"_score is (0|6|-1); it is from 1 to 5"):
        answer(scores=scores)


async def test_a_store_that_is_away_says_so() -> None:
    """Nothing is written or read while the database does not answer."""
    database = MemoryDatabase(available=False)
    store = MemoryPulse(database=database)
    calls: list[Callable[[], object]] = [
        lambda: store.submit([answer()]),
        lambda: told(store, view()),
        lambda: store.replace([], periods=[], at=at(0)),
        store.all,
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            await call()  # type: ignore[misc]
