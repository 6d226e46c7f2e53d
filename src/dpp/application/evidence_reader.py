"""Flat rows that name the things behind figures, and those that may belong there and do not say so (decision 0026).

Everything is as of a view's moment, and of what the view shows. No row has a person in it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

import numpy as np

from dpp.application.readers import CycleValues
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.deployments import PRODUCTION
from dpp.domain.stages import WIP_STAGES

IN_PROGRESS = frozenset(stage.value for stage in WIP_STAGES)
"""The stages of work in progress, by their names."""


class Among(StrEnum):
    """Which things are asked for."""

    SHOWN = "shown"
    """Those that the view shows."""
    UNPLACED = "unplaced"
    """Those that the view does not show for nothing but that they are of no stream of a kind that it asks for; none for
    a view that asks for no stream, or whose scope does not see everything: what is of no stream is of nobody's."""


def sees_unplaced(view: View) -> bool:
    """Whether a view may tell of things that are of no stream."""
    return view.scope.is_all and (view.delivery_stream_id is not None or view.tech_stream_id is not None)


def is_among(view: View, among: Among, *, delivery_stream_id: UUID | None, tech_stream_ids: tuple[UUID, ...]) -> bool:
    """Whether a thing of these streams is among those that are asked for."""
    is_shown = view.shows(delivery_stream_id=delivery_stream_id, tech_stream_ids=tech_stream_ids)
    if among is Among.SHOWN:
        return is_shown
    may_be_delivery = view.delivery_stream_id is None or delivery_stream_id in (None, view.delivery_stream_id)
    may_be_tech = view.tech_stream_id is None or not tech_stream_ids or view.tech_stream_id in tech_stream_ids
    return sees_unplaced(view) and not is_shown and may_be_delivery and may_be_tech


class PlacedTicket(NamedTuple):
    """An unfinished ticket, and where it is since when; ``unmapped`` is a stage here."""

    ticket_id: str
    delivery_stream_id: UUID | None
    stage: str
    active: bool
    entered_at: datetime


class FinishedTicket(NamedTuple):
    """A completed ticket; without a cycle time nobody ever worked on it, and without efficiency it has no share."""

    ticket_id: str
    delivery_stream_id: UUID | None
    completed_at: datetime
    cycle_days: float | None
    flow_efficiency_pct: float | None


class AsideTicket(NamedTuple):
    """A ticket that was cancelled in the window, or done in it and taken up again by the view's moment."""

    ticket_id: str
    delivery_stream_id: UUID | None
    at: datetime
    is_cancelled: bool


class EndedPullRequest(NamedTuple):
    """A merged or closed pull request.

    ``has_other_reviews`` says that only its author, or a bot, has reviewed it; then it has no first review.
    """

    repository: str
    pr_number: int
    ticket_id: str | None
    opened_at: datetime
    ended_at: datetime
    first_review_at: datetime | None
    has_other_reviews: bool

    @property
    def hours(self) -> float | None:
        """Hours by the clock to the first review; None without one, or when it came before the opening."""
        if self.first_review_at is None or self.first_review_at < self.opened_at:
            return None
        return (self.first_review_at - self.opened_at).total_seconds() / 3600


class ReviewedPullRequest(NamedTuple):
    """A pull request with how many peer reviews it got in the window, the last of them at ``last_at``."""

    repository: str
    pr_number: int
    reviews: int
    last_at: datetime


class DefectInWindow(NamedTuple):
    """A defect by its latest attribution; ``at`` is when something was told of it last in the window."""

    ticket_id: str
    at: datetime
    found_in_stage: str
    introduced_in_stage: str | None


class EndedDeployment(NamedTuple):
    """A deployment that ended, to any environment; ``incidents`` are those that it is blamed for."""

    record_id: UUID
    repository: str | None
    pipeline_id: str
    pipeline_run_id: str
    environment: str
    deployed_at: datetime
    has_succeeded: bool
    is_config_only: bool
    rolled_back_at: datetime | None
    lead_time_hrs: float | None
    commit_sha: str | None
    pr_number: int | None
    ticket_id: str | None
    incidents: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        """Whether the change failure rate counts it: to production, and more than configuration."""
        return self.environment == PRODUCTION and not self.is_config_only

    @property
    def is_release(self) -> bool:
        """Whether the deployment frequency counts it: a change that succeeded and was not taken back."""
        return self.is_change and self.has_succeeded and self.rolled_back_at is None

    @property
    def did_harm(self) -> bool:
        """Whether it was taken back or is blamed for an incident."""
        return self.rolled_back_at is not None or bool(self.incidents)

    @property
    def known_lead_time(self) -> float | None:
        """Its lead time in hours, if the lead time counts it: to production, and successful."""
        return self.lead_time_hrs if self.environment == PRODUCTION and self.has_succeeded else None


class IncidentInWindow(NamedTuple):
    """An incident that ended in the window, or that began in it and had no end that counts: then ``minutes`` is None.

    ``at`` is when it ended, else when it began; ``is_faulty`` says that its reports contradict each other.
    """

    incident_id: str
    service_name: str
    severity: str | None
    at: datetime
    minutes: float | None
    is_faulty: bool


class BlockedTicket(NamedTuple):
    """A ticket that was flagged as blocked at some time; without a technology stream nothing tells by what."""

    ticket_id: str
    delivery_stream_id: UUID | None
    at: datetime
    blocking_tech_stream_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplacedDeliveries:
    """
    What ended in a window to production, may be of a stream and does not say so.

    Attributes:
        changes: deployments of more than configuration.
        releases: those of them that succeeded and were not taken back.
        harmful: those of the changes that were taken back, or are blamed for an incident.
        lead_time_hrs: of those that succeeded, where known; shape (n,), hours.
        restore_minutes: how long incidents lasted, where known; shape (m,), minutes.
    """

    changes: int
    releases: int
    harmful: int
    lead_time_hrs: FloatArray
    restore_minutes: FloatArray


class EvidenceReader(Protocol):
    """Reads what figures are made of, in order: the latest first, then by name. Raises ``Unavailable``."""

    @abstractmethod
    async def placed(self, view: View, *, among: Among = Among.SHOWN) -> Sequence[PlacedTicket]:
        """Return the unfinished tickets, those that are longest where they are first."""

    @abstractmethod
    async def in_sprint(self, view: View, *, sprint_id: UUID) -> Sequence[PlacedTicket]:
        """Return the unfinished tickets of a delivery stream whose latest sprint is this one, likewise."""

    @abstractmethod
    async def finished(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[FinishedTicket]:
        """Return the tickets that were completed in the window."""

    @abstractmethod
    async def set_aside(self, view: View, *, window: Window) -> Sequence[AsideTicket]:
        """Return the tickets that the window saw end, and that count as completed in no window at the moment."""

    @abstractmethod
    async def pull_requests(
        self, view: View, *, window: Window, among: Among = Among.SHOWN
    ) -> Sequence[EndedPullRequest]:
        """Return the pull requests that were merged or closed in the window."""

    async def review_hours(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> FloatArray:
        """Return the hours to the first review of those of them that have one, in any order; shape (n,), >= 0."""
        rows = await self.pull_requests(view, window=window, among=among)
        return np.array([row.hours for row in rows if row.hours is not None], dtype=np.float64)

    @abstractmethod
    async def reviewed(self, view: View, *, window: Window) -> Sequence[ReviewedPullRequest]:
        """Return the pull requests that peers reviewed in the window."""

    @abstractmethod
    async def defects(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[DefectInWindow]:
        """Return the defects with an event in the window."""

    async def unplaced_defects(self, view: View, *, window: Window) -> Sequence[str]:
        """Return the stages that the unplaced of them were found in, in any order."""
        return [row.found_in_stage for row in await self.defects(view, window=window, among=Among.UNPLACED)]

    @abstractmethod
    async def deployments(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[EndedDeployment]:
        """Return the deployments that ended in the window, to every environment; unplaced ones only to production."""

    @abstractmethod
    async def incidents(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[IncidentInWindow]:
        """Return the incidents that ended in the window, or that began in it and did not; unplaced ones the former."""

    async def unplaced_in_progress(self, view: View) -> int:
        """Return how many unplaced tickets are in progress."""
        return sum(row.stage in IN_PROGRESS for row in await self.placed(view, among=Among.UNPLACED))

    async def unplaced_cycles(self, view: View, *, window: Window) -> CycleValues:
        """Return what was measured of the unplaced tickets that were completed in the window, in any order."""
        rows = await self.finished(view, window=window, among=Among.UNPLACED)
        return CycleValues(
            cycle_days=np.array([row.cycle_days for row in rows], dtype=np.float64),
            flow_efficiency_pct=np.array([row.flow_efficiency_pct for row in rows], dtype=np.float64),
        )

    async def unplaced_deliveries(self, view: View, *, window: Window) -> UnplacedDeliveries:
        """Return what the unplaced of these deployments and incidents come to; nothing to who may not hear of them."""
        deployments = await self.deployments(view, window=window, among=Among.UNPLACED)
        incidents = await self.incidents(view, window=window, among=Among.UNPLACED)
        changes = [row for row in deployments if row.is_change]
        return UnplacedDeliveries(
            changes=len(changes),
            releases=sum(row.is_release for row in changes),
            harmful=sum(row.did_harm for row in changes),
            lead_time_hrs=known(row.known_lead_time for row in deployments),
            restore_minutes=known(row.minutes for row in incidents),
        )

    @abstractmethod
    async def blocked(self, view: View, *, window: Window) -> Sequence[BlockedTicket]:
        """Return each time in the window that a ticket was flagged as blocked."""


def known(values: Iterable[float | None]) -> FloatArray:
    """Return those of some values that are known, in order."""
    return np.array([value for value in values if value is not None], dtype=np.float64)
