"""What people say of sprints beside Jira, and sprints as they stand after that (decision 0042)."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_name("0017_sprint_corrections.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("DROP VIEW corrected_sprints")
    op.execute("DROP TABLE sprint_corrections")
