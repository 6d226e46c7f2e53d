"""How far histories are read, and what closed sprints came to."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Numeric, Table, Text, Uuid

from dpp.adapters.postgres.tables.columns import metadata, moment, reference, words
from dpp.application.backfill import BackfillState

backfill_runs = Table(
    "backfill_runs",
    metadata,
    Column("source", Text, primary_key=True),
    Column("organisation", Text, primary_key=True),
    words("state"),
    moment("requested_at", nullable=False),
    moment("updated_at", nullable=False),
    words("cursor", nullable=True),
    Column("pages", BigInteger, nullable=False),
    Column("things", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("accepted", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    words("reason", nullable=True),
    moment("finished_at"),
    Column("owner", Uuid),
    moment("leased_until"),
    CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in BackfillState)})", name="state"),
    comment="How far the history of each organisation of a source is read, and who reads it",
)

source_states = Table(
    "source_states",
    metadata,
    Column("source", Text, primary_key=True),
    moment("answered_at"),
    moment("failed_at"),
    words("reason", nullable=True),
    comment="How sources answer when they are asked, and what to do where they do not",
)

source_limits = Table(
    "source_limits",
    metadata,
    Column("source", Text, primary_key=True),
    Column("organisation", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("remaining", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    moment("resets_at", nullable=False),
    moment("told_at", nullable=False),
    comment="How much each organisation of a source may be asked yet, as the source said last",
)

sprint_results = Table(
    "sprint_results",
    metadata,
    Column("sprint_id", Uuid, ForeignKey("sprints.sprint_id"), primary_key=True),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    moment("closed_at", nullable=False),
    Column("committed_count", Integer, nullable=False),
    Column("completed_count", Integer, nullable=False),
    Column("completed_of_committed", Integer, nullable=False),
    Column("velocity_points", Numeric, nullable=False),
    Column("added_after_start", Integer, nullable=False),
    Column("commitment_accuracy_pct", Numeric),
    moment("computed_at", default_now=True),
    comment="What closed sprints came to: velocity and commitment accuracy (§5.2.6)",
)
