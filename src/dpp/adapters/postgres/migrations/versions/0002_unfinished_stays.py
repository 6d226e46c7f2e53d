"""An index of where unfinished tickets are, so that counting them does not cost the history."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_work_item_stays_unfinished ON work_item_stays (left_at)"
        " WHERE stage NOT IN ('done', 'cancelled', 'deleted')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_work_item_stays_unfinished")
