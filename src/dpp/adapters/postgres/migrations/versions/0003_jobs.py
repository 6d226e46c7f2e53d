"""The queue of jobs: the tables and functions of procrastinate, in a schema of their own."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "procrastinate"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take the percent signs in the functions for placeholders.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    # A schema that is there already is used: a role that may not create one has it made for it, and one that outlived
    # the platform's tables holds jobs that still count.
    (has_schema, has_tables, path) = connection.execute(
        "SELECT to_regnamespace(%s) IS NOT NULL, to_regclass(%s) IS NOT NULL, current_setting('search_path')",
        [SCHEMA, f"{SCHEMA}.procrastinate_jobs"],
    ).fetchone()
    if not has_schema:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
    if has_tables:
        return
    # The file names no schema; what it creates goes to the first of the path.
    connection.execute(f"SET LOCAL search_path TO {SCHEMA}")
    connection.execute(Path(__file__).with_name("0003_jobs.sql").read_text(encoding="utf-8"))
    connection.execute("SELECT set_config('search_path', %s, true)", [path])


def downgrade() -> None:
    op.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
