"""When raw answers to the survey are deleted, and that they are aggregated before."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.pulse import MemoryPulse, write_answers
from dpp.application.pulse import Pulse, PulseAggregation
from dpp.application.pulse_ports import PulseResponse
from dpp.application.survey_retention import SurveyRetention, kept_since
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration, DeliveryStream
from dpp.domain.pulse import Period

TEAM = UUID(int=1)
CONFIGURATION = Configuration(
    delivery_streams=(DeliveryStream(stream_id=TEAM, name="payments", display_name="Payments", team_size=9),)
)
FIRST = datetime(2025, 1, 3, 9, tzinfo=UTC)


def answer(number: int, at: datetime, score: int = 3) -> PulseResponse:
    """Return an answer of one of the team."""
    return PulseResponse(
        survey_period=Period(at.year, at.month),
        delivery_stream_id=TEAM,
        respondent_hash=str(number),
        pace_score=score,
        tooling_score=score,
        clarity_score=score,
        answered_at=at,
    )


@pytest.mark.parametrize(
    ("now", "since"),
    [
        (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2025, 3, 2, 9, tzinfo=UTC)),
        (datetime(2024, 2, 29, tzinfo=UTC), datetime(2023, 2, 28, tzinfo=UTC)),
        (datetime(2026, 12, 31, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)),
        (datetime(2026, 1, 31, tzinfo=UTC), datetime(2025, 1, 31, tzinfo=UTC)),
    ],
)
def test_answers_are_kept_for_a_year(now: datetime, since: datetime) -> None:
    """A year is one of the calendar; on a day that was not there then, it is the month's last."""
    assert since == kept_since(now)


def test_figures_of_years_ago_outlive_their_answers() -> None:
    """After the daily run the averages and their trend read as before, and only the last year's answers are left."""

    async def story() -> None:
        database = MemoryDatabase()
        store = MemoryPulse(database=database)
        later = FIRST + timedelta(days=31)
        write_answers(store.surveys, [answer(number, FIRST, 2) for number in range(6)])
        write_answers(store.surveys, [answer(number, later, 4) for number in range(7)])
        aggregation = PulseAggregation(reader=store, aggregates=store, feed=MemoryChangeFeed())
        retention = SurveyRetention(aggregation=aggregation, answers=store)
        now = FIRST + timedelta(days=370)
        everything = View(scope=StreamScope.everything(), as_of=now)
        before = await Pulse(reader=store).pulse(everything, configuration=CONFIGURATION, periods=14)
        assert 6 == await retention.expire(now=now, configuration=CONFIGURATION)
        assert {Period(2025, 2)} == {row.survey_period for row in store.surveys.responses.values()}
        after = await Pulse(reader=store).pulse(everything, configuration=CONFIGURATION, periods=14)
        assert before == after
        assert [2.0, 4.0] == [row.overall for row in after.periods]
        assert [2.0] == [*{*after.periods[1].trends.values()}]
        assert 0 == await retention.expire(now=now, configuration=CONFIGURATION)

    asyncio.run(story())
