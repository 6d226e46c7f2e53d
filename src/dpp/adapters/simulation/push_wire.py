"""What other systems push to the platform: deployments, rollbacks, incidents, survey answers (§5.4.2, §5.5.1)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from dpp.adapters.simulation.releases import Deployment, Incident, Rollback
from dpp.adapters.simulation.surveys import Answer

DEPLOYMENT_PATH = "/api/v1/events/deployment"
INCIDENT_PATH = "/api/v1/events/incident"
SURVEY_PATH = "/api/v1/events/pulse"


def push_headers(idempotency_key: str | None) -> dict[str, str]:
    """The headers of a push, without its API key."""
    headers = {"Content-Type": "application/json", "User-Agent": "acme-pipeline/3.2"}
    if idempotency_key is not None:
        headers["X-Idempotency-Key"] = idempotency_key
    return headers


def deployment_push(deployment: Deployment) -> bytes:
    """One push when a deployment is over, with both of its times."""
    body: dict[str, str | int | bool] = {
        "pipeline_id": f"deploy-{deployment.repository.name}",
        "environment": deployment.environment,
        "status": deployment.outcome,
        "repo_full_name": deployment.repository.full_name,
        "commit_sha": deployment.commit,
        "started_at": iso(deployment.started_at),
        "completed_at": iso(deployment.completed_at),
        "trigger_type": "manual" if deployment.config_only else "merge",
    }
    if deployment.names_request and deployment.request is not None:
        body["pr_number"] = deployment.request.number
    if deployment.config_only:
        # The scripts that change configuration know no run; the idempotency key or the payload itself stands for one.
        body["is_config_only"] = True
    else:
        body["pipeline_run_id"] = deployment.run_id
    if deployment.outcome == "success":
        body["artefact_version"] = f"1.{deployment.run_id[-3:]}.0"
    elif deployment.outcome == "failure":
        body["failure_reason"] = "Health check did not pass in time"
    return msgspec.json.encode(body)


def rollback_push(rollback: Rollback, stage: str) -> bytes:
    """``stage`` is ``rollback_initiated`` or ``rollback_completed``."""
    body = {
        "pipeline_id": f"deploy-{rollback.repository.name}",
        "pipeline_run_id": rollback.run_id,
        "event_type": stage,
        "environment": rollback.undone.environment,
        "status": "success",
        "repo_full_name": rollback.repository.full_name,
        "commit_sha": rollback.commit,
        "started_at": iso(rollback.initiated_at),
        "trigger_type": "manual",
    }
    if stage == "rollback_completed":
        body["completed_at"] = iso(rollback.completed_at)
    if rollback.named:
        body["rollback_of"] = rollback.undone.run_id
    return msgspec.json.encode(body)


def incident_push(incident: Incident, event_type: str, at: datetime) -> bytes:
    """One event of an incident."""
    return msgspec.json.encode(
        {
            "incident_id": incident.incident_id,
            "event_type": event_type,
            "service_name": incident.service,
            "severity": incident.severity,
            "description": incident.description,
            "occurred_at": iso(at),
        }
    )


def survey_push(answer: Answer) -> bytes:
    """One person's answer; the form tool knows people by ids of its own."""
    body: dict[str, str | int] = {
        "survey_period": answer.month,
        "delivery_stream": answer.stream,
        "respondent": answer.respondent,
        "pace_score": answer.pace,
        "tooling_score": answer.tooling,
        "clarity_score": answer.clarity,
        "submitted_at": iso(answer.given_at),
    }
    if answer.text is not None:
        body["free_text"] = answer.text
    return msgspec.json.encode(body)


def iso(at: datetime) -> str:
    """ISO 8601 with an offset, to the second."""
    return at.isoformat(timespec="seconds")
