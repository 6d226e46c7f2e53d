"""The charts of the views beside the dashboard: their geometry says what the numbers say."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.application.answers import Asked
from dpp.application.flow_answers import Ageing, AgeingTicket, FlowSpan
from dpp.domain.ageing import AgeBand
from dpp.domain.figures import Figure
from dpp.entrypoints.http.dashboard.svg_ages import SPREAD, ages
from dpp.entrypoints.http.dashboard.svg_axes import DAYS_AT_MOST, STEPS_AT_MOST, day_ticks, end_of, value_ticks
from dpp.entrypoints.http.dashboard.svg_bars import FILLED, bars
from dpp.entrypoints.http.dashboard.svg_stack import stack

MONDAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 16, tzinfo=UTC)


def points(path: str) -> list[tuple[float, float]]:
    """Return the corners of an outline."""
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def days(count: int) -> list[date]:
    """Return days in a row."""
    return [MONDAY + timedelta(days=number) for number in range(count)]


class TestAxes:
    @pytest.mark.parametrize(
        ("highest", "end", "labels"),
        [
            (0, 1, ["0", "1"]),
            (3, 3, ["0", "1", "2", "3"]),
            (12, 15, ["0", "5", "10", "15"]),
            (38, 40, ["0", "10", "20", "30", "40"]),
            (151, 200, ["0", "50", "100", "150", "200"]),
            (6000, 6000, ["0", "2\u202f000", "4\u202f000", "6\u202f000"]),
        ],
    )
    def test_values_end_at_a_round_number(self, highest: float, end: float, labels: list[str]) -> None:
        """Steps are 1, 2 or 5 times a power of ten, and the end is the first step that nothing exceeds."""
        assert end == end_of(highest)
        assert labels == [tick.label for tick in value_ticks(end)]

    @given(st.floats(0, 1e7, allow_nan=False))
    def test_marks_go_from_the_bottom_to_the_top_at_even_distances(self, highest: float) -> None:
        """However high values are, they fit, and there are few marks."""
        end = end_of(highest)
        ticks = value_ticks(end)
        assert highest <= end * (1 + 1e-9)
        assert 2 <= len(ticks) <= STEPS_AT_MOST + 2
        assert (100.0, 0.0) == (ticks[0].at, ticks[-1].at)
        gaps = [low.at - high.at for low, high in pairwise(ticks)]
        assert pytest.approx([100 / len(gaps)] * len(gaps), abs=0.02) == gaps

    @given(st.integers(1, 400))
    def test_the_first_and_the_last_day_are_marked(self, count: int) -> None:
        """Never more marks than fit, in order, without repetition."""
        span = days(count)
        ticks = day_ticks(span, places=[float(number) for number in range(count)])
        places = [tick.at for tick in ticks]
        assert (0.0, float(count - 1)) == (places[0], places[-1])
        assert min(count, DAYS_AT_MOST) == len(ticks)
        assert sorted(set(places)) == places
        assert "2 Mar" == ticks[0].label


class TestStack:
    def test_bands_lie_upon_each_other(self) -> None:
        """Of 5 at most, 3 done lie at the bottom and 2 in work on them: the edges are at 100, 40 and 0 percent."""
        drawn = stack([("Done", [0, 3]), ("Work", [5, 2])], days=days(2))
        assert drawn is not None
        done, work = drawn.bands
        assert [(0, 100), (100, 40), (100, 100), (0, 100)] == points(done.path)
        assert [(0, 0), (100, 0), (100, 40), (0, 100)] == points(work.path)
        assert [("Done", 1, 0, 3), ("Work", 2, 5, 2)] == [(it.name, it.number, it.first, it.last) for it in drawn.bands]

    def test_one_day_fills_the_plot(self) -> None:
        """A single day is drawn from the left to the right, and marked once."""
        drawn = stack([("Work", [4])], days=days(1))
        assert drawn is not None
        assert [(0, 0), (100, 0), (100, 100), (0, 100)] == points(drawn.bands[0].path)
        assert ["2 Mar"] == [tick.label for tick in drawn.days]

    def test_nothing_is_no_picture(self) -> None:
        """Without any ticket there is nothing to draw."""
        assert stack([("Done", [0, 0]), ("Work", [0, 0])], days=days(2)) is None

    @given(st.lists(st.lists(st.integers(0, 500), min_size=3, max_size=3), min_size=1, max_size=6))
    def test_heights_are_counts_wherever_one_looks(self, counts: list[list[int]]) -> None:
        """On every day a band is as high as its count, in the plot's unit, and begins where the one below ends."""
        drawn = stack([(str(number), row) for number, row in enumerate(counts)], days=days(3))
        if drawn is None:
            assert not any(map(any, counts))
            return
        end = end_of(float(max(map(sum, zip(*counts, strict=True)))))
        below = [100.0] * 3
        for band, row in zip(drawn.bands, counts, strict=True):
            corners = points(band.path)
            tops, bottoms = [y for _, y in corners[:3]], [y for _, y in reversed(corners[3:])]
            assert below == bottoms
            assert pytest.approx([100 * count / end for count in row], abs=0.02) == [
                low - high for low, high in zip(bottoms, tops, strict=True)
            ]
            below = tops


def week(number: int, arrived: int, departed: int) -> FlowSpan:
    """Return what came and went in a week."""
    begins = MONDAY + timedelta(weeks=number)
    return FlowSpan(begins=begins, arrived=arrived, departed=departed, finished=departed, in_progress=0)


class TestBars:
    def test_bars_stand_side_by_side_as_high_as_their_counts(self) -> None:
        """Two weeks of half the width each; of 5, 5 are the whole height and 2 are 40 percent; the last one runs."""
        drawn = bars([week(0, 5, 2), week(1, 0, 1)])
        assert drawn is not None
        first, last = drawn.pairs
        assert pytest.approx((25 - 50 * FILLED / 2, 0, 50 * FILLED / 2, 100)) == first.arrived_bar
        assert pytest.approx((25, 60, 50 * FILLED / 2, 40)) == first.departed_bar
        assert 0 == last.arrived_bar.height
        assert [False, True] == [it.is_running for it in drawn.pairs]
        assert [(25, "2 Mar"), (75, "9 Mar")] == list(drawn.weeks)

    @pytest.mark.parametrize("weeks", [[], [week(0, 0, 0)]])
    def test_nothing_is_no_picture(self, weeks: list[FlowSpan]) -> None:
        """Weeks in which nothing came or went are not drawn."""
        assert bars(weeks) is None


def ageing(*tickets: tuple[str, str, float], p85: float | None = None) -> Ageing:
    """Return the ages of tickets, the oldest first; of cycle times only the 85th percentile may be known."""
    asked = Asked(delivery_stream_id=None, tech_stream_id=None, window_days=30, as_of=NOW)
    return Ageing(
        asked=asked,
        figure=Figure(value=len(tickets), unit="count", sample_size=len(tickets)),
        cycle_times={
            "cycle_time_p50": Figure(value=None, unit="days", sample_size=0),
            "cycle_time_p85": Figure(value=p85, unit="days", sample_size=4),
        },
        bands=dict.fromkeys(AgeBand, 0),
        tickets=tuple(
            AgeingTicket(
                ticket_id=key,
                delivery_stream_id=UUID(int=1),
                stage=stage,
                active=True,
                began_at=NOW,
                age_days=age,
                band=None,
                is_blocked=key == "B",
            )
            for key, stage, age in tickets
        ),
        unbegun=0,
    )


class TestAges:
    def test_points_are_in_their_stage_and_at_their_age(self) -> None:
        """QA is the fourth of five columns; of 10 days, 5 are in the middle, and the percentile is a line above."""
        drawn = ages(ageing(("B", "qa", 5.0), p85=10.0))
        assert drawn is not None
        assert [(70.0, 50.0, True)] == [(dot.x, dot.y, dot.is_blocked) for dot in drawn.dots]
        assert [("p85", 0.0, 10.0)] == list(drawn.lines)
        assert ["Analysis", "Development", "Code review", "QA", "UAT"] == [tick.label for tick in drawn.columns]

    def test_tickets_elsewhere_have_columns_after_the_usual_ones(self) -> None:
        """A begun ticket back in the backlog, and one in a status that nobody mapped, are drawn too."""
        drawn = ages(ageing(("1", "unmapped", 2.0), ("2", "backlog", 1.0)))
        assert drawn is not None
        assert ["Backlog", "Unmapped"] == [tick.label for tick in drawn.columns][5:]
        assert () == drawn.lines

    def test_nothing_is_no_picture(self) -> None:
        """Without a ticket there is nothing to draw."""
        assert ages(ageing(p85=3.0)) is None

    @given(st.integers(1, 300))
    def test_points_of_a_stage_stay_in_its_column_and_apart(self, count: int) -> None:
        """However many tickets of one age a stage has, none is drawn in another's column or upon another."""
        drawn = ages(ageing(*((str(number), "dev", 2.0) for number in range(count))))
        assert drawn is not None
        places = sorted(dot.x for dot in drawn.dots)
        assert 30 - 20 * SPREAD / 2 - 0.01 <= places[0]
        assert places[-1] <= 30 + 20 * SPREAD / 2 + 0.01
        assert count == len(set(places)) or count > 100
