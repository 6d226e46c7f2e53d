"""Shared bottlenecks: which technology stream holds up several delivery streams at once (§6.7, decision 0023)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np

from dpp.domain.figures import mean

BLOCK_DAYS = 14
"""How far back blocks count (§6.7), in days of 24 hours."""


class BottleneckSeverity(StrEnum):
    """How much a technology stream holds up, from nothing to the worst."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for ``none`` to 4 for ``critical``."""
        return _ORDER.index(self)


_ORDER = tuple(BottleneckSeverity)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRow:
    """
    One row of the table of §6.7.

    Attributes:
        severity: what it gives.
        impacted_streams: at least so many impacted delivery streams, >= 1.
        confidence_below: average sprint confidence below this, percent, > 0 and <= 100; None for any, or none at all.
    """

    severity: BottleneckSeverity
    impacted_streams: int
    confidence_below: float | None = None

    def matches(self, *, impacted_streams: int, average_confidence: float | None) -> bool:
        """Tell whether the row applies; a confidence that nobody knows is below nothing."""
        if impacted_streams < self.impacted_streams:
            return False
        if self.confidence_below is None:
            return True
        return average_confidence is not None and average_confidence < self.confidence_below


DEFAULT_SEVERITY_ROWS: tuple[SeverityRow, ...] = (
    SeverityRow(severity=BottleneckSeverity.CRITICAL, impacted_streams=3, confidence_below=60.0),
    SeverityRow(severity=BottleneckSeverity.HIGH, impacted_streams=2, confidence_below=70.0),
    SeverityRow(severity=BottleneckSeverity.MEDIUM, impacted_streams=2),
    SeverityRow(severity=BottleneckSeverity.MEDIUM, impacted_streams=1, confidence_below=70.0),
    SeverityRow(severity=BottleneckSeverity.LOW, impacted_streams=1),
)
"""The table of §6.7. Read from the most severe row down, a row without a confidence takes what those above leave."""


def severity_of(
    *,
    impacted_streams: int,
    average_confidence: float | None,
    rows: Iterable[SeverityRow] = DEFAULT_SEVERITY_ROWS,
) -> BottleneckSeverity:
    """
    Return the severity of the most severe row that applies; more streams or less confidence never make it milder.

    Args:
        impacted_streams: how many delivery streams are impacted, >= 0.
        average_confidence: their average sprint confidence, percent; None, when nobody knows it, is below nothing.
        rows: in any order.

    Returns:
        ``none`` when no row applies.
    """
    found = (
        row.severity
        for row in rows
        if row.matches(impacted_streams=impacted_streams, average_confidence=average_confidence)
    )
    return max(found, key=lambda severity: severity.rank, default=BottleneckSeverity.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """
    What a technology stream does to one delivery stream.

    Attributes:
        delivery_stream_id: whose tickets were blocked.
        block_count: how often in the last 14 days, >= 1.
        blocked_tickets: how many of its unfinished tickets are blocked by it at the moment, >= 0.
    """

    delivery_stream_id: UUID
    block_count: int
    blocked_tickets: int

    @property
    def is_blocked(self) -> bool:
        """Whether it is held up at the moment."""
        return self.blocked_tickets > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """
    A technology stream and what it holds up.

    Attributes:
        tech_stream_id: which.
        impacts: on each impacted delivery stream, the most blocked first.
        block_count: blocks in the last 14 days, those of tickets without a delivery stream included.
        average_confidence: mean sprint confidence of the impacted streams that have one, percent; None without.
        average_cycle_time_p85: mean of their 85th percentiles of cycle time, working days; None without.
        severity: by the configured rows.
    """

    tech_stream_id: UUID
    impacts: tuple[Impact, ...]
    block_count: int
    average_confidence: float | None
    average_cycle_time_p85: float | None
    severity: BottleneckSeverity

    @property
    def confidence_is_assumed(self) -> bool:
        """Whether the severity supposes good confidence because nobody knows it."""
        return bool(self.impacts) and self.average_confidence is None

    @property
    def blocked(self) -> tuple[Impact, ...]:
        """Those impacts that last at the moment."""
        return tuple(impact for impact in self.impacts if impact.is_blocked)


def assess(
    *,
    tech_stream_id: UUID,
    impacts: Iterable[Impact],
    block_count: int,
    confidences: Mapping[UUID, float | None],
    cycle_times_p85: Mapping[UUID, float | None],
    rows: Sequence[SeverityRow] = DEFAULT_SEVERITY_ROWS,
) -> Bottleneck:
    """
    Return how much a technology stream holds up.

    Args:
        tech_stream_id: which.
        impacts: on each delivery stream, once.
        block_count: of the last 14 days in all.
        confidences: sprint confidence by delivery stream, percent; others than the impacted ones do not count.
        cycle_times_p85: by delivery stream, working days; likewise.
        rows: the severity table.
    """
    ordered = tuple(sorted(impacts, key=lambda impact: (-impact.block_count, impact.delivery_stream_id)))
    impacted = [impact.delivery_stream_id for impact in ordered]
    average = _mean_known(impacted, confidences)
    return Bottleneck(
        tech_stream_id=tech_stream_id,
        impacts=ordered,
        block_count=block_count,
        average_confidence=average,
        average_cycle_time_p85=_mean_known(impacted, cycle_times_p85),
        severity=severity_of(impacted_streams=len(impacted), average_confidence=average, rows=rows),
    )


def by_impact(bottlenecks: Iterable[Bottleneck]) -> list[Bottleneck]:
    """Return technology streams, those that hold up most first; equal ones by their ids."""
    return sorted(bottlenecks, key=_weight)


def root_cause(bottlenecks: Iterable[Bottleneck]) -> Bottleneck | None:
    """Return the technology stream with the highest cross-stream impact (§7.1.2), None when nothing is held up."""
    first = next(iter(by_impact(bottlenecks)), None)
    return first if first is not None and first.impacts else None


def _weight(bottleneck: Bottleneck) -> tuple[int, int, int, int, UUID]:
    return (
        -bottleneck.severity.rank,
        -len(bottleneck.impacts),
        -len(bottleneck.blocked),
        -bottleneck.block_count,
        bottleneck.tech_stream_id,
    )


def _mean_known(streams: Iterable[UUID], values: Mapping[UUID, float | None]) -> float | None:
    known = [value for stream in streams if (value := values.get(stream)) is not None]
    return mean(np.array(known)) if known else None
