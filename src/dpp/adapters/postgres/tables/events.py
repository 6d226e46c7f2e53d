"""Event tables (§4.3): append-only, each with the natural key that tells a duplicate.

Where the source names the change itself, that name is part of the natural key (two changes may share an instant) and a
second key of its own (one change may be reported with two times). Indexes of §4.3 that are the beginning of a natural
key are not made twice.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from dpp.adapters.postgres.tables.columns import NEW_ID, metadata, moment, reference, words
from dpp.domain.events import (
    PULL_REQUEST_FACTS,
    WORK_ITEM_FACTS,
    CicdEventType,
    DefectEventType,
    IncidentEventType,
    PullRequestEventType,
    Severity,
    WorkItemEventType,
)


def _common() -> list[Column[Any]]:
    """§4.3.1."""
    return [
        Column("event_id", Uuid, primary_key=True, server_default=NEW_ID),
        words("source"),
        reference("delivery_stream_id", "delivery_streams.stream_id"),
        reference("tech_stream_id", "tech_streams.stream_id"),
        moment("received_at", default_now=True),
        moment("event_timestamp", nullable=False),
    ]


def _one_of(values: object, *, column: str = "event_type") -> CheckConstraint:
    names = ", ".join(f"'{value}'" for value in sorted(values))  # type: ignore[call-overload]
    return CheckConstraint(f"{column} IN ({names})", name=column)


def _change_key(table: str, *entity: str) -> Index:
    return Index(
        f"uq_{table}_change",
        *entity,
        "event_type",
        "source_change_id",
        unique=True,
        postgresql_where=text("source_change_id IS NOT NULL"),
    )


def _ticket_columns() -> list[Column[Any]]:
    return [
        words("event_type"),
        words("ticket_id"),
        words("issue_id"),
        words("project_key"),
        words("source_change_id", nullable=True),
        words("ticket_type", nullable=True),
        words("from_status", nullable=True),
        words("to_status", nullable=True),
        words("from_stage", nullable=True),
        words("to_stage", nullable=True),
        Column("to_active", Boolean),
        words("from_ticket_id", nullable=True),
        words("assignee_hash", nullable=True),
        Column("story_points", Numeric),
        words("priority", nullable=True),
        reference("sprint_id", "sprints.sprint_id"),
        Column("labels", ARRAY(Text)),
        Column("components", ARRAY(Text)),
        words("resolution", nullable=True),
        words("set_resolution", nullable=True),
        words("parent_ticket_id", nullable=True),
        words("delivery_stream_name", nullable=True),
        Column("tech_stream_names", ARRAY(Text)),
        words("jira_sprint_id", nullable=True),
        words("blocked_reason", nullable=True),
        words("blocking_tech_stream_name", nullable=True),
        reference("blocking_tech_stream_id", "tech_streams.stream_id"),
        moment("ticket_created_at"),
        Column("has_fields", Boolean, nullable=False),
    ]


def _ticket_table(name: str, types: object, comment: str) -> Table:
    return Table(
        name,
        metadata,
        *_common(),
        *_ticket_columns(),
        _one_of(types),
        UniqueConstraint(
            "ticket_id",
            "event_type",
            "event_timestamp",
            "source_change_id",
            postgresql_nulls_not_distinct=True,
            name=f"uq_{name}_natural",
        ),
        _change_key(name, "issue_id"),
        Index(None, "issue_id"),
        # The tickets that a sprint ever held.
        Index(None, "sprint_id", "issue_id", postgresql_where=text("sprint_id IS NOT NULL")),
        comment=comment,
    )


work_item_events = _ticket_table(
    "work_item_events", set(WorkItemEventType) - WORK_ITEM_FACTS, "What happened to tickets (§4.3.2)"
)
Index(None, work_item_events.c.delivery_stream_id, work_item_events.c.event_timestamp)
Index(None, work_item_events.c.to_stage, work_item_events.c.event_timestamp)
Index(
    "ix_work_item_events_flags",
    work_item_events.c.event_timestamp,
    postgresql_where=text("event_type IN ('blocked', 'unblocked', 'flagged', 'unflagged')"),
)
Index(
    "ix_work_item_events_flags_of",
    work_item_events.c.issue_id,
    postgresql_include=["event_timestamp", "source_change_id", "event_type", "blocking_tech_stream_id"],
    postgresql_where=text("event_type IN ('blocked', 'unblocked', 'flagged', 'unflagged')"),
)

work_item_facts = _ticket_table(
    "work_item_facts", WORK_ITEM_FACTS, "What else is known of tickets: changed fields, changed keys, deletions"
)

ticket_keys = Table(
    "ticket_keys",
    metadata,
    Column("ticket_id", Text, primary_key=True),
    Column("issue_id", Text, primary_key=True),
    Index(None, "issue_id"),
    comment="Every key that a ticket ever had, with the identity that survives",
)


def _pull_request_table(name: str, types: object, comment: str) -> Table:
    return Table(
        name,
        metadata,
        *_common(),
        words("event_type"),
        Column("pr_number", Integer, nullable=False),
        reference("repo_id", "repositories.repo_id"),
        words("github_org"),
        words("github_repo"),
        words("source_change_id", nullable=True),
        words("author_hash"),
        Column("author_is_bot", Boolean, nullable=False),
        words("branch_name"),
        words("linked_ticket_id", nullable=True),
        words("link_method", nullable=True),
        words("base_branch", nullable=True),
        moment("opened_at"),
        Column("is_draft", Boolean, nullable=False),
        Column("title_keys", ARRAY(Text), nullable=False),
        Column("body_keys", ARRAY(Text), nullable=False),
        Column("lines_added", Integer),
        Column("lines_removed", Integer),
        Column("files_changed", Integer),
        words("head_sha", nullable=True),
        words("merge_sha", nullable=True),
        words("reviewer_hash", nullable=True),
        Column("reviewer_is_bot", Boolean, nullable=False),
        words("review_state", nullable=True),
        Column("comments_count", Integer),
        _one_of(types),
        UniqueConstraint(
            "repo_id",
            "pr_number",
            "event_type",
            "event_timestamp",
            "source_change_id",
            postgresql_nulls_not_distinct=True,
            name=f"uq_{name}_natural",
        ),
        _change_key(name, "repo_id", "pr_number"),
        comment=comment,
    )


pr_events = _pull_request_table(
    "pr_events", set(PullRequestEventType) - PULL_REQUEST_FACTS, "What happened to pull requests (§4.3.3)"
)
Index(None, pr_events.c.linked_ticket_id, postgresql_where=pr_events.c.linked_ticket_id.is_not(None))
Index(None, pr_events.c.tech_stream_id, pr_events.c.event_timestamp)
Index("ix_pr_events_closed", pr_events.c.event_timestamp, postgresql_where=text("event_type = 'closed'"))
Index(None, pr_events.c.head_sha)
Index(None, pr_events.c.merge_sha, postgresql_where=pr_events.c.merge_sha.is_not(None))

pull_request_facts = _pull_request_table(
    "pull_request_facts", PULL_REQUEST_FACTS, "What else decides whether a pull request is open"
)

cicd_events = Table(
    "cicd_events",
    metadata,
    *_common(),
    words("event_type"),
    words("pipeline_id"),
    words("pipeline_run_id"),
    reference("repo_id", "repositories.repo_id"),
    words("environment"),
    words("source_environment"),
    words("status"),
    Column("duration_seconds", Integer),
    moment("started_at"),
    words("branch", nullable=True),
    words("commit_sha", nullable=True),
    Column("linked_pr_number", Integer),
    words("linked_ticket_id", nullable=True),
    words("trigger_type", nullable=True),
    words("artefact_version", nullable=True),
    words("failure_reason", nullable=True),
    words("source_change_id", nullable=True),
    words("rollback_of", nullable=True),
    Column("is_config_only", Boolean, nullable=False),
    _one_of(CicdEventType),
    UniqueConstraint("pipeline_id", "pipeline_run_id", "event_type", name="uq_cicd_events_natural"),
    Index(None, "environment", "status", "event_timestamp"),
    Index(None, "commit_sha"),
    Index(None, "linked_ticket_id"),
    Index(
        "ix_cicd_events_rollbacks",
        "repo_id",
        "event_timestamp",
        postgresql_where=text("event_type = 'rollback_completed' AND rollback_of IS NULL"),
    ),
    Index(
        "ix_cicd_events_named",
        "repo_id",
        "linked_pr_number",
        postgresql_where=text("linked_pr_number IS NOT NULL"),
    ),
    Index("ix_cicd_events_rollback_of", "rollback_of", postgresql_where=text("rollback_of IS NOT NULL")),
    comment="Builds and deployments (§4.3.4)",
)

incident_events = Table(
    "incident_events",
    metadata,
    *_common(),
    words("event_type"),
    words("incident_id"),
    words("service_name"),
    words("severity", nullable=True),
    words("description", nullable=True),
    words("related_deploy_id", nullable=True),
    moment("resolved_at"),
    Column("time_to_restore_min", Integer),
    _one_of(IncidentEventType),
    _one_of(Severity, column="severity"),
    UniqueConstraint("incident_id", "event_type", "event_timestamp", name="uq_incident_events_natural"),
    Index(None, "tech_stream_id", "event_timestamp"),
    Index(None, "related_deploy_id"),
    comment="Incidents and their resolution (§4.3.5)",
)

defect_events = Table(
    "defect_events",
    metadata,
    *_common(),
    words("event_type"),
    words("ticket_id"),
    words("issue_id"),
    words("project_key"),
    words("source_change_id", nullable=True),
    words("severity", nullable=True),
    words("found_in_stage"),
    words("introduced_in_stage", nullable=True),
    words("linked_work_item_id", nullable=True),
    words("root_cause_category", nullable=True),
    _one_of(DefectEventType),
    _one_of(Severity, column="severity"),
    UniqueConstraint(
        "ticket_id",
        "event_type",
        "event_timestamp",
        "source_change_id",
        postgresql_nulls_not_distinct=True,
        name="uq_defect_events_natural",
    ),
    _change_key("defect_events", "issue_id"),
    Index(None, "delivery_stream_id", "found_in_stage"),
    Index(None, "tech_stream_id", "event_timestamp"),
    Index(None, "issue_id"),
    Index("ix_defect_events_number", text("hashtextextended(issue_id, 0)")),
    Index(None, "ticket_id", "event_timestamp"),
    comment="Bugs and the stages that they come from (§4.3.6)",
)

push_events = Table(
    "push_events",
    metadata,
    *_common(),
    reference("repo_id", "repositories.repo_id"),
    words("branch_name"),
    words("first_commit_sha"),
    words("last_commit_sha"),
    Column("commit_count", Integer, nullable=False),
    words("author_hash", nullable=True),
    Column("author_is_bot", Boolean, nullable=False),
    UniqueConstraint(
        "repo_id",
        "branch_name",
        "last_commit_sha",
        postgresql_nulls_not_distinct=True,
        name="uq_push_events_natural",
    ),
    Index(None, "repo_id", "branch_name", "event_timestamp"),
    comment="Commits pushed to branches, for commit-based lead time (§6.4.4)",
)

event_reports = Table(
    "event_reports",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    words("event_table"),
    words("thing"),
    Column("event_id", Uuid, nullable=False),
    moment("event_timestamp", nullable=False),
    moment("received_at", nullable=False),
    Column("report", JSONB, nullable=False),
    Index(None, "event_table", "thing"),
    comment="Other reports of changes that are in an event table: kept, and not counted",
)

sprint_snapshots = Table(
    "sprint_snapshots",
    metadata,
    *_common(),
    reference("sprint_id", "sprints.sprint_id", nullable=False),
    Column("snapshot_date", Date, nullable=False),
    Column("committed_count", Integer, nullable=False),
    Column("completed_count", Integer, nullable=False),
    Column("remaining_count", Integer, nullable=False),
    Column("added_after_start", Integer, nullable=False, server_default=text("0")),
    Column("removed_after_start", Integer, nullable=False, server_default=text("0")),
    Column("wip_ba", Integer, nullable=False, server_default=text("0")),
    Column("wip_dev", Integer, nullable=False, server_default=text("0")),
    Column("wip_qa", Integer, nullable=False, server_default=text("0")),
    Column("wip_uat", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("sprint_id", "snapshot_date"),
    comment="The state of a sprint, day by day (§4.3.7)",
)

pulse_responses = Table(
    "pulse_responses",
    metadata,
    *_common(),
    words("survey_period"),
    words("respondent_hash"),
    *(Column(f"{name}_score", SmallInteger, nullable=False) for name in ("pace", "tooling", "clarity")),
    words("free_text", nullable=True),
    *(
        CheckConstraint(f"{name}_score BETWEEN 1 AND 5", name=f"{name}_score")
        for name in ("pace", "tooling", "clarity")
    ),
    UniqueConstraint(
        "survey_period",
        "respondent_hash",
        "delivery_stream_id",
        postgresql_nulls_not_distinct=True,
        name="uq_pulse_responses_natural",
    ),
    comment="Anonymous answers to the monthly survey (§4.3.8)",
)
