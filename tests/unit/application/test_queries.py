"""Answers with their confidence, and honest emptiness."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dpp.application.queries import Queries
from dpp.application.readers import LabelRow, Share, StageRow
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.errors import InvalidInput, Unavailable
from dpp.domain.quality import Confidence, MeasuredRate, QualityRate, Reason, measure_rate
from tests.support.fake_reader import NOW, FakeReader

pytestmark = pytest.mark.anyio

VIEW = View(scope=StreamScope.everything(), as_of=NOW)

#: 143 of 200 tickets of the fixed rows have a stream, which should be 95 percent.
TAGGING = Confidence((Reason(rate=QualityRate.TICKET_STREAM_TAGGING, value=71.5, target=95.0),))


async def test_wip_is_the_sum_of_the_stages_of_work() -> None:
    """Three and one in analysis, 6+2, 2+4, 2+9 and 1+3 make 33; 34 in the backlog and two unmapped are beside it."""
    found = await Queries(reader=FakeReader()).realtime(VIEW)
    assert (33, "count", 33) == (found.wip.value, found.wip.unit, found.wip.sample_size)
    assert (2, 69) == (found.stages.unmapped, found.stages.unfinished)


async def test_cycle_times_are_those_of_the_configured_window_alone() -> None:
    """Percentiles interpolate; tickets without a cycle time are counted beside them, not in them."""
    reader = FakeReader(cycle_times=(1.0, None, 2.0, 3.0, 9.0))
    found = await Queries(reader=reader).realtime(VIEW, window_days=2)
    # A ticket every 15 hours back from the end, two hours before it: at 2, 17, 32 and 47 hours, not at 62.
    assert 1 == found.unmeasured
    assert [3.0, 2.0, 1.0] == [point.cycle_time_days for point in found.points]
    p50, p85 = found.cycle_times["cycle_time_p50"], found.cycle_times["cycle_time_p85"]
    assert (2.0, 3, "days") == (p50.value, p50.sample_size, p50.unit)
    assert 2.7 == pytest.approx(p85.value)
    assert NOW - timedelta(hours=2) == found.points[-1].completed_at
    assert 2 == found.asked.window_days


async def test_what_rests_on_incomplete_data_is_marked_as_the_catalogue_says() -> None:
    """Figures about tickets rest on the tagging of tickets; the linkage of pull requests is no matter of theirs."""
    reader = FakeReader(rates={**FakeReader().rates, QualityRate.PR_TICKET_LINKAGE: Share(1, 100)})
    queries = Queries(reader=reader)
    realtime, diagnostic = await queries.realtime(VIEW), await queries.diagnostic(VIEW, window_days=30)
    figures = [realtime.wip, *realtime.cycle_times.values(), diagnostic.flow_efficiency]
    assert [TAGGING] * 5 == [figure.confidence for figure in figures]


async def test_complete_data_gives_full_confidence() -> None:
    """At the target a rate reduces nothing."""
    reader = FakeReader(rates={QualityRate.TICKET_STREAM_TAGGING: Share(95, 100)})
    assert Confidence() == (await Queries(reader=reader).realtime(VIEW)).wip.confidence


async def test_an_empty_store_gives_no_figure_but_counts() -> None:
    """Nothing is known of times and shares; nothing in progress is truly zero."""
    queries = Queries(reader=FakeReader.empty())
    realtime, diagnostic = await queries.realtime(VIEW), await queries.diagnostic(VIEW, window_days=30)
    assert (0, 0) == (realtime.wip.value, realtime.wip.sample_size)
    assert [(None, 0)] * 3 == [(it.value, it.sample_size) for it in realtime.cycle_times.values()]
    assert ((), 0) == (realtime.points, realtime.unmeasured)
    assert (None, 0) == (diagnostic.flow_efficiency.value, diagnostic.flow_efficiency.sample_size)
    assert () == diagnostic.labels
    assert Confidence() == realtime.wip.confidence == diagnostic.flow_efficiency.confidence


async def test_flow_efficiency_is_the_mean_of_the_known_shares() -> None:
    """The fixed rows have 38 less the days, so 37 and 35 percent; a ticket without a share takes no part."""
    found = await Queries(reader=FakeReader(cycle_times=(1.0, None, 3.0))).diagnostic(VIEW, window_days=30)
    assert (36.0, "percent", 2) == (
        found.flow_efficiency.value,
        found.flow_efficiency.unit,
        found.flow_efficiency.sample_size,
    )


async def test_a_label_is_averaged_over_the_tickets_that_have_been_there() -> None:
    """Three days of two tickets are one and a half, and waiting is told from work."""
    reader = FakeReader(labels=(LabelRow("qa", 4, 1.0), LabelRow("qa_queue", 2, 3.0), LabelRow("uat", 0, 0.0)))
    labels = (await Queries(reader=reader).diagnostic(VIEW, window_days=30)).labels
    assert [("qa", 0.25, 4, False), ("qa_queue", 1.5, 2, True)] == [
        (row.label, row.average_days, row.tickets, row.is_queue) for row in labels
    ]


async def test_how_many_answered_the_survey_is_one_of_the_rates() -> None:
    """Three of eight are 37.5 percent, which is too few; who asks for the rate gets that of the same view."""
    asked = []

    async def three_of_eight(view: View) -> MeasuredRate:
        asked.append(view)
        return measure_rate(QualityRate.PULSE_RESPONSE, complete=3, total=8)

    found = await Queries(reader=FakeReader(), pulse_rate=three_of_eight).data_quality(VIEW)
    rate = found.rates[QualityRate.PULSE_RESPONSE]
    assert ([VIEW], 37.5, 8, True) == (asked, rate.value, rate.sample_size, rate.below_target)


async def test_all_five_rates_are_reported_and_an_unknown_one_is_not_zero() -> None:
    """Nobody was asked in a survey, so its rate has no value; 188 of 200 are 94 percent."""
    rates = (await Queries(reader=FakeReader()).data_quality(VIEW)).rates
    assert set(QualityRate) == set(rates)
    assert (None, 0, False) == (
        rates[QualityRate.PULSE_RESPONSE].value,
        rates[QualityRate.PULSE_RESPONSE].sample_size,
        rates[QualityRate.PULSE_RESPONSE].below_target,
    )
    linkage = rates[QualityRate.PR_TICKET_LINKAGE]
    assert (94.0, 200, False) == (linkage.value, linkage.sample_size, linkage.below_target)


async def test_an_answer_says_what_it_is_about() -> None:
    """Streams, window, moment, and whether the moment was the present."""
    view = replace(VIEW, delivery_stream_id=UUID(int=1), tech_stream_id=UUID(int=2), is_live=True)
    asked = (await Queries(reader=FakeReader()).diagnostic(view, window_days=14)).asked
    assert (UUID(int=1), UUID(int=2), 14, NOW, True) == (
        asked.delivery_stream_id,
        asked.tech_stream_id,
        asked.window_days,
        asked.as_of,
        asked.is_live,
    )


async def test_the_reader_is_asked_for_the_whole_view() -> None:
    """Scope and filters reach every single question to the store."""
    reader = FakeReader()
    view = replace(VIEW, scope=StreamScope(delivery_streams=frozenset({UUID(int=1)})), tech_stream_id=UUID(int=2))
    queries = Queries(reader=reader)
    await queries.realtime(view)
    await queries.diagnostic(view, window_days=30)
    await queries.data_quality(view)
    assert [view] * 7 == reader.views


@pytest.mark.parametrize("days", [0, -1, 1101])
async def test_a_window_that_cannot_be_is_refused(days: int) -> None:
    """A window has between one day and three years."""
    with pytest.raises(InvalidInput):
        await Queries(reader=FakeReader()).diagnostic(VIEW, window_days=days)


async def test_a_store_that_is_away_is_no_empty_store() -> None:
    """An unanswered question is an error and not a zero."""
    with pytest.raises(Unavailable):
        await Queries(reader=FakeReader(is_away=True)).realtime(VIEW)


async def test_stages_add_up_over_rows() -> None:
    """Two rows of one place are one number."""
    reader = FakeReader(stages=(StageRow("qa", False, 2), StageRow("qa", False, 3), StageRow("done", False, 7)))
    assert 5 == (await Queries(reader=reader).realtime(VIEW)).wip.value
