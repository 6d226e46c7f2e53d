"""What the rates of data quality (§5.6) are about, and how many of these there are; triggers count them."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from dpp.adapters.postgres.tables.columns import metadata, words
from dpp.adapters.postgres.tables.derived import FOREVER

quality_spans = Table(
    "quality_spans",
    metadata,
    words("rate"),
    words("thing"),
    Column("delivery_stream_id", Uuid),
    Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False, server_default=FOREVER),
    Index(None, "thing"),
    Index(None, "valid_from"),
    Index("ix_quality_spans_ended", "valid_to", postgresql_where=text("valid_to < 'infinity'")),
    comment="What the rates of data quality are about (§5.6): how each thing counted from one moment to another",
)

quality_counts = Table(
    "quality_counts",
    metadata,
    words("rate"),
    words("part"),
    Column("begins", DateTime(timezone=True), nullable=False),
    Column("delivery_stream_id", Uuid),
    Column("tech_stream_ids", ARRAY(Uuid), nullable=False),
    Column("complete", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("is_fresh", Boolean, nullable=False),
    CheckConstraint("part IN ('year', 'month', 'third')", name="part"),
    Index(None, "part", "begins"),
    Index("ix_quality_counts_fresh", "begins", postgresql_where=text("is_fresh")),
    comment="How many quality_spans began, less those that ended, by year, month and third of a month; several rows "
    "add up",
)
