"""Configuration tables (§4.2), and what the file of the configuration holds beyond them.

Names that may change hands (two streams may swap theirs in one change) are unique by constraints that are checked at
the end of a statement. Such a constraint is no target for foreign keys either, so that a stream may be renamed while
events that refer to it are being written.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from dpp.adapters.postgres.tables.columns import NEW_ID, metadata, moment, reference, words
from dpp.domain.stages import Stage

STAGES = ", ".join(f"'{stage}'" for stage in Stage)

delivery_streams = Table(
    "delivery_streams",
    metadata,
    Column("stream_id", Uuid, primary_key=True),
    words("name"),
    words("display_name"),
    words("description", nullable=True),
    Column("team_size", Integer),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("calendar", JSONB),
    Column("minimum_contributors", Integer),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    UniqueConstraint("name", deferrable=True),
    comment="Value streams (§4.2.1)",
)

tech_streams = Table(
    "tech_streams",
    metadata,
    Column("stream_id", Uuid, primary_key=True),
    words("name"),
    words("display_name"),
    words("github_org"),
    words("github_install_id"),
    words("description", nullable=True),
    Column("lead_time_method", Text, nullable=False, server_default=text("'pr'")),
    words("branch_pattern", nullable=True),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("minimum_contributors", Integer),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    CheckConstraint("lead_time_method IN ('pr', 'commit')", name="lead_time_method"),
    UniqueConstraint("name", deferrable=True),
    UniqueConstraint("github_org", deferrable=True),
    comment="Technology streams, one GitHub organisation each (§4.2.2)",
)

status_mappings = Table(
    "status_mappings",
    metadata,
    Column("mapping_id", Uuid, primary_key=True, server_default=NEW_ID),
    words("jira_project_key"),
    words("jira_status_name"),
    words("pipeline_stage"),
    Column("is_active_work", Boolean, nullable=False),
    Column("display_order", Integer, nullable=False),
    UniqueConstraint("jira_project_key", "jira_status_name"),
    CheckConstraint(f"pipeline_stage IN ({STAGES})", name="pipeline_stage"),
    comment="What a status of a Jira project means (§4.2.3)",
)

repositories = Table(
    "repositories",
    metadata,
    Column("repo_id", Uuid, primary_key=True),
    reference("tech_stream_id", "tech_streams.stream_id"),
    words("github_org"),
    words("github_repo_name"),
    words("full_name"),
    Column("github_repo_id", BigInteger),
    words("github_install_id", nullable=True),
    words("reported_default_branch", nullable=True),
    Column("default_branch", Text, nullable=False, server_default=text("'main'")),
    Column("is_deployable", Boolean, nullable=False, server_default=text("true")),
    words("deploy_target", nullable=True),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    moment("named_at", nullable=False),
    moment("reported_at"),
    reference("merged_into", "repositories.repo_id"),
    UniqueConstraint("github_org", "github_repo_name", deferrable=True),
    UniqueConstraint("github_repo_id", deferrable=True),
    comment="Repositories, registered on sight (§4.2.4); named_at is when a source last called it so, merged_into the "
    "repository that one found under two names turned out to be",
)

repository_names = Table(
    "repository_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("repo_id", Uuid, ForeignKey("repositories.repo_id"), primary_key=True),
    words("github_org"),
    words("github_repo_name"),
    moment("seen_at", nullable=False),
    comment="Every name that a repository was seen under, in lower case, and when last",
)

sprints = Table(
    "sprints",
    metadata,
    Column("sprint_id", Uuid, primary_key=True),
    Column("jira_sprint_id", Text, nullable=False, unique=True),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    words("name"),
    Column("start_date", Date),
    Column("end_date", Date),
    words("goal", nullable=True),
    words("state", nullable=True),
    moment("reported_at"),
    CheckConstraint("state IN ('future', 'active', 'closed')", name="state"),
    comment="Sprints (§4.2.5); without dates while not planned, and without reported_at when only tickets named it",
)

sprint_corrections = Table(
    "sprint_corrections",
    metadata,
    Column("correction_id", Uuid, primary_key=True),
    reference("sprint_id", "sprints.sprint_id", nullable=False),
    Column("start_date", Date),
    Column("end_date", Date),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    Column("is_left_out", Boolean, nullable=False, server_default=text("false")),
    moment("corrected_at", nullable=False),
    words("corrected_by"),
    words("reason", nullable=True),
    Index(None, "sprint_id", "corrected_at"),
    comment="What people say of sprints beside Jira; the latest word counts as a whole, and none is changed",
)

platform_settings = Table(
    "platform_settings",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("github", JSONB, nullable=False),
    Column("jira", JSONB, nullable=False),
    moment("updated_at", default_now=True),
    CheckConstraint("singleton", name="one_row"),
    comment="What holds for the platform as a whole, and the version of the configuration",
)

jira_projects = Table(
    "jira_projects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("delivery_stream_from", ARRAY(Text), nullable=False),
    words("delivery_stream", nullable=True),
    Column("fields", JSONB, nullable=False),
    Column("cancelled_resolutions", ARRAY(Text), nullable=False),
    comment="How tickets of a project are read (§5.2.4)",
)

environment_rules = Table(
    "environment_rules",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    words("pattern"),
    words("environment"),
    comment="Names of environments in the sources, and what they stand for",
)

group_roles = Table(
    "group_roles",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    words("role"),
    words("group", nullable=True),
    words("pattern", nullable=True),
    words("delivery_stream", nullable=True),
    words("tech_stream", nullable=True),
    comment="Sign-in groups and the roles that they bring (§3.3)",
)

repository_overrides = Table(
    "repository_overrides",
    metadata,
    Column("full_name", Text, primary_key=True),
    words("deploy_target", nullable=True),
    Column("is_deployable", Boolean),
    words("default_branch", nullable=True),
    comment="What a person says of a repository, known or not yet known",
)

configuration_versions = Table(
    "configuration_versions",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    moment("applied_at", nullable=False),
    words("applied_by"),
    Column("document", JSONB, nullable=False),
    comment="Every configuration there was, as it was applied",
)
