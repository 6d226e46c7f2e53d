"""Forecasts that can be replayed and judged, and what their rows are found by."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No forecast was stored before this step.
    op.execute(
        """
        ALTER TABLE forecast_snapshots
            ALTER COLUMN delivery_stream_id DROP NOT NULL,
            ADD COLUMN method TEXT NOT NULL,
            ADD COLUMN seed BIGINT NOT NULL,
            ADD COLUMN sample INTEGER[] NOT NULL,
            ADD COLUMN cut_runs INTEGER NOT NULL,
            ADD CONSTRAINT ck_forecast_snapshots_method CHECK (method = 'monte_carlo')
        """
    )
    op.execute("DROP INDEX ix_forecast_snapshots_delivery_stream_id_forecast_date")
    op.execute(
        "ALTER TABLE forecast_snapshots ADD CONSTRAINT uq_forecast_snapshots_natural"
        " UNIQUE NULLS NOT DISTINCT (delivery_stream_id, forecast_date)"
    )
    op.execute(
        "COMMENT ON TABLE forecast_snapshots IS"
        " 'Forecasts as they were made (§4.4.6); without a stream, of all delivery streams together'"
    )
    op.execute("CREATE INDEX ix_work_items_sprint_id_delivery_stream_id ON work_items (sprint_id, delivery_stream_id)")
    op.execute(
        "CREATE INDEX ix_work_item_attributions_ended ON work_item_attributions (valid_to) WHERE valid_to < 'infinity'"
    )
    op.execute(
        "CREATE INDEX ix_work_item_attributions_delivery_stream_id_valid_from"
        " ON work_item_attributions (delivery_stream_id, valid_from)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_work_item_attributions_delivery_stream_id_valid_from")
    op.execute("DROP INDEX ix_work_item_attributions_ended")
    op.execute("DROP INDEX ix_work_items_sprint_id_delivery_stream_id")
    op.execute("DELETE FROM forecast_snapshots WHERE delivery_stream_id IS NULL")
    op.execute("ALTER TABLE forecast_snapshots DROP CONSTRAINT uq_forecast_snapshots_natural")
    op.execute(
        "CREATE INDEX ix_forecast_snapshots_delivery_stream_id_forecast_date"
        " ON forecast_snapshots (delivery_stream_id, forecast_date)"
    )
    op.execute(
        """
        ALTER TABLE forecast_snapshots
            ALTER COLUMN delivery_stream_id SET NOT NULL,
            DROP COLUMN method,
            DROP COLUMN seed,
            DROP COLUMN sample,
            DROP COLUMN cut_runs
        """
    )
