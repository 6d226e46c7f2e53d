"""Figures by day and their restatements: the rows, and the port of their store (§4.4.1, decision 0025)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from dpp.domain.metric import Dimension


class StreamKey(NamedTuple):
    """A delivery stream or a technology stream."""

    dimension: Dimension
    stream_id: UUID


class Cause(StrEnum):
    """Why figures of days that are over are taken again; of several that concern a day the first one here is told."""

    CONFIGURATION = "configuration"
    """A mapping, a stream or another setting was changed."""
    MANUAL_LINK = "manual_link"
    """A person gave a pull request another ticket."""
    VERDICT = "verdict"
    """A person confirmed or rejected the blame of a deployment."""
    LATE_EVENT = "late_event"
    """Something came later than it happened, or followed from such a thing."""
    REBUILD = "rebuild"
    """Everything was derived anew."""
    DAY_ENDED = "day_ended"
    """A day is over; it was never closed before."""


class StaleDays(NamedTuple):
    """
    Days of a stream whose figures may have changed: those that end after ``since``, all of them when it is None.

    Attributes:
        detail: what it was, in words that may be shown to whoever sees the stream.
    """

    since: datetime | None
    cause: Cause
    detail: str | None = None


class Mark(NamedTuple):
    """A mark on days of a stream; later ones have larger numbers."""

    number: int
    days: StaleDays


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleStream:
    """A stream with days that are to be measured: its marks, the oldest first, and the first day that has figures."""

    stream: StreamKey
    marks: Sequence[Mark]
    first_stored: date | None = None


class FigureName(NamedTuple):
    """Which figure of a stream's day: a name of the catalogue, and the percentile that it is, if any."""

    metric: str
    percentile: int | None


class DayFigure(NamedTuple):
    """A figure of one day of a stream."""

    day: date
    metric: str
    percentile: int | None
    value: float
    unit: str
    sample_size: int

    @property
    def name(self) -> FigureName:
        """Which figure it is."""
        return FigureName(self.metric, self.percentile)


class StoredFigure(NamedTuple):
    """A figure as it is stored; ``computed_at`` is the moment at which it was last found to be so."""

    figure: DayFigure
    computed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredDays:
    """
    All figures of some days of a stream.

    Attributes:
        closes_at: of each of the days, in order without a gap: from when on a measurement of it is one that closes it.
        figures: those that have a value.
        computed_at: when they were taken.
        first_days: of each of the causes, the first day that it concerns.
        waiting: the numbers of the marks that are not settled by this, and wait on.
    """

    closes_at: Mapping[date, datetime]
    figures: Sequence[DayFigure]
    computed_at: datetime
    first_days: Sequence[tuple[date, StaleDays]] = ()
    waiting: frozenset[int] = frozenset()


class StreamFigure(NamedTuple):
    """A stored figure with its stream, as it is listed."""

    stream: StreamKey
    figure: DayFigure
    computed_at: datetime


class Restatement(NamedTuple):
    """
    A change to a figure of a day that was closed.

    Attributes:
        old_value: None when the day had no such figure, as ``new_value`` when it has none any more.
        since: the earliest time that what changed is about, None when it may be about any.
        restated_at: when it was found.
    """

    stream: StreamKey
    day: date
    metric: str
    percentile: int | None
    unit: str
    old_value: float | None
    new_value: float | None
    old_sample: int
    new_sample: int
    cause: Cause
    detail: str | None
    since: datetime | None
    restated_at: datetime


class Settled(NamedTuple):
    """What one measuring did: the stream, how many figures it wrote or removed, and how many of these it restated."""

    stream: StreamKey
    written: int
    restated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which figures, or which restatements, are asked for.

    Attributes:
        streams: of these; None for all.
        metrics: names; None for all.
        first: day; None for no limit.
        last: day, inclusive; None for no limit.
    """

    streams: frozenset[StreamKey] | None = None
    metrics: frozenset[str] | None = None
    first: date | None = None
    last: date | None = None


class FigurePlace(NamedTuple):
    """The place of a figure in their list; a percentile of None is -1."""

    day: date
    dimension: str
    stream_id: UUID
    metric: str
    percentile: int


class RestatementPlace(NamedTuple):
    """The place of a restatement in their list; a percentile of None is -1.

    It is made of what whoever sees the stream is told anyway: a number that rises would tell how much is restated
    elsewhere.
    """

    restated_at: datetime
    day: date
    dimension: str
    stream_id: UUID
    metric: str
    percentile: int


Measure: TypeAlias = Callable[[StaleStream], Awaitable[MeasuredDays | None]]
"""Takes the figures of a stream that waits; None when it could not."""


class MeasureStore(Protocol):
    """Keeps figures by day, what is to be measured, and restatements. Raises ``Unavailable`` when it cannot."""

    @abstractmethod
    async def mark(self, streams: Iterable[StreamKey], days: StaleDays) -> None:
        """Have days of some streams measured."""

    @abstractmethod
    async def measure_next(self, measure: Measure, *, skip: Collection[StreamKey] = frozenset()) -> Settled | None:
        """Measure the stream that has waited longest, in one transaction; None when none waits that nobody measures.

        What is measured is compared with what is stored, and what differs is written (see ``restating``). Marks that
        come while it is measured stay for the next time.

        Args:
            measure: takes the figures; it reads what was committed before it is called, or later. When it returns
                None, nothing is written and the stream goes on waiting.
            skip: streams that are left alone.
        """

    @abstractmethod
    async def waiting(self) -> int:
        """Return how many streams wait."""

    @abstractmethod
    async def measured(self, *, since: date) -> Mapping[StreamKey, Mapping[date, datetime]]:
        """Return when each day of each stream was last found to be as it is stored; days without figures are absent."""

    @abstractmethod
    async def figures(self, wanted: Wanted, *, after: FigurePlace | None = None, limit: int) -> Sequence[StreamFigure]:
        """Return stored figures in the order of their places, those behind ``after``, ``limit`` at most."""

    @abstractmethod
    async def restatements(
        self, wanted: Wanted, *, before: RestatementPlace | None = None, limit: int
    ) -> Sequence[Restatement]:
        """Return restatements, the highest places first, those below ``before``, ``limit`` at most."""


def place_of(row: StreamFigure) -> FigurePlace:
    """Return where a figure stands in the list: by day, kind of stream, stream, metric, percentile."""
    figure = row.figure
    percentile = -1 if figure.percentile is None else figure.percentile
    return FigurePlace(figure.day, row.stream.dimension.value, row.stream.stream_id, figure.metric, percentile)


def restatement_place_of(row: Restatement) -> RestatementPlace:
    """Return where a restatement stands in the list: by time, day, kind of stream, stream, metric, percentile."""
    percentile = -1 if row.percentile is None else row.percentile
    stream = row.stream
    return RestatementPlace(row.restated_at, row.day, stream.dimension.value, stream.stream_id, row.metric, percentile)
