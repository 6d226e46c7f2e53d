"""What is taken away in the owner's name for an account that may not do it by itself (decision 0040)."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_name("0016_service_account.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("DROP FUNCTION dpp_give_up(text, uuid[])")
    op.execute("DROP FUNCTION dpp_expire_answers(timestamptz)")
