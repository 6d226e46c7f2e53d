"""Flat rows for figures: what the reading side asks of a store. Reading is not writing; nothing here derives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import numpy as np

from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.calendar import TICKS_PER_DAY
from dpp.domain.quality import QualityRate


class StageRow(NamedTuple):
    """How many tickets are in one position."""

    stage: str
    active: bool
    tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRows:
    """
    Completed tickets, n rows in the order of completion (then of the key).

    Attributes:
        ticket_ids: the key of each as of the view's moment.
        completed_at: shape (n,), microseconds since 1970-01-01T00:00Z.
        cycle_days: shape (n,), working days, nan without a cycle time.
        flow_efficiency_pct: shape (n,), percent, nan without one.
    """

    ticket_ids: Sequence[str]
    completed_at: IntArray
    cycle_days: FloatArray
    flow_efficiency_pct: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleValues:
    """
    What was measured of completed tickets, n of them in any order.

    Attributes:
        cycle_days: shape (n,), working days, nan without a cycle time.
        flow_efficiency_pct: shape (n,), percent, nan without one.
    """

    cycle_days: FloatArray
    flow_efficiency_pct: FloatArray


class LabelRow(NamedTuple):
    """Time under one label, over the completed tickets that have been under it."""

    label: str
    tickets: int
    total_days: float


def summed_days(days: FloatArray) -> float:
    """Return the sum of some working days, shape (n,): exact, so that their order does not show in the last digit."""
    return int(np.rint(days * TICKS_PER_DAY).astype(np.int64).sum()) / TICKS_PER_DAY


class Share(NamedTuple):
    """How many of all have something."""

    complete: int
    total: int


class MetricsReader(Protocol):
    """Rows for figures, filtered by a view: nothing that the view does not show takes part in them."""

    @abstractmethod
    async def wip(self, view: View) -> Sequence[StageRow]:
        """Return where the unfinished tickets are as of the view's moment; ``unmapped`` is a stage here."""

    @abstractmethod
    async def cycles(self, view: View, *, window: Window) -> CycleRows:
        """Return the tickets that were completed in the window, as known at the view's moment."""

    async def cycle_values(self, view: View, *, window: Window) -> CycleValues:
        """Return what was measured of those same tickets, whoever they are."""
        rows = await self.cycles(view, window=window)
        return CycleValues(cycle_days=rows.cycle_days, flow_efficiency_pct=rows.flow_efficiency_pct)

    @abstractmethod
    async def label_times(self, view: View, *, window: Window) -> Sequence[LabelRow]:
        """Return the time of those same tickets by label, in the order of the labels."""

    @abstractmethod
    async def quality(self, view: View) -> Mapping[QualityRate, Share]:
        """Return the shares of §5.6 over everything known; a rate that nothing speaks of is absent."""


class UnmappedStatus(NamedTuple):
    """A status that was seen and that nobody has mapped."""

    project: str
    status: str
    events: int
    last_seen: datetime


class UnlinkedPullRequest(NamedTuple):
    """A pull request without a ticket."""

    repository: str
    pr_number: int
    branch_name: str
    opened_at: datetime | None


class ChannelCount(NamedTuple):
    """Deliveries of one door in a span of time."""

    channel: str
    outcome: str
    kind: str
    reason: str
    deliveries: int
    accepted: int
    duplicates: int
    last_at: datetime


class SprintRow(NamedTuple):
    """A sprint as last reported (§4.2.5); its stream is the one that most of its tickets belong to."""

    sprint_id: UUID
    jira_sprint_id: str
    delivery_stream_id: UUID | None
    name: str
    start_date: date | None
    end_date: date | None
    goal: str | None
    state: str


class OperationsReader(Protocol):
    """What administrators look at."""

    @abstractmethod
    async def deliveries(self, *, since: datetime) -> Sequence[ChannelCount]:
        """Return the deliveries of the hours that had some since a moment, by door, outcome, kind and reason."""

    @abstractmethod
    async def stale(self) -> int:
        """Return how many entries wait for derivation."""

    @abstractmethod
    async def unmapped_statuses(self, *, limit: int = 100) -> Sequence[UnmappedStatus]:
        """Return the statuses that wait for a mapping, those with most events first."""

    @abstractmethod
    async def unlinked_pull_requests(self, view: View, *, limit: int = 100) -> Sequence[UnlinkedPullRequest]:
        """Return pull requests without a ticket, newest first."""

    @abstractmethod
    async def sprints(self, view: View, *, state: str | None = None) -> Sequence[SprintRow]:
        """Return the sprints of the view's delivery streams, the latest first; ``state`` None for any."""

    @abstractmethod
    async def last_event_at(self) -> Mapping[str, datetime]:
        """Return when something readable last came through each door, by door."""

    @abstractmethod
    async def answers(self) -> bool:
        """Whether the store answers now."""
