"""What sources said last of the limits of their organisations."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE source_limits (
    source TEXT NOT NULL,
    organisation TEXT NOT NULL,
    name TEXT NOT NULL,
    remaining BIGINT NOT NULL,
    total BIGINT NOT NULL,
    resets_at TIMESTAMP WITH TIME ZONE NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_source_limits PRIMARY KEY (source, organisation, name)
);
COMMENT ON TABLE source_limits IS 'How much each organisation of a source may be asked yet, as the source said last'
"""


def upgrade() -> None:
    op.execute(_TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE source_limits")
