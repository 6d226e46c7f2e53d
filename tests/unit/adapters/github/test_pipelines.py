"""Builds and deployments, by the rules of §5.3.2 and §4.3.4."""

from __future__ import annotations

from typing import Any

import pytest

from dpp.domain.events import CicdEvent, CicdEventType, Outcome, RepositoryRef, Source
from tests.unit.adapters.github.deliveries import at, cicd, delivery, read

REPOSITORY = RepositoryRef(org="acme", name="payments", github_id=77, installation_id="1001", default_branch="main")


def run(action: str, **changes: Any) -> dict[str, Any]:
    """Return a run that lasted from 09:01 to 09:11."""
    given = {
        "id": 300,
        "workflow_id": 40,
        "run_attempt": 1,
        "status": "completed" if action == "completed" else action,
        "conclusion": "success" if action == "completed" else None,
        "event": "push",
        "head_branch": "main",
        "head_sha": "abc",
        "created_at": "2026-03-01T09:00:00Z",
        "run_started_at": "2026-03-01T09:01:00Z",
        "updated_at": "2026-03-01T09:11:00Z",
        "pull_requests": [],
        "head_commit": {"author": {"name": "Alice", "email": "alice@acme.example"}},
    } | changes
    return delivery(action=action, workflow_run=given)


def status(state: str, *, deployment: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a status of 10:05 of a deployment of 10:00."""
    step = {"id": 2, "state": state, "environment": "Production", "created_at": "2026-03-01T10:05:00Z"} | changes
    made = {
        "id": 1,
        "sha": "abc",
        "ref": "main",
        "environment": "prod",
        "created_at": "2026-03-01T10:00:00Z",
    } | (deployment or {})
    return delivery(action="created", deployment_status=step, deployment=made)


def test_completed_run() -> None:
    """The end of a run tells its attempt, its conclusion and how long it took."""
    expected = CicdEvent(
        event_type=CicdEventType.BUILD_COMPLETED,
        event_timestamp=at("09:11"),
        pipeline_id="github-workflow/40",
        pipeline_run_id="300.1",
        environment="build",
        status="success",
        source=Source.GITHUB,
        repository=REPOSITORY,
        source_change_id="300.1",
        started_at=at("09:01"),
        duration_seconds=600,
        branch="main",
        commit_sha="abc",
        trigger_type="push",
    )
    assert expected == cicd("workflow_run", run("completed"))


def test_started_run() -> None:
    """A run in progress has started at its own time and has no duration yet."""
    event = cicd("workflow_run", run("in_progress"))
    assert (CicdEventType.BUILD_STARTED, at("09:01")) == (event.event_type, event.event_timestamp)
    assert ("in_progress", None) == (event.status, event.duration_seconds)


def test_start_of_a_run_that_has_ended() -> None:
    """A start that is reported with the end already known is ignored on purpose."""
    assert Outcome.IGNORED is read("workflow_run", run("in_progress", status="completed")).outcome


def test_requested_run() -> None:
    """A run that waits has not started, even when it has a conclusion."""
    assert Outcome.IGNORED is read("workflow_run", run("requested", conclusion="action_required")).outcome


def test_second_attempt() -> None:
    """A run that runs again is another run of its pipeline, though it keeps its id and its time of creation."""
    assert "300.2" == cicd("workflow_run", run("completed", run_attempt=2)).pipeline_run_id
    again = cicd("workflow_run", run("in_progress", run_attempt=2, run_started_at=None))
    first = cicd("workflow_run", run("in_progress", run_attempt=1, run_started_at=None))
    assert (at("09:11"), at("09:00")) == (again.event_timestamp, first.event_timestamp)


@pytest.mark.parametrize(
    ("conclusion", "expected"),
    [
        ("failure", "failure"),
        ("timed_out", "timed_out"),
        ("CANCELLED", "cancelled"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_conclusions(conclusion: str | None, expected: str) -> None:
    """A conclusion is kept in lower case, and one that is missing or empty is said to be unknown."""
    assert expected == cicd("workflow_run", run("completed", conclusion=conclusion)).status


@pytest.mark.parametrize(("into", "expected"), [(77, 9), (78, None), (None, 9)])
def test_pull_request_of_a_run(into: int | None, expected: int | None) -> None:
    """A run belongs to a pull request into its own repository, not to one into another."""
    base = {"repo": {"id": into}} if into else None
    assert (
        expected == cicd("workflow_run", run("completed", pull_requests=[{"number": 9, "base": base}])).linked_pr_number
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [("workflow_dispatch", "manual"), ("schedule", "schedule"), ("merge_group", "merge"), (None, None)],
)
def test_triggers(event: str | None, expected: str | None) -> None:
    """What starts a run is told in the words of §4.3.4, or else in GitHub's."""
    assert expected == cicd("workflow_run", run("completed", event=event)).trigger_type


def test_clock_that_ran_backwards() -> None:
    """A run that ended before it started has no duration."""
    assert None is cicd("workflow_run", run("completed", run_started_at="2026-03-01T09:12:00Z")).duration_seconds


def test_run_without_time() -> None:
    """A completed run without a time gives no event."""
    normalised = read("workflow_run", run("completed", updated_at="0001-01-01T00:00:00Z"))
    assert (Outcome.UNKNOWN, "no readable time of its own in `workflow_run.updated_at`") == (
        normalised.outcome,
        normalised.reason,
    )


def test_successful_deployment() -> None:
    """A deployment that succeeded is told by its status's time and environment, and by its own number and commit."""
    expected = CicdEvent(
        event_type=CicdEventType.DEPLOY_COMPLETED,
        event_timestamp=at("10:05"),
        pipeline_id="github-deployments/77",
        pipeline_run_id="1",
        environment="Production",
        status="success",
        source=Source.GITHUB,
        repository=REPOSITORY,
        source_change_id="2",
        started_at=at("10:00"),
        duration_seconds=300,
        branch="main",
        commit_sha="abc",
    )
    assert expected == cicd("deployment_status", status("success"))


@pytest.mark.parametrize(
    ("state", "kind", "expected"),
    [
        ("failure", CicdEventType.DEPLOY_FAILED, "failure"),
        ("error", CicdEventType.DEPLOY_FAILED, "failure"),
        ("in_progress", CicdEventType.DEPLOY_STARTED, "in_progress"),
        ("SUCCESS", CicdEventType.DEPLOY_COMPLETED, "success"),
    ],
)
def test_states(state: str, kind: CicdEventType, expected: str) -> None:
    """Each state of a deployment is a step of it; an error is a failure."""
    event = cicd("deployment_status", status(state))
    assert (kind, expected) == (event.event_type, event.status)


@pytest.mark.parametrize("state", ["queued", "pending", "waiting", "inactive", "INACTIVE"])
def test_states_that_are_no_step(state: str) -> None:
    """Waiting is no step, and a deployment that a later one replaced stays what it was, whatever else is missing."""
    assert Outcome.IGNORED is read("deployment_status", {"deployment_status": {"state": state}}).outcome


def test_unheard_of_state() -> None:
    """A state that no deployment is known to have is kept for repair."""
    assert Outcome.UNKNOWN is read("deployment_status", status("exploded")).outcome


def test_environment_of_the_deployment() -> None:
    """Where the status names no environment, the deployment does; where neither does, nothing is guessed."""
    assert "prod" == cicd("deployment_status", status("success", environment=None)).environment
    neither = read("deployment_status", status("success", environment="", deployment={"environment": None}))
    assert Outcome.UNKNOWN is neither.outcome


@pytest.mark.parametrize(
    ("ref", "expected"),
    [("refs/heads/release", "release"), ("refs/tags/v1", None), ("abc", None), (None, None), ("release", "release")],
)
def test_deployed_branch(ref: str | None, expected: str | None) -> None:
    """A deployment's ref is a branch unless it is a tag or the commit itself."""
    assert expected == cicd("deployment_status", status("success", deployment={"ref": ref})).branch


def test_cause_of_a_deployment() -> None:
    """A deployment by a workflow was caused by what caused the workflow."""
    payload = status("success") | {"workflow_run": {"event": "workflow_dispatch"}}
    assert "manual" == cicd("deployment_status", payload).trigger_type


def test_statuses_of_one_deployment_share_their_run() -> None:
    """The steps of a deployment are events of one run; only one of each type is kept."""
    started, failed, errored = (cicd("deployment_status", status(s)) for s in ("in_progress", "failure", "error"))
    assert started.pipeline_run_id == failed.pipeline_run_id
    assert (False, True) == (started.identity == failed.identity, failed.identity == errored.identity)
