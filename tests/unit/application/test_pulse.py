"""The team pulse: which answers make which averages, for whom, and what is withheld from everybody."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.pulse import MemoryPulse, write_answers
from dpp.application.ports import Change
from dpp.application.pulse import Pulse, PulseAggregation, TeamPulse
from dpp.application.pulse_ports import PulseResponse
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.configuration import CalendarRules, Configuration, DeliveryStream, PlatformSettings
from dpp.domain.errors import InvalidInput
from dpp.domain.pulse import Dimension, Period
from dpp.domain.quality import ConfidenceLevel
from tests.contracts.stores import IDENTITY, PAYMENTS

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)
FEBRUARY, MARCH = Period(2026, 2), Period(2026, 3)
CONFIGURATION = Configuration(
    platform=PlatformSettings(minimum_contributors=3),
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments", team_size=8),
        DeliveryStream(
            stream_id=IDENTITY, name="identity", display_name="Identity", team_size=4, minimum_contributors=2
        ),
    ),
)


class Feed(MemoryChangeFeed):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Change] = []

    async def publish(self, change: Change) -> None:
        self.told.append(change)


@dataclass
class Setting:
    """A store of answers and what works on it."""

    store: MemoryPulse = field(default_factory=lambda: MemoryPulse(database=MemoryDatabase()))
    feed: Feed = field(default_factory=Feed)

    async def answer(self, *scores: int, stream: object = PAYMENTS, period: Period = MARCH, day: int = 2) -> None:
        """Let somebody answer for each score, the same to all three questions."""
        write_answers(
            self.store.surveys,
            [
                PulseResponse(
                    survey_period=period,
                    delivery_stream_id=stream,  # type: ignore[arg-type]
                    respondent_hash=f"{number} {stream}",
                    pace_score=score,
                    tooling_score=score,
                    clarity_score=score,
                    answered_at=datetime(period.year, period.month, day, tzinfo=UTC),
                )
                for number, score in enumerate(scores)
            ],
        )

    async def pulse(
        self,
        *,
        now: datetime = NOW,
        scope: StreamScope | None = None,
        periods: int = 12,
        configuration: Configuration = CONFIGURATION,
    ) -> TeamPulse:
        """Return the pulse of everything that a scope opens."""
        view = View(scope=scope or StreamScope.everything(), as_of=now)
        return await Pulse(reader=self.store).pulse(view, configuration=configuration, periods=periods)

    async def aggregate(self, *, now: datetime = NOW) -> int:
        """Aggregate once."""
        aggregation = PulseAggregation(reader=self.store, aggregates=self.store, feed=self.feed)
        return await aggregation.aggregate(now=now, configuration=CONFIGURATION)


async def test_the_figure_is_the_latest_closed_surveys_overall_average() -> None:
    """Scores 2, 3, 4 and 3 average 3, half of eight answered, and below 60 percent the figure is trusted less."""
    setting = Setting()
    await setting.answer(5, 5, 5, period=FEBRUARY)
    await setting.answer(2, 3, 4, 3)
    found = await setting.pulse()
    assert (3.0, "score", 4) == (found.figure.value, found.figure.unit, found.figure.sample_size)
    assert ConfidenceLevel.REDUCED == found.figure.confidence.level
    assert [50.0] == [reason.value for reason in found.figure.confidence.reasons]
    assert [FEBRUARY, MARCH] == [row.period for row in found.periods]
    assert -2.0 == found.periods[1].trends[Dimension.PACE]


async def test_the_first_period_asked_for_has_its_trend() -> None:
    """One period is shown, and compared with the one before it, which is not."""
    setting = Setting()
    await setting.answer(5, 5, 5, period=FEBRUARY)
    await setting.answer(3, 3, 3)
    (only,) = (await setting.pulse(periods=1)).periods
    assert (MARCH, -2.0) == (only.period, only.trends[Dimension.CLARITY])


async def test_too_few_answers_give_no_figure() -> None:
    """Two answers where three are needed: counted, and no value, no sample."""
    setting = Setting()
    await setting.answer(1, 5)
    found = await setting.pulse()
    assert (None, 0, 2) == (found.figure.value, found.figure.sample_size, found.periods[0].response_count)


async def test_a_stream_may_have_a_minimum_of_its_own() -> None:
    """Identity shows two answers, payments does not; all together are those of identity."""
    setting = Setting()
    await setting.answer(1, 1)
    await setting.answer(4, 5, stream=IDENTITY)
    found = await setting.pulse()
    assert (4.5, 2, 1) == (found.figure.value, found.figure.sample_size, found.periods[0].withheld_teams)


async def test_a_running_survey_shows_no_averages_until_it_closes() -> None:
    """Open to the end of the 7th by the platform's clock, which in Auckland is half a day earlier; then it shows."""
    setting = Setting()
    await setting.answer(4, 4, 4)
    before, after = datetime(2026, 3, 7, 23, tzinfo=UTC), datetime(2026, 3, 8, 0, tzinfo=UTC)
    assert [None, 4.0] == [(await setting.pulse(now=now)).figure.value for now in (before, after)]
    auckland = replace(CONFIGURATION, platform=PlatformSettings(calendar=CalendarRules(time_zone="Pacific/Auckland")))
    small = replace(auckland, platform=replace(auckland.platform, minimum_contributors=3))
    assert 4.0 == (await setting.pulse(now=before, configuration=small)).figure.value


async def test_no_choice_of_moment_tells_one_answer_of_a_closed_survey() -> None:
    """An answer that came in late is in the averages as of any moment after the close, or in none."""
    setting = Setting()
    await setting.answer(4, 4, 4, 1, day=20)
    found = [(await setting.pulse(now=datetime(2026, 3, day, tzinfo=UTC))).figure for day in (10, 19, 25)]
    assert [(3.25, 4)] * 3 == [(it.value, it.sample_size) for it in found]


async def test_a_scope_shows_its_own_teams() -> None:
    """What other teams answer changes nothing for somebody who sees payments only."""
    setting = Setting()
    await setting.answer(4, 4, 4)
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}))
    alone = await setting.pulse(scope=scope)
    await setting.answer(1, 1, 1, stream=IDENTITY)
    assert alone == await setting.pulse(scope=scope)
    assert 2.5 == (await setting.pulse()).figure.value
    assert () == (await setting.pulse(scope=StreamScope())).periods


async def test_nobody_asked_is_nothing_known() -> None:
    """Without answers there is no period, no value, and no rate that could be too low."""
    setting = Setting()
    found = await setting.pulse()
    assert ((), None, 0, ConfidenceLevel.FULL) == (
        found.periods,
        found.figure.value,
        found.figure.sample_size,
        found.figure.confidence.level,
    )
    assert (
        None
        is (
            await Pulse(reader=setting.store).response_rate(
                View(scope=StreamScope.everything(), as_of=NOW), configuration=CONFIGURATION
            )
        ).value
    )


@pytest.mark.parametrize("periods", [0, 37, -1])
async def test_periods_have_a_range(periods: int) -> None:
    """From one month to three years."""
    with pytest.raises(InvalidInput, match="periods must be between 1 and 36"):
        await Setting().pulse(periods=periods)


async def test_aggregates_are_written_once_and_told_of() -> None:
    """Closed surveys with enough answers get a row each; a second run changes and tells nothing."""
    setting = Setting()
    await setting.answer(2, 3, 4, period=FEBRUARY)
    await setting.answer(5, 5, 5, 5)
    await setting.answer(3, stream=IDENTITY)
    setting.feed.told.clear()
    assert (1, 0) == (await setting.aggregate(), await setting.aggregate())
    assert [Change(topic="pulse", delivery_streams=frozenset({PAYMENTS}))] == setting.feed.told
    february, march = await setting.store.all()
    assert (FEBRUARY, 3, 8, 37.5, 3.0, None) == (
        february.survey_period,
        february.response_count,
        february.team_size,
        february.response_rate_pct,
        february.overall_avg,
        february.pace_trend,
    )
    assert (MARCH, 5.0, 2.0, 2.0) == (march.survey_period, march.overall_avg, march.pace_trend, march.tooling_trend)


async def test_an_open_survey_is_not_aggregated() -> None:
    """On the 5th March is still open; on the 8th it is aggregated."""
    setting = Setting()
    await setting.answer(2, 3, 4)
    assert 0 == await setting.aggregate(now=datetime(2026, 3, 5, tzinfo=UTC))
    assert 1 == await setting.aggregate(now=datetime(2026, 3, 8, tzinfo=UTC))


async def test_the_configuration_says_how_long_a_survey_is_open() -> None:
    """Open to the 10th of March, it shows counts only on that day and its averages on the next."""
    setting = Setting()
    await setting.answer(2, 3, 4)
    longer = replace(CONFIGURATION, platform=replace(CONFIGURATION.platform, survey_last_day=10))
    days = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (10, 11))
    found = [await setting.pulse(now=day, configuration=longer) for day in days]
    assert [(True, None), (False, 3.0)] == [(row.is_open, row.overall) for one in found for row in one.periods]
