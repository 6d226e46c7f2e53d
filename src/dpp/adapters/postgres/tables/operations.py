"""What the platform keeps about its own work."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid

from dpp.adapters.postgres.tables.columns import metadata, moment, words

stale_keys = Table(
    "stale_keys",
    metadata,
    Column("entry_id", BigInteger, Identity(always=True), primary_key=True),
    Column("share", SmallInteger, nullable=False),
    words("kind"),
    words("key"),
    moment("marked_at", default_now=True),
    moment("since"),
    words("cause", nullable=True),
    Index(None, "share", "entry_id"),
    comment="Things whose derived rows do not follow from the facts yet",
)

archive_positions = Table(
    "archive_positions",
    metadata,
    Column("segment", Text, primary_key=True),
    Column("record", BigInteger, nullable=False),
    moment("updated_at", default_now=True),
    comment="How far each archive segment is written to the event tables",
)

intake_counts = Table(
    "intake_counts",
    metadata,
    moment("hour", primary_key=True, nullable=False),
    Column("channel", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("deliveries", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    moment("last_at", nullable=False),
    comment="Deliveries by hour, door, outcome, kind and reason",
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("delivery_uid", Uuid, primary_key=True),
    moment("received_at", nullable=False),
    words("channel"),
    words("kind", nullable=True),
    words("reason"),
    Column("sealed", LargeBinary),
    moment("expires_at", nullable=False),
    Index(None, "expires_at"),
    comment="Payloads that nobody could read, encrypted, until they are repaired or expire",
)

kept_changes = Table(
    "kept_changes",
    metadata,
    words("kept"),
    Column("place", Integer, nullable=False),
    Column("transaction", BigInteger, nullable=False),
    moment("noted_at", nullable=False),
    Index(None, "transaction"),
    Index(None, "noted_at"),
    comment="Places of rows that processes keep in memory, such as days, in which a transaction changed some; for ten "
    "minutes",
)
