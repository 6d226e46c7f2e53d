"""What keeps figures by day up to date, and what changed in them later (§4.4.1, decision 0025)."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Identity, Index, Integer, Numeric, Table, Uuid

from dpp.adapters.postgres.tables.columns import metadata, moment, words

stale_days = Table(
    "stale_days",
    metadata,
    Column("entry_id", BigInteger, Identity(always=True), primary_key=True),
    words("stream_type"),
    Column("stream_id", Uuid, nullable=False),
    moment("since"),
    words("cause"),
    words("detail", nullable=True),
    moment("marked_at", default_now=True),
    CheckConstraint("stream_type IN ('delivery', 'tech')", name="stream_type"),
    Index(None, "stream_type", "stream_id"),
    comment="Streams with days whose figures may have changed: those that end after a time, or all",
)

restatements = Table(
    "restatements",
    metadata,
    Column("restatement_id", BigInteger, Identity(always=True), primary_key=True),
    Column("metric_date", Date, nullable=False),
    words("stream_type"),
    Column("stream_id", Uuid, nullable=False),
    words("metric_name"),
    Column("percentile", Integer),
    words("metric_unit"),
    Column("old_value", Numeric),
    Column("new_value", Numeric),
    Column("old_sample", Integer, nullable=False),
    Column("new_sample", Integer, nullable=False),
    words("cause"),
    words("cause_detail", nullable=True),
    moment("cause_since"),
    moment("restated_at", nullable=False),
    CheckConstraint("stream_type IN ('delivery', 'tech')", name="stream_type"),
    Index(None, "stream_id", "restatement_id"),
    comment="Changes to figures of days that were over, and their causes",
)
