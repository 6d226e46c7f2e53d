"""Shared bottlenecks, as they are shown (§6.7, §7.1.2, decision 0023).

A caller sees technology streams that they may name, and of what these hold up the delivery streams that they may name;
others take no part in anything that is shown, not even as a number.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Protocol
from uuid import UUID

from dpp.application.answers import Answers, Asked, Trust
from dpp.application.bottleneck_ports import (
    BottleneckReader,
    DependencyRow,
    FlagRow,
)
from dpp.application.cache import Keeping
from dpp.application.cross_stream_answers import Dependency, SharedBottleneck, SharedBottlenecks
from dpp.application.derivation import TOPICS
from dpp.application.readers import MetricsReader
from dpp.application.stale import StaleKind
from dpp.application.views import View, Window, may_name
from dpp.domain.blocked import blocked_spells
from dpp.domain.bottlenecks import BLOCK_DAYS, Bottleneck, Impact, assess, by_impact, root_cause
from dpp.domain.calendar import to_micros
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.domain.events import WorkItemEventType
from dpp.domain.figures import Figure
from dpp.domain.histories import FOREVER
from dpp.domain.percentiles import percentile

METRIC = "cross_stream_bottleneck"
KEPT = Keeping(ttl=timedelta(minutes=15), unmoved_by=frozenset(TOPICS.values()) - {TOPICS[StaleKind.TICKET]})

_PERCENTILE = 85


class SprintConfidences(Protocol):
    """Knows how confident the sprints are (§6.2.2)."""

    @abstractmethod
    async def confidence_of(self, view: View) -> float | None:
        """Return the confidence of the running sprint of the view's delivery stream, percent; None without one."""


class NoConfidences(SprintConfidences):
    """Knows none."""

    async def confidence_of(self, view: View) -> float | None:
        """Return None."""
        return None


class CrossStream:
    """Answers what is asked about shared bottlenecks.

    Args:
        reader: rows about blocked tickets.
        metrics: rows for the rates of §5.6.
        confidences: of sprints; without it none is known.
        answers: keeps answers, or not.
    """

    def __init__(
        self,
        *,
        reader: BottleneckReader,
        metrics: MetricsReader,
        confidences: SprintConfidences | None = None,
        answers: Answers | None = None,
    ) -> None:
        self._reader = reader
        self._confidences = confidences or NoConfidences()
        self._answers = answers or Answers()
        self._trust = Trust(reader=metrics, answers=self._answers)

    async def bottlenecks(self, view: View, *, configuration: Configuration, window_days: int) -> SharedBottlenecks:
        """Return the shared bottlenecks of a view.

        Args:
            view: a technology stream in it chooses one of those that hold up, and not tickets that belong to it.
            configuration: has the severity table and the names of streams.
            window_days: days over which cycle times are taken; blocks are always those of 14 days.

        Raises:
            InvalidInput: the window is too short or too long.
        """
        whole = replace(view, tech_stream_id=None)
        found = await self._answers.get(
            ("cross-stream", window_days, configuration.version),
            view=whole,
            keeping=KEPT,
            compute=lambda: self._bottlenecks(whole, configuration=configuration, window_days=window_days),
        )
        return found if view.tech_stream_id is None else _only(found, view)

    async def _bottlenecks(self, view: View, *, configuration: Configuration, window_days: int) -> SharedBottlenecks:
        window = Window.back_from(view.as_of, days=window_days)
        blocks = Window.back_from(view.as_of, days=BLOCK_DAYS)
        delivery = {row.stream_id: row for row in configuration.delivery_streams if may_name(row, scope=view.scope)}
        tech = {row.stream_id: row for row in configuration.tech_streams if may_name(row, scope=view.scope)}
        counted = _Counted.of(await self._reader.flags(view, since=blocks.start), window=blocks, named=delivery)
        loads = await self._loads(counted.impacted, view=view, window=window)
        assessed = [
            assess(
                tech_stream_id=stream_id,
                impacts=counted.impacts(stream_id),
                block_count=counted.blocks[stream_id],
                confidences=loads.confidences,
                cycle_times_p85=loads.cycle_times_p85,
                rows=configuration.severities,
            )
            for stream_id, stream in tech.items()
            if stream.is_active or counted.blocks[stream_id]
        ]
        rows = tuple(_named(row, tech=tech, delivery=delivery) for row in by_impact(assessed))
        unnamed = sum(count for stream_id, count in counted.blocks.items() if stream_id not in tech)
        touching = {(row.tech_stream_id, row.delivery_stream_id): row for row in await self._reader.dependencies(view)}
        marks = await self._trust.marks(view)
        return SharedBottlenecks(
            asked=Asked.of(view, window_days=window_days),
            figure=marks.on(_worst(rows), METRIC),
            tech_streams=rows,
            dependencies=tuple(_dependencies(rows, delivery.values(), touching)),
            root_cause=_root_cause(rows),
            unnamed_block_count=unnamed,
        )

    async def _loads(self, streams: Iterable[UUID], *, view: View, window: Window) -> _Loads:
        """Return what is known of impacted streams, each as a whole: they are open to the caller as such."""
        everything = replace(view, delivery_stream_id=None)
        impacted = sorted(streams)
        days = await self._reader.cycle_times(everything, window=window, delivery_streams=impacted) if impacted else {}
        return _Loads(
            confidences={
                stream: await self._confidences.confidence_of(replace(everything, delivery_stream_id=stream))
                for stream in impacted
            },
            cycle_times_p85={stream: percentile(values, _PERCENTILE) for stream, values in days.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loads:
    confidences: Mapping[UUID, float | None]
    cycle_times_p85: Mapping[UUID, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """
    Blocks in a window.

    Attributes:
        blocks: by what blocks, None for what nobody has told.
        pairs: the same of tickets of named delivery streams, by what blocks and whom.
        blocked_now: unfinished tickets that are blocked at the moment, likewise.
    """

    blocks: Counter[UUID | None]
    pairs: Counter[tuple[UUID | None, UUID]]
    blocked_now: Counter[tuple[UUID | None, UUID]]

    @classmethod
    def of(cls, rows: Sequence[FlagRow], *, window: Window, named: Mapping[UUID, DeliveryStream]) -> _Counted:
        start, end = to_micros(window.start), to_micros(window.end)
        counted = [row for row in rows if row.event_type is WorkItemEventType.BLOCKED and start <= row.at < end]
        open_tickets = {row.issue_id: row.delivery_stream_id for row in rows if row.is_unfinished}
        now = (
            (spell.blocking, open_tickets.get(spell.item))
            for spell in blocked_spells(row.flag for row in rows)
            if spell.end == FOREVER
        )
        pairs = ((row.blocking_tech_stream_id, row.delivery_stream_id) for row in counted)
        return cls(
            blocks=Counter(row.blocking_tech_stream_id for row in counted),
            pairs=Counter((tech, stream) for tech, stream in pairs if stream is not None and stream in named),
            blocked_now=Counter((tech, stream) for tech, stream in now if stream is not None and stream in named),
        )

    @property
    def impacted(self) -> set[UUID]:
        """Every delivery stream that something told holds up."""
        return {stream for tech, stream in self.pairs if tech is not None}

    def impacts(self, tech_stream_id: UUID) -> list[Impact]:
        return [
            Impact(
                delivery_stream_id=stream,
                block_count=count,
                blocked_tickets=self.blocked_now[tech_stream_id, stream],
            )
            for (tech, stream), count in self.pairs.items()
            if tech == tech_stream_id
        ]


def _named(
    row: Bottleneck, *, tech: Mapping[UUID, TechStream], delivery: Mapping[UUID, DeliveryStream]
) -> SharedBottleneck:
    impacted = tuple(delivery[impact.delivery_stream_id] for impact in row.impacts)
    return SharedBottleneck(tech_stream=tech[row.tech_stream_id], impacted=impacted, bottleneck=row)


def _dependencies(
    rows: Iterable[SharedBottleneck],
    streams: Iterable[DeliveryStream],
    touching: Mapping[tuple[UUID, UUID], DependencyRow],
) -> Iterator[Dependency]:
    for row, stream in product(rows, streams):
        impacts = {impact.delivery_stream_id: impact for impact in row.bottleneck.impacts}
        impact = impacts.get(stream.stream_id)
        touch = touching.get((row.tech_stream.stream_id, stream.stream_id))
        if impact or touch:
            yield Dependency(
                tech_stream=row.tech_stream,
                delivery_stream=stream,
                open_tickets=touch.tickets if touch else 0,
                block_count=impact.block_count if impact else 0,
                blocked_tickets=impact.blocked_tickets if impact else 0,
            )


def _root_cause(rows: Iterable[SharedBottleneck]) -> SharedBottleneck | None:
    by_id = {row.bottleneck.tech_stream_id: row for row in rows}
    worst = root_cause(row.bottleneck for row in by_id.values())
    return None if worst is None else by_id[worst.tech_stream_id]


def _worst(rows: Sequence[SharedBottleneck]) -> Figure:
    ranks = [row.bottleneck.severity.rank for row in rows]
    return Figure(
        value=float(max(ranks)) if ranks else None,
        unit=METRICS[METRIC].unit,
        sample_size=sum(row.bottleneck.block_count for row in rows),
    )


def _only(found: SharedBottlenecks, view: View) -> SharedBottlenecks:
    """Return what of an answer is about one technology stream."""
    rows = tuple(row for row in found.tech_streams if row.tech_stream.stream_id == view.tech_stream_id)
    return replace(
        found,
        asked=replace(found.asked, tech_stream_id=view.tech_stream_id),
        figure=replace(_worst(rows), confidence=found.figure.confidence),
        tech_streams=rows,
        dependencies=tuple(row for row in found.dependencies if row.tech_stream.stream_id == view.tech_stream_id),
        root_cause=_root_cause(rows),
    )
