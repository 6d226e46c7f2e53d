"""A figure explained, as its page shows it: in words, with the things behind it (decision 0026)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from dpp.application.answers import Asked
from dpp.application.evidence_answers import Evidence, Item, Role
from dpp.application.views import Window
from dpp.domain import catalogue
from dpp.domain.explanations import REMARKS, Input, Remark
from dpp.domain.figures import Figure

PAGE_ROWS = 50

#: Figures that stand on one card; each explains itself.
TOGETHER: tuple[tuple[str, ...], ...] = (
    ("cycle_time_p50", "cycle_time_p85", "cycle_time_p95", "cycle_time_scatter"),
    ("review_turnaround_p50", "review_turnaround_p85"),
    ("ttr_median", "ttr_mean"),
    ("lead_time_p50", "lead_time_p85"),
)
SHORT_NAMES: Mapping[str, str] = MappingProxyType({"cycle_time_scatter": "each item"})


class Shown(StrEnum):
    """Which of the things are listed, as the address has it."""

    ALL = "all"
    COUNTED = "counted"
    SAMPLE = "sample"
    LEFT_OUT = "left-out"

    def has(self, item: Item) -> bool:
        """Whether a thing is among them."""
        match self:
            case Shown.COUNTED:
                return item.counted and item.role is Role.VALUE
            case Shown.SAMPLE:
                return item.counted and item.role is Role.SAMPLE
            case Shown.LEFT_OUT:
                return not item.counted
            case _:
                return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """How many things there is one remark on, and what it means."""

    count: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a figure is about, in words; ``question`` and ``action`` are those of its card."""

    title: str
    question: str
    action: str
    definition: str
    formula: str
    counts: str
    section: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """
    A figure with what is behind it.

    Attributes:
        name: in the address.
        noun: what one of its things is called.
        items: in the order in which they are shown.
        left_out: why things do not count, and how many.
        doubtful: with what doubt things count, and how many.
        sources: when something readable last came through each door.
    """

    name: str
    text: Text
    asked: Asked
    figure: Figure
    window: Window | None
    noun: str
    items: Sequence[Item]
    left_out: tuple[Reason, ...]
    doubtful: tuple[Reason, ...]
    sources: Mapping[str, datetime]
    withheld: bool = False

    @property
    def counts(self) -> Mapping[Shown, int]:
        """How many things each list has; lists without any are left out, but for that of all."""
        found = {shown: sum(map(shown.has, self.items)) for shown in Shown}
        return {shown: count for shown, count in found.items() if count or shown is Shown.ALL}

    @property
    def siblings(self) -> tuple[str, ...]:
        """The figures that stand on the same card, this one among them; none where it stands alone."""
        return next((names for names in TOGETHER if self.name in names), ())


class Page(NamedTuple):
    """Some of the things: the first is number ``first`` of ``total``, from 1."""

    items: Sequence[Item]
    number: int
    last: int
    first: int
    total: int


def page_of(items: Sequence[Item], *, shown: Shown, number: int) -> Page:
    """Return a page of a list; one beyond the end is the last one."""
    listed = [item for item in items if shown.has(item)]
    last = max(-(-len(listed) // PAGE_ROWS), 1)
    number = min(max(number, 1), last)
    start = (number - 1) * PAGE_ROWS
    return Page(listed[start : start + PAGE_ROWS], number, last, start + 1, len(listed))


def of_evidence(evidence: Evidence, *, noun: str) -> Explained:
    """Return the evidence of a figure as its page shows it."""
    found, metric = evidence.found, evidence.metric
    return Explained(
        name=metric.name,
        text=text_of(metric.name),
        asked=found.asked,
        figure=found.figure,
        window=found.window,
        noun=noun,
        items=found.items,
        left_out=reasons(evidence.left_out),
        doubtful=reasons(evidence.doubtful),
        sources=evidence.sources,
        withheld=found.withheld,
    )


def text_of(name: str) -> Text:
    """Return the words of a figure."""
    metric = catalogue.explained(name)
    return Text(
        title=metric.title,
        question=metric.question,
        action=metric.action,
        definition=metric.explanation.definition,
        formula=metric.explanation.formula,
        counts=metric.explanation.counted,
        section=metric.section,
    )


def kind_of(name: str) -> Input:
    """Return what a figure is made of."""
    return catalogue.explained(name).explanation.inputs[0]


def reasons(counts: Mapping[Remark, int]) -> tuple[Reason, ...]:
    """Return remarks in words."""
    return tuple(Reason(count=count, meaning=REMARKS[remark]) for remark, count in counts.items())
