"""Survey aggregates of teams whose size nobody has told; what blocked and lately finished tickets are found by."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE pulse_aggregates"
        " ALTER COLUMN team_size DROP NOT NULL, ALTER COLUMN response_rate_pct DROP NOT NULL"
    )
    op.execute(
        "CREATE INDEX ix_work_item_events_flags ON work_item_events (event_timestamp)"
        " WHERE event_type IN ('blocked', 'unblocked', 'flagged', 'unflagged')"
    )
    op.execute("CREATE INDEX ix_work_item_stays_done ON work_item_stays (entered_at) WHERE stage = 'done'")
    op.execute("CREATE INDEX ix_work_items_blocked ON work_items (entered_at) WHERE blocked_since IS NOT NULL")
    op.execute(
        "CREATE INDEX ix_work_items_held_up ON work_items (issue_id)"
        " WHERE blocked_since IS NOT NULL AND stage NOT IN ('done', 'cancelled', 'deleted')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_work_items_held_up")
    op.execute("DROP INDEX ix_work_items_blocked")
    op.execute("DROP INDEX ix_work_item_stays_done")
    op.execute("DROP INDEX ix_work_item_events_flags")
    op.execute("DELETE FROM pulse_aggregates WHERE team_size IS NULL OR response_rate_pct IS NULL")
    op.execute(
        "ALTER TABLE pulse_aggregates ALTER COLUMN team_size SET NOT NULL, ALTER COLUMN response_rate_pct SET NOT NULL"
    )
