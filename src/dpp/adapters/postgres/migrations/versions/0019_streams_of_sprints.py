"""The index of a sprint's tickets alone tells whose the sprint is."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_INDEX = "ix_work_items_sprint_id_delivery_stream_id"


def upgrade() -> None:
    _make("INCLUDE (is_deleted)")


def downgrade() -> None:
    _make("")


def _make(more: str) -> None:
    op.execute(f"DROP INDEX {_INDEX}")
    op.execute(f"CREATE INDEX {_INDEX} ON work_items (sprint_id, delivery_stream_id) {more}")
