"""The tickets that a sprint ever held are found without reading every event."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = ("work_item_events", "work_item_facts")


def upgrade() -> None:
    for table in _TABLES:
        op.execute(
            f"CREATE INDEX ix_{table}_sprint_id_issue_id ON {table} (sprint_id, issue_id) WHERE sprint_id IS NOT NULL"
        )


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DROP INDEX ix_{table}_sprint_id_issue_id")
