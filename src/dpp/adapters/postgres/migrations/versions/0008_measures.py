"""Figures by day, and what changed in them later."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE stale_keys ADD COLUMN since TIMESTAMPTZ, ADD COLUMN cause TEXT")
    op.execute(
        """
        CREATE TABLE stale_days (
            entry_id BIGINT GENERATED ALWAYS AS IDENTITY,
            stream_type TEXT NOT NULL,
            stream_id UUID NOT NULL,
            since TIMESTAMPTZ,
            cause TEXT NOT NULL,
            detail TEXT,
            marked_at TIMESTAMPTZ DEFAULT now() NOT NULL,
            CONSTRAINT pk_stale_days PRIMARY KEY (entry_id),
            CONSTRAINT ck_stale_days_stream_type CHECK (stream_type IN ('delivery', 'tech'))
        )
        """
    )
    op.execute("CREATE INDEX ix_stale_days_stream_type_stream_id ON stale_days (stream_type, stream_id)")
    op.execute(
        "COMMENT ON TABLE stale_days IS"
        " 'Streams with days whose figures may have changed: those that end after a time, or all'"
    )
    op.execute(
        """
        CREATE TABLE restatements (
            restatement_id BIGINT GENERATED ALWAYS AS IDENTITY,
            metric_date DATE NOT NULL,
            stream_type TEXT NOT NULL,
            stream_id UUID NOT NULL,
            metric_name TEXT NOT NULL,
            percentile INTEGER,
            metric_unit TEXT NOT NULL,
            old_value NUMERIC,
            new_value NUMERIC,
            old_sample INTEGER NOT NULL,
            new_sample INTEGER NOT NULL,
            cause TEXT NOT NULL,
            cause_detail TEXT,
            cause_since TIMESTAMPTZ,
            restated_at TIMESTAMPTZ NOT NULL,
            CONSTRAINT pk_restatements PRIMARY KEY (restatement_id),
            CONSTRAINT ck_restatements_stream_type CHECK (stream_type IN ('delivery', 'tech'))
        )
        """
    )
    op.execute("CREATE INDEX ix_restatements_stream_id_restatement_id ON restatements (stream_id, restatement_id)")
    op.execute("COMMENT ON TABLE restatements IS 'Changes to figures of days that were over, and their causes'")


def downgrade() -> None:
    op.execute("DROP TABLE restatements")
    op.execute("DROP TABLE stale_days")
    op.execute("ALTER TABLE stale_keys DROP COLUMN since, DROP COLUMN cause")
