"""What the figures of §6.4 are taken from lies in one column, and in the index by time; so do tickets of a sprint."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NO_ID = "'00000000-0000-0000-0000-000000000000'"
_DEPLOYMENT = " || ".join(
    (
        *(f"uuid_send(coalesce({name}, {_NO_ID}))" for name in ("record_id", "repo_id")),
        *(f"timestamptz_send(coalesce({name}, 'infinity'))" for name in ("started_at", "deployed_at")),
        *("boolsend(status <> 'failed')", "boolsend(is_config_only)"),
        *("timestamptz_send(coalesce(rollback_at, 'infinity'))", "float8send(coalesce(lead_time_hrs, 'nan'))"),
    )
)
_CHANGE = " || ".join(
    f"float8send(coalesce({part}_hrs, 'nan'))" for part in ("lead_time", "coding", "pickup", "review", "deploy")
)
_INCLUDED = "INCLUDE (tech_stream_id, delivery_stream_id, linked_issue_id, cells)"
_BY_TIME = {
    "deployment_records": ("ix_deployment_records_environment_deployed_at", "environment, deployed_at"),
    "change_ledger": ("ix_change_ledger_deployed_at", "deployed_at"),
}
_OF_SPRINT = "ix_work_items_sprint_id_delivery_stream_id"


def upgrade() -> None:
    for table, cells in (("deployment_records", _DEPLOYMENT), ("change_ledger", _CHANGE)):
        op.execute(f"ALTER TABLE {table} ADD COLUMN cells BYTEA GENERATED ALWAYS AS ({cells}) STORED")
        _index(table, _INCLUDED)
    _index_of_sprints("WHERE NOT is_deleted")


def downgrade() -> None:
    _index_of_sprints("")
    for table in _BY_TIME:
        _index(table, "")
        op.execute(f"ALTER TABLE {table} DROP COLUMN cells")


def _index(table: str, more: str) -> None:
    name, columns = _BY_TIME[table]
    op.execute(f"DROP INDEX {name}")
    op.execute(f"CREATE INDEX {name} ON {table} ({columns}) {more}")


def _index_of_sprints(which: str) -> None:
    op.execute(f"DROP INDEX {_OF_SPRINT}")
    op.execute(f"CREATE INDEX {_OF_SPRINT} ON work_items (sprint_id, delivery_stream_id) {which}")
