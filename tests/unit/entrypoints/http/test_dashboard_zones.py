"""What zones say of their answers: words, choices and the data of charts."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.application.answers import Asked
from dpp.application.forecast_answers import ByDate, DeliveryForecast, Imagined, SprintConfidence, SprintCut, WhatIf
from dpp.application.forecasting_reader import Remaining, SprintSpan
from dpp.application.queries import Diagnostic, LabelTime
from dpp.application.trends import Point, Trend
from dpp.domain.figures import Figure
from dpp.domain.forecast import Bar, Forecast, Method
from dpp.domain.pulse import Dimension, Period, PulsePeriod
from dpp.entrypoints.http.dashboard import flow_charts, zone_diagnostic, zone_forecast, zone_health, zone_realtime
from dpp.entrypoints.http.dashboard.words import said
from dpp.entrypoints.http.dashboard.zone_forecast import MAX_BARS, gathered, histogram, what_if
from dpp.entrypoints.http.dashboard.zone_trends import series_chart

DAY = date(2026, 3, 16)
ASKED = Asked(
    delivery_stream_id=UUID(int=1), tech_stream_id=None, window_days=30, as_of=datetime(2026, 3, 16, tzinfo=UTC)
)
SPRINT = SprintSpan(UUID(int=8), "8", "Sprint 8", DAY, date(2026, 3, 27), "active", ASKED.as_of)


def figure(value: float | None, unit: str = "percent") -> Figure:
    """Return a figure over ten things."""
    return Figure(value=value, unit=unit, sample_size=10)


def drawn(*finished: int, scope: int = 12) -> Forecast:
    """Return a simulated forecast whose runs end so often in each week."""
    return Forecast(
        method=Method.MONTE_CARLO,
        made_on=DAY,
        scope=scope,
        sample=(1, 2, 3, 4, 5, 6),
        seed=1,
        runs=sum(finished),
        finished=finished,
    )


def answer(made: Forecast, imagined: Imagined | None = None) -> DeliveryForecast:
    """Return the answer with a forecast."""
    return DeliveryForecast(asked=ASKED, figure=figure(12, "count"), forecast=made, calibration={}, imagined=imagined)


class TestRescue:
    @pytest.mark.parametrize(
        ("remaining", "cut", "words"),
        [
            (12, 7, "Leave out 7 of 12 to be 85\u00a0% sure of the other 5."),
            (4, 0, "Nothing has to go: the chance is 85\u00a0% or more."),
            (0, 0, "Nothing is left in it."),
            (3, 3, "No smaller sprint reaches 85\u00a0%"),
        ],
    )
    def test_it_is_said_in_one_sentence(self, remaining: int, cut: int, words: str) -> None:
        """What to leave out, or that nothing has to go, or that nothing helps."""
        confidence = SprintConfidence(
            asked=ASKED, figure=figure(40), sprint=SPRINT, remaining=Remaining(remaining, None)
        )
        wondered = Imagined(
            asked=WhatIf(confidence_pct=85),
            forecast=drawn(10),
            confident_date=None,
            by_date=None,
            sprint=SprintCut(sprint=SPRINT, remaining=remaining, scope_cut=cut),
        )

        assert str(zone_realtime.rescue_of(confidence, answer(drawn(10), wondered))).startswith(words)

    def test_without_a_sprint_there_is_none(self) -> None:
        """What cannot be told is left out."""
        confidence = SprintConfidence(asked=ASKED, figure=figure(None))

        assert zone_realtime.rescue_of(confidence, answer(drawn(10))) is None


class TestForecast:
    def test_chances_that_end_in_one_bar_share_a_line(self) -> None:
        """Of ten runs one ends in the first week, eight in the second and one in the third."""
        chart = histogram(drawn(1, 8, 1))

        assert [
            {"bar": 1, "names": ["p50", "p70", "p85"], "ink": "p85"},
            {"bar": 2, "names": ["p95"], "ink": "p95"},
        ] == (chart["lines"])
        assert [10.0, 80.0, 10.0] == [row["share"] for row in chart["rows"]]  # type: ignore[attr-defined]

    @given(st.lists(st.integers(0, 9), min_size=1, max_size=300).filter(any))
    def test_bars_are_put_together_without_losing_a_run(self, finished: list[int]) -> None:
        """However long it may take there are few bars, their shares make 100, and they end where the runs do."""
        made = drawn(*finished)
        bars = gathered(made.distribution)

        assert len(bars) <= MAX_BARS
        assert made.runs == sum(bar.runs for bar in bars)
        assert pytest.approx(100) == sum(bar.share_pct for bar in bars)
        assert made.distribution[-1].completion_date == bars[-1].completion_date

    def test_no_bars_stay_none(self) -> None:
        """Nothing put together is nothing."""
        nothing: tuple[Bar, ...] = ()
        assert () == gathered(nothing)

    def test_what_if_is_told_in_sentences(self) -> None:
        """The changed scope, its dates, the chance of a day and what has to go for it."""
        wondered = WhatIf(scope_change=-2, by_date=date(2026, 3, 31), confidence_pct=90)
        imagined = Imagined(
            asked=wondered,
            forecast=drawn(5, 5, scope=10),
            confident_date=date(2026, 3, 30),
            by_date=ByDate(day=date(2026, 3, 31), items={50: 9, 70: 8, 85: 6, 95: 4}, chance_pct=40.0, scope_cut=5),
            sprint=SprintCut(sprint=SPRINT, remaining=4, scope_cut=1),
        )
        text = "\n".join(what_if(answer(drawn(10), imagined))).replace("\u00a0", " ")

        assert "10 tickets (−2): p50 23 Mar 2026, p70 30 Mar 2026" in text
        assert "With a chance of 90 % all of it is done by 30 Mar 2026." in text
        assert "By 31 Mar 2026 the chance of all 10 is 40 %." in text
        assert "9 at 50 %, 8 at 70 %, 6 at 85 %, 4 at 95 %" in text
        assert "Take out 5 of 10 to be 90 % sure" in text
        assert "Sprint 8 needs 1 of 4 items fewer" in text

    def test_a_day_that_nothing_tells_about_is_said(self) -> None:
        """With too short a history a date has no chance, and the page says that instead of nothing."""
        short = Forecast(method=Method.LINEAR, made_on=DAY, scope=10, sample=(5, 5), seed=1)
        imagined = Imagined(
            asked=WhatIf(by_date=date(2026, 4, 1)), forecast=short, confident_date=None, by_date=None, sprint=None
        )
        lines = what_if(answer(short, imagined))

        assert lines[0].startswith("10 tickets: about 30 Mar 2026, by a straight line")
        assert "too few weeks" in lines[1]
        assert () == zone_forecast.chances(answer(short))


class TestDiagnosis:
    def test_the_longest_wait_is_a_handover(self) -> None:
        """Neither the backlog nor what is done nor an unmapped status is a queue that one could shorten."""
        labels = (
            LabelTime(label="backlog", average_days=9.0, tickets=1, is_queue=True),
            LabelTime(label="dev", average_days=8.0, tickets=1, is_queue=False),
            LabelTime(label="qa_queue", average_days=2.0, tickets=3, is_queue=True),
            LabelTime(label="uat_queue", average_days=1.0, tickets=3, is_queue=True),
            LabelTime(label="unmapped", average_days=7.0, tickets=1, is_queue=True),
        )

        found = zone_diagnostic.longest_wait(Diagnostic(asked=ASKED, flow_efficiency=figure(50), labels=labels))
        assert found is not None
        assert "qa_queue" == found.label
        assert zone_diagnostic.longest_wait(Diagnostic(asked=ASKED, flow_efficiency=figure(50), labels=())) is None

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            ({"is_past": True}, "as of now only"),
            ({"is_crossing": True}, "not for what belongs to both"),
            ({"window_days": 45}, "over 30, 60 or 90 days"),
            ({}, "from 6 contributors on"),
        ],
    )
    def test_what_is_withheld_says_what_would_show_it(self, asked: dict[str, Any], words: str) -> None:
        """The first reason that holds is told: the moment, two streams at once, the range, else the team's size."""
        usual: dict[str, Any] = {
            "minimum": 6,
            "is_past": False,
            "is_crossing": False,
            "window_days": 30,
            "offered": [30, 60, 90],
        }

        assert words in zone_diagnostic.why_withheld(**(usual | asked))


class TestTrends:
    @pytest.mark.parametrize(
        ("value", "unit", "words"),
        [
            (None, "percent", "–"),
            (33.33, "percent", "33.3\u00a0%"),
            (25.0, "minutes", "25 minutes"),
            (72.0, "hours", "3 days"),
            (1.0, "per_week", "1 a week"),
        ],
    )
    def test_a_figure_has_the_unit_that_people_would_choose(self, value: float | None, unit: str, words: str) -> None:
        """Each unit reads as one would say it."""
        assert words == said(figure(value, unit))

    @pytest.mark.parametrize(
        ("minutes", "unit", "drawn_as"), [(179.0, "minutes", 179.0), (180.0, "hours", 3.0), (None, "minutes", None)]
    )
    def test_long_times_are_drawn_in_hours(self, minutes: float | None, unit: str, drawn_as: float | None) -> None:
        """From three hours on minutes would be too many for an axis; a day without a sample is a gap."""
        trend = Trend(figure=figure(1.0, "minutes"), series=(Point(day=DAY, value=minutes, sample_size=1),))
        chart = series_chart({"ttr_median": trend})

        assert chart is not None
        assert unit == chart["unit"]
        assert [flow_charts.day_ms(DAY)] == chart["days"]
        assert [drawn_as] == chart["lines"][0]["values"]  # type: ignore[index]

    def test_days_that_rest_on_nothing_are_not_drawn(self) -> None:
        """A frequency of nought over all days is no line but a card that says what to connect."""
        trend = Trend(figure=figure(0.0, "per_week"), series=(Point(day=DAY, value=0.0, sample_size=0),))

        assert series_chart({"deployment_frequency": trend}) is None


class TestHealth:
    @staticmethod
    def period(month: int, *scores: float) -> PulsePeriod:
        """Return a closed survey, withheld without scores."""
        return PulsePeriod(
            period=Period(2026, month),
            response_count=7,
            team_size=10,
            averages=dict(zip(Dimension, scores, strict=True)) if scores else {},
            trends={},
            is_open=False,
            withheld_teams=0 if scores else 1,
        )

    def test_the_lowest_score_is_named_when_there_is_one(self) -> None:
        """Three equal scores have no lowest one, and withheld ones are not compared."""
        assert Dimension.TOOLING == zone_health.lowest(self.period(1, 4.0, 2.0, 3.0))
        assert zone_health.lowest(self.period(1, 3.0, 3.0, 3.0)) is None
        assert zone_health.lowest(self.period(1)) is None
        assert zone_health.lowest(None) is None

    def test_a_withheld_month_is_a_gap(self) -> None:
        """The chart has no point for it; with nothing to show there is no chart."""
        chart = zone_health.chart([self.period(1, 4.0, 2.0, 3.0), self.period(2)])

        assert chart is not None
        assert [4.0, None] == chart["lines"][0]["values"]  # type: ignore[index]
        assert zone_health.chart([self.period(2)]) is None
        assert zone_health.chart([]) is None
