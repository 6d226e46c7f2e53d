"""Ages of unfinished tickets by stage, with the percentiles of finished ones as lines across."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dpp.application.flow_answers import Ageing, AgeingTicket
from dpp.domain.figures import Figure
from dpp.domain.stages import WIP_STAGES
from dpp.entrypoints.http.dashboard import words
from dpp.entrypoints.http.dashboard.svg_axes import Tick, end_of, place, value_ticks

SPREAD = 0.7
"""How much of a stage's column its points may take."""
_TURN = 0.618034
"""Steps of the golden section: however many points a column has, neighbours in age lie apart."""


class Dot(NamedTuple):
    """A ticket: where its point is, percent from the left and the top, and what it says."""

    x: float
    y: float
    ticket_id: str
    age_days: float
    stage: str
    is_blocked: bool


class Line(NamedTuple):
    """A percentile of finished tickets, by its short name."""

    name: str
    y: float
    days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """What there is to draw; a column for each stage of work in progress, then for others with tickets."""

    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    values: tuple[Tick, ...]
    columns: tuple[Tick, ...]


def ages(answer: Ageing) -> Ages | None:
    """Return the points of every ticket; None without any."""
    if not answer.tickets:
        return None
    lines = _known(answer.cycle_times)
    end = end_of(max([answer.tickets[0].age_days, *lines.values()]))
    columns = _columns(answer.tickets)
    width = 100 / len(columns)
    return Ages(
        dots=tuple(_dots(answer.tickets, columns=columns, width=width, end=end)),
        lines=tuple(Line(name, place(days, end=end), days) for name, days in lines.items()),
        values=value_ticks(end),
        columns=tuple(
            Tick(round(width * (number + 0.5), 2), words.stage(stage).removesuffix(" status"))
            for number, stage in enumerate(columns)
        ),
    )


def _known(figures: Mapping[str, Figure]) -> dict[str, float]:
    return {
        name.removeprefix("cycle_time_"): figure.value for name, figure in figures.items() if figure.value is not None
    }


def _columns(tickets: Sequence[AgeingTicket]) -> list[str]:
    usual = [stage.value for stage in WIP_STAGES]
    return [*usual, *sorted({ticket.stage for ticket in tickets} - set(usual))]


def _dots(tickets: Sequence[AgeingTicket], *, columns: Sequence[str], width: float, end: float) -> list[Dot]:
    before: Counter[str] = Counter()
    dots = []
    for ticket in tickets:
        aside = (before[ticket.stage] * _TURN + 0.5) % 1 - 0.5
        before[ticket.stage] += 1
        x = width * (columns.index(ticket.stage) + 0.5 + aside * SPREAD)
        y = place(ticket.age_days, end=end)
        dots.append(Dot(round(x, 2), y, ticket.ticket_id, ticket.age_days, ticket.stage, ticket.is_blocked))
    return dots
