"""Flat rows about blocked tickets, and where assessments of shared bottlenecks are kept (§4.4.5, §6.7)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.blocked import Flag
from dpp.domain.bottlenecks import BottleneckSeverity
from dpp.domain.events import WorkItemEventType

FLAG_TYPES: tuple[WorkItemEventType, ...] = (
    WorkItemEventType.BLOCKED,
    WorkItemEventType.UNBLOCKED,
    WorkItemEventType.FLAGGED,
    WorkItemEventType.UNFLAGGED,
)
"""What raises or lowers a ticket's flag."""

RAISED = frozenset({WorkItemEventType.BLOCKED, WorkItemEventType.FLAGGED})
"""Those of them that raise it."""


class FlagRow(NamedTuple):
    """
    A ticket's flag that was raised or lowered.

    Attributes:
        issue_id: the ticket, through changes of its key.
        delivery_stream_id: the ticket's, as of the view's moment.
        is_unfinished: whether the ticket was anywhere but in done, cancelled or deleted at the view's moment.
        at: microseconds since 1970.
        change: the source's number of the change, 0 when it has none; it orders what happened in one instant.
        event_type: one of ``FLAG_TYPES``.
        blocking_tech_stream_id: what it is blocked by, as far as told.
    """

    issue_id: str
    delivery_stream_id: UUID | None
    is_unfinished: bool
    at: int
    change: int
    event_type: WorkItemEventType
    blocking_tech_stream_id: UUID | None

    @property
    def flag(self) -> Flag:
        """The same for the calculation of blocked time."""
        return Flag(
            item=self.issue_id,
            at=self.at,
            change=self.change,
            is_raised=self.event_type in RAISED,
            blocking=self.blocking_tech_stream_id,
        )


class DependencyRow(NamedTuple):
    """How many unfinished tickets of a delivery stream touch a technology stream."""

    tech_stream_id: UUID
    delivery_stream_id: UUID
    tickets: int


class BottleneckReader(Protocol):
    """Rows about what holds tickets up, filtered by a view."""

    @abstractmethod
    async def flags(self, view: View, *, since: datetime) -> Sequence[FlagRow]:
        """Return all that happened up to the view's moment to the flags of the tickets that may have been blocked
        since another one: each of those tickets with its whole story, by ticket and time.

        Tickets whose flag was down from ``since`` on, or that were finished before, may be missing.
        """

    @abstractmethod
    async def cycle_times(
        self, view: View, *, window: Window, delivery_streams: Collection[UUID]
    ) -> Mapping[UUID, FloatArray]:
        """Return the cycle times of some delivery streams' tickets that were completed in the window.

        Returns:
            By delivery stream, shape (n,), working days, ascending; streams without any are absent.
        """

    @abstractmethod
    async def dependencies(self, view: View) -> Sequence[DependencyRow]:
        """Return which technology streams the delivery streams' unfinished tickets touch at the view's moment.

        By technology stream, then delivery stream; a ticket that touches several counts for each.
        """


class CorrelationRow(NamedTuple):
    """A row of ``cross_stream_correlations`` (§4.4.5)."""

    tech_stream_id: UUID
    impacted_delivery_streams: tuple[UUID, ...]
    blocked_delivery_streams: tuple[UUID, ...]
    block_count_14d: int
    avg_confidence_pct: float | None
    avg_cycle_time_p85: float | None
    severity: BottleneckSeverity


class Correlations(Protocol):
    """Keeps the assessments, one a day and technology stream."""

    @abstractmethod
    async def save(self, rows: Sequence[CorrelationRow], *, day: date, at: datetime) -> int:
        """Write the assessments of a day, each in the place of an earlier one of that day and stream.

        Returns:
            How many are new or say something else than before.
        """

    @abstractmethod
    async def of(self, day: date) -> Sequence[CorrelationRow]:
        """Return the assessments of a day, by technology stream."""
