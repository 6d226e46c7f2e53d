"""Raw answers to the survey are deleted after twelve months, and not before; what they came to stays (§8.3)."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REFUSE = """
CREATE FUNCTION dpp_refuse_early_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.event_timestamp > now() - TG_ARGV[0]::interval THEN
        RAISE EXCEPTION 'rows of % are kept for %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'DPP01';
    END IF;
    RETURN OLD;
END $$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE pulse_aggregates ADD COLUMN is_final BOOLEAN NOT NULL DEFAULT false")
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(_REFUSE)
    # Beside the trigger that lets retention alone delete: retention itself is held to the twelve months.
    connection.execute(
        "CREATE TRIGGER kept_long_enough BEFORE DELETE ON pulse_responses"
        " FOR EACH ROW EXECUTE FUNCTION dpp_refuse_early_deletion('12 months')"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER kept_long_enough ON pulse_responses")
    op.execute("DROP FUNCTION dpp_refuse_early_deletion()")
    op.execute("ALTER TABLE pulse_aggregates DROP COLUMN is_final")
