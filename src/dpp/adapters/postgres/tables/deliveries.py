"""Derived tables of what reaches users: deployments, what they carry, and the incidents that they are blamed for."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from dpp.adapters.postgres.tables.columns import metadata, moment, reference, words
from dpp.adapters.postgres.tables.derived import FOREVER
from dpp.adapters.postgres.unpacking import Kind, Packing
from dpp.domain.change_lead_times import Part

#: What the figures of §6.4 are taken from, of each deployment and of each change.
DEPLOYMENT_CELLS = Packing(
    "cells",
    record_id=(Kind.ID, "record_id"),
    repo_id=(Kind.ID, "repo_id"),
    started_at=(Kind.INSTANT, "started_at"),
    deployed_at=(Kind.INSTANT, "deployed_at"),
    has_succeeded=(Kind.FLAG, "status <> 'failed'"),
    is_config_only=(Kind.FLAG, "is_config_only"),
    rollback_at=(Kind.INSTANT, "rollback_at"),
    lead_time_hrs=(Kind.HOURS, "lead_time_hrs"),
)
CHANGE_CELLS = Packing("cells", **{f"{part.value}_hrs": (Kind.HOURS, f"{part.value}_hrs") for part in Part})

deployment_records = Table(
    "deployment_records",
    metadata,
    Column("record_id", Uuid, primary_key=True),
    words("pipeline_id"),
    words("pipeline_run_id"),
    reference("tech_stream_id", "tech_streams.stream_id"),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    reference("repo_id", "repositories.repo_id"),
    words("environment"),
    words("branch", nullable=True),
    moment("started_at", nullable=False),
    moment("deployed_at", nullable=False),
    words("status"),
    words("commit_sha", nullable=True),
    Column("linked_pr_number", Integer),
    words("linked_ticket_id", nullable=True),
    words("linked_issue_id", nullable=True),
    Column("lead_time_hrs", Double),
    words("lead_time_method", nullable=True),
    Column("is_config_only", Boolean, nullable=False),
    Column("caused_incident", Boolean, nullable=False, server_default=text("false")),
    words("incident_id", nullable=True),
    moment("rollback_at"),
    Column("cells", LargeBinary, Computed(DEPLOYMENT_CELLS.expression, persisted=True)),
    CheckConstraint("status IN ('success', 'failed', 'rolled_back')", name="status"),
    Index(None, "tech_stream_id", "environment", "deployed_at"),
    Index(
        None,
        "environment",
        "deployed_at",
        postgresql_include=["tech_stream_id", "delivery_stream_id", "linked_issue_id", "cells"],
    ),
    Index(None, "linked_ticket_id"),
    Index(None, "repo_id", "environment", "deployed_at"),
    Index(
        "ix_deployment_records_releases",
        "repo_id",
        "started_at",
        postgresql_where=text("environment = 'production' AND status <> 'failed' AND NOT is_config_only"),
    ),
    Index(None, "repo_id", "commit_sha"),
    Index(None, "repo_id", "linked_pr_number"),
    Index(None, "pipeline_run_id"),
    comment="Deployments with what they carried and caused (§4.4.4)",
)

change_ledger = Table(
    "change_ledger",
    metadata,
    Column("repo_id", Uuid),
    Column("pr_number", Integer),
    Column("tech_stream_id", Uuid),
    Column("delivery_stream_id", Uuid),
    words("linked_ticket_id", nullable=True),
    words("linked_issue_id", nullable=True),
    words("base_branch", nullable=True),
    Column("record_id", Uuid),
    moment("first_pushed_at"),
    moment("opened_at", nullable=False),
    moment("first_review_at"),
    moment("merged_at", nullable=False),
    moment("deployed_at"),
    Column("lead_time_hrs", Double),
    Column("coding_hrs", Double),
    Column("pickup_hrs", Double),
    Column("review_hrs", Double),
    Column("deploy_hrs", Double),
    Column("cells", LargeBinary, Computed(CHANGE_CELLS.expression, persisted=True)),
    PrimaryKeyConstraint("repo_id", "pr_number"),
    Index(None, "record_id"),
    Index(
        None,
        "deployed_at",
        postgresql_include=["tech_stream_id", "delivery_stream_id", "linked_issue_id", "cells"],
    ),
    Index("ix_change_ledger_undeployed", "merged_at", postgresql_where=text("deployed_at IS NULL")),
    comment="Merged pull requests with the production deployment that first carried each, if any has",
)

incidents = Table(
    "incidents",
    metadata,
    words("incident_id"),
    words("source_incident_id"),
    words("service_name"),
    Column("tech_stream_id", Uuid),
    words("severity", nullable=True),
    moment("started_at"),
    moment("resolved_at"),
    Column("time_to_restore_min", Double),
    words("fault", nullable=True),
    PrimaryKeyConstraint("incident_id"),
    Index(None, "source_incident_id"),
    Index(None, "tech_stream_id", "started_at"),
    Index(None, "started_at"),
    Index(None, "resolved_at"),
    comment="Incidents as they stand; fault says what is wrong with their reports, and then they do not count",
)

incident_restores = Table(
    "incident_restores",
    metadata,
    words("incident_id"),
    words("source_incident_id"),
    Column("tech_stream_id", Uuid),
    moment("started_at", nullable=False),
    moment("resolved_at", nullable=False),
    Column("time_to_restore_min", Double, nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False, server_default=FOREVER),
    PrimaryKeyConstraint("incident_id", "valid_from"),
    Index(None, "source_incident_id"),
    Index(None, "resolved_at"),
    comment="Time to restore of each incident, as it was known from one moment to another",
)

incident_blames = Table(
    "incident_blames",
    metadata,
    words("incident_id"),
    words("source_incident_id"),
    Column("record_id", Uuid, nullable=False),
    words("standing"),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False, server_default=FOREVER),
    PrimaryKeyConstraint("incident_id", "record_id", "valid_from"),
    CheckConstraint("standing IN ('blamed', 'confirmed', 'candidate', 'rejected')", name="standing"),
    Index(None, "source_incident_id"),
    Index(None, "record_id"),
    comment="Deployments that may have caused an incident, and what was thought of each from one moment to another",
)

incident_verdicts = Table(
    "incident_verdicts",
    metadata,
    Column("verdict_id", Uuid, primary_key=True),
    words("incident_id"),
    words("source_incident_id"),
    Column("record_id", Uuid, nullable=False),
    words("verdict"),
    moment("decided_at", nullable=False),
    Column("decided_by", Text, nullable=False),
    words("reason", nullable=True),
    CheckConstraint("verdict IN ('confirmed', 'rejected')", name="verdict"),
    Index(None, "source_incident_id"),
    comment="What people have said of a deployment's blame; the latest word on a pair counts, and none is ever changed",
)

manual_links = Table(
    "manual_links",
    metadata,
    Column("link_id", Uuid, primary_key=True),
    reference("repo_id", "repositories.repo_id", nullable=False),
    Column("pr_number", Integer, nullable=False),
    words("ticket_id", nullable=True),
    moment("linked_at", nullable=False),
    words("linked_by"),
    words("reason", nullable=True),
    Index(None, "repo_id", "pr_number", "linked_at"),
    comment="Tickets that people gave to pull requests, or took from them; the latest word counts, and none is changed",
)
