"""Which days of what processes keep in memory have changed."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver, as in the first step.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_name("0020_kept_changes.sql").read_text(encoding="utf-8"))


_WATCHED = {
    "work_item_places": "places",
    "work_item_attributions": "attributions",
    "defect_events": "defects",
    "work_item_cycles": "completions",
    "superseded_cycles": "completions",
    "pr_cycles": "ended",
    "pull_requests": "closings",
    "deployment_records": "deployments",
    "change_ledger": "changes",
    "incidents": "incidents",
    "incident_blames": "blames",
    "incident_restores": "restores",
    "quality_counts": "quality_counts",
    "quality_spans": "quality_spans",
}


def downgrade() -> None:
    for table in _WATCHED:
        for trigger in ("note_gained", "note_lost", "note_changed_from", "note_changed_to"):
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for kept in sorted(set(_WATCHED.values())):
        op.execute(f"DROP FUNCTION dpp_note_{kept}()")
    for index in (
        *("ix_work_item_attributions_number", "ix_incident_blames_number", "ix_defect_events_number"),
        *("ix_superseded_cycles_completed_at", "ix_work_item_events_flags_of"),
    ):
        op.execute(f"DROP INDEX {index}")
    for function in ("dpp_note(text, integer[])", "dpp_share(text)", "dpp_day(timestamp with time zone)"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TABLE kept_changes")
