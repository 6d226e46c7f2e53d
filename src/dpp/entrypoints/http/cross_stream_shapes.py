"""Shared bottlenecks as the JSON that scripts rely on (§6.7)."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct

from dpp.application import cross_stream_answers
from dpp.domain.bottlenecks import BottleneckSeverity
from dpp.entrypoints.http.shapes import Figure, Meta, trust


class TechStream(Struct, frozen=True, kw_only=True):
    """
    A technology stream and what it holds up.

    Averages are over the impacted delivery streams, in percent and working days. ``confidence_assumed`` says that no
    sprint confidence was known, and that the severity supposes a good one.
    """

    tech_stream: str
    tech_stream_id: UUID
    impacted_delivery_streams: list[str]
    blocked_delivery_streams: list[str]
    block_count_14d: int
    avg_confidence_pct: float | None
    confidence_assumed: bool
    avg_cycle_time_p85: float | None
    severity: BottleneckSeverity


class Dependency(Struct, frozen=True, kw_only=True):
    """
    A field of the matrix of technology streams and delivery streams; fields of nothing are left out.

    ``open_tickets`` of the delivery stream touch the technology stream. ``block_count_14d`` times it blocked one in 14
    days, and ``blocked_tickets`` are blocked by it at the moment.
    """

    tech_stream: str
    tech_stream_id: UUID
    delivery_stream: str
    delivery_stream_id: UUID
    open_tickets: int
    block_count_14d: int
    blocked_tickets: int


class Bottlenecks(Figure, frozen=True, kw_only=True):
    """
    The worst severity, 0 for none to 4 for critical, over the blocks of 14 days; technology streams that hold up most
    come first.

    ``root_cause`` is the one with the highest cross-stream impact. ``unnamed_block_count_14d`` blocks are put down to
    nothing, or to what the caller may not see.
    """

    worst_severity: BottleneckSeverity | None
    root_cause: str | None
    unnamed_block_count_14d: int
    tech_streams: list[TechStream]
    matrix: list[Dependency]


class CrossStreamData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/cross-stream``."""

    cross_stream_bottleneck: Bottlenecks


class CrossStreamAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the shared bottlenecks."""

    status: Literal["ok"]
    data: CrossStreamData
    meta: Meta


def cross_stream(answer: cross_stream_answers.SharedBottlenecks) -> CrossStreamData:
    """Return the figures of ``GET /metrics/cross-stream``."""
    figure = answer.figure
    severities = [row.bottleneck.severity for row in answer.tech_streams]
    return CrossStreamData(
        cross_stream_bottleneck=Bottlenecks(
            value=figure.value,
            unit=figure.unit,
            sample_size=figure.sample_size,
            confidence=trust(figure.confidence),
            worst_severity=max(severities, key=lambda severity: severity.rank, default=None),
            root_cause=answer.root_cause.tech_stream.name if answer.root_cause else None,
            unnamed_block_count_14d=answer.unnamed_block_count,
            tech_streams=[_tech_stream(row) for row in answer.tech_streams],
            matrix=[_dependency(row) for row in answer.dependencies],
        )
    )


def _tech_stream(row: cross_stream_answers.SharedBottleneck) -> TechStream:
    found = row.bottleneck
    pairs = list(zip(row.impacted, found.impacts, strict=True))
    return TechStream(
        tech_stream=row.tech_stream.name,
        tech_stream_id=row.tech_stream.stream_id,
        impacted_delivery_streams=[stream.name for stream, _ in pairs],
        blocked_delivery_streams=[stream.name for stream, impact in pairs if impact.is_blocked],
        block_count_14d=found.block_count,
        avg_confidence_pct=found.average_confidence,
        confidence_assumed=found.confidence_is_assumed,
        avg_cycle_time_p85=found.average_cycle_time_p85,
        severity=found.severity,
    )


def _dependency(row: cross_stream_answers.Dependency) -> Dependency:
    return Dependency(
        tech_stream=row.tech_stream.name,
        tech_stream_id=row.tech_stream.stream_id,
        delivery_stream=row.delivery_stream.name,
        delivery_stream_id=row.delivery_stream.stream_id,
        open_tickets=row.open_tickets,
        block_count_14d=row.block_count,
        blocked_tickets=row.blocked_tickets,
    )
