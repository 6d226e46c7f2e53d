"""The bar on top: the six summary figures of §7.1.1, and how complete the data under them is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dpp.application.diagnostics import Diagnosis
from dpp.application.forecast_answers import SprintConfidence
from dpp.application.queries import DataQuality, Diagnostic, Realtime
from dpp.application.trends import DeliveryTrends
from dpp.domain.catalogue import METRICS
from dpp.domain.defects import DefectEscape
from dpp.domain.figures import Figure
from dpp.domain.quality import MeasuredRate
from dpp.entrypoints.http.dashboard import words, zones
from dpp.entrypoints.http.dashboard.cards import Tile, fact_of_window, mark, marks
from dpp.entrypoints.http.dashboard.looking import Answers, Context

TEMPLATE = "zones/health_bar.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything that the bar is made of."""

    realtime: Realtime
    confidence: SprintConfidence
    diagnostic: Diagnostic
    diagnosis: Diagnosis
    trends: DeliveryTrends
    quality: DataQuality

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known of what is asked for."""
        return is_empty(self.realtime, self.quality)


def is_empty(realtime: Realtime, quality: DataQuality) -> bool:
    """Whether nothing at all is known: no ticket, and nothing else that a rate of §5.6 is taken from."""
    completed = len(realtime.points) + realtime.unmeasured
    return not (realtime.stages.unfinished or completed or any(rate.sample_size for rate in quality.rates.values()))


async def summary(answers: Answers) -> Summary:
    """Return what the bar is made of."""
    realtime, confidence, diagnostic, diagnosis, trends, quality = await asyncio.gather(
        answers.realtime(),
        answers.confidence(),
        answers.diagnostic(),
        answers.diagnosis(),
        answers.trends(),
        answers.quality(),
    )
    return Summary(
        realtime=realtime,
        confidence=confidence,
        diagnostic=diagnostic,
        diagnosis=diagnosis,
        trends=trends,
        quality=quality,
    )


async def context(answers: Answers) -> Context:
    """Return what the bar shows."""
    found = await summary(answers)
    return {"tiles": tiles(found), "quality": quality_tile(found.quality), "stale": await answers.stale()}


def tiles(found: Summary) -> tuple[Tile, ...]:
    """Return a tile for each summary figure."""
    return tuple(_tile(name, *_BAR[name], found) for name in zones.BAR)


def quality_tile(quality: DataQuality) -> Tile:
    """Return how many of the known rates meet their targets; the rate furthest below its target comes first."""
    known = [rate for rate in quality.rates.values() if rate.value is not None]
    met = [rate for rate in known if not rate.below_target]
    return Tile(
        name="data_quality",
        title="Data quality",
        value=f"{len(met)} of {len(known)}" if known else words.NO_VALUE,
        unit="targets met" if known else "",
        sample=words.counted(sum(rate.sample_size for rate in known), "record") + " checked",
        marks=tuple(
            mark(rate.rate, rate.value, rate.target) for rate in sorted(known, key=_margin) if rate.below_target
        ),
        explanation="How far can these figures be trusted?",
        mark_word="Below target",
    )


def _tile(
    name: str, title: str, figure_of: Callable[[Summary], Figure], sample_of: Callable[[Summary], str], found: Summary
) -> Tile:
    figure = figure_of(found)
    return Tile(
        name=name,
        title=title,
        value=words.percent(figure.value) if figure.unit == "percent" else words.number(figure.value),
        unit="" if figure.value is None else words.unit_word(figure),
        sample=sample_of(found),
        marks=marks(figure),
        explanation=METRICS[name].question,
        zone=METRICS[name].zone.value,
    )


def _sprint(found: Summary) -> str:
    confidence = found.confidence
    if confidence.reason is not None or confidence.remaining is None or confidence.working_days_left is None:
        return words.SHORT_REASONS[confidence.reason] if confidence.reason else words.NO_VALUE
    return f"{confidence.remaining.items} left, {words.counted(confidence.working_days_left, 'working day')}"


def _cycles(found: Summary) -> str:
    size = found.realtime.cycle_times["cycle_time_p85"].sample_size
    return _over(words.tickets(size) if size else "no completed ticket", fact_of_window(found.realtime.asked))


def _flow(found: Summary) -> str:
    size = found.diagnostic.flow_efficiency.sample_size
    return _over(words.tickets(size) if size else "no completed ticket", fact_of_window(found.diagnostic.asked))


def _deployments(found: Summary) -> str:
    size = found.trends.trends["deployment_frequency"].figure.sample_size
    return _over(words.counted(size, "deployment"), fact_of_window(found.trends.asked))


def _failures(found: Summary) -> str:
    bounds = found.trends.failure_bounds
    if bounds.confirmed_pct is None:
        return "no deployment to production"
    if bounds.confirmed_pct == bounds.at_most_pct:
        return _over("nothing in doubt", fact_of_window(found.trends.asked))
    return f"confirmed {words.percent(bounds.confirmed_pct)}{words.FIXED_SPACE}%, " + (
        f"at most {words.percent(bounds.at_most_pct)}{words.FIXED_SPACE}%"
    )


def _defects(found: Summary) -> str:
    defects: DefectEscape = found.diagnosis.defects
    size = defects.rate.sample_size
    return _over(words.counted(size, "defect") if size else "no defect", fact_of_window(found.diagnosis.asked))


def _over(sample: str, window: str) -> str:
    return f"{sample}, {window}"


def _margin(rate: MeasuredRate) -> float:
    return (rate.value or 0.0) - rate.target


#: Short titles, where each figure comes from, and what is said of what it rests on.
_BAR: Mapping[str, tuple[str, Callable[[Summary], Figure], Callable[[Summary], str]]] = MappingProxyType(
    {
        "sprint_confidence": ("Sprint confidence", lambda found: found.confidence.figure, _sprint),
        "cycle_time_p85": ("Cycle time p85", lambda found: found.realtime.cycle_times["cycle_time_p85"], _cycles),
        "flow_efficiency": ("Flow efficiency", lambda found: found.diagnostic.flow_efficiency, _flow),
        "deployment_frequency": (
            "Deployments",
            lambda found: found.trends.trends["deployment_frequency"].figure,
            _deployments,
        ),
        "change_failure_rate": (
            "Change failure rate",
            lambda found: found.trends.trends["change_failure_rate"].figure,
            _failures,
        ),
        "defect_escape_rate": ("Defect escape rate", lambda found: found.diagnosis.defects.rate, _defects),
    }
)
