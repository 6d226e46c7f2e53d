"""Rates of data quality that are counted as things change; unfinished stays that an index tells all about."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_name("0009_speed.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("DROP VIEW rated_tickets, rated_defects, rated_pull_requests, rated_deployments")
    op.execute("DROP TABLE quality_spans, quality_counts")
    op.execute("DROP FUNCTION count_quality(), forget_quality()")
    op.execute("DROP INDEX ix_defect_events_issue_id")
    op.execute("DROP INDEX ix_work_item_stays_unfinished")
    op.execute(
        "CREATE INDEX ix_work_item_stays_unfinished ON work_item_stays (left_at)"
        " WHERE stage NOT IN ('done', 'cancelled', 'deleted')"
    )
