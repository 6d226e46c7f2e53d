"""The tables of the foundation, and the rule that events are only added to."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take the percent signs in the functions for placeholders.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    for name in ("0001_tables.sql", "0001_append_only.sql"):
        connection.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("the first step cannot be taken back: drop the database instead")
