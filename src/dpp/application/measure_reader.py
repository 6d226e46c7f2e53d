"""Columns for figures by day: what is known of one stream over a span of time, and in which part of it (decision 0025).

Where the other readers answer as of one moment, these rows say from when until when each of them holds, so that one
reading serves every day. A row that holds at a moment is one that those readers return as of it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dpp.application.measures import StreamKey
from dpp.application.views import Window
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.by_day import Known, Lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleHistory:
    """Completed tickets over time; the same rows twice, which are in one order."""

    cycle_days: Known
    flow_efficiency_pct: Known


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectHistory:
    """
    Spans of moments at which a defect counts for the stream, having an event in the window before the moment.

    Attributes:
        counted: n spans; a defect may have several, one after the other.
        escaped: shape (n,), whether it counts as escaped in each.
    """

    counted: Lasting
    escaped: BoolArray


class MeasureReader(Protocol):
    """Reads one stream; the cost depends on the time asked about. Raises ``Unavailable`` when it cannot."""

    @abstractmethod
    async def first_event(self, stream: StreamKey) -> datetime | None:
        """Return when the first thing of a stream that figures are taken from happened; None without any."""

    @abstractmethod
    async def wip(self, stream: StreamKey, *, span: Window) -> Lasting:
        """Return when tickets were work in progress of the stream, as far as that was so at some time of the span."""

    @abstractmethod
    async def cycles(self, stream: StreamKey, *, span: Window) -> CycleHistory:
        """Return the tickets that were completed in the span."""

    @abstractmethod
    async def reviews(self, stream: StreamKey, *, span: Window) -> Known:
        """Return the hours to the first review of the pull requests with one that were merged or closed in the span."""

    @abstractmethod
    async def defects(self, stream: StreamKey, *, span: Window, days: int) -> DefectHistory:
        """Return the defects with an event in the span; they count for ``days`` after each of their events."""

    @abstractmethod
    async def turns(self, stream: StreamKey, *, span: Window) -> IntArray:
        """Return the instants at which what was deployed or resolved in the span came to a delivery stream or left it.

        In microseconds, in any order; instants at which nothing did are no harm. From each of them until before the
        next, what had been deployed or resolved by then belongs to the stream, or does not.
        """
