import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import MultiDict

from dpp.application.forecast_answers import Reason, WhatIf
from dpp.domain.ageing import AgeBand
from dpp.domain.bounds import Bounds
from dpp.domain.catalogue import METRICS, metrics_in
from dpp.domain.change_lead_times import Part
from dpp.domain.figures import Figure
from dpp.domain.metric import Zone
from dpp.domain.pulse import Dimension
from dpp.domain.quality import QualityRate
from dpp.domain.stages import Stage
from dpp.entrypoints.http.dashboard import cards, filters, words, zones
from dpp.entrypoints.http.dashboard.filters import Filters
from dpp.entrypoints.http.dashboard.rendering import json_for_html

LONDON = ZoneInfo("Europe/London")


def read(*pairs: tuple[str, str]) -> Filters:
    """Read filters as a page does."""
    return filters.read(MultiDict(pairs), default_window=30, zone=LONDON, known_zones=("realtime", "diagnostic"))


class TestFilters:
    def test_nothing_asked_for_is_the_usual_view(self) -> None:
        """Without parameters, and with empty ones, everything is shown over the configured window as of now."""
        usual = Filters(window=30)

        assert usual == read()
        assert usual == read(("stream", ""), ("window", ""), ("as_of", " "), ("days", "7"))
        assert "window=30" == usual.query()

    @pytest.mark.parametrize(("given", "days"), [("90", 90), ("1100", 1100), (" 1 ", 1)])
    def test_a_window_is_days(self, given: str, days: int) -> None:
        """A window is a number of days."""
        assert days == read(("window", given)).window

    def test_another_number_of_days_comes_in_a_field_of_its_own(self) -> None:
        """The form without JavaScript sends ``custom`` and the number beside it."""
        assert 45 == read(("window", "custom"), ("days", "45")).window
        assert 30 == read(("window", "custom"), ("days", "")).window

    def test_a_sprint_is_a_window_of_its_own(self) -> None:
        """Its days are found elsewhere; the address keeps the word, so that a link follows the running sprint."""
        found = read(("window", "sprint"))

        assert (True, "window=sprint") == (found.is_sprint, found.query())
        assert found.is_preset

    def test_a_moment_without_a_zone_is_the_platforms(self) -> None:
        """Nine o'clock in July is meant in London, which is an hour ahead of UTC then; the form shows it again."""
        found = read(("as_of", "2026-07-01T09:00"))

        assert found.as_of is not None
        assert datetime(2026, 7, 1, 8, tzinfo=UTC) == datetime.fromisoformat(found.as_of)
        assert "2026-07-01T09:00" == found.local_as_of(LONDON)

    def test_a_plus_sign_that_became_a_blank_is_read(self) -> None:
        """``+02:00`` arrives as a blank when nobody escapes it, and is understood all the same."""
        assert "2026-07-01T09:00:00+02:00" == read(("as_of", "2026-07-01T09:00:00 02:00")).as_of

    def test_all_zones_are_no_choice(self) -> None:
        """Choosing every zone is the same as choosing none; the order of the address does not matter."""
        assert () == read(("zones", "diagnostic"), ("zones", "realtime")).zones
        assert ("diagnostic",) == read(("zones", "diagnostic,diagnostic")).zones

    @given(
        window=st.integers(1, 1100),
        stream=st.none() | st.text(min_size=1).filter(lambda text: text == text.strip()),
        zone=st.sampled_from([(), ("realtime",), ("diagnostic",)]),
        wondered=st.builds(
            WhatIf,
            scope_change=st.integers(-1_000_000, 1_000_000),
            by_date=st.none() | st.dates(),
            confidence_pct=st.none() | st.integers(1, 100).map(float),
        ),
    )
    def test_a_link_shows_the_same_page(
        self, window: int, stream: str | None, zone: tuple[str, ...], wondered: WhatIf
    ) -> None:
        """Filters survive their own query string."""
        made = Filters(stream=stream, window=window, zones=zone, what_if=wondered)

        assert made == read(*parse_qsl(made.query()))


class TestWords:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (None, "–"),
            (0, "0"),
            (3.04, "3"),
            (3.05, "3.1"),
            (3.25, "3.3"),
            (3.16, "3.2"),
            (12345.0, "12\u202f345"),
            (999.96, "1\u202f000"),
        ],
    )
    def test_numbers(self, value: float | None, said: str) -> None:
        """Whole numbers have no decimals, others one, rounded as browsers do, thousands apart; nothing is a dash."""
        assert said == words.number(value)

    @pytest.mark.parametrize(
        ("minutes", "said"),
        [
            *((None, "–"), (0.4, "0 minutes"), (1, "1 minute"), (119, "119 minutes"), (120, "2 hours")),
            *((2879, "48 hours"), (2880, "2 days"), (5040, "3.5 days")),
        ],
    )
    def test_times_by_the_clock_have_a_fitting_unit(self, minutes: float | None, said: str) -> None:
        """Up to two hours in minutes, up to two days in hours, then in days."""
        assert said == words.clock_time(minutes)

    @pytest.mark.parametrize(("value", "said"), [(None, "–"), (0, "0"), (0.04, "0"), (1.25, "+1.3"), (-3, "−3")])
    def test_differences_have_a_sign(self, value: float | None, said: str) -> None:
        """What rounds to nothing has none."""
        assert said == words.signed(value)

    @pytest.mark.parametrize(
        ("value", "said"), [(99.97, "99.9"), (100, "100"), (0.02, "0.1"), (0, "0"), (71.5, "71.5")]
    )
    def test_shares_never_round_to_all_or_nothing(self, value: float, said: str) -> None:
        """A share short of all does not read as 100, nor one above nothing as 0."""
        assert said == words.percent(value)

    def test_units_agree_with_their_number(self) -> None:
        """It is 1 day and 1.2 days."""
        assert "day" == words.unit_word(Figure(value=1.04, unit="days", sample_size=3))
        assert "days" == words.unit_word(Figure(value=1.2, unit="days", sample_size=3))

    @pytest.mark.parametrize(
        ("low", "high", "missing", "said"),
        [
            (30.0, 45.5, 12, "Between 30 days and 45.5 days: 12 things may belong here and do not say so."),
            (1.0, 30.0, 1, "Between 1 day and 30 days: 1 thing may belong here and does not say so."),
            (30.01, 30.02, 2, "2 things may belong here and would not change it."),
        ],
    )
    def test_bounds_tell_whether_the_gap_matters(self, low: float, high: float, missing: int, said: str) -> None:
        """From the least to the most in the figure's unit, or that what is missing makes no difference."""
        bounds = Bounds(low=low, high=high, missing=missing)

        assert said == words.between(Figure(value=low, unit="days", sample_size=3, bounds=bounds))
        assert words.between(Figure(value=low, unit="days", sample_size=3)) is None

    def test_labels_tell_work_from_waiting(self) -> None:
        """``qa_queue`` is QA, waiting; a label that nobody named is shown as it is."""
        assert "QA, waiting" == words.label("qa_queue")
        assert "Code review" == words.label("code_review")
        assert "Some thing" == words.label("some_thing")

    def test_every_stage_and_rate_has_a_name(self) -> None:
        """No stage and no rate is without words of its own."""
        assert set(Stage) <= set(words.STAGES)
        assert set(QualityRate) == set(words.RATES) == set(words.SHORT_RATES) == set(words.REMEDIES)
        assert set(Reason) == set(words.REASONS) == set(words.SHORT_REASONS)
        assert (set(Part), set(Dimension), set(AgeBand)) == (
            set(words.PARTS),
            set(words.DIMENSIONS),
            set(words.BANDS),
        )

    def test_moments_name_their_zone(self) -> None:
        """A moment is shown in the platform's zone, by name."""
        assert "1 Jul 2026, 09:00 BST" == words.moment(datetime(2026, 7, 1, 8, tzinfo=UTC), zone=LONDON)


class TestZones:
    def test_every_metric_of_the_page_is_in_a_zone(self) -> None:
        """Of the catalogue only what crosses streams has no zone here; the bar shows six of its metrics."""
        shown = {metric.name for zone in zones.CHOICES for metric in metrics_in(Zone(zone.name))}

        assert {"cross_stream_bottleneck"} == set(METRICS) - shown
        assert set(zones.BAR) <= set(METRICS)
        assert len(zones.BAR) == 6

    def test_news_reach_the_zones_that_they_concern(self) -> None:
        """Tickets concern all but the pulse, deployments and changes what is about deliveries, and so on."""
        concerned = {
            topic: [zone.name for zone in (zones.HEALTH_BAR, *zones.CHOICES) if topic in zone.topics]
            for topic in ("tickets", "deployments", "incidents", "changes", "pulse", "weather")
        }

        assert ["health-bar", "realtime", "diagnostic", "forecast"] == concerned["tickets"]
        assert ["health-bar", "trends"] == concerned["deployments"] == concerned["incidents"]
        assert ["trends"] == concerned["changes"]
        assert ["health-bar", "pulse"] == concerned["pulse"]
        assert [] == concerned["weather"]


def test_a_figure_that_is_not_there_has_no_mark() -> None:
    """A missing value cannot be trusted less."""
    assert () == cards.marks(Figure(value=None, unit="days", sample_size=0))


@given(st.text())
def test_chart_data_cannot_end_its_element(text: str) -> None:
    """Data in a page holds no character that HTML could read as markup, and says the same as before."""
    made = json_for_html({"name": text})

    assert not set(made) & set("<>&")
    assert {"name": text} == json.loads(made)
