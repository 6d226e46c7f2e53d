"""What the evidence of a figure is made of (decision 0026)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from dpp.application.answers import Asked
from dpp.application.views import View, Window
from dpp.domain.companions import Companion
from dpp.domain.configuration import Configuration
from dpp.domain.explanations import Input, Remark
from dpp.domain.figures import Figure
from dpp.domain.metric import Metric, Unit


class Role(StrEnum):
    """What a thing takes part in."""

    VALUE = "value"
    """The figure itself."""
    SAMPLE = "sample"
    """The history from which chances are drawn."""


class Place(NamedTuple):
    """Where the source systems show a thing: as a ticket, a pull request or a commit; what is None is not known."""

    ticket_id: str | None = None
    repository: str | None = None
    pr_number: int | None = None
    commit_sha: str | None = None


NOWHERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    One thing behind a figure; never a person.

    Attributes:
        kind: what it is.
        name: what people call it, such as ``PAY-12`` or ``acme/ledger#7``.
        at: when it came to count, such as the moment of completion; None where there is none.
        value: what it gives to the figure, in ``unit``; of a rate 100 for what it is the share of, else 0.
        detail: where it is, or what became of it.
        until: when that became of it; None where ``at`` says it, or nothing has.
        place: where the source system shows it.
        counted: whether it takes part.
        remark: why it does not, or what the doubt is.
        role: what it takes part in.
    """

    kind: Input
    name: str
    at: datetime | None = None
    value: float | None = None
    unit: Unit | None = None
    detail: str | None = None
    until: datetime | None = None
    place: Place = NOWHERE
    counted: bool = True
    remark: Remark | None = None
    role: Role = Role.VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What evidence is asked for; the window counts for metrics that have none of their own."""

    metric: Metric | Companion
    view: View
    window_days: int
    configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    A figure with what is behind it, before it is explained.

    Attributes:
        asked: as the figure's own answer has it, so that both are about one moment.
        figure: the very one of that answer.
        window: the span that its things are of; None where only the moment counts.
        items: in the order in which they are shown.
        withheld: that there are items which nobody is told of, since they could point at people.
    """

    asked: Asked
    figure: Figure
    window: Window | None
    items: Sequence[Item]
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    A figure explained.

    Attributes:
        found: the figure, and what is behind it.
        metric: what it means.
        sources: when something readable last came through each door.
    """

    found: Found
    metric: Metric | Companion
    sources: Mapping[str, datetime]

    @property
    def counted(self) -> int:
        """How many things take part in the figure itself."""
        return sum(item.counted and item.role is Role.VALUE for item in self.found.items)

    @property
    def left_out(self) -> Mapping[Remark, int]:
        """How many things do not take part, by why not, in the order in which the metric names the reasons."""
        return self._remarks(counted=False)

    @property
    def doubtful(self) -> Mapping[Remark, int]:
        """How many things take part with a doubt, likewise."""
        return self._remarks(counted=True)

    def _remarks(self, *, counted: bool) -> Mapping[Remark, int]:
        found = Counter(item.remark for item in self.found.items if item.counted is counted)
        return {remark: found[remark] for remark in self.metric.explanation.remarks if found[remark]}
