"""The evidence of a figure as the JSON that scripts rely on (decision 0026)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta as Described
from msgspec import Struct

from dpp.application.evidence_answers import Evidence as Found
from dpp.application.evidence_answers import Item as FoundItem
from dpp.application.evidence_answers import Role
from dpp.domain.explanations import REMARKS, Input, Remark
from dpp.domain.metric import Unit
from dpp.entrypoints.http.shapes import Figure, Meta, figure
from dpp.entrypoints.http.source_links import SourceLinks


class Span(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """The half-open span of time that the things are of: its first instant is in it, its last one is not."""

    start: datetime
    end: datetime


class Remarked(Struct, frozen=True, kw_only=True):
    """How many things there is one remark on, and what that means."""

    remark: Remark
    count: int
    meaning: str


class Item(Struct, frozen=True, kw_only=True):
    """
    One thing behind the figure; never a person.

    ``value`` is what it gives to the figure, in ``unit``: of a rate 100 for what it is the share of, else 0. ``until``
    is when what ``detail`` tells became of it, where ``at`` is something else. ``counted`` says whether it takes part,
    ``remark`` why not, or what is doubtful about it. In ``role`` ``sample`` it is a part of the history from which
    chances are drawn.
    """

    kind: Input
    name: str
    at: datetime | None
    value: float | None
    unit: Unit | None
    detail: str | None
    counted: bool
    remark: Remark | None
    role: Role
    url: str | None
    until: datetime | None


class Source(Struct, frozen=True, kw_only=True):
    """When something readable last came through a door, whatever it was about."""

    source: str
    last_event_at: datetime


class EvidenceData(Struct, frozen=True, kw_only=True):
    """
    A figure explained.

    ``figure`` is the one that the metric's own endpoint gives. ``withheld`` says that there are things which nobody is
    told of, since they could point at people.
    """

    metric: str
    title: str
    definition: str
    formula: str
    counts: Annotated[str, Described(description="What takes part, in words")]
    section: Annotated[str | None, Described(description="Of the specification; null where none is about it")]
    figure: Figure
    window: Span | None
    counted: int
    left_out: list[Remarked]
    doubtful: list[Remarked]
    withheld: bool
    items: list[Item]
    sources: list[Source]


class EvidenceMeta(Meta, frozen=True, kw_only=True):
    """What the answer is about, and where the next page of its items begins; null on the last one."""

    limit: int
    next_cursor: str | None


class EvidenceAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of evidence."""

    status: Literal["ok"]
    data: EvidenceData
    meta: EvidenceMeta


def evidence(answer: Found, items: Sequence[FoundItem], *, links: SourceLinks) -> EvidenceData:
    """Return a page of evidence: some of its items, and all else; ``links`` lead to the source systems."""
    found, metric = answer.found, answer.metric
    window = found.window
    return EvidenceData(
        metric=metric.name,
        title=metric.title,
        definition=metric.explanation.definition,
        formula=metric.explanation.formula,
        counts=metric.explanation.counted,
        section=metric.section,
        figure=figure(found.figure),
        window=None if window is None else Span(start=window.start, end=window.end),
        counted=answer.counted,
        left_out=_remarked(answer.left_out),
        doubtful=_remarked(answer.doubtful),
        withheld=found.withheld,
        items=[_item(row, links) for row in items],
        sources=[Source(source=name, last_event_at=at) for name, at in sorted(answer.sources.items())],
    )


def _remarked(counts: Mapping[Remark, int]) -> list[Remarked]:
    return [Remarked(remark=remark, count=count, meaning=REMARKS[remark]) for remark, count in counts.items()]


def _item(row: FoundItem, links: SourceLinks) -> Item:
    return Item(
        kind=row.kind,
        name=row.name,
        at=row.at,
        value=row.value,
        unit=row.unit,
        detail=row.detail,
        until=row.until,
        counted=row.counted,
        remark=row.remark,
        role=row.role,
        url=links.of_place(row.place),
    )
