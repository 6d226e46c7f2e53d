"""What is on record in the audit log stays as it is (§8.4)."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log "
        "FOR EACH ROW EXECUTE FUNCTION dpp_refuse_change()"
    )
    op.execute("CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit_log EXECUTE FUNCTION dpp_refuse_change()")


def downgrade() -> None:
    op.execute("DROP TRIGGER append_only ON audit_log")
    op.execute("DROP TRIGGER append_only_whole ON audit_log")
