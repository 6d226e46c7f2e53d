"""What reaches users: deployments with what they carry and cause, and what people say of that."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_name("0005_deliveries.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("the former table of deployments held nothing: restore a backup instead")
