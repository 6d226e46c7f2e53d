"""The statements of an append, written out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql

from dpp.adapters.postgres.intake_rows import COLUMNS


def insert(table: str, columns: tuple[str, ...], *, then: LiteralString) -> bytes:
    """Write out an INSERT of the rows in one JSON parameter, in their order.

    As bytes: a statement that is composed of parts would be put together again at every use.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    template = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM json_populate_recordset(NULL::{0}, %s::json) {2}")
    return template.format(sql.Identifier(table), names, sql.SQL(then)).as_bytes()


#: Both keys of a fact stand for a duplicate, and so does the id that follows from the first.
EVENTS: Mapping[str, bytes] = {
    table: insert(table, columns, then="ON CONFLICT DO NOTHING RETURNING event_id")
    for table, columns in COLUMNS.items()
}

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

INTAKE_COUNTS = insert(
    "intake_counts",
    ("hour", "channel", "outcome", "kind", "reason", "deliveries", "accepted", "duplicates", "last_at"),
    then="""
    ON CONFLICT (hour, channel, outcome, kind, reason) DO UPDATE SET
        deliveries = intake_counts.deliveries + excluded.deliveries,
        accepted = intake_counts.accepted + excluded.accepted,
        duplicates = intake_counts.duplicates + excluded.duplicates,
        last_at = greatest(intake_counts.last_at, excluded.last_at)
    """,
)

ARCHIVE_POSITIONS = """
    INSERT INTO archive_positions (segment, record) SELECT segment, record
    FROM json_populate_recordset(NULL::archive_positions, %s::json)
    ON CONFLICT (segment) DO UPDATE SET
        record = greatest(archive_positions.record, excluded.record), updated_at = now()
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
