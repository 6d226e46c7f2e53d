"""Defect escape: rates, bounds and pairs of stages by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.bounds import Bounds
from dpp.domain.defects import FoundDefect, StagePair, defect_escape, latest_attribution, missing_defects
from dpp.domain.errors import NotEnoughData
from dpp.domain.events import DefectEvent, DefectEventType

START = datetime(2026, 3, 2, tzinfo=UTC)


def event(kind: str, hours: int, *, made: str | None = None, change: str | None = None) -> DefectEvent:
    """Return an event of one defect."""
    return DefectEvent(
        event_type=DefectEventType(kind),
        event_timestamp=START + timedelta(hours=hours),
        ticket_id="PAY-9",
        project_key="PAY",
        source_change_id=change,
        found_in_stage="qa",
        introduced_in_stage=made,
    )


def test_two_of_five_escaped() -> None:
    """One found in acceptance and one in production of five are 40 percent; the unknown one might make it 60."""
    found = defect_escape(
        [
            FoundDefect("qa", "dev"),
            FoundDefect("uat", "ba"),
            FoundDefect("production", "ba"),
            FoundDefect("qa", None),
            FoundDefect("unknown", "dev"),
        ]
    )
    assert (40.0, "percent", 5) == (found.rate.value, found.rate.unit, found.rate.sample_size)
    assert Bounds(low=40.0, high=60.0, missing=1) == found.rate.bounds
    assert (1, 20.0) == (found.unknown_found, found.unattributed_pct)
    assert (
        StagePair("ba", "production", 1),
        StagePair("ba", "uat", 1),
        StagePair("dev", "qa", 1),
        StagePair("dev", "unknown", 1),
    ) == found.matrix


def test_pairs_are_counted() -> None:
    """Three of the same pair are one entry."""
    assert (StagePair("dev", "uat", 3),) == defect_escape([FoundDefect("uat", "dev")] * 3).matrix


def test_only_unattributed_defects_have_no_pair() -> None:
    """Where no origin is known the matrix is empty and everything is unattributed."""
    found = defect_escape([FoundDefect("uat", None)] * 2)
    assert ((), 100.0, 100.0) == (found.matrix, found.unattributed_pct, found.rate.value)


def test_without_a_defect_there_is_no_rate() -> None:
    """A rate of nothing is null and never 0."""
    found = defect_escape([])
    assert (None, 0, None, None, 0, ()) == (
        found.rate.value,
        found.rate.sample_size,
        found.rate.bounds,
        found.unattributed_pct,
        found.unknown_found,
        found.matrix,
    )


def test_the_latest_event_tells_the_attribution() -> None:
    """Time decides, and of one instant the kind: reclassified over attributed over logged."""
    logged, attributed = event("logged", 1), event("attributed", 1, made="dev")
    again = event("reclassified", 1, made="ba")
    assert attributed == latest_attribution([attributed, logged])
    assert again == latest_attribution([again, attributed, logged])
    assert event("attributed", 2, made="qa") == latest_attribution([again, event("attributed", 2, made="qa")])


def test_a_defect_without_events_is_refused() -> None:
    """There is no attribution of what is not known."""
    with pytest.raises(NotEnoughData):
        latest_attribution([])


any_event = st.builds(
    event,
    st.sampled_from(["logged", "attributed", "reclassified"]),
    st.integers(0, 3),
    made=st.sampled_from([None, "dev", "ba"]),
    change=st.sampled_from([None, "1", "2"]),
)


@given(st.lists(any_event, min_size=1, max_size=6, unique_by=lambda it: it.identity).flatmap(lambda events: st.tuples(
    st.just(events), st.permutations(events * 2))))  # fmt: skip
def test_order_and_repetition_change_nothing(events: tuple[list[DefectEvent], list[DefectEvent]]) -> None:
    """The current attribution is a function of the set of events."""
    plain, mixed = events
    assert latest_attribution(plain) == latest_attribution(mixed)


stages = st.sampled_from(["ba", "dev", "qa", "uat", "production", "unknown"])
defects = st.lists(st.builds(FoundDefect, stages, st.none() | stages), min_size=1, max_size=12)


@given(defects)
def test_the_rate_lies_in_its_bounds_whatever_the_unknown_turn_out_to_be(known: Sequence[FoundDefect]) -> None:
    """Counting every unknown stage as some stage gives a rate within the bounds, and both bounds can come true."""
    found = defect_escape(known)
    rates = [
        defect_escape([row._replace(found_in_stage=stage) if row[0] == "unknown" else row for row in known]).rate.value
        for stage in ("qa", "production")
    ]
    bounds = found.rate.bounds
    assert (bounds is None) is (found.unknown_found == 0)
    assert rates == ([found.rate.value] * 2 if bounds is None else [bounds.low, bounds.high])
    assert rates[0] == found.rate.value


def test_defects_of_no_stream_may_move_the_rate_both_ways() -> None:
    """Of four one escaped; with one escaped and one other beside them it is 20 to 40 percent, with an unknown one too
    one of six to three of six.
    """
    known = [FoundDefect("uat", "dev"), *[FoundDefect("qa", "dev")] * 3]
    rate = defect_escape(known, missing=missing_defects(["production", "qa"])).rate
    assert (25.0, Bounds(low=20.0, high=40.0, missing=2)) == (rate.value, rate.bounds)
    rate = defect_escape(known, missing=missing_defects(["production", "qa", "unknown"])).rate
    assert Bounds(low=100 / 6, high=50.0, missing=3) == rate.bounds


@given(defects)
def test_pairs_and_the_unattributed_make_up_the_whole(known: Sequence[FoundDefect]) -> None:
    """Every defect is in one pair or unattributed."""
    found = defect_escape(known)
    assert found.unattributed_pct is not None
    paired = sum(pair.defects for pair in found.matrix)
    assert len(known) == paired + round(found.unattributed_pct * len(known) / 100)
