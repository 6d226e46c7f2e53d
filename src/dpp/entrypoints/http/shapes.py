"""Answers of the application as the JSON that scripts rely on; the published description is made from these types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from dpp.application.answers import Asked
from dpp.application.forecast_answers import Reason as NoForecast
from dpp.application.forecast_answers import SprintConfidence as SprintConfidenceFound
from dpp.application.forecasting_reader import SprintSpan
from dpp.application.queries import DataQuality, Realtime
from dpp.domain import bounds as domain_bounds
from dpp.domain import figures, quality
from dpp.domain.wip import WipByStage
from dpp.entrypoints.http.kept_bodies import remembered


class Reason(Struct, frozen=True, kw_only=True):
    """Why a figure is trusted less: a rate below its target, both in percent."""

    rate: quality.QualityRate
    value: float
    target: float


class Confidence(Struct, frozen=True, kw_only=True):
    """How far a figure can be trusted; it is reduced exactly when there are reasons."""

    level: quality.ConfidenceLevel
    reasons: list[Reason]


class Bounds(Struct, frozen=True, kw_only=True):
    """
    The least and the most that a value can be, whichever of the missing things belong to it and however they count.

    ``missing`` is how many there are: of no stream, or with nothing told that decides how they count.
    """

    low: float
    high: float
    missing: int


class Figure(Struct, frozen=True, kw_only=True):
    """One number; null when there is no sample to take it from. Without ``bounds`` nothing is known to be missing."""

    value: float | None
    unit: str
    sample_size: int
    confidence: Confidence
    bounds: Bounds | UnsetType = UNSET


class StageCount(Struct, frozen=True, kw_only=True):
    """Tickets in one stage: worked on, and waiting."""

    active: int
    queue: int


class Wip(Figure, frozen=True, kw_only=True):
    """Work in progress; the backlog and the unmapped are beside the value and not in it."""

    stages: dict[str, StageCount]
    unmapped: int


class Point(Struct, frozen=True, kw_only=True):
    """A finished ticket, its cycle time in working days."""

    ticket_id: str
    completed_at: datetime
    cycle_time_days: float


class Scatter(Figure, frozen=True, kw_only=True):
    """The finished tickets with a cycle time, in the order of completion, and how many have none."""

    points: list[Point]
    unmeasured: int


class RunningSprint(Struct, frozen=True, kw_only=True):
    """A sprint that has begun; both of its days are in it."""

    sprint_id: UUID
    jira_sprint_id: str
    name: str
    start_date: date
    end_date: date


class SprintConfidence(Figure, frozen=True, kw_only=True):
    """
    How likely the running sprint is to finish what remains in it; the sample is working days of closed sprints.

    ``remaining_as_of`` is the day of the snapshot that tells what remains, null when the tickets were counted.
    ``reason`` says why there is no value.
    """

    remaining: int | None
    remaining_as_of: date | None
    working_days_left: int | None
    sprint: RunningSprint | None
    reason: NoForecast | None


class RealtimeData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/realtime``."""

    wip_by_stage: Wip
    sprint_confidence: SprintConfidence
    cycle_time_p50: Figure
    cycle_time_p85: Figure
    cycle_time_p95: Figure
    cycle_time_scatter: Scatter


class Rate(Figure, frozen=True, kw_only=True):
    """A rate of §5.6 with what it should reach, in percent."""

    target: float
    below_target: bool


class Meta(Struct, frozen=True, kw_only=True):
    """What an answer is about (§7.3.3); ``window_days`` is null for what has no window."""

    stream_type: Literal["delivery", "tech", "all"]
    stream_id: UUID | None
    tech_stream_id: UUID | None
    window_days: int | None
    as_of: datetime
    computed_at: datetime


class RealtimeAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the real-time figures."""

    status: Literal["ok"]
    data: RealtimeData
    meta: Meta


class DataQualityAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the rates, by name."""

    status: Literal["ok"]
    data: dict[quality.QualityRate, Rate]
    meta: Meta


def figure(value: figures.Figure) -> Figure:
    """Return one figure."""
    return Figure(
        value=value.value,
        unit=value.unit,
        sample_size=value.sample_size,
        confidence=trust(value.confidence),
        bounds=bounds(value.bounds),
    )


def bounds(found: domain_bounds.Bounds | None) -> Bounds | UnsetType:
    """Return how far the missing could move a value; nothing where nothing is missing."""
    return UNSET if found is None else Bounds(low=found.low, high=found.high, missing=found.missing)


def trust(confidence: quality.Confidence) -> Confidence:
    """Return how far a figure can be trusted."""
    reasons = [Reason(rate=row.rate, value=row.value, target=row.target) for row in confidence.reasons]
    return Confidence(level=confidence.level, reasons=reasons)


def meta(asked: Asked, *, computed_at: datetime) -> Meta:
    """Return what an answer is about; of two streams the delivery stream gives the type."""
    return Meta(
        stream_type="delivery" if asked.delivery_stream_id else "tech" if asked.tech_stream_id else "all",
        stream_id=asked.delivery_stream_id or asked.tech_stream_id,
        tech_stream_id=asked.tech_stream_id,
        window_days=asked.window_days or None,
        as_of=asked.as_of,
        computed_at=computed_at,
    )


def stages(wip: WipByStage) -> dict[str, StageCount]:
    """Return tickets by stage."""
    return {stage.value: StageCount(active=count.active, queue=count.queue) for stage, count in wip.stages.items()}


@remembered
def realtime(answer: Realtime, confidence: SprintConfidenceFound) -> RealtimeData:
    """Return the figures of ``GET /metrics/realtime``."""
    wip = answer.wip
    return RealtimeData(
        wip_by_stage=Wip(
            value=wip.value,
            unit=wip.unit,
            sample_size=wip.sample_size,
            confidence=trust(wip.confidence),
            bounds=bounds(wip.bounds),
            stages=stages(answer.stages),
            unmapped=answer.stages.unmapped,
        ),
        sprint_confidence=_sprint_confidence(confidence),
        cycle_time_p50=figure(answer.cycle_times["cycle_time_p50"]),
        cycle_time_p85=figure(answer.cycle_times["cycle_time_p85"]),
        cycle_time_p95=figure(answer.cycle_times["cycle_time_p95"]),
        cycle_time_scatter=_scatter(answer),
    )


def _sprint_confidence(answer: SprintConfidenceFound) -> SprintConfidence:
    remaining = answer.remaining
    return SprintConfidence(
        value=answer.figure.value,
        unit=answer.figure.unit,
        sample_size=answer.figure.sample_size,
        confidence=trust(answer.figure.confidence),
        remaining=None if remaining is None else remaining.items,
        remaining_as_of=None if remaining is None else remaining.snapshot_date,
        working_days_left=answer.working_days_left,
        sprint=answer.sprint and sprint(answer.sprint),
        reason=answer.reason,
    )


def sprint(span: SprintSpan) -> RunningSprint:
    """Return a sprint."""
    return RunningSprint(
        sprint_id=span.sprint_id,
        jira_sprint_id=span.jira_sprint_id,
        name=span.name,
        start_date=span.start_date,
        end_date=span.end_date,
    )


def _scatter(answer: Realtime) -> Scatter:
    count = len(answer.points)
    return Scatter(
        value=float(count),
        unit="count",
        sample_size=count,
        # It shows the very tickets that the percentiles are taken from.
        confidence=trust(answer.cycle_times["cycle_time_p50"].confidence),
        points=[
            Point(ticket_id=row.ticket_id, completed_at=row.completed_at, cycle_time_days=row.cycle_time_days)
            for row in answer.points
        ],
        unmeasured=answer.unmeasured,
    )


def data_quality(answer: DataQuality) -> Mapping[quality.QualityRate, Rate]:
    """Return the rates of ``GET /admin/data-quality``."""
    return {
        rate: Rate(
            value=measured.value,
            unit="percent",
            sample_size=measured.sample_size,
            confidence=trust(quality.Confidence()),
            target=measured.target,
            below_target=measured.below_target,
        )
        for rate, measured in answer.rates.items()
    }
