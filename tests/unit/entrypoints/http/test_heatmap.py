"""The heatmap's fields and scale, and what is said of shared bottlenecks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.application.answers import Asked
from dpp.application.cross_stream_answers import Dependency, SharedBottleneck, SharedBottlenecks
from dpp.application.flow_answers import ArrivalsAndDepartures, CumulativeFlow, FlowDay, HeldUp
from dpp.domain.blocked import BlockedTime
from dpp.domain.bottlenecks import DEFAULT_SEVERITY_ROWS, BottleneckSeverity, Impact, SeverityRow, assess
from dpp.domain.configuration import DeliveryStream, TechStream
from dpp.domain.figures import Figure
from dpp.domain.wip import wip_by_stage
from dpp.entrypoints.http.dashboard import bottleneck_words
from dpp.entrypoints.http.dashboard.cross_stream_page import impact_rows
from dpp.entrypoints.http.dashboard.flow_page import balance, growth
from dpp.entrypoints.http.dashboard.heatmap import Cell, heatmap, level, shades

ASKED = Asked(delivery_stream_id=None, tech_stream_id=None, window_days=30, as_of=datetime(2026, 3, 16, tzinfo=UTC))
CORE = TechStream(stream_id=UUID(int=11), name="core", display_name="Core", github_org="a", github_install_id="1")
WEB = TechStream(stream_id=UUID(int=12), name="web", display_name="Web", github_org="b", github_install_id="2")
PAYMENTS, LENDING, OLD, OLDER = (
    DeliveryStream(stream_id=UUID(int=number), name=name.lower(), display_name=name, is_active=number < 3)
    for number, name in enumerate(("Payments", "Lending", "Old", "Older"), start=1)
)


def bottleneck(
    *impacts: tuple[DeliveryStream, int, int], tech: TechStream = CORE, confidence: float | None = None
) -> SharedBottleneck:
    """Return a technology stream with the delivery streams that it holds up: blocks, and tickets blocked now."""
    found = assess(
        tech_stream_id=tech.stream_id,
        impacts=[
            Impact(delivery_stream_id=stream.stream_id, block_count=blocks, blocked_tickets=now)
            for stream, blocks, now in impacts
        ],
        block_count=sum(blocks for _, blocks, _ in impacts),
        confidences={stream.stream_id: confidence for stream, _, _ in impacts},
        cycle_times_p85={},
    )
    by_id = {stream.stream_id: stream for stream, _, _ in impacts}
    impacted = tuple(by_id[impact.delivery_stream_id] for impact in found.impacts)
    return SharedBottleneck(tech_stream=tech, impacted=impacted, bottleneck=found)


def shared(rows: Sequence[SharedBottleneck], *dependencies: Dependency) -> SharedBottlenecks:
    """Return an answer."""
    return SharedBottlenecks(
        asked=ASKED,
        figure=Figure(value=0.0, unit="severity", sample_size=0),
        tech_streams=tuple(rows),
        dependencies=dependencies,
        root_cause=None,
        unnamed_block_count=0,
    )


def dependency(tech: TechStream, stream: DeliveryStream, *counts: int) -> Dependency:
    """Return a field: open tickets, blocks, blocked now."""
    return Dependency(
        tech_stream=tech,
        delivery_stream=stream,
        open_tickets=counts[0],
        block_count=counts[1],
        blocked_tickets=counts[2],
    )


class TestHeatmap:
    def test_every_technology_has_a_field_for_every_stream(self) -> None:
        """What is in no answer is an empty field; the chosen row is marked, and the order is that of the answer."""
        found = heatmap(
            shared([bottleneck(tech=WEB), bottleneck(tech=CORE)], dependency(WEB, LENDING, 3, 2, 1)),
            streams=[PAYMENTS, LENDING],
            chosen=CORE.stream_id,
        )
        assert [("web", False), ("core", True)] == [(row.tech_stream.name, row.is_chosen) for row in found.rows]
        assert [(PAYMENTS, 0, 0, 0, 0), (LENDING, 3, 2, 1, 2)] == list(found.rows[0].cells)
        assert [True, False] == [cell.is_empty for cell in found.rows[0].cells]
        assert found.has_dependencies

    def test_retired_streams_are_columns_while_something_depends_on_them(self) -> None:
        """A retired stream with an open ticket is shown, one without is not."""
        found = heatmap(shared([bottleneck()], dependency(CORE, OLD, 1, 0, 0)), streams=[PAYMENTS, LENDING, OLD, OLDER])
        assert ["payments", "lending", "old"] == [row.name for row in found.delivery_streams]

    def test_without_any_dependency_it_says_so(self) -> None:
        """Empty fields alone are no heatmap."""
        assert not heatmap(shared([bottleneck()]), streams=[PAYMENTS]).has_dependencies

    def test_the_legend_names_each_step(self) -> None:
        """The scale goes from none to eight or more."""
        assert [(0, "none"), (1, "1"), (2, "2–3"), (3, "4–7"), (4, "8 or more")] == list(shades())

    @pytest.mark.parametrize(("blocks", "step"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (900, 4)])
    def test_steps_begin_where_the_legend_says(self, blocks: int, step: int) -> None:
        """The first of a step is in it, the last too."""
        assert step == level(blocks)

    @given(st.integers(0, 10_000))
    def test_more_blocks_are_never_lighter(self, blocks: int) -> None:
        """The scale only rises."""
        assert level(blocks) <= level(blocks + 1)


class TestWords:
    @pytest.mark.parametrize(
        ("impacts", "confidence", "said"),
        [
            ([], None, "It blocked no ticket of a delivery stream in 14 days."),
            (
                [(PAYMENTS, 1, 0)],
                None,
                "It holds up 1 delivery stream. Nobody knows the confidence of their sprints, so good confidence is "
                "supposed.",
            ),
            ([(PAYMENTS, 1, 0)], 40, "It holds up 1 delivery stream, whose sprint confidence is 40 % (below 70 %)."),
            (
                [(PAYMENTS, 1, 0), (LENDING, 1, 0)],
                80,
                "It holds up 2 delivery streams, whose sprint confidence averages 80 %, which makes it no worse.",
            ),
            (
                [(PAYMENTS, 1, 0), (LENDING, 1, 0), (OLD, 1, 0)],
                59,
                "It holds up 3 delivery streams, whose sprint confidence averages 59 % (below 60 %).",
            ),
            (
                [(PAYMENTS, 1, 0), (LENDING, 1, 0), (OLD, 1, 0)],
                65,
                "It holds up 3 delivery streams (2 are enough), whose sprint confidence averages 65 % (below 70 %).",
            ),
        ],
    )
    def test_a_severity_is_said_with_the_row_that_gave_it(
        self, impacts: list[tuple[DeliveryStream, int, int]], confidence: float | None, said: str
    ) -> None:
        """Each row of §6.7 is said as it applies: streams, confidence, and its bound."""
        row = bottleneck(*impacts, confidence=confidence)
        assert said == bottleneck_words.reason(row, rows=DEFAULT_SEVERITY_ROWS).replace("\u00a0", " ")

    def test_a_table_of_ones_own_is_said_too(self) -> None:
        """Where no row applies, nothing makes it worse."""
        rows = [SeverityRow(severity=BottleneckSeverity.HIGH, impacted_streams=9)]
        said = bottleneck_words.reason(bottleneck((PAYMENTS, 1, 0), confidence=30), rows=rows)
        assert said.endswith("30\u00a0%, which makes it no worse.")

    @pytest.mark.parametrize(
        ("impacts", "said"),
        [
            (
                [(PAYMENTS, 2, 2), (LENDING, 3, 0)],
                "It stands behind 5 blocks in the last 14 days (Lending 3, Payments 2), and 2 tickets are still "
                "blocked by it.",
            ),
            (
                [(PAYMENTS, 1, 0)],
                "It stands behind 1 block in the last 14 days (Payments 1); no ticket is still blocked by it.",
            ),
        ],
    )
    def test_evidence_names_the_streams_the_most_blocked_first(
        self, impacts: list[tuple[DeliveryStream, int, int]], said: str
    ) -> None:
        """Blocks by stream, then what lasts."""
        assert said == bottleneck_words.evidence(bottleneck(*impacts))


class TestImpact:
    def test_who_pays_comes_first_then_who_depends(self) -> None:
        """The order of the cost is kept; streams without cost follow by blocks, empty fields are left out."""
        cells = [Cell(PAYMENTS, 4, 1, 0, 1), Cell(LENDING, 2, 0, 0, 0), Cell(OLD, 0, 0, 0, 0), Cell(OLDER, 0, 2, 1, 2)]
        costs = [
            HeldUp(delivery_stream=None, time=BlockedTime(days=3.0, tickets=2, share_pct=1.0)),
            HeldUp(delivery_stream=PAYMENTS, time=BlockedTime(days=1.0, tickets=1, share_pct=0.3)),
        ]
        rows = impact_rows(costs, cells)
        assert [None, "payments", "older", "lending"] == [
            row.delivery_stream.name if row.delivery_stream else None for row in rows
        ]
        assert [3.0, 1.0, 0.0, 0.0] == [row.blocked_days for row in rows]
        assert [None, cells[0], cells[3], cells[1]] == [row.cell for row in rows]


def flow(*days: dict[str, int]) -> CumulativeFlow:
    """Return work in progress by stage, day after day."""
    return CumulativeFlow(
        asked=ASKED,
        figure=Figure(value=0, unit="count", sample_size=0),
        days=tuple(
            FlowDay(
                day=date(2026, 3, number),
                wip=wip_by_stage((stage, True, count) for stage, count in counts.items()),
                done=0,
            )
            for number, counts in enumerate(days, start=1)
        ),
    )


class TestFlow:
    @pytest.mark.parametrize(
        ("days", "said"),
        [
            ([{"dev": 4, "qa": 1}, {"dev": 3, "qa": 5}], "up 3 from 5; QA grew most, by 4"),
            ([{"dev": 4}, {"dev": 9}, {"dev": 1}], "down 3 from 4; no stage grew"),
            ([{"dev": 4}, {"uat": 4}], "as many as at first; UAT grew most, by 4"),
            ([{}], "as many as at first; no stage grew"),
        ],
    )
    def test_growth_is_that_from_the_first_day_to_the_last(self, days: list[dict[str, int]], said: str) -> None:
        """What happened in between does not count, nor does the backlog."""
        assert said == growth(flow(*days))

    @pytest.mark.parametrize(
        ("came", "left", "said"),
        [
            (5, 3, "2 more came into progress than left it."),
            (3, 4, "1 more left progress than came into it."),
            (2, 2, "As many came into progress as left it."),
        ],
    )
    def test_the_balance_is_said_with_its_sign_in_words(self, came: int, left: int, said: str) -> None:
        """More in, more out, or even."""
        arrived, departed, finished = (Figure(value=n, unit="count", sample_size=n) for n in (came, left, 0))
        answer = ArrivalsAndDepartures(
            asked=ASKED, arrived=arrived, departed=departed, finished=finished, opening=0, days=(), weeks=()
        )
        assert said == balance(answer)
