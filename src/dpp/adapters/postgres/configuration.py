"""The configuration on PostgreSQL: every version as a document, the current one also as the tables of §4.2.

The document is what is read back. The tables are for the keys of other tables and for people who query; the platform
does not read the configuration from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from dpp.adapters.postgres import registry, statements
from dpp.adapters.postgres.documents import current_configuration
from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.feed import STALE_CHANNEL, notify
from dpp.adapters.postgres.intake_rows import Row, as_json
from dpp.application.access_ports import AuditEntry
from dpp.application.affected import Affected, ConfigurationChanged, affected_by
from dpp.application.configuration_record import change_entry
from dpp.application.identities import PullRequestId, RunId
from dpp.application.ports import Change, ConfigurationStore
from dpp.application.stale import StaleKey, StaleKind, pull_request_key
from dpp.domain.configuration import Configuration

#: Advisory lock of whoever changes the configuration; the number means nothing.
LOCK = 0x64707063

CHANGED = Change(topic="configuration")


_DELIVERIES = """
SELECT 'deployment', pipeline_id, pipeline_run_id, NULL::uuid, NULL::int FROM cicd_events
WHERE event_type IN ('deploy_completed', 'deploy_failed')
UNION SELECT 'change', NULL, NULL, repo_id, pr_number FROM pull_requests WHERE state = 'merged'
UNION SELECT 'incident', incident_id, NULL, NULL, NULL FROM incident_events
"""

#: For those who are in a transaction already.
load = current_configuration


class PostgresConfigurationStore(ConfigurationStore):
    """Keeps the configuration and every earlier version of it."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def load(self) -> Configuration:
        """Return the current configuration."""
        async with self._database.transaction() as connection:
            return await current_configuration(connection)

    async def save(
        self, configuration: Configuration, *, expected_version: int, actor: str, at: datetime
    ) -> Configuration:
        """Replace the configuration as a whole, with every thing that it makes stale marked."""
        async with self._database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            before = await current_configuration(connection)
            if before.version != expected_version:
                raise ConfigurationChanged(version=before.version, expected=expected_version)
            after = replace(configuration, version=before.version + 1)
            await _write_version(connection, after, actor=actor, at=at)
            await _write_tables(connection, after, at=at)
            await _record(connection, change_entry(before, after, actor=actor, at=at))
            moved = await _resolve_repositories(connection, after)
            await _mark_stale(connection, affected_by(before, after), moved)
            await notify(connection, CHANGED)
        return after


async def _write_version(connection: Connection, after: Configuration, *, actor: str, at: datetime) -> None:
    await connection.execute(
        "INSERT INTO configuration_versions (version, applied_at, applied_by, document) VALUES (%s, %s, %s, %s)",
        [after.version, at, actor, Jsonb(msgspec.to_builtins(after))],
    )
    settings = [Jsonb(msgspec.to_builtins(part)) for part in (after.platform, after.github, after.jira)]
    await connection.execute(
        """
        INSERT INTO platform_settings (version, settings, github, jira, updated_at) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (singleton) DO UPDATE SET version = excluded.version, settings = excluded.settings,
            github = excluded.github, jira = excluded.jira, updated_at = excluded.updated_at
        """,
        [after.version, *settings, at],
    )


async def _record(connection: Connection, entry: AuditEntry) -> None:
    await connection.execute(
        "INSERT INTO audit_log (occurred_at, actor, action, subject, details) VALUES (%s, %s, %s, %s, %s)",
        [entry.occurred_at, entry.actor, entry.action, entry.subject, Jsonb(dict(entry.details or {}))],
    )


async def _write_tables(connection: Connection, after: Configuration, *, at: datetime) -> None:
    await _write_streams(connection, "delivery_streams", _rows(after.delivery_streams), at=at)
    await _write_streams(connection, "tech_streams", _rows(after.tech_streams), at=at)
    statuses = {(row.project.strip().upper(), row.status.strip().casefold()): row for row in after.status_mappings}
    mappings = [
        {
            "jira_project_key": row.project,
            "jira_status_name": row.status,
            "pipeline_stage": row.stage,
            "is_active_work": row.active,
            "display_order": row.order,
        }
        for row in statuses.values()
    ]
    await _replace(connection, "status_mappings", mappings)
    await _replace(connection, "jira_projects", _rows({item.key: item for item in after.jira_projects}.values()))
    await _replace(
        connection, "repository_overrides", _rows({item.full_name: item for item in after.repositories}.values())
    )
    for table, items in (("environment_rules", after.environments), ("group_roles", after.group_roles)):
        await _replace(
            connection, table, [row | {"position": position} for position, row in enumerate(_rows(items), start=1)]
        )


async def _write_streams(connection: Connection, table: str, rows: list[Row], *, at: datetime) -> None:
    """Write streams by their ids. One that is no longer configured stays for what refers to it, inactive and with its
    names given up.
    """
    given_up = ("name", "github_org") if table == "tech_streams" else ("name",)
    freed = ", ".join(f"{name} = {name} || '~' || stream_id" for name in given_up)
    await connection.execute(
        f"UPDATE {table} SET is_active = false, updated_at = %s, {freed}"  # noqa: S608  # our own constants
        " WHERE stream_id <> ALL (%s) AND NOT starts_with(reverse(name), reverse('~' || stream_id))".encode(),
        [at, [UUID(str(row["stream_id"])) for row in rows]],
    )
    if rows:
        columns = tuple(rows[0])
        renewed = ", ".join(f"{name} = excluded.{name}" for name in (*columns[1:], "updated_at"))
        old, new = (", ".join(f"{source}.{name}" for name in columns[1:]) for source in (table, "excluded"))
        statement = statements.insert(
            table,
            (*columns, "created_at", "updated_at"),
            then=f"ON CONFLICT (stream_id) DO UPDATE SET {renewed} WHERE ({old}) IS DISTINCT FROM ({new})",
        )
        await connection.execute(statement, [as_json(row | {"created_at": at, "updated_at": at} for row in rows)])


async def _replace(connection: Connection, table: str, rows: list[Row]) -> None:
    await connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608  # our own constants
    if rows:
        await connection.execute(statements.insert(table, tuple(rows[0]), then=""), [as_json(rows)])


async def _resolve_repositories(connection: Connection, after: Configuration) -> set[UUID]:
    """Resolve every repository anew and return those that came to another technology stream."""
    await registry.lock(connection)
    register = await registry.load(connection, configuration=after)
    before = {item.repo_id: item.tech_stream_id for item in register.all}
    register.reconfigure(after)
    await registry.write(connection, register)
    return {item.repo_id for item in register.all if item.tech_stream_id != before[item.repo_id]}


async def _mark_stale(connection: Connection, affected: Affected, moved: Iterable[UUID]) -> None:
    """Queue what is to be derived again, for whichever workers derive the groups that it belongs to."""
    keys = [StaleKey(StaleKind.TICKET, issue_id) for issue_id in await affected_tickets(connection, affected)]
    keys += [
        StaleKey(StaleKind.PULL_REQUEST, pull_request_key(repo_id, number))
        for repo_id, number in await _pull_requests(connection, affected, moved)
    ]
    if affected.all_deliveries:
        keys += [key for row in await (await connection.execute(_DELIVERIES)).fetchall() for key in _delivery(row)]
    if keys:
        async with connection.cursor().copy("COPY stale_keys (share, kind, key, cause) FROM STDIN") as copy:
            for key in keys:
                await copy.write_row((key.group, key.kind.value, key.key, "configuration"))
        await connection.execute("SELECT pg_notify(%s, '')", [STALE_CHANNEL])


def _delivery(row: tuple[str, str | None, str | None, UUID | None, int | None]) -> Iterable[StaleKey]:
    kind, first, second, repo_id, number = row
    if kind == StaleKind.CHANGE and repo_id is not None and number is not None:
        yield PullRequestId(repo_id, number).key(StaleKind.CHANGE)
    elif kind == StaleKind.DEPLOYMENT and first is not None and second is not None:
        yield RunId(first, second).key(StaleKind.DEPLOYMENT)
    elif first is not None:
        yield StaleKey(StaleKind.INCIDENT, first)


async def affected_tickets(connection: Connection, affected: Affected) -> list[str]:
    """Return the tickets whose derived rows a change may touch."""
    if not affected.all_tickets and not affected.projects:
        return []
    # A ticket that was moved away still was in the project once: its former key says so.
    cursor = await connection.execute(
        "SELECT DISTINCT issue_id FROM ticket_keys WHERE %s OR upper(split_part(ticket_id, '-', 1)) = ANY (%s)",
        [affected.all_tickets, sorted(affected.projects)],
    )
    return [issue_id for (issue_id,) in await cursor.fetchall()]


async def _pull_requests(connection: Connection, affected: Affected, moved: Iterable[UUID]) -> list[tuple[UUID, int]]:
    moved, streams = list(moved), list(affected.tech_streams)
    if not (affected.all_pull_requests or streams or moved):
        return []
    cursor = await connection.execute(
        """
        SELECT repo_id, pr_number
        FROM (SELECT repo_id, pr_number FROM pr_events UNION SELECT repo_id, pr_number FROM pull_request_facts) AS known
        JOIN repositories USING (repo_id)
        WHERE %s OR repo_id = ANY (%s) OR tech_stream_id = ANY (%s)
        """,
        [affected.all_pull_requests, moved, streams],
    )
    return await cursor.fetchall()


def _rows(items: Iterable[object]) -> list[Row]:
    return [msgspec.to_builtins(item) for item in items]
