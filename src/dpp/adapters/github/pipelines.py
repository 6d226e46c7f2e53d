"""Builds and deployments (§5.3.2): attempts of workflow runs, and the statuses of deployments."""

from __future__ import annotations

from datetime import datetime

from msgspec.json import Decoder

from dpp.adapters.github.decoding import NotUnderstood, decode, moment, required_moment
from dpp.adapters.github.ignored import IGNORED_STATES
from dpp.adapters.github.payloads import (
    Deployment,
    DeploymentStateDelivery,
    DeploymentStatusDelivery,
    WorkflowRun,
    WorkflowRunDelivery,
)
from dpp.adapters.github.references import repository_ref
from dpp.application.reading import Reading
from dpp.domain.events import CicdEvent, CicdEventType, Facts, Normalised, Outcome, RepositoryRef, Source

_RUN = Decoder(WorkflowRunDelivery)
_STATE = Decoder(DeploymentStateDelivery)
_STATUS = Decoder(DeploymentStatusDelivery)

#: Actions that are read.
RUN_ACTIONS = frozenset({"in_progress", "completed"})

#: The environment of events that deploy nothing.
BUILD = "build"
IN_PROGRESS = "in_progress"
#: The status of a run that ended without saying how.
NO_CONCLUSION = "unknown"

#: §4.3.4's words for what starts a pipeline; GitHub's other words stay as they are.
_TRIGGERS = {"workflow_dispatch": "manual", "repository_dispatch": "manual", "merge_group": "merge"}

_STEPS = {
    "success": (CicdEventType.DEPLOY_COMPLETED, "success"),
    "failure": (CicdEventType.DEPLOY_FAILED, "failure"),
    "error": (CicdEventType.DEPLOY_FAILED, "failure"),
    "in_progress": (CicdEventType.DEPLOY_STARTED, IN_PROGRESS),
}


def read_workflow_run(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return the start or the end of one attempt of a workflow run."""
    delivery = decode(body, decoder=_RUN)
    run = delivery.workflow_run
    # Deliveries may be made after the run has ended; then the end is reported by another one.
    if action == "in_progress" and (run.status or "").lower() == "completed":
        return Normalised(outcome=Outcome.IGNORED, reason="the run had already ended when its start was reported")
    repository = repository_ref(delivery.repository, installation=delivery.installation)
    event = build_of(run, repository=repository, ended=action == "completed")
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(cicd=(event,)))


def build_of(run: WorkflowRun, *, repository: RepositoryRef, ended: bool) -> CicdEvent:
    """Return the start or the end of an attempt, whichever way it is told."""
    started_at = moment(run.run_started_at)
    if ended:
        happened_at = required_moment(run.updated_at, field="workflow_run.updated_at")
    else:
        # A run keeps its time of creation through all attempts, so that tells of the first one only.
        created_at = run.created_at if run.run_attempt == 1 else None
        happened_at = required_moment(started_at, created_at, run.updated_at, field="workflow_run.run_started_at")
    return CicdEvent(
        event_type=CicdEventType.BUILD_COMPLETED if ended else CicdEventType.BUILD_STARTED,
        event_timestamp=happened_at,
        pipeline_id=f"github-workflow/{run.workflow_id}",
        pipeline_run_id=f"{run.id}.{run.run_attempt}",
        environment=BUILD,
        status=((run.conclusion or "").strip().lower() or NO_CONCLUSION) if ended else IN_PROGRESS,
        source=Source.GITHUB,
        repository=repository,
        source_change_id=f"{run.id}.{run.run_attempt}",
        started_at=started_at,
        duration_seconds=_seconds(started_at, happened_at) if ended else None,
        branch=run.head_branch or None,
        commit_sha=run.head_sha or None,
        linked_pr_number=_pull_request_of(run, repository=repository),
        trigger_type=_trigger(run.event),
    )


def _pull_request_of(run: WorkflowRun, *, repository: RepositoryRef) -> int | None:
    """The first pull request of the run into its own repository; a fork's runs name those into the original."""
    for pull_request in run.pull_requests or ():
        into = pull_request.base.repo.id if pull_request.base and pull_request.base.repo else None
        if into is None or repository.github_id is None or into == repository.github_id:
            return pull_request.number
    return None


def read_deployment_status(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return the step of a deployment that a status reports; the action says nothing, it is always ``created``."""
    state = decode(body, decoder=_STATE).deployment_status.state.lower()
    if reason := IGNORED_STATES.get(state):
        return Normalised(outcome=Outcome.IGNORED, reason=reason)
    event = deployment_step(decode(body, decoder=_STATUS))
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(cicd=(event,)))


def deployment_step(delivery: DeploymentStatusDelivery) -> CicdEvent:
    """Return the step that a status reports, whichever way it is told; its state is none of the ignored ones."""
    state = delivery.deployment_status.state.lower()
    if state not in _STEPS:
        raise NotUnderstood("a state that no deployment is known to have in `deployment_status.state`")
    kind, status = _STEPS[state]
    step, deployment = delivery.deployment_status, delivery.deployment
    repository = repository_ref(delivery.repository, installation=delivery.installation)
    happened_at = required_moment(step.created_at, field="deployment_status.created_at")
    started_at = moment(deployment.created_at)
    return CicdEvent(
        event_type=kind,
        event_timestamp=happened_at,
        # GitHub numbers deployments, but names no pipeline; a repository's deployments are one.
        pipeline_id=f"github-deployments/{repository.github_id or repository.full_name}",
        pipeline_run_id=str(deployment.id),
        environment=_environment(step.environment, deployment.environment),
        status=status,
        source=Source.GITHUB,
        repository=repository,
        source_change_id=str(step.id),
        started_at=started_at,
        duration_seconds=None if kind is CicdEventType.DEPLOY_STARTED else _seconds(started_at, happened_at),
        branch=_branch(deployment),
        commit_sha=deployment.sha or None,
        trigger_type=_trigger(delivery.workflow_run.event if delivery.workflow_run else None),
    )


def _environment(*names: str | None) -> str:
    """The status may name another environment than the deployment was made for; then it counts."""
    for name in names:
        if name and name.strip():
            return name
    raise NotUnderstood("Object missing required field `deployment_status.environment`")


def _branch(deployment: Deployment) -> str | None:
    ref = deployment.ref or ""
    if not ref or ref == deployment.sha or ref.startswith("refs/tags/"):
        return None
    return ref.removeprefix("refs/heads/")


def _trigger(event: str | None) -> str | None:
    return _TRIGGERS.get(event, event) if event else None


def _seconds(start: datetime | None, end: datetime) -> int | None:
    """Whole seconds from start to end; None without a start, or when the clock ran backwards."""
    return None if start is None or end < start else int((end - start).total_seconds())
