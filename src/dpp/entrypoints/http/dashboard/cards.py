"""What the cards of all zones have in common: tiles, and why a figure is trusted less."""

from __future__ import annotations

from dataclasses import dataclass

from dpp.application.answers import Asked
from dpp.domain.figures import Figure
from dpp.domain.quality import QualityRate
from dpp.entrypoints.http.dashboard import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Why a figure is trusted less: the rate, its value and its target, in full and in few words; and what to do."""

    whole: str
    short: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """
    One figure of the health bar.

    Attributes:
        sample: what it rests on, in words.
        marks: why it is trusted less; empty when it is trusted in full.
        explanation: the question that it answers.
        zone: the zone that has its card.
    """

    name: str
    title: str
    value: str
    unit: str
    sample: str
    marks: tuple[Mark, ...]
    explanation: str
    zone: str = ""
    mark_word: str = "Reduced confidence"


def marks(figure: Figure) -> tuple[Mark, ...]:
    """Return why a figure is trusted less, one mark for each rate below its target; what is not there needs none."""
    if figure.value is None:
        return ()
    return tuple(mark(reason.rate, reason.value, reason.target) for reason in figure.confidence.reasons)


def fact_of_window(asked: Asked) -> str:
    """Return over which days a figure was taken."""
    return f"last {words.days(asked.window_days)}"


def mark(rate: QualityRate, value: float | None, target: float) -> Mark:
    """Return the mark of one rate."""
    against = words.against_target(value, target)
    return Mark(
        whole=f"{words.RATES[rate]}: {against}",
        short=f"{words.SHORT_RATES[rate]}: {against}",
        remedy=words.REMEDIES[rate],
    )
