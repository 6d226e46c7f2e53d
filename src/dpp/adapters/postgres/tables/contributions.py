"""Who contributed to pull requests and tickets, and how often; triggers count them (decision 0031)."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from dpp.adapters.postgres.tables.columns import metadata, moment, words

contributions = Table(
    "contributions",
    metadata,
    Column("thing", Text, primary_key=True),
    Column("repo_id", Uuid),
    Column("pr_number", Integer),
    words("issue_id", nullable=True),
    Column("delivery_stream_id", Uuid),
    Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
    moment("held_from", nullable=False),
    moment("first_at", nullable=False),
    Column("moments", ARRAY(DateTime(timezone=True)), nullable=False),
    Column("people", ARRAY(Text), nullable=False),
    Column("reviews", ARRAY(Integer), nullable=False),
    Index("ix_contributions_moved", "held_from", postgresql_where=text("first_at < held_from")),
    comment="Authors, peer reviewers and assignees of each pull request and ticket, with the streams that it has now",
)

contribution_parties = Table(
    "contribution_parties",
    metadata,
    Column("party", Uuid, nullable=False),
    Column("delivery_stream_id", Uuid),
    Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
    words("person"),
    Index(None, "party"),
    comment="Who contribution_counts are about: a person, for things of the same streams",
)

contribution_counts = Table(
    "contribution_counts",
    metadata,
    words("part"),
    Column("begins", DateTime(timezone=True), nullable=False),
    Column("party", Uuid, nullable=False),
    Column("mentions", Integer, nullable=False),
    Column("reviews", Integer, nullable=False),
    Column("is_fresh", Boolean, nullable=False),
    CheckConstraint("part IN ('month', 'third', 'day', 'hour')", name="part"),
    Index(None, "part", "begins", postgresql_include=["party", "mentions", "reviews"]),
    Index("ix_contribution_counts_fresh", "begins", postgresql_where=text("is_fresh")),
    comment="How often a party contributed, and reviewed, by month, third of a month, day and hour; rows add up",
)
