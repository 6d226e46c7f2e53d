"""Changes, incidents and verdicts as JSON (decision 0024)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta as Constraint
from msgspec import Struct

from dpp.application.blames import MAX_REASON
from dpp.application.change_ledger import LedgerPage
from dpp.application.delivery_reader import BlamedIncident, LedgerChange, Suspect
from dpp.application.delivery_rows import VerdictRow
from dpp.domain.calendar import from_micros
from dpp.domain.change_lead_times import Part
from dpp.domain.incidents import Standing
from dpp.entrypoints.http.shapes import Meta


class Change(Struct, frozen=True, kw_only=True):
    """
    A merged pull request, as known at the moment asked about; what came later is null.

    ``deployment_id`` is the deployment to production that first carried it. The parts of its way are hours by the
    clock, null where an end of one is not known; ``waiting_hrs`` is the time since the merge of one not deployed.
    """

    repository: str
    pr_number: int
    ticket_id: str | None
    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None
    base_branch: str | None
    first_pushed_at: datetime | None
    opened_at: datetime
    first_review_at: datetime | None
    merged_at: datetime
    deployed_at: datetime | None
    deployment_id: UUID | None
    lead_time_hrs: float | None
    coding_hrs: float | None
    pickup_hrs: float | None
    review_hrs: float | None
    deploy_hrs: float | None
    waiting_hrs: float | None


class ListMeta(Meta, frozen=True, kw_only=True):
    """What a list is about, and where its next page begins; ``next_cursor`` is null on the last page."""

    limit: int
    next_cursor: str | None


class ChangesAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the changes, the latest first."""

    status: Literal["ok"]
    data: list[Change]
    meta: ListMeta


class SuspectedDeployment(Struct, frozen=True, kw_only=True):
    """
    A deployment that may have caused an incident.

    ``standing`` is what is thought of it since ``standing_since``: ``blamed`` (the likeliest), ``confirmed`` (by a
    person), ``candidate`` (another one is likelier) or ``rejected`` (by a person).
    """

    deployment_id: UUID
    standing: Standing
    standing_since: datetime
    repository: str | None
    pipeline_id: str
    pipeline_run_id: str
    commit_sha: str | None
    pr_number: int | None
    ticket_id: str | None
    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None
    deployed_at: datetime
    rolled_back_at: datetime | None


class Incident(Struct, frozen=True, kw_only=True):
    """
    One time that an incident happened, with the deployments that may have caused it.

    From its second time on ``incident_id`` has the number of the time behind it, as in ``INC-7#2``. The suspects are
    those that you may see.
    """

    incident_id: str
    source_incident_id: str
    service_name: str
    severity: str | None
    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None
    started_at: datetime
    resolved_at: datetime | None
    time_to_restore_min: float | None
    suspects: list[SuspectedDeployment]


class BlamesAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the incidents, the latest begun first."""

    status: Literal["ok"]
    data: list[Incident]
    meta: ListMeta


class NewVerdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says of a suspect; the reason must name no person."""

    deployment_id: UUID
    verdict: Literal["confirmed", "rejected"]
    reason: Annotated[str, Constraint(max_length=MAX_REASON)] | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """A verdict as it is on record; the figures follow within moments."""

    verdict_id: UUID
    incident_id: str
    deployment_id: UUID
    verdict: Literal["confirmed", "rejected"]
    decided_at: datetime
    reason: str | None


class VerdictAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a verdict."""

    status: Literal["ok"]
    data: Verdict


def changes(page: LedgerPage) -> list[Change]:
    """Return a page of the ledger."""
    return [_change(row, as_of=page.asked.as_of) for row in page.changes]


def _change(row: LedgerChange, *, as_of: datetime) -> Change:
    return Change(
        repository=row.repository,
        pr_number=row.pr_number,
        ticket_id=row.ticket_id,
        delivery_stream_id=row.delivery_stream_id,
        tech_stream_id=row.tech_stream_id,
        base_branch=row.base_branch,
        first_pushed_at=row.first_pushed_at,
        opened_at=row.opened_at,
        first_review_at=row.first_review_at,
        merged_at=row.merged_at,
        deployed_at=row.deployed_at,
        deployment_id=row.record_id,
        waiting_hrs=None if row.deployed_at else (as_of - row.merged_at).total_seconds() / 3600,
        lead_time_hrs=row.hours.get(Part.LEAD_TIME),
        coding_hrs=row.hours.get(Part.CODING),
        pickup_hrs=row.hours.get(Part.PICKUP),
        review_hrs=row.hours.get(Part.REVIEW),
        deploy_hrs=row.hours.get(Part.DEPLOY),
    )


def incident(row: BlamedIncident) -> Incident:
    """Return an incident with its suspects."""
    return Incident(
        incident_id=row.incident_id,
        source_incident_id=row.source_incident_id,
        service_name=row.service_name,
        severity=row.severity,
        delivery_stream_id=row.delivery_stream_id,
        tech_stream_id=row.tech_stream_id,
        started_at=row.started_at,
        resolved_at=row.resolved_at,
        time_to_restore_min=row.time_to_restore_min,
        suspects=[_suspect(one) for one in row.suspects],
    )


def _suspect(row: Suspect) -> SuspectedDeployment:
    return SuspectedDeployment(
        deployment_id=row.record_id,
        standing=row.standing,
        standing_since=row.standing_since,
        repository=row.repository,
        pipeline_id=row.pipeline_id,
        pipeline_run_id=row.pipeline_run_id,
        commit_sha=row.commit_sha,
        pr_number=row.pr_number,
        ticket_id=row.ticket_id,
        delivery_stream_id=row.delivery_stream_id,
        tech_stream_id=row.tech_stream_id,
        deployed_at=row.deployed_at,
        rolled_back_at=row.rolled_back_at,
    )


def verdict(row: VerdictRow) -> Verdict:
    """Return a verdict; who gave it stays in the audit log."""
    return Verdict(
        verdict_id=row.verdict_id,
        incident_id=row.incident_id,
        deployment_id=row.record_id,
        verdict="confirmed" if row.verdict == "confirmed" else "rejected",
        decided_at=from_micros(row.decided_at),
        reason=row.reason,
    )
