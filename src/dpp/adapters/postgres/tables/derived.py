"""Derived tables (§4.4): functions of the events and the configuration, dropped and rebuilt at will."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from dpp.adapters.postgres.tables.columns import NEW_ID, metadata, moment, reference, words
from dpp.domain.positions import LABELS

#: Where an interval has no end yet.
FOREVER = text("'infinity'::timestamptz")

daily_stream_metrics = Table(
    "daily_stream_metrics",
    metadata,
    Column("metric_id", Uuid, primary_key=True, server_default=NEW_ID),
    Column("metric_date", Date, nullable=False),
    words("stream_type"),
    Column("stream_id", Uuid, nullable=False),
    words("metric_name"),
    Column("metric_value", Numeric, nullable=False),
    words("metric_unit"),
    Column("percentile", Integer),
    Column("sample_size", Integer, nullable=False),
    moment("computed_at", default_now=True),
    CheckConstraint("stream_type IN ('delivery', 'tech')", name="stream_type"),
    UniqueConstraint(
        "metric_date",
        "stream_type",
        "stream_id",
        "metric_name",
        "percentile",
        postgresql_nulls_not_distinct=True,
        name="uq_daily_stream_metrics_natural",
    ),
    Index(None, "stream_id", "metric_name", "metric_date"),
    comment="Figures by day and stream (§4.4.1)",
)

work_items = Table(
    "work_items",
    metadata,
    Column("issue_id", Text, primary_key=True),
    words("ticket_id"),
    words("project_key"),
    words("ticket_type", nullable=True),
    Column("story_points", Numeric),
    words("priority", nullable=True),
    Column("labels", ARRAY(Text)),
    words("parent_ticket_id", nullable=True),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
    reference("sprint_id", "sprints.sprint_id"),
    words("status", nullable=True),
    words("stage", nullable=True),
    Column("is_active_work", Boolean),
    moment("entered_at"),
    moment("created_at", nullable=False),
    moment("first_in_progress"),
    moment("completed_at"),
    moment("blocked_since"),
    Column("is_deleted", Boolean, nullable=False),
    Index(None, "ticket_id"),
    Index(None, "delivery_stream_id"),
    Index(None, "sprint_id", "delivery_stream_id", postgresql_include=["is_deleted"]),
    Index("ix_work_items_blocked", "entered_at", postgresql_where=text("blocked_since IS NOT NULL")),
    Index(
        "ix_work_items_held_up",
        "issue_id",
        postgresql_where=text("blocked_since IS NOT NULL AND stage NOT IN ('done', 'cancelled', 'deleted')"),
    ),
    comment="Every ticket as it stands",
)

work_item_stays = Table(
    "work_item_stays",
    metadata,
    words("issue_id"),
    words("status", nullable=True),
    words("stage"),
    Column("is_active_work", Boolean, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Column("left_at", DateTime(timezone=True), nullable=False, server_default=FOREVER),
    Index(None, "issue_id"),
    Index(None, "left_at", "entered_at"),
    Index(
        "ix_work_item_stays_unfinished",
        "left_at",
        "entered_at",
        postgresql_include=["issue_id", "stage", "is_active_work"],
        postgresql_where=text("stage NOT IN ('done', 'cancelled', 'deleted')"),
    ),
    Index("ix_work_item_stays_done", "entered_at", postgresql_where=text("stage = 'done'")),
    comment="Where every ticket was, and when; a stay without an end ends at infinity",
)

work_item_places = Table(
    "work_item_places",
    metadata,
    words("issue_id"),
    words("ticket_id"),
    Column("delivery_stream_id", Uuid),
    Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
    words("stage"),
    Column("is_active_work", Boolean, nullable=False),
    moment("first_in_progress"),
    moment("stayed_from", nullable=False),
    moment("entered_at", nullable=False),
    moment("left_at", nullable=False),
    Index(None, "issue_id"),
    Index(
        "ix_work_item_places_unfinished",
        "left_at",
        "entered_at",
        postgresql_include=["issue_id", "delivery_stream_id", "tech_stream_ids", "stage", "is_active_work"],
        postgresql_where=text("stage <> 'done'"),
    ),
    Index(
        "ix_work_item_places_of_stream",
        "delivery_stream_id",
        "left_at",
        "entered_at",
        postgresql_include=["issue_id", "tech_stream_ids", "stage", "is_active_work"],
        postgresql_where=text("stage <> 'done'"),
    ),
    Index(
        "ix_work_item_places_done",
        "stayed_from",
        postgresql_include=[
            *("issue_id", "delivery_stream_id", "tech_stream_ids"),
            *("is_active_work", "entered_at", "left_at"),
        ],
        postgresql_where=text("stage = 'done'"),
    ),
    comment="Where every ticket was while it had the same streams, and when",
)

work_item_attributions = Table(
    "work_item_attributions",
    metadata,
    words("issue_id"),
    words("ticket_id"),
    Column("delivery_stream_id", Uuid),
    Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False, server_default=FOREVER),
    Index(None, "issue_id"),
    Index(None, "delivery_stream_id", "valid_from"),
    Index("ix_work_item_attributions_number", text("hashtextextended(issue_id, 0)")),
    Index("ix_work_item_attributions_ended", "valid_to", postgresql_where=text("valid_to < 'infinity'")),
    comment="Which key and streams every ticket had, and when",
)


_LABEL_DAYS = " || ".join(f"float8send(coalesce((stage_durations ->> '{label}')::float8, 'NaN'))" for label in LABELS)


def _cycle_columns() -> list[Column[Any]]:
    return [
        words("issue_id"),
        words("ticket_id"),
        Column("delivery_stream_id", Uuid),
        Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
        words("ticket_type", nullable=True),
        Column("story_points", Numeric),
        moment("created_at", nullable=False),
        moment("first_in_progress"),
        moment("completed_at", nullable=False),
        Column("lead_time_days", Double, nullable=False),
        Column("cycle_time_days", Double),
        Column("active_time_days", Double),
        Column("wait_time_days", Double),
        Column("blocked_time_days", Double),
        Column("flow_efficiency_pct", Double),
        Column("stage_durations", JSONB, nullable=False),
        Column("sprint_id", Uuid),
        Column("label_days", LargeBinary, Computed(_LABEL_DAYS, persisted=True)),
    ]


work_item_cycles = Table(
    "work_item_cycles",
    metadata,
    Column("cycle_id", Uuid, primary_key=True, server_default=NEW_ID),
    *_cycle_columns(),
    UniqueConstraint("ticket_id"),
    Index(None, "issue_id"),
    Index(None, "delivery_stream_id", "completed_at"),
    Index(
        None,
        "completed_at",
        postgresql_include=[
            *("issue_id", "delivery_stream_id", "tech_stream_ids"),
            *("cycle_time_days", "flow_efficiency_pct"),
        ],
    ),
    comment="Completed tickets with their times in working days (§4.4.2)",
)

superseded_cycles = Table(
    "superseded_cycles",
    metadata,
    Column("cycle_id", Uuid, primary_key=True, server_default=NEW_ID),
    *_cycle_columns(),
    moment("reopened_at", nullable=False),
    Index(None, "issue_id"),
    Index(None, "reopened_at"),
    Index(None, "completed_at"),
    comment="Completions that a later reopening took back, for figures as of a time before it",
)

pull_requests = Table(
    "pull_requests",
    metadata,
    Column("repo_id", Uuid, primary_key=True),
    Column("pr_number", Integer, primary_key=True),
    Column("tech_stream_id", Uuid),
    Column("delivery_stream_id", Uuid),
    words("linked_ticket_id", nullable=True),
    words("linked_issue_id", nullable=True),
    words("link_method", nullable=True),
    words("author_hash"),
    Column("author_is_bot", Boolean, nullable=False),
    words("state"),
    Column("is_draft", Boolean, nullable=False),
    words("branch_name"),
    words("base_branch", nullable=True),
    moment("opened_at"),
    moment("closed_at"),
    Index(None, "linked_issue_id"),
    Index(None, "linked_ticket_id"),
    Index(None, "tech_stream_id"),
    Index(None, "repo_id", "branch_name", "pr_number"),
    Index(None, "repo_id", "base_branch", "closed_at"),
    comment="Every pull request as it stands",
)

pr_cycles = Table(
    "pr_cycles",
    metadata,
    Column("cycle_id", Uuid, primary_key=True, server_default=NEW_ID),
    reference("repo_id", "repositories.repo_id", nullable=False),
    reference("tech_stream_id", "tech_streams.stream_id"),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    Column("pr_number", Integer, nullable=False),
    words("linked_ticket_id", nullable=True),
    words("author_hash"),
    moment("opened_at"),
    moment("first_review_at"),
    moment("approved_at"),
    moment("merged_at"),
    moment("closed_at", nullable=False),
    Column("time_to_first_review_hrs", Double),
    Column("time_to_merge_hrs", Double),
    Column("review_rounds", Integer, nullable=False),
    Column("reviewer_hashes", ARRAY(Text), nullable=False),
    Column("reviewer_count", Integer, nullable=False),
    Column("lines_changed", Integer),
    Column("files_changed", Integer),
    UniqueConstraint("repo_id", "pr_number"),
    Index(None, "tech_stream_id", "merged_at"),
    Index(None, "delivery_stream_id", "merged_at"),
    Index(
        None,
        "closed_at",
        postgresql_include=[
            *("repo_id", "pr_number", "tech_stream_id", "delivery_stream_id"),
            *("opened_at", "first_review_at"),
        ],
    ),
    comment="Merged and closed pull requests (§4.4.3)",
)

cross_stream_correlations = Table(
    "cross_stream_correlations",
    metadata,
    Column("correlation_id", Uuid, primary_key=True, server_default=NEW_ID),
    Column("analysis_date", Date, nullable=False),
    reference("tech_stream_id", "tech_streams.stream_id", nullable=False),
    Column("impacted_delivery_streams", ARRAY(Uuid), nullable=False),
    Column("blocked_delivery_streams", ARRAY(Uuid)),
    Column("block_count_14d", Integer, nullable=False),
    Column("avg_confidence_pct", Double),
    Column("avg_cycle_time_p85", Double),
    words("severity", nullable=True),
    moment("computed_at", default_now=True),
    CheckConstraint("severity IN ('none', 'low', 'medium', 'high', 'critical')", name="severity"),
    UniqueConstraint("analysis_date", "tech_stream_id"),
    comment="Shared technology dependencies and their impact (§4.4.5)",
)

forecast_snapshots = Table(
    "forecast_snapshots",
    metadata,
    Column("forecast_id", Uuid, primary_key=True, server_default=NEW_ID),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    Column("forecast_date", Date, nullable=False),
    Column("scope_item_count", Integer, nullable=False),
    Column("throughput_samples", Integer, nullable=False),
    Column("simulation_runs", Integer, nullable=False),
    *(Column(f"p{share}_completion_date", Date, nullable=False) for share in (50, 70, 85, 95)),
    Column("distribution_data", JSONB, nullable=False),
    moment("computed_at", default_now=True),
    words("method"),
    Column("seed", BigInteger, nullable=False),
    Column("sample", ARRAY(Integer), nullable=False),
    Column("cut_runs", Integer, nullable=False),
    CheckConstraint("method = 'monte_carlo'", name="method"),
    UniqueConstraint(
        "delivery_stream_id",
        "forecast_date",
        postgresql_nulls_not_distinct=True,
        name="uq_forecast_snapshots_natural",
    ),
    comment="Forecasts as they were made (§4.4.6); without a stream, of all delivery streams together",
)

pulse_aggregates = Table(
    "pulse_aggregates",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True, server_default=NEW_ID),
    reference("delivery_stream_id", "delivery_streams.stream_id", nullable=False),
    words("survey_period"),
    Column("response_count", Integer, nullable=False),
    Column("team_size", Integer),
    Column("response_rate_pct", Double),
    Column("pace_avg", Double, nullable=False),
    Column("pace_trend", Double),
    Column("tooling_avg", Double, nullable=False),
    Column("tooling_trend", Double),
    Column("clarity_avg", Double, nullable=False),
    Column("clarity_trend", Double),
    Column("overall_avg", Double, nullable=False),
    moment("computed_at", default_now=True),
    Column("is_final", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("delivery_stream_id", "survey_period"),
    comment="Survey results, never of a single person (§4.4.7)",
)
