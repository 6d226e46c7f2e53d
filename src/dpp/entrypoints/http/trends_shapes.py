"""The trends as the JSON that scripts rely on (§6.4)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from dpp.application.trends import DeliveryTrends, Trend
from dpp.domain import change_failures, change_lead_times, dora_bands, figures
from dpp.domain.change_lead_times import Part
from dpp.domain.dora_bands import Band, band_of
from dpp.entrypoints.http.kept_bodies import remembered
from dpp.entrypoints.http.shapes import Figure, Meta, bounds, trust


class TrendPoint(Struct, frozen=True, kw_only=True):
    """A day as of its end, over the trailing weeks; the value is null when there is no sample."""

    date: date
    value: float | None
    sample_size: int


class BandedFigure(Figure, frozen=True, kw_only=True):
    """
    A figure with the performance band that it falls into, as context.

    The band is null without a value, and where no band was ever published; ``band_source`` says who published it.
    """

    band: Band | None
    band_source: str | None


class TrendFigure(BandedFigure, frozen=True, kw_only=True):
    """A figure over the whole window; its series has a point for each local day, the last one as of now."""

    series: list[TrendPoint]


class ChangeFailureRate(TrendFigure, frozen=True, kw_only=True):
    """
    Share of the deployments that were taken back or caused an incident.

    The rate lies between ``confirmed_pct``, which only counts the blames that a person has confirmed, and
    ``at_most_pct``, which counts every deployment that an incident might be blamed on and that nobody has cleared.
    """

    confirmed_pct: float | None
    at_most_pct: float | None


class ReworkRate(BandedFigure, frozen=True, kw_only=True):
    """Share of the deployments that were made to mend an incident."""

    definition: str


class RecoveryTime(BandedFigure, frozen=True, kw_only=True):
    """How long users suffered from a failed deployment; ``unrecovered`` failed ones still hurt."""

    unrecovered: int
    definition: str


class LeadTimePart(Struct, frozen=True, kw_only=True):
    """Percentiles of one part of the way of changes, in hours."""

    part: Part
    p50: float | None
    p85: float | None
    sample_size: int
    definition: str


class ChangeLeadTime(Figure, frozen=True, kw_only=True):
    """Lead time per change, with its parts; the value is its median."""

    p85: float | None
    parts: list[LeadTimePart]
    definition: str


class UndeployedChanges(Figure, frozen=True, kw_only=True):
    """How many changes are merged and not deployed, and for how many hours they have been."""

    age_p50_hrs: float | None
    age_p85_hrs: float | None
    oldest_hrs: float | None
    definition: str


class TrendsData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/trends``."""

    deployment_frequency: TrendFigure
    change_failure_rate: ChangeFailureRate
    ttr_median: TrendFigure
    ttr_mean: TrendFigure
    lead_time_p50: TrendFigure
    lead_time_p85: TrendFigure
    deployment_rework_rate: ReworkRate
    failed_deployment_recovery_time: RecoveryTime
    change_lead_time: ChangeLeadTime
    undeployed_changes: UndeployedChanges


class TrendsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the trends."""

    status: Literal["ok"]
    data: TrendsData
    meta: Meta


@remembered
def trends(answer: DeliveryTrends) -> TrendsData:
    """Return the figures of ``GET /metrics/trends``."""
    plain = {name: _trend(name, trend) for name, trend in answer.trends.items() if name != "change_failure_rate"}
    return TrendsData(
        **plain,
        change_failure_rate=_failure_rate(answer),
        deployment_rework_rate=_rework(answer),
        failed_deployment_recovery_time=_recovery(answer),
        change_lead_time=_lead_time(answer),
        undeployed_changes=_waiting(answer),
    )


def _trend(name: str, trend: Trend) -> TrendFigure:
    figure, band = trend.figure, _band(name, trend.figure)
    return TrendFigure(
        value=figure.value,
        unit=figure.unit,
        sample_size=figure.sample_size,
        confidence=trust(figure.confidence),
        bounds=bounds(figure.bounds),
        band=band,
        band_source=_source(band),
        series=[TrendPoint(date=row.day, value=row.value, sample_size=row.sample_size) for row in trend.series],
    )


def _failure_rate(answer: DeliveryTrends) -> ChangeFailureRate:
    plain, between = _trend("change_failure_rate", answer.trends["change_failure_rate"]), answer.failure_bounds
    return ChangeFailureRate(
        value=plain.value,
        unit=plain.unit,
        sample_size=plain.sample_size,
        confidence=plain.confidence,
        bounds=plain.bounds,
        band=plain.band,
        band_source=plain.band_source,
        series=plain.series,
        confirmed_pct=between.confirmed_pct,
        at_most_pct=between.at_most_pct,
    )


def _rework(answer: DeliveryTrends) -> ReworkRate:
    figure = answer.rework
    return ReworkRate(
        value=figure.value,
        unit=figure.unit,
        sample_size=figure.sample_size,
        confidence=trust(figure.confidence),
        band=None,
        band_source=None,
        definition=change_failures.REWORK_DEFINITION,
    )


def _recovery(answer: DeliveryTrends) -> RecoveryTime:
    figure = answer.recovery.median
    band = _band("failed_deployment_recovery_time", figure)
    return RecoveryTime(
        value=figure.value,
        unit=figure.unit,
        sample_size=figure.sample_size,
        confidence=trust(figure.confidence),
        band=band,
        band_source=_source(band),
        unrecovered=answer.recovery.unrecovered,
        definition=change_failures.RECOVERY_DEFINITION,
    )


def _lead_time(answer: DeliveryTrends) -> ChangeLeadTime:
    whole = answer.lead_times[Part.LEAD_TIME]
    return ChangeLeadTime(
        value=whole.p50.value,
        unit=whole.p50.unit,
        sample_size=whole.p50.sample_size,
        confidence=trust(whole.p50.confidence),
        p85=whole.p85.value,
        parts=[
            LeadTimePart(
                part=part,
                p50=found.p50.value,
                p85=found.p85.value,
                sample_size=found.p50.sample_size,
                definition=change_lead_times.PART_DEFINITIONS[part],
            )
            for part, found in answer.lead_times.items()
        ],
        definition=change_lead_times.LEAD_TIME_DEFINITION,
    )


def _waiting(answer: DeliveryTrends) -> UndeployedChanges:
    found = answer.waiting
    return UndeployedChanges(
        value=found.count.value,
        unit=found.count.unit,
        sample_size=found.count.sample_size,
        confidence=trust(found.count.confidence),
        age_p50_hrs=found.age.p50.value,
        age_p85_hrs=found.age.p85.value,
        oldest_hrs=found.oldest_hrs,
        definition=change_lead_times.WAITING_DEFINITION,
    )


def _band(name: str, figure: figures.Figure) -> Band | None:
    return band_of(name, figure.value)


def _source(band: Band | None) -> str | None:
    return None if band is None else f"{dora_bands.SOURCE} ({dora_bands.SOURCE_URL})"
