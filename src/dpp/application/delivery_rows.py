"""The rows of what reaches users: deployments, the changes that they carry, incidents (§4.4.4).

Instants are whole microseconds since 1970-01-01T00:00Z; ``FOREVER`` ends what goes on. The fields are in the order of
the tables' columns.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID, uuid5

from dpp.domain.events import NAMESPACE


class DeploymentRow(NamedTuple):
    """A deployment that ended; ``status`` is ``success``, ``failed`` or ``rolled_back``.

    ``branch`` is the deployed one, None where nothing tells it. ``lead_time_hrs`` is that of its own pull request, by
    ``lead_time_method`` (§6.4.4), None without one, or when the deployment failed. ``incident_id`` is the first
    incident that it is blamed for.
    """

    record_id: UUID
    pipeline_id: str
    pipeline_run_id: str
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    repo_id: UUID | None
    environment: str
    branch: str | None
    started_at: int
    deployed_at: int
    status: str
    commit_sha: str | None
    linked_pr_number: int | None
    linked_ticket_id: str | None
    linked_issue_id: str | None
    lead_time_hrs: float | None
    lead_time_method: str | None
    is_config_only: bool
    caused_incident: bool
    incident_id: str | None
    rollback_at: int | None

    @property
    def has_succeeded(self) -> bool:
        """Whether it reached its environment, taken back later or not."""
        return self.status != "failed"


class ChangeRow(NamedTuple):
    """A merged pull request on its way to users; without ``deployed_at`` it is not there yet.

    The parts of the lead time are hours by the clock, each None where one of its ends is not known.
    """

    repo_id: UUID
    pr_number: int
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    linked_ticket_id: str | None
    linked_issue_id: str | None
    base_branch: str | None
    record_id: UUID | None
    first_pushed_at: int | None
    opened_at: int
    first_review_at: int | None
    merged_at: int
    deployed_at: int | None
    lead_time_hrs: float | None
    coding_hrs: float | None
    pickup_hrs: float | None
    review_hrs: float | None
    deploy_hrs: float | None


class IncidentRow(NamedTuple):
    """An incident as it stands; ``source_incident_id`` is what the source calls it, whichever time it happens.

    ``fault`` says what is wrong with its reports (``ends_before_start``, ``never_started``); then nothing is counted.
    """

    incident_id: str
    source_incident_id: str
    service_name: str
    tech_stream_id: UUID | None
    severity: str | None
    started_at: int | None
    resolved_at: int | None
    time_to_restore_min: float | None
    fault: str | None


class RestoreRow(NamedTuple):
    """The time to restore of an incident, as it was known from ``valid_from`` until before ``valid_to``."""

    incident_id: str
    source_incident_id: str
    tech_stream_id: UUID | None
    started_at: int
    resolved_at: int
    time_to_restore_min: float
    valid_from: int
    valid_to: int


class BlameRow(NamedTuple):
    """A deployment that may have caused an incident.

    ``standing`` is what was thought of it from ``valid_from`` until before ``valid_to``: ``blamed`` (the likeliest),
    ``confirmed`` (by a person), ``candidate`` (another one is likelier) or ``rejected`` (by a person).
    """

    incident_id: str
    source_incident_id: str
    record_id: UUID
    standing: str
    valid_from: int
    valid_to: int


class VerdictRow(NamedTuple):
    """What a person said of a deployment's blame: ``confirmed`` or ``rejected``."""

    verdict_id: UUID
    incident_id: str
    source_incident_id: str
    record_id: UUID
    verdict: str
    decided_at: int
    decided_by: str
    reason: str | None


class ManualLinkRow(NamedTuple):
    """The ticket that a person gave to a pull request; without one, they took away what had been found."""

    link_id: UUID
    repo_id: UUID
    pr_number: int
    ticket_id: str | None
    linked_at: int
    linked_by: str
    reason: str | None


class IncidentRows(NamedTuple):
    """Every derived row of some incidents."""

    incidents: list[IncidentRow]
    restores: list[RestoreRow]
    blames: list[BlameRow]


def record_id_of(pipeline_id: str, pipeline_run_id: str) -> UUID:
    """Return the id of a deployment's record."""
    return uuid5(NAMESPACE, f"deployment\x1f{pipeline_id}\x1f{pipeline_run_id}")
