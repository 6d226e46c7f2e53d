"""The charts that the server draws: their geometry says what the numbers say."""

import re
from itertools import pairwise
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.defects import ESCAPED_TO, StagePair
from dpp.domain.stages import WIP_STAGES
from dpp.entrypoints.http.dashboard.gauge import CENTRE, RADIUS, gauge
from dpp.entrypoints.http.dashboard.sankey import BODY, GAP, LEFT, NODE_WIDTH, RIGHT, sankey

PLACES = st.sampled_from([*(stage.value for stage in WIP_STAGES), "production", "unknown", "elsewhere"])
PAIRS = st.lists(st.builds(StagePair, PLACES, PLACES, st.integers(1, 400)), max_size=20)


def numbers(path: str) -> list[float]:
    """Return the numbers of a path."""
    return [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", path)]


class TestGauge:
    @pytest.mark.parametrize(
        ("percent", "end"), [(50.0, (100.0, 18.0)), (100.0, (182.0, 100.0)), (25.0, (42.02, 42.02))]
    )
    def test_the_arc_ends_where_the_share_does(self, percent: float, end: tuple[float, float]) -> None:
        """Half of it ends on top, all of it on the right, a quarter halfway up on the left."""
        drawn = gauge(percent)

        assert drawn.value is not None
        assert pytest.approx((18.0, 100.0)) == tuple(numbers(drawn.value)[:2])
        assert pytest.approx(end) == tuple(numbers(drawn.value)[-2:])

    @pytest.mark.parametrize(
        ("percent", "word"),
        [(None, "not known"), (0, "unlikely"), (49.9, "unlikely"), (50, "open"), (84.9, "open"), (85, "likely")],
    )
    def test_a_word_says_what_the_colour_says(self, percent: float | None, word: str) -> None:
        """The words change at the ticks."""
        assert word == gauge(percent).word

    @pytest.mark.parametrize("percent", [None, 0.0])
    def test_nothing_is_not_drawn(self, percent: float | None) -> None:
        """Without a value, and with nought, there is the track alone."""
        assert gauge(percent).value is None
        assert gauge(100).value == gauge(percent).track

    @given(st.floats(-50, 150, allow_nan=False))
    def test_whatever_is_drawn_lies_on_the_circle(self, percent: float) -> None:
        """Also a share that cannot be ends on the half-circle and not below it."""
        path = gauge(percent).value
        if path is not None:
            x, y = numbers(path)[-2:]
            assert isclose(RADIUS, ((x - CENTRE[0]) ** 2 + (y - CENTRE[1]) ** 2) ** 0.5, abs_tol=0.02)
            assert y <= CENTRE[1]


class TestSankey:
    def test_nothing_gives_nothing(self) -> None:
        """Without a defect of known origin there is nothing to draw."""
        assert sankey([]) is None

    def test_heights_are_shares(self) -> None:
        """Three of four defects were made in development: its node and both ribbons have their part of the height."""
        drawn = sankey([StagePair("dev", "qa", 2), StagePair("ba", "uat", 1), StagePair("dev", "production", 1)])

        assert drawn is not None
        assert [("ba", 1, BODY / 4), ("dev", 3, BODY * 3 / 4)] == [
            (node.stage, node.defects, node.height) for node in drawn.made
        ]
        assert ["qa", "uat", "production"] == [node.stage for node in drawn.found]
        assert [False, True, True] == [node.is_escape for node in drawn.found]
        assert [("ba", "uat", True), ("dev", "qa", False), ("dev", "production", True)] == [
            (ribbon.introduced, ribbon.found, ribbon.is_escape) for ribbon in drawn.ribbons
        ]
        # The first ribbon begins at the top of its node and ends at the top of its own.
        first = numbers(drawn.ribbons[0].path)
        assert pytest.approx([LEFT + NODE_WIDTH, GAP / 2]) == first[:2]
        assert pytest.approx([RIGHT, drawn.found[1].y]) == first[6:8]

    @given(PAIRS)
    def test_every_defect_is_drawn_once(self, pairs: list[StagePair]) -> None:
        """Both columns and the ribbons add up to the same number, and no two nodes of a column overlap."""
        total = sum(pair.defects for pair in pairs)
        drawn = sankey(pairs)

        assert (total == 0) is (drawn is None)
        if drawn is None:
            return
        for column in (drawn.made, drawn.found):
            assert total == sum(node.defects for node in column)
            assert isclose(BODY, sum(node.height for node in column), abs_tol=0.1)
            assert all(upper.y + upper.height < lower.y for upper, lower in pairwise(column))
            assert column[-1].y + column[-1].height <= drawn.height
        assert total == sum(ribbon.defects for ribbon in drawn.ribbons)
        assert {ribbon.found for ribbon in drawn.ribbons if ribbon.is_escape} <= ESCAPED_TO
