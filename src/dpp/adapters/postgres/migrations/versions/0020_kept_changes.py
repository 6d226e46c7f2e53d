"""Which days of what processes keep in memory have changed."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_name("0020_kept_changes.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for table in ("work_item_places",):
        for trigger in ("note_gained", "note_lost", "note_gone", "note_come"):
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in ("dpp_note_places()", "dpp_note_days(text, integer[])", "dpp_day(timestamp with time zone)"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TABLE kept_changes")
