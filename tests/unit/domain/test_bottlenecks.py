"""Severity of shared bottlenecks, by the table of §6.7 and by other tables."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.bottlenecks import (
    DEFAULT_SEVERITY_ROWS,
    Bottleneck,
    BottleneckSeverity,
    Impact,
    SeverityRow,
    assess,
    by_impact,
    root_cause,
    severity_of,
)

CORE, WEB = UUID(int=11), UUID(int=12)
PAYMENTS, IDENTITY, LENDING = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.mark.parametrize(
    ("streams", "confidence", "severity"),
    [
        (0, 10.0, "none"),
        (0, None, "none"),
        (1, 70.0, "low"),
        (1, 69.9, "medium"),
        (1, None, "low"),
        (2, 70.0, "medium"),
        (2, None, "medium"),
        (2, 69.9, "high"),
        (2, 10.0, "high"),
        (3, 70.0, "medium"),
        (3, 60.0, "high"),
        (3, 59.9, "critical"),
        (9, None, "medium"),
    ],
)
def test_the_default_rows_are_the_table(streams: int, confidence: float | None, severity: str) -> None:
    """Each cell of the table of §6.7, and the most severe row where several apply; no confidence counts as good."""
    assert severity == severity_of(impacted_streams=streams, average_confidence=confidence)


rows = st.builds(
    SeverityRow,
    severity=st.sampled_from(BottleneckSeverity),
    impacted_streams=st.integers(1, 6),
    confidence_below=st.none() | st.floats(1, 100),
)
tables = st.lists(rows, max_size=6)
confidences = st.floats(0, 100)


@given(table=tables, streams=st.integers(0, 8), confidence=confidences, more=st.integers(0, 3), less=st.floats(0, 50))
def test_more_impact_is_never_milder(
    table: list[SeverityRow], streams: int, confidence: float, more: int, less: float
) -> None:
    """With any table, more impacted streams or less confidence give the same severity or a worse one."""
    before = severity_of(impacted_streams=streams, average_confidence=confidence, rows=table)
    after = severity_of(impacted_streams=streams + more, average_confidence=max(confidence - less, 0), rows=table)
    assert before.rank <= after.rank


@given(table=tables, streams=st.integers(0, 8), confidence=st.none() | confidences)
def test_the_first_row_from_the_worst_down_wins(
    table: list[SeverityRow], streams: int, confidence: float | None
) -> None:
    """Sorting the rows by severity and taking the first that applies gives the same."""
    expected = "none"
    for row in sorted(table, key=lambda row: -row.severity.rank):
        enough = row.confidence_below is None or (confidence is not None and confidence < row.confidence_below)
        if streams >= row.impacted_streams and enough:
            expected = row.severity
            break
    assert expected == severity_of(impacted_streams=streams, average_confidence=confidence, rows=table)


def test_averages_are_over_the_impacted_streams_that_have_a_figure() -> None:
    """Lending is not impacted and identity has no confidence: 60 alone counts, and 5 and 8 days are 6.5."""
    found = assess(
        tech_stream_id=CORE,
        impacts=[
            Impact(delivery_stream_id=IDENTITY, block_count=1, blocked_tickets=0),
            Impact(delivery_stream_id=PAYMENTS, block_count=3, blocked_tickets=2),
        ],
        block_count=5,
        confidences={PAYMENTS: 60.0, IDENTITY: None, LENDING: 1.0},
        cycle_times_p85={PAYMENTS: 5.0, IDENTITY: 8.0, LENDING: 100.0},
    )
    assert (60.0, 6.5, 5, "high") == (
        found.average_confidence,
        found.average_cycle_time_p85,
        found.block_count,
        found.severity,
    )
    assert [PAYMENTS, IDENTITY] == [impact.delivery_stream_id for impact in found.impacts]
    assert [PAYMENTS] == [impact.delivery_stream_id for impact in found.blocked]
    assert not found.confidence_is_assumed


def test_without_any_confidence_the_severity_says_so() -> None:
    """Two impacted streams without a confidence are taken for confident, which is said."""
    impacts = [Impact(delivery_stream_id=stream, block_count=1, blocked_tickets=0) for stream in (PAYMENTS, IDENTITY)]
    found = assess(
        tech_stream_id=CORE, impacts=impacts, block_count=2, confidences={}, cycle_times_p85={PAYMENTS: None}
    )
    assert (None, None, "medium", True) == (
        found.average_confidence,
        found.average_cycle_time_p85,
        found.severity,
        found.confidence_is_assumed,
    )


def test_nothing_impacted_is_no_bottleneck() -> None:
    """Blocks of tickets without a delivery stream are counted and impact nobody; nothing is assumed then."""
    found = assess(tech_stream_id=CORE, impacts=[], block_count=4, confidences={}, cycle_times_p85={})
    assert (4, "none", False) == (found.block_count, found.severity, found.confidence_is_assumed)
    assert None is root_cause([found])
    assert None is root_cause([])


def test_the_root_cause_has_the_worst_severity_then_the_widest_impact() -> None:
    """One stream with little confidence outweighs many blocks of a confident one; equal ones go by id."""

    def one(tech: UUID, *impacted: UUID, confidence: float | None = None, blocks: int = 1) -> Bottleneck:
        impacts = [Impact(delivery_stream_id=stream, block_count=blocks, blocked_tickets=0) for stream in impacted]
        return assess(
            tech_stream_id=tech,
            impacts=impacts,
            block_count=blocks * len(impacted),
            confidences=dict.fromkeys(impacted, confidence),
            cycle_times_p85={},
        )

    mild, worse = one(CORE, PAYMENTS, blocks=40), one(WEB, PAYMENTS, confidence=20.0)
    assert worse is root_cause([mild, worse])
    narrow, wide = one(CORE, PAYMENTS, confidence=20.0, blocks=40), one(WEB, PAYMENTS, IDENTITY)
    assert wide is root_cause([narrow, wide])
    assert [CORE, WEB] == [it.tech_stream_id for it in by_impact([one(WEB, PAYMENTS), one(CORE, PAYMENTS)])]


def test_the_default_rows_are_distinct() -> None:
    """No two rows of the table ask for the same."""
    conditions = [(row.impacted_streams, row.confidence_below) for row in DEFAULT_SEVERITY_ROWS]
    assert 5 == len(set(conditions))
