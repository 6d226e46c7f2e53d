"""What may be pushed (§5.4.2, §5.5.1); fields that the platform does not know are skipped while decoding."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from dpp.domain.pulse import HIGHEST_SCORE, LOWEST_SCORE


class DeploymentPush(Struct, frozen=True, kw_only=True):
    """
    Body of ``POST /api/v1/events/deployment``.

    The last four fields go beyond §5.4.2: without them a push cannot name its run, a rollback, or a change that ships
    no code. ``rollback_of`` is the ``pipeline_run_id`` of the deployment that is undone.
    """

    pipeline_id: str | None = None
    environment: str | None = None
    status: str | None = None
    repo_full_name: str | None = None
    commit_sha: str | None = None
    pr_number: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    started_at: str | None = None
    completed_at: str | None = None
    trigger_type: str | None = None
    artefact_version: str | None = None
    failure_reason: str | None = None
    pipeline_run_id: str | None = None
    event_type: str | None = None
    rollback_of: str | None = None
    is_config_only: bool | None = None


class IncidentPush(Struct, frozen=True, kw_only=True):
    """Body of ``POST /api/v1/events/incident``."""

    incident_id: str | None = None
    event_type: str | None = None
    service_name: str | None = None
    severity: str | None = None
    description: str | None = None
    occurred_at: str | None = None


_Score = Annotated[int, Meta(ge=LOWEST_SCORE, le=HIGHEST_SCORE)]


class PulsePush(Struct, frozen=True, kw_only=True):
    """
    Body of ``POST /api/v1/events/pulse``: one person's answers.

    ``respondent`` is an id of the form tool's that stands for the person and is the same each month.
    """

    survey_period: str | None = None
    delivery_stream: str | None = None
    respondent: str | None = None
    pace_score: _Score | None = None
    tooling_score: _Score | None = None
    clarity_score: _Score | None = None
    free_text: str | None = None
    submitted_at: str | None = None

    def __repr__(self) -> str:
        """Tell nothing of what somebody answered."""
        return "PulsePush(<hidden>)"
