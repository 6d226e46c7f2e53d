"""The statements of an append, written out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql

from dpp.adapters.postgres.feed import STALE_CHANNEL
from dpp.application.event_rows import COLUMNS
from dpp.application.measures import Cause


def insert(table: str, columns: tuple[str, ...], *, then: LiteralString) -> bytes:
    """Write out an INSERT of the rows in one JSON parameter, in their order.

    As bytes: a statement that is composed of parts would be put together again at every use.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    template = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM json_populate_recordset(NULL::{0}, %s::json) {2}")
    return template.format(sql.Identifier(table), names, sql.SQL(then)).as_bytes()


#: Both keys of a fact stand for a duplicate, and so does the id that follows from the first.
EVENTS: Mapping[str, bytes] = {
    table: insert(table, columns, then="ON CONFLICT DO NOTHING") for table, columns in COLUMNS.items()
}


def _news(table: str, columns: tuple[str, ...]) -> bytes:
    template = sql.SQL("""
    WITH new AS (
        INSERT INTO {table} ({columns})
        SELECT {columns} FROM json_populate_recordset(NULL::{table}, %(rows)s::json)
        ON CONFLICT DO NOTHING RETURNING event_id
    ), marks AS (
        INSERT INTO stale_keys (share, kind, key, since, cause)
        SELECT share, kind, key, min(event_timestamp), {cause}
        FROM json_to_recordset(%(rows)s::json)
            AS r (event_id uuid, event_timestamp timestamptz, share smallint, kind text, key text)
        JOIN new USING (event_id) WHERE key IS NOT NULL GROUP BY share, kind, key ORDER BY kind, key
        RETURNING key
    )
    SELECT CASE WHEN count(*) < %(count)s::int THEN coalesce(array_agg(event_id), '{{}}'::uuid[]) END,
        (SELECT pg_notify({channel}, '') FROM marks LIMIT 1)
    FROM new
    """)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return template.format(
        table=sql.Identifier(table),
        columns=names,
        cause=sql.Literal(Cause.LATE_EVENT.value),
        channel=sql.Literal(STALE_CHANNEL),
    ).as_bytes()


#: Facts, and in the same statement the marks of what those make stale that were not there. Returned are the ids of
#: these, or NULL for all of them, which is what nearly always comes of it.
NEWS: Mapping[str, bytes] = {table: _news(table, columns) for table, columns in COLUMNS.items()}

TICKET_KEYS = insert("ticket_keys", ("ticket_id", "issue_id"), then="ON CONFLICT DO NOTHING")

STALE_KEYS = insert("stale_keys", ("share", "kind", "key", "since", "cause"), then="")

#: A sprint that only a ticket has named so far.
SPRINTS_NAMED = insert("sprints", ("sprint_id", "jira_sprint_id", "name"), then="ON CONFLICT DO NOTHING")

#: The newest report counts; of two with one time, the greater one, whichever came first.
SPRINTS_REPORTED = insert(
    "sprints",
    ("sprint_id", "jira_sprint_id", "name", "start_date", "end_date", "goal", "state", "reported_at"),
    then="""
    ON CONFLICT (jira_sprint_id) DO UPDATE SET
        name = excluded.name, start_date = excluded.start_date, end_date = excluded.end_date,
        goal = excluded.goal, state = excluded.state, reported_at = excluded.reported_at
    WHERE sprints.reported_at IS NULL
        OR (excluded.reported_at, excluded.name, coalesce(excluded.state, ''), coalesce(excluded.goal, ''),
            coalesce(excluded.start_date, 'infinity'), coalesce(excluded.end_date, 'infinity'))
        > (sprints.reported_at, sprints.name, coalesce(sprints.state, ''), coalesce(sprints.goal, ''),
            coalesce(sprints.start_date, 'infinity'), coalesce(sprints.end_date, 'infinity'))
    """,
)

#: How far the archive is written, and what came of the deliveries.
POSITIONS_AND_COUNTS = """
    WITH reached AS (
        INSERT INTO archive_positions (segment, record) SELECT segment, record
        FROM json_populate_recordset(NULL::archive_positions, %s::json)
        ON CONFLICT (segment) DO UPDATE SET
            record = greatest(archive_positions.record, excluded.record), updated_at = now()
    )
    INSERT INTO intake_counts (hour, channel, outcome, kind, reason, deliveries, accepted, duplicates, last_at)
    SELECT hour, channel, outcome, kind, reason, deliveries, accepted, duplicates, last_at
    FROM json_populate_recordset(NULL::intake_counts, %s::json)
    ON CONFLICT (hour, channel, outcome, kind, reason) DO UPDATE SET
        deliveries = intake_counts.deliveries + excluded.deliveries,
        accepted = intake_counts.accepted + excluded.accepted,
        duplicates = intake_counts.duplicates + excluded.duplicates,
        last_at = greatest(intake_counts.last_at, excluded.last_at)
    """

#: Once a payload is here it stays until it expires; an empty place is filled by a later delivery of it.
DEAD_LETTER = """
    INSERT INTO dead_letters (delivery_uid, received_at, channel, kind, reason, sealed, expires_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (delivery_uid) DO UPDATE SET sealed = coalesce(dead_letters.sealed, excluded.sealed)
    """

REPOSITORY_COLUMNS = (
    *("repo_id", "tech_stream_id", "github_org", "github_repo_name", "full_name", "github_repo_id"),
    *("github_install_id", "reported_default_branch", "default_branch", "is_deployable", "deploy_target"),
    *("is_active", "named_at", "reported_at", "merged_into"),
)

REPOSITORIES = insert(
    "repositories",
    REPOSITORY_COLUMNS,
    then="ON CONFLICT (repo_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in REPOSITORY_COLUMNS[1:]),
)

REPOSITORY_NAMES = insert(
    "repository_names",
    ("name", "repo_id", "github_org", "github_repo_name", "seen_at"),
    then="""
    ON CONFLICT (name, repo_id) DO UPDATE SET
        github_org = excluded.github_org, github_repo_name = excluded.github_repo_name, seen_at = excluded.seen_at
    """,
)
