"""What may be pushed (§5.4.2); fields that the platform does not know are skipped while decoding."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


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
