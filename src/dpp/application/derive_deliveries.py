"""From inputs to the rows of deployments, changes and incidents: pure functions of facts and configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from dpp.application.delivery_derivation import (
    Carrier,
    ChangeInputs,
    DeploymentInputs,
    IncidentInputs,
    MergedPullRequest,
    Named,
    NearDeployment,
    RegisteredRepository,
)
from dpp.application.delivery_rows import (
    BlameRow,
    ChangeRow,
    DeploymentRow,
    IncidentRow,
    IncidentRows,
    RestoreRow,
    VerdictRow,
    record_id_of,
)
from dpp.application.identities import PullRequestId, RunId
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.deployments import Deployment, DeploymentStatus, LeadTimeMethod, deployment_of
from dpp.domain.events import IncidentEvent
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Candidate, Episode, Verdict, blames, episodes

_HOUR_MICROS = 3_600_000_000
#: What releases are called: sources report a deployed tag as they do a branch.
_VERSION = re.compile(r"v?\d+(\.\d+)+([-+.]?[0-9A-Za-z.-]+)?")


def deployment_rows(inputs: DeploymentInputs, configuration: Configuration) -> list[DeploymentRow]:
    """Return the row of every deployment that has ended, as if nothing had been rolled back."""
    rows = []
    for run, events in inputs.events.items():
        deployment = deployment_of(events)
        if deployment is not None:
            rows.append(_deployment_row(run, deployment, inputs, configuration))
    return rows


def _deployment_row(
    run: RunId, deployment: Deployment, inputs: DeploymentInputs, configuration: Configuration
) -> DeploymentRow:
    repo_id, named = inputs.repositories.get(run), inputs.named.get(run)
    registered = inputs.registered.get(repo_id) if repo_id else None
    stream = _tech_stream(deployment, registered, configuration)
    method = _method(stream, configuration)
    deployed_at = to_micros(deployment.deployed_at)
    incident = inputs.blamed.get(run)
    lead = _lead_time(named, method, deployed_at) if named and deployment.has_succeeded else None
    return DeploymentRow(
        record_id=record_id_of(*run),
        pipeline_id=run.pipeline_id,
        pipeline_run_id=run.pipeline_run_id,
        tech_stream_id=stream,
        delivery_stream_id=named.delivery_stream_id if named else None,
        repo_id=repo_id,
        environment=configuration.environment(deployment.environment),
        branch=_branch(deployment, named, registered),
        started_at=to_micros(deployment.started_at),
        deployed_at=deployed_at,
        status=(DeploymentStatus.SUCCESS if deployment.has_succeeded else DeploymentStatus.FAILED).value,
        commit_sha=deployment.commit_sha,
        linked_pr_number=named.pr_number if named else deployment.linked_pr_number,
        linked_ticket_id=named.linked_ticket_id if named else None,
        linked_issue_id=named.linked_issue_id if named else None,
        lead_time_hrs=lead,
        lead_time_method=None if lead is None else method.value,
        is_config_only=deployment.is_config_only,
        caused_incident=incident is not None,
        incident_id=incident,
        rollback_at=None,
    )


def _tech_stream(
    deployment: Deployment, registered: RegisteredRepository | None, configuration: Configuration
) -> UUID | None:
    told = registered.tech_stream_id if registered else None
    if told is not None and any(stream.stream_id == told for stream in configuration.tech_streams):
        return told
    ref = deployment.repository
    found = ref and configuration.tech_stream_of(org=ref.org, installation_id=ref.installation_id)
    return found.stream_id if found else None


def _method(stream: UUID | None, configuration: Configuration) -> LeadTimeMethod:
    told = next((known.lead_time_method for known in configuration.tech_streams if known.stream_id == stream), "pr")
    return LeadTimeMethod(told)


def _lead_time(named: Named, method: LeadTimeMethod, deployed_at: int) -> float | None:
    return _hours(named.first_pushed_at if method is LeadTimeMethod.COMMIT else named.opened_at, deployed_at)


def _branch(deployment: Deployment, named: Named | None, registered: RegisteredRepository | None) -> str | None:
    """A merge lies on the branch that it was merged into, whatever the source calls the deployed thing."""
    if named is not None and named.by_merge and named.base_branch:
        return named.base_branch
    if deployment.branch and not _VERSION.fullmatch(deployment.branch):
        return deployment.branch
    if named is not None and named.base_branch:
        return named.base_branch
    return registered.default_branch if registered else None


def change_rows(inputs: ChangeInputs) -> list[ChangeRow]:
    """Return the row of every change, but of those that may have been there before anybody counted deployments.

    The first deployment known of a repository carries only what names it: what else was merged before it may have
    reached users at any earlier time.
    """
    rows = []
    for pull_request, merged in inputs.merged.items():
        carrier = inputs.carriers.get(pull_request)
        if carrier is None or carrier.names_it or not carrier.is_first:
            rows.append(_change_row(pull_request, merged, carrier))
    return rows


def _change_row(pull_request: PullRequestId, merged: MergedPullRequest, carrier: Carrier | None) -> ChangeRow:
    deployed_at = carrier.deployed_at if carrier else None
    return ChangeRow(
        repo_id=pull_request.repo_id,
        pr_number=pull_request.pr_number,
        tech_stream_id=merged.tech_stream_id,
        delivery_stream_id=merged.delivery_stream_id,
        linked_ticket_id=merged.linked_ticket_id,
        linked_issue_id=merged.linked_issue_id,
        base_branch=merged.base_branch,
        record_id=carrier.record_id if carrier else None,
        first_pushed_at=merged.first_pushed_at,
        opened_at=merged.opened_at,
        first_review_at=merged.first_review_at,
        merged_at=merged.merged_at,
        deployed_at=deployed_at,
        lead_time_hrs=_hours(merged.opened_at, deployed_at),
        coding_hrs=_hours(merged.first_pushed_at, merged.opened_at),
        pickup_hrs=_hours(merged.opened_at, merged.first_review_at),
        review_hrs=_hours(merged.first_review_at, merged.merged_at),
        deploy_hrs=_hours(merged.merged_at, deployed_at),
    )


def _hours(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None or end < start else (end - start) / _HOUR_MICROS


def incident_rows(inputs: IncidentInputs, configuration: Configuration) -> IncidentRows:
    """Return every row of some incidents."""
    rows = IncidentRows([], [], [])
    window = timedelta(minutes=configuration.platform.correlation_window_minutes)
    for incident_id, events in inputs.events.items():
        latest = max(events, key=_told_last)
        stream, repositories = inputs.services.get(latest.service_name, (None, frozenset()))
        near = inputs.deployments.get(stream, ()) if stream else ()
        verdicts = inputs.verdicts.get(incident_id, ())
        for episode in episodes(events):
            rows.incidents.append(_incident_row(episode, latest, stream))
            rows.restores.extend(_restore_rows(episode, incident_id, stream))
            rows.blames.extend(_blame_rows(episode, incident_id, near, repositories, verdicts, window))
    return rows


def _told_last(event: IncidentEvent) -> tuple[object, ...]:
    return (event.event_timestamp, event.event_type.value, repr(event))


def _incident_row(episode: Episode, latest: IncidentEvent, stream: UUID | None) -> IncidentRow:
    restore = episode.restores[-1] if episode.restores else None
    return IncidentRow(
        incident_id=episode.name(latest.incident_id),
        source_incident_id=latest.incident_id,
        service_name=latest.service_name,
        tech_stream_id=stream,
        severity=latest.severity.value if latest.severity else None,
        started_at=to_micros(episode.started_at) if episode.started_at else None,
        resolved_at=to_micros(restore.resolved_at) if restore else None,
        time_to_restore_min=restore.minutes if restore else None,
        fault=episode.fault.value if episode.fault else None,
    )


def _restore_rows(episode: Episode, incident_id: str, stream: UUID | None) -> Iterable[RestoreRow]:
    ends = [to_micros(later.known_at) for later in episode.restores[1:]] + [FOREVER]
    for restore, valid_to in zip(episode.restores, ends, strict=False):
        yield RestoreRow(
            incident_id=episode.name(incident_id),
            source_incident_id=incident_id,
            tech_stream_id=stream,
            started_at=to_micros(restore.started_at),
            resolved_at=to_micros(restore.resolved_at),
            time_to_restore_min=restore.minutes,
            valid_from=to_micros(restore.known_at),
            valid_to=valid_to,
        )


def _blame_rows(
    episode: Episode,
    incident_id: str,
    near: Iterable[NearDeployment],
    repositories: frozenset[UUID],
    verdicts: Sequence[VerdictRow],
    window: timedelta,
) -> Iterable[BlameRow]:
    if episode.started_at is None:
        return
    started_at, name = episode.started_at, episode.name(incident_id)
    earliest = to_micros(started_at - window)
    candidates = [
        Candidate(record_id=one.record_id, deployed_at=from_micros(one.deployed_at), serves=one.repo_id in repositories)
        for one in near
        if earliest <= one.deployed_at <= to_micros(started_at)
    ]
    said = [
        Verdict(
            record_id=row.record_id, is_confirmed=row.verdict == "confirmed", decided_at=from_micros(row.decided_at)
        )
        for row in verdicts
        if row.incident_id == name
    ]
    for blame in blames(candidates, said, started_at=started_at):
        yield BlameRow(
            incident_id=name,
            source_incident_id=incident_id,
            record_id=blame.record_id,
            standing=blame.standing.value,
            valid_from=to_micros(blame.valid_from),
            valid_to=FOREVER if blame.valid_to is None else to_micros(blame.valid_to),
        )
