"""The trends as a whole, over rows in memory."""

from datetime import date

import pytest

from dpp.application.calendars import Calendars
from dpp.application.readers import Share
from dpp.application.trends import Trends
from dpp.domain.change_lead_times import Part
from dpp.domain.configuration import CalendarRules, Configuration, PlatformSettings
from dpp.domain.errors import InvalidInput
from dpp.domain.quality import ConfidenceLevel, QualityRate
from tests.support.delivering import Incident, change, deliver, delivery_reader, deployment, some_id
from tests.support.fake_forecasts import NoHolidays
from tests.support.fake_reader import FakeReader
from tests.support.reading import MemoryReading, view

pytestmark = pytest.mark.anyio

LONDON = Configuration(platform=PlatformSettings(calendar=CalendarRules(time_zone="Europe/London")))


async def trends(store: MemoryReading, *, linkage: int = 100) -> Trends:
    """Return the trends over a store of four deployments, an incident and two changes."""
    await deliver(
        store,
        deployments=[
            deployment("a", 10, lead=10.0),
            deployment("b", 34, lead=30.0, rollback=36),
            deployment("c", 35, status="failed"),
            deployment("d", 40, lead=20.0),
        ],
        changes=[change(some_id("r"), 1, opened=1, merged=4, deployed=10), change(some_id("r"), 2, merged=40)],
        incidents=[Incident("i", 40.5, ends=((42, None),), blames=(("d", "blamed", 40.5, None),))],
    )
    metrics = FakeReader(rates={QualityRate.PR_TICKET_LINKAGE: Share(linkage, 100)})
    return Trends(reader=delivery_reader(store), metrics=metrics, calendars=Calendars(NoHolidays()))


async def test_figures_are_over_the_whole_window() -> None:
    """Two of four stand and two did harm in two days; lead times of successes; an incident of 90 minutes."""
    found = await (await trends(MemoryReading())).trends(view(48), window_days=2, configuration=LONDON)
    told = {
        name: (trend.figure.value, trend.figure.unit, trend.figure.sample_size) for name, trend in found.trends.items()
    }
    assert {
        "deployment_frequency": (7.0, "per_week", 2),
        "change_failure_rate": (50.0, "percent", 4),
        "ttr_median": (90.0, "minutes", 1),
        "ttr_mean": (90.0, "minutes", 1),
        "lead_time_p50": (20.0, "hours", 3),
        "lead_time_p85": (27.0, "hours", 3),
    } == told
    assert (25.0, 50.0) == (found.failure_bounds.confirmed_pct, found.failure_bounds.at_most_pct)
    # The rollback came after 120 minutes, the incident ended 120 minutes after its deployment.
    assert (120.0, 2, 0) == (found.recovery.median.value, found.recovery.median.sample_size, found.recovery.unrecovered)
    assert (0.0, 4) == (found.rework.value, found.rework.sample_size)
    assert (9.0, 1) == (found.lead_times[Part.LEAD_TIME].p50.value, found.lead_times[Part.LEAD_TIME].p50.sample_size)
    assert (1.0, 8.0) == (found.waiting.count.value, found.waiting.oldest_hrs)
    assert 2 == found.asked.window_days


async def test_a_series_has_a_point_for_each_local_day() -> None:
    """As of each day's end over the trailing weeks, today's as of now; the window does not cut them."""
    found = await (await trends(MemoryReading())).trends(view(48), window_days=3, configuration=LONDON)
    points = found.trends["deployment_frequency"].series
    # The moment is midnight in London: a day begins in this very instant.
    assert [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)] == [point.day for point in points]
    assert [(0.25, 1), (0.5, 2), (0.5, 2)] == [(point.value, point.sample_size) for point in points]
    rates = found.trends["change_failure_rate"].series
    assert [(0.0, 1), (50.0, 4), (50.0, 4)] == [(point.value, point.sample_size) for point in rates]
    assert [None, 90.0, 90.0] == [point.value for point in found.trends["ttr_median"].series]


async def test_a_day_before_the_first_deployment_has_a_frequency_and_no_rate() -> None:
    """A count of nothing is 0, a rate of nothing is null."""
    found = await (await trends(MemoryReading())).trends(view(9), window_days=2, configuration=LONDON)
    assert [(0.0, 0), (0.0, 0)] == [
        (point.value, point.sample_size) for point in found.trends["deployment_frequency"].series
    ]
    assert [None, None] == [point.value for point in found.trends["change_failure_rate"].series]
    assert (None, None) == (found.rework.value, found.failure_bounds.at_most_pct)


async def test_every_figure_says_how_far_it_can_be_trusted() -> None:
    """When half of the pull requests have no ticket, every delivery metric is marked, those beyond §6.4 too."""
    store = MemoryReading()
    found = await (await trends(store, linkage=50)).trends(view(48), window_days=2, configuration=LONDON)
    figures = [
        *(trend.figure for trend in found.trends.values()),
        *(found.rework, found.recovery.median, found.waiting.count, found.lead_times[Part.DEPLOY].p85),
    ]
    assert [ConfidenceLevel.REDUCED] * 10 == [figure.confidence.level for figure in figures]


@pytest.mark.parametrize("days", [0, 1101])
async def test_a_window_has_its_limits(days: int) -> None:
    """No window, and one longer than what is kept, are refused."""
    with pytest.raises(InvalidInput):
        await (await trends(MemoryReading())).trends(view(48), window_days=days, configuration=LONDON)
