"""Small pushes, for the tests of their readers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from dpp.adapters.push.readers import DeploymentReader, IncidentReader, SurveyReader
from dpp.application.reading import Reading
from dpp.domain.configuration import Configuration, DeliveryStream
from dpp.domain.events import CicdEvent, IncidentEvent, Outcome
from dpp.domain.privacy import Pseudonymiser
from dpp.domain.survey import PulseFact

Json = dict[str, Any]

PSEUDONYMISER = Pseudonymiser(b"a key of at least sixteen bytes")
READING = Reading(configuration=Configuration(), pseudonymiser=PSEUDONYMISER)
PAYMENTS = UUID(int=1)
TEAMS = Configuration(
    delivery_streams=(DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments and co"),)
)


def at(text: str) -> datetime:
    """Return a time of 1 March 2026, UTC, from its hour and minute."""
    return datetime.fromisoformat(f"2026-03-01T{text}:00").replace(tzinfo=UTC)


def deployment(**changes: Any) -> Json:
    """Return a deployment that succeeded, from 10:00 to 10:05; a change to None leaves the field out."""
    whole = {
        "pipeline_id": "deploy",
        "pipeline_run_id": "42",
        "environment": "Production",
        "status": "success",
        "repo_full_name": "acme/payments",
        "commit_sha": "ABC",
        "pr_number": 7,
        "started_at": "2026-03-01T10:00:00Z",
        "completed_at": "2026-03-01T11:05:00+01:00",
        "trigger_type": "push",
        "artefact_version": "1.2.3",
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def incident(**changes: Any) -> Json:
    """Return an alarm of 10:30; a change to None leaves the field out."""
    whole = {
        "incident_id": "INC-1",
        "event_type": "alarm_triggered",
        "service_name": "payments-service",
        "severity": "high",
        "description": "latency, @alice is looking; mail ops@acme.example",
        "occurred_at": "2026-03-01T10:30:00Z",
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def deployed(payload: object, *, key: str | None = None) -> tuple[CicdEvent, ...]:
    """Read pushed deployments."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    reader = DeploymentReader()
    normalised = reader.normalise(reader.verified(body=body, idempotency_key=key), reading=READING)
    assert (Outcome.UNDERSTOOD, None) == (normalised.outcome, normalised.reason)
    return normalised.facts.cicd


def alarmed(payload: object) -> tuple[IncidentEvent, ...]:
    """Read pushed incidents."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    reader = IncidentReader()
    normalised = reader.normalise(reader.verified(body=body, idempotency_key="key"), reading=READING)
    assert (Outcome.UNDERSTOOD, None) == (normalised.outcome, normalised.reason)
    return normalised.facts.incidents


def survey_answer(**changes: Any) -> Json:
    """Return an answer for payments in March; a change to None leaves the field out."""
    whole = {
        "survey_period": "2026-03",
        "delivery_stream": "payments",
        "respondent": "r-17",
        "pace_score": 2,
        "tooling_score": 3,
        "clarity_score": 5,
        "free_text": "ask @alice",
        "submitted_at": "2026-03-01T10:30:00Z",
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def surveyed(payload: object) -> tuple[PulseFact, ...]:
    """Read pushed answers."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    reader = SurveyReader()
    reading = Reading(configuration=TEAMS, pseudonymiser=PSEUDONYMISER)
    normalised = reader.normalise(reader.verified(body=body, idempotency_key=None), reading=reading)
    assert (Outcome.UNDERSTOOD, None) == (normalised.outcome, normalised.reason)
    return normalised.facts.pulses
