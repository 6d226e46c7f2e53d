"""Who contributed, counted as things change; indexes that tell all about what ended in a window."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_name("0011_contributions.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for table in ("work_item_cycles", "superseded_cycles"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN label_days")
    op.execute("DROP INDEX ix_pr_events_closed, ix_incidents_started_at")
    for table, column in (("pr_cycles", "closed_at"), ("work_item_cycles", "completed_at")):
        op.execute(f"DROP INDEX ix_{table}_{column}")
        op.execute(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")
    op.execute("DROP VIEW contributed_code, contributed_tickets, placed_tickets")
    op.execute("DROP TABLE work_item_places, contributions, contribution_parties, contribution_counts")
    op.execute("DROP FUNCTION count_contributions_gained(), count_contributions_lost(), count_contributions_changed()")
    op.execute("DROP FUNCTION forget_contributions()")
