"""Other reports of changes that are in an event table."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_EXCEPTION = """ OR EXISTS (
            SELECT FROM event_reports
            WHERE report_id = dpp_report_id(TG_TABLE_NAME, to_jsonb(OLD)) AND event_table = TG_TABLE_NAME
        )"""


def upgrade() -> None:
    _execute(_text())


def downgrade() -> None:
    # The function as it was is the one made here without its new exception.
    text = _text()
    _execute(text[text.index("CREATE OR REPLACE") :].replace(_EXCEPTION, ""))
    _execute("DROP TABLE event_reports; DROP FUNCTION dpp_report_id; DROP INDEX ix_cicd_events_named")


def _text() -> str:
    return Path(__file__).with_name("0010_reports.sql").read_text(encoding="utf-8")


def _execute(text: str) -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(text)
