"""The diagnostic figures as the JSON that scripts rely on (§6.3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from dpp.application.diagnostics import Diagnosis, Reviewing
from dpp.application.queries import Diagnostic
from dpp.domain import figures
from dpp.domain.defects import DefectEscape
from dpp.domain.reviews import Concentration
from dpp.entrypoints.http.kept_bodies import remembered
from dpp.entrypoints.http.shapes import Figure, Meta, bounds, figure, trust


class FlowEfficiency(Figure, frozen=True, kw_only=True):
    """Share of time in active statuses; beside it working days by label, each over the tickets that were there."""

    stage_durations: dict[str, Annotated[float, msgspec.Meta(extra={"unit": "days"})]]
    stage_samples: dict[str, Annotated[int, msgspec.Meta(extra={"unit": "tickets"})]]


class StagePair(Struct, frozen=True, kw_only=True):
    """Defects that were made in one stage and found in another."""

    introduced_in_stage: str
    found_in_stage: str
    count: int


class DefectEscapeRate(Figure, frozen=True, kw_only=True):
    """
    Share of the defects that were found in acceptance or production.

    ``matrix`` has the defects whose origin is known, ``unattributed_pct`` is the share of the others. ``unknown_found``
    defects were found in an unknown stage: the total has them, the escaped do not, and ``bounds`` say how they matter.
    """

    matrix: list[StagePair]
    unattributed_pct: float | None
    unknown_found: int


class ReviewerShare(Struct, frozen=True, kw_only=True):
    """One reviewer's part of the reviews; the label means nothing outside this answer."""

    reviewer: str
    share_pct: float


class ReviewerConcentration(Figure, frozen=True, kw_only=True):
    """
    How reviews spread over reviewers: the value is the largest share.

    ``uneven`` says that somebody has over half. Where a breakdown could point at people it is ``suppressed``: there
    are no ``reviewers``, and the value is null (§4.6).
    """

    suppressed: bool
    uneven: bool
    reviewers: list[ReviewerShare] | UnsetType = UNSET


class DiagnosticData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/diagnostic``."""

    flow_efficiency: FlowEfficiency
    defect_escape_rate: DefectEscapeRate
    review_turnaround_p50: Figure
    review_turnaround_p85: Figure
    reviewer_concentration: ReviewerConcentration


class DiagnosticAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the diagnostic figures."""

    status: Literal["ok"]
    data: DiagnosticData
    meta: Meta


@remembered
def diagnostic(flow: Diagnostic, diagnosis: Diagnosis) -> DiagnosticData:
    """Return the figures of ``GET /metrics/diagnostic``."""
    turnaround = diagnosis.review_turnaround
    return DiagnosticData(
        flow_efficiency=_flow_efficiency(flow),
        defect_escape_rate=_defects(diagnosis.defects),
        review_turnaround_p50=figure(turnaround["review_turnaround_p50"]),
        review_turnaround_p85=figure(turnaround["review_turnaround_p85"]),
        reviewer_concentration=_reviewing(diagnosis.reviewing),
    )


def _flow_efficiency(answer: Diagnostic) -> FlowEfficiency:
    return FlowEfficiency(
        **_parts(answer.flow_efficiency),
        stage_durations={row.label: row.average_days for row in answer.labels},
        stage_samples={row.label: row.tickets for row in answer.labels},
    )


def _defects(defects: DefectEscape) -> DefectEscapeRate:
    return DefectEscapeRate(
        **_parts(defects.rate),
        matrix=[
            StagePair(
                introduced_in_stage=pair.introduced_in_stage, found_in_stage=pair.found_in_stage, count=pair.defects
            )
            for pair in defects.matrix
        ],
        unattributed_pct=defects.unattributed_pct,
        unknown_found=defects.unknown_found,
    )


def _reviewing(reviewing: Reviewing) -> ReviewerConcentration:
    found = reviewing.concentration
    told = found.reviewers if isinstance(found, Concentration) else None
    return ReviewerConcentration(
        **_parts(reviewing.figure),
        suppressed=told is None,
        uneven=found.uneven,
        reviewers=UNSET
        if told is None
        else [ReviewerShare(reviewer=share.reviewer, share_pct=share.share_pct) for share in told],
    )


def _parts(value: figures.Figure) -> dict[str, Any]:
    """Return what every figure has."""
    return {
        "value": value.value,
        "unit": value.unit,
        "sample_size": value.sample_size,
        "confidence": trust(value.confidence),
        "bounds": bounds(value.bounds),
    }
