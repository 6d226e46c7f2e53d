"""Columns and rows of what reaches users: deployments, changes, incidents and who is blamed (§6.4, decision 0024).

Everything is as of a view's moment. A deployment and a change belong to the technology stream of their repository and
to the delivery stream that their ticket belonged to at that moment; an incident to the technology stream of its service
and to the delivery stream of the deployment that was blamed for it at that moment.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.change_failures import MENDING_DAYS
from dpp.domain.change_lead_times import Part
from dpp.domain.dora import Blames, Deployments, Restores
from dpp.domain.incidents import Standing

BLAMED_BEFORE = timedelta(days=2 * MENDING_DAYS)
"""Deployments of so long before those at hand may have caused an incident that these were made to mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentHistory:
    """
    Deployments to production and what they are blamed for.

    Attributes:
        deployments: those that the view shows.
        blames: on them, and on any other since ``BLAMED_BEFORE`` before them; incidents end as known at the view's
            moment.
    """

    deployments: Deployments
    blames: Blames


class ChangeState(StrEnum):
    """Where a change is at the view's moment."""

    DEPLOYED = "deployed"
    """Users have it; in lists, since some time in the window."""
    UNDEPLOYED = "undeployed"
    """Merged, and users do not have it."""


class ChangePlace(NamedTuple):
    """The place of a change in a list: when it was deployed, or merged where the list is of those that wait."""

    at: datetime
    repo_id: UUID
    pr_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChange:
    """
    A merged pull request, as known at a moment; what came later is None.

    Attributes:
        ticket_id: the key of its ticket at that moment; as the pull request has it, when the ticket is not known.
        record_id: the deployment that first carried it.
        hours: of each part of its way whose ends are known, by the clock.
    """

    repo_id: UUID
    repository: str
    pr_number: int
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    ticket_id: str | None
    base_branch: str | None
    first_pushed_at: datetime | None
    opened_at: datetime
    first_review_at: datetime | None
    merged_at: datetime
    deployed_at: datetime | None
    record_id: UUID | None
    hours: Mapping[Part, float]

    def place(self, state: ChangeState) -> ChangePlace:
        """Return where it stands in the list of those that are in a state."""
        deployed_at = self.deployed_at if state is ChangeState.DEPLOYED else None
        return ChangePlace(deployed_at or self.merged_at, self.repo_id, self.pr_number)


def known_parts(*, is_deployed: bool, is_reviewed: bool) -> tuple[Part, ...]:
    """Return the parts of a merged change's way whose ends are known when it is deployed, or reviewed, or not yet."""
    parts = {
        Part.LEAD_TIME: is_deployed,
        Part.CODING: True,
        Part.PICKUP: is_reviewed,
        Part.REVIEW: is_reviewed,
        Part.DEPLOY: is_deployed,
    }
    return tuple(part for part, is_known in parts.items() if is_known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """
    A deployment that may have caused an incident.

    Attributes:
        standing: what is thought of it at the moment, since ``standing_since``.
    """

    record_id: UUID
    repository: str | None
    pipeline_id: str
    pipeline_run_id: str
    deployed_at: datetime
    rolled_back_at: datetime | None
    commit_sha: str | None
    pr_number: int | None
    ticket_id: str | None
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    standing: Standing
    standing_since: datetime

    def is_open_to(self, scope: StreamScope) -> bool:
        """Whether somebody with this scope may see it."""
        tech = () if self.tech_stream_id is None else (self.tech_stream_id,)
        return scope.sees(delivery_stream_id=self.delivery_stream_id, tech_stream_ids=tech)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlamedIncident:
    """
    One time that an incident happened, as known at a moment.

    Attributes:
        incident_id: the source's, ``source_incident_id``, and from its second time on that with ``#2``, ``#3``, ….
        delivery_stream_id: of the deployment that is blamed.
        suspects: those that the scope shows, the latest deployed first.
    """

    incident_id: str
    source_incident_id: str
    service_name: str
    severity: str | None
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    started_at: datetime
    resolved_at: datetime | None
    time_to_restore_min: float | None
    suspects: tuple[Suspect, ...]


class DeliveryReader(Protocol):
    """Reads what a view shows; the cost depends on the time asked about. Raises ``Unavailable`` when it cannot."""

    @abstractmethod
    async def deployments(self, view: View, *, since: datetime) -> DeploymentHistory:
        """Return the deployments to production that ended since a time and before the view's moment."""

    @abstractmethod
    async def restores(self, view: View, *, since: datetime) -> Restores:
        """Return how long the incidents lasted that ended since a time and before the moment, as known over time."""

    @abstractmethod
    async def change_hours(self, view: View, *, window: Window) -> Mapping[Part, FloatArray]:
        """Return the hours of every part of the changes that were deployed in the window, each of shape (n,)."""

    @abstractmethod
    async def waiting_since(self, view: View) -> IntArray:
        """Return when each change was merged that was merged and not deployed at the moment, in microseconds."""

    @abstractmethod
    async def changes(
        self, view: View, *, state: ChangeState, window: Window, after: ChangePlace | None, limit: int
    ) -> Sequence[LedgerChange]:
        """Return the changes that are in a state, the latest first by ``ChangePlace``.

        Args:
            view: what counts.
            state: deployed in the window, or waiting at the moment.
            window: for those that are deployed.
            after: begin behind this place; None for the beginning.
            limit: how many at most.
        """

    @abstractmethod
    async def incidents(
        self, view: View, *, window: Window | None, incident_id: str | None = None
    ) -> Sequence[BlamedIncident]:
        """Return incidents with the deployments that may have caused them, the latest begun first, then by id.

        Args:
            view: what counts; a suspect is shown when its streams are in the scope, whatever streams are asked for.
            window: those that began in it; None for any time before the moment.
            incident_id: this one alone.
        """
