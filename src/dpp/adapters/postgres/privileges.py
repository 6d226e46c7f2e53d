"""What the account of the running processes may do in the database: what they do, and nothing else (decision 0040).

The tables belong to another account, which ``dpp migrate`` uses. A table that is not named here may be read and written
row by row: it is derived, or a queue. None may be emptied at a stroke, altered or dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from dpp.application.resolving import EVENT_TABLES

SCHEMA, JOBS_SCHEMA = "public", "procrastinate"

READ = ("alembic_version",)

#: What is only added to.
APPENDED = (
    *EVENT_TABLES,
    *("event_reports", "incident_verdicts", "manual_links", "sprint_corrections", "audit_log"),
    *("configuration_versions", "restatements", "forecast_snapshots", "ticket_keys"),
)

#: What is added to and overwritten, but for the columns named here; none of it is deleted.
OVERWRITTEN: Mapping[str, Sequence[str]] = {
    "sprint_snapshots": ("event_id", "sprint_id", "snapshot_date"),
    "pulse_responses": ("event_id", "survey_period", "respondent_hash", "delivery_stream_id"),
    "users": ("user_id", "created_at"),
    "api_keys": ("key_id", "created_at"),
    "delivery_streams": ("stream_id",),
    "tech_streams": ("stream_id",),
    "platform_settings": (),
    "repositories": ("repo_id",),
    "repository_names": (),
    "sprints": ("sprint_id",),
    "sprint_results": ("sprint_id",),
    "archive_positions": (),
    "intake_counts": (),
    "source_states": (),
    "source_limits": (),
    "backfill_runs": (),
    "cross_stream_correlations": (),
}

#: What is done in the owner's name: each takes away what it is for.
FUNCTIONS = ("dpp_give_up(text, uuid[])", "dpp_expire_answers(timestamptz)")

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
_VIEWS = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'v' ORDER BY relname"
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> ALL (%s)
ORDER BY attnum
"""
_OWNED = """
SELECT count(*) FROM pg_class
WHERE relnamespace = %s::regnamespace AND relkind = 'r'
    AND (pg_has_role(current_user, relowner, 'USAGE') OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
"""

Connection = psycopg.Connection[tuple[object, ...]]


def grant(connection: Connection, role: str) -> None:
    """Let a role do what the running processes do, and take every other right in the platform's schemas from it.

    Args:
        connection: of the account that owns the tables, in a transaction; all steps of the schema are made.
        role: of the running processes; it exists. Doing it again changes nothing.
    """
    name = sql.Identifier(role)
    for schema in (SCHEMA, JOBS_SCHEMA):
        for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            _run(connection, "REVOKE ALL ON ALL {what} IN SCHEMA {schema} FROM {role}", what, schema, name)
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), name))
    for (table,) in connection.execute(_TABLES, [SCHEMA]).fetchall():
        _grant_table(connection, str(table), name)
    for (view,) in connection.execute(_VIEWS, [SCHEMA]).fetchall():
        _grant(connection, "SELECT", str(view), name)
    for function in FUNCTIONS:
        connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(function), name))
    # The library of the jobs has tables, sequences and functions of its own; whoever works calls all of them.
    _run(
        connection,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL {what} IN SCHEMA {schema} TO {role}",
        "TABLES",
        JOBS_SCHEMA,
        name,
    )
    _run(connection, "GRANT USAGE ON ALL {what} IN SCHEMA {schema} TO {role}", "SEQUENCES", JOBS_SCHEMA, name)
    _run(connection, "GRANT EXECUTE ON ALL {what} IN SCHEMA {schema} TO {role}", "FUNCTIONS", JOBS_SCHEMA, name)


def owned_tables(connection: Connection) -> int:
    """Return how many of the platform's tables belong to the account of a connection, or may be used as if they did."""
    row = connection.execute(_OWNED, [SCHEMA]).fetchone()
    return int(str(row[0])) if row is not None else 0


def _grant_table(connection: Connection, table: str, role: sql.Identifier) -> None:
    if table in READ:
        _grant(connection, "SELECT", table, role)
    elif table in APPENDED:
        _grant(connection, "SELECT, INSERT", table, role)
    elif table in OVERWRITTEN:
        _grant(connection, "SELECT, INSERT", table, role)
        found = connection.execute(_COLUMNS, [table, list(OVERWRITTEN[table])]).fetchall()
        columns = sql.SQL(", ").join(sql.Identifier(str(column)) for (column,) in found)
        connection.execute(sql.SQL("GRANT UPDATE ({}) ON {} TO {}").format(columns, sql.Identifier(table), role))
    else:
        _grant(connection, "SELECT, INSERT, UPDATE, DELETE", table, role)


def _grant(connection: Connection, rights: str, table: str, role: sql.Identifier) -> None:
    connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), sql.Identifier(table), role))


def _run(connection: Connection, template: str, what: str, schema: str, role: sql.Identifier) -> None:
    statement = sql.SQL(template).format(what=sql.SQL(what), schema=sql.Identifier(schema), role=role)
    connection.execute(statement)
