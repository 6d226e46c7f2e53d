"""What a zone shows, ready for its template: figures in words, marks, and the sentences of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dpp.application.queries import DataQuality, Diagnostic, Realtime
from dpp.domain.catalogue import METRICS
from dpp.domain.figures import Figure
from dpp.domain.metric import Metric
from dpp.domain.quality import MeasuredRate, QualityRate
from dpp.entrypoints.http.dashboard import words
from dpp.entrypoints.http.dashboard.zones import SHOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Why a figure is trusted less: the rate, its value and its target, in full and in the fewest words."""

    whole: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """
    One figure of the health bar.

    Attributes:
        sample: what it rests on, in words.
        marks: why it is trusted less; empty when it is trusted in full.
        explanation: the question that it answers.
    """

    name: str
    title: str
    value: str
    unit: str
    sample: str
    marks: tuple[Mark, ...]
    explanation: str
    mark_word: str = "Reduced confidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that a health bar is made of."""

    realtime: Realtime
    diagnostic: Diagnostic
    quality: DataQuality

    @property
    def completed(self) -> int:
        """Tickets completed in the real-time window, with or without a cycle time."""
        return completed(self.realtime)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known of what is asked for."""
        rates = self.quality.rates.values()
        return not (self.realtime.stages.unfinished or self.completed or any(rate.sample_size for rate in rates))


def completed(realtime: Realtime) -> int:
    """Return how many tickets were completed in the real-time window, with or without a cycle time."""
    return len(realtime.points) + realtime.unmeasured


def marks(figure: Figure) -> tuple[Mark, ...]:
    """Return why a figure is trusted less, one mark for each rate below its target; what is not there needs none."""
    if figure.value is None:
        return ()
    return tuple(_mark(reason.rate, reason.value, reason.target) for reason in figure.confidence.reasons)


#: Short titles for the bar, and where each figure comes from; the bar shows those of ``SHOWN``, in this order.
_BAR: Mapping[str, tuple[str, Callable[[Answers], Figure]]] = MappingProxyType(
    {
        "wip_by_stage": ("Work in progress", lambda found: found.realtime.wip),
        "cycle_time_p85": ("Cycle time p85", lambda found: found.realtime.cycle_times["cycle_time_p85"]),
        "cycle_time_p50": ("Cycle time p50", lambda found: found.realtime.cycle_times["cycle_time_p50"]),
        "flow_efficiency": ("Flow efficiency", lambda found: found.diagnostic.flow_efficiency),
    }
)


def health_bar(answers: Answers) -> tuple[Tile, ...]:
    """Return the tiles of the health bar: one for each metric that has a figure, then throughput and data quality."""
    tiles = [
        _tile(METRICS[name], title=title, figure=figure_of(answers), answers=answers)
        for name, (title, figure_of) in _BAR.items()
        if name in SHOWN
    ]
    return (*tiles, _completed_tile(answers), _quality_tile(answers.quality))


def _tile(metric: Metric, *, title: str, figure: Figure, answers: Answers) -> Tile:
    return Tile(
        name=metric.name,
        title=title,
        value=words.percent(figure.value) if figure.unit == "percent" else words.number(figure.value),
        unit="" if figure.value is None else words.unit_word(figure),
        sample=_sample(metric, figure, answers),
        marks=marks(figure),
        explanation=metric.question,
    )


def _sample(metric: Metric, figure: Figure, answers: Answers) -> str:
    if metric.name == "wip_by_stage":
        active = sum(count.active for stage, count in answers.realtime.stages.stages.items() if stage != "backlog")
        return f"{words.number(active)} active, {words.number(figure.sample_size - active)} waiting"
    window = answers.diagnostic if metric.name == "flow_efficiency" else answers.realtime
    sample = words.tickets(figure.sample_size) if figure.sample_size else "no completed ticket"
    return f"{sample}, last {words.days(window.asked.window_days)}"


def _completed_tile(answers: Answers) -> Tile:
    count = answers.completed
    weeks = answers.realtime.asked.window_days / 7
    return Tile(
        name="completed",
        title="Completed",
        value=words.number(count),
        unit="ticket" if count == 1 else "tickets",
        sample=f"last {words.days(answers.realtime.asked.window_days)}, {words.number(count / weeks)} a week",
        marks=marks(answers.realtime.cycle_times["cycle_time_p85"]),
        explanation="How much gets finished?",
    )


def _quality_tile(quality: DataQuality) -> Tile:
    """The rate that is furthest below its target decides: the figures are as good as their weakest input."""
    known = [rate for rate in quality.rates.values() if rate.value is not None]
    met = [rate for rate in known if not rate.below_target]
    return Tile(
        name="data_quality",
        title="Data quality",
        value=f"{len(met)} of {len(known)}" if known else words.NO_VALUE,
        unit="targets met" if known else "",
        sample=words.counted(sum(rate.sample_size for rate in known), "record") + " checked",
        marks=tuple(
            _mark(rate.rate, rate.value, rate.target) for rate in sorted(known, key=_margin) if rate.below_target
        ),
        explanation="How far can these figures be trusted?",
        mark_word="Below target",
    )


def _margin(rate: MeasuredRate) -> float:
    return (rate.value or 0.0) - rate.target


def _mark(rate: QualityRate, value: float | None, target: float) -> Mark:
    against = words.against_target(value, target)
    return Mark(whole=f"{words.RATES[rate]}: {against}", short=f"{words.SHORT_RATES[rate]}: {against}")
