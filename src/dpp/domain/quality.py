"""How complete the data is, and what that does to the figures that rest on it (§5.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from dpp.domain.errors import InvalidInput


class QualityRate(StrEnum):
    """The five rates of §5.6, by the names under which they are published."""

    PR_TICKET_LINKAGE = "pr_ticket_linkage_rate"
    TICKET_STREAM_TAGGING = "ticket_stream_tagging_rate"
    DEFECT_ORIGIN_ATTRIBUTION = "defect_origin_attribution_rate"
    DEPLOYMENT_TRACEABILITY = "deployment_traceability_rate"
    PULSE_RESPONSE = "pulse_response_rate"


TARGETS_PCT: Mapping[QualityRate, float] = MappingProxyType(
    {
        QualityRate.PR_TICKET_LINKAGE: 90.0,
        QualityRate.TICKET_STREAM_TAGGING: 95.0,
        QualityRate.DEFECT_ORIGIN_ATTRIBUTION: 70.0,
        QualityRate.DEPLOYMENT_TRACEABILITY: 80.0,
        QualityRate.PULSE_RESPONSE: 60.0,
    }
)
"""What each rate must reach for the figures that rest on it to be trusted in full, in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRate:
    """
    One of the rates for one scope.

    Attributes:
        value: percent; None when there was nothing to look at.
        target: percent.
        sample_size: how many things were looked at.
    """

    rate: QualityRate
    value: float | None
    target: float
    sample_size: int

    @property
    def below_target(self) -> bool:
        """Whether the data is known to be too incomplete; nothing to look at is no fault."""
        return self.value is not None and self.value < self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a figure is trusted less: a rate, its value and its target, both in percent."""

    rate: QualityRate
    value: float
    target: float


class ConfidenceLevel(StrEnum):
    """How far a figure can be trusted."""

    FULL = "full"
    REDUCED = "reduced"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far a figure can be trusted, and why not further; it is reduced exactly when there are reasons."""

    reasons: tuple[Reason, ...] = ()

    @property
    def level(self) -> ConfidenceLevel:
        """Full without a reason against it."""
        return ConfidenceLevel.REDUCED if self.reasons else ConfidenceLevel.FULL


def measure_rate(rate: QualityRate, *, complete: int, total: int) -> MeasuredRate:
    """
    Return a rate from counts.

    Args:
        rate: which one.
        complete: how many have what the rate asks for, >= 0.
        total: how many there are, >= 0; for ``pulse_response_rate`` the size of the team, which answers may outnumber.

    Returns:
        Its value is ``complete / total`` in percent, None when ``total`` is 0.

    Raises:
        InvalidInput: a count is negative, or more are complete than there are.
    """
    if min(complete, total) < 0 or (complete > total and rate is not QualityRate.PULSE_RESPONSE):
        raise InvalidInput(f"{rate.value}: {complete} of {total} cannot be", field="complete")
    value = 100 * complete / total if total else None
    return MeasuredRate(rate=rate, value=value, target=TARGETS_PCT[rate], sample_size=total)


def confidence(affected_by: Iterable[QualityRate], *, measured: Mapping[QualityRate, MeasuredRate]) -> Confidence:
    """
    Return how far a figure can be trusted whose metric is affected by certain rates.

    Args:
        affected_by: as the catalogue states it; the reasons come in this order.
        measured: the rates of the figure's scope; those that nobody measured reduce nothing.
    """
    found = (measured[rate] for rate in affected_by if rate in measured)
    return Confidence(
        tuple(
            Reason(rate=low.rate, value=low.value, target=low.target)
            for low in found
            if low.value is not None and low.below_target
        )
    )
