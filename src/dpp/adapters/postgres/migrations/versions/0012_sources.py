"""How far histories are read, and what closed sprints came to."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _execute(Path(__file__).with_name("0012_sources.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    _execute("DROP TABLE sprint_results; DROP TABLE source_states; DROP TABLE backfill_runs")


def _execute(text: str) -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(text)
