"""Columns and rows of what reaches users, at a cost that depends on the time asked about and not on the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from psycopg.rows import DictRow, dict_row

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_deliveries import KeptDeliveries
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.selections import condition, values
from dpp.application.delivery_columns import restores_of
from dpp.application.delivery_reader import (
    BlamedIncident,
    ChangePlace,
    ChangeState,
    DeliveryReader,
    DeploymentHistory,
    LedgerChange,
    Suspect,
    known_parts,
)
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.change_lead_times import Part
from dpp.domain.dora import HELD_RESPONSIBLE, Restores
from dpp.domain.incidents import Standing

_TECH = "array_remove(ARRAY[{}.tech_stream_id], NULL) AS tech_stream_ids"
_RESPONSIBLE = ", ".join(f"'{standing}'" for standing in sorted(HELD_RESPONSIBLE))

# The streams of a ticket at the moment; the limit makes the planner look them up ticket by ticket.
_HELD = """
LEFT JOIN LATERAL (
    SELECT span.ticket_id, span.delivery_stream_id FROM work_item_attributions AS span
    WHERE span.issue_id = {of}.linked_issue_id AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
) AS held ON true
"""
# The deployment that an incident is blamed on at the moment.
_BLAMED = f"""
LEFT JOIN LATERAL (
    SELECT blamed_one.linked_issue_id
    FROM incident_blames AS blame JOIN deployment_records AS blamed_one USING (record_id)
    WHERE blame.incident_id = {{of}}.incident_id AND blame.standing IN ({_RESPONSIBLE})
        AND blame.valid_from <= %(as_of)s AND blame.valid_to > %(as_of)s
    ORDER BY blame.standing = 'confirmed' DESC, blame.record_id LIMIT 1
) AS blamed ON true
"""  # noqa: S608 - constants

# What was deployed after the moment waited at it; each of the two is found by an index of its own.
_WAITING = """
    SELECT {columns} FROM change_ledger WHERE merged_at <= %(as_of)s AND deployed_at IS NULL
    UNION ALL
    SELECT {columns} FROM change_ledger WHERE merged_at <= %(as_of)s AND deployed_at > %(as_of)s
"""
_IN_WINDOW = """
    SELECT * FROM change_ledger
    WHERE deployed_at >= %(start)s AND deployed_at < %(end)s AND deployed_at < %(as_of)s
"""
_CHANGES = f"""
SELECT repo_id, repository.full_name, pr_number, change.tech_stream_id, change.delivery_stream_id, ticket_id,
    base_branch, first_pushed_at, opened_at, first_review_at, merged_at, deployed_at, record_id,
    {", ".join(f"{part.value}_hrs" for part in Part)}
FROM (
    SELECT change.*, {{place}} AS place, coalesce(held.ticket_id, change.linked_ticket_id) AS ticket_id,
        held.delivery_stream_id, {_TECH.format("change")}
    FROM (
        SELECT repo_id, pr_number, tech_stream_id, linked_ticket_id, linked_issue_id, base_branch, first_pushed_at,
            opened_at, first_review_at, merged_at, deployed_at, record_id,
            {", ".join(f"{part.value}_hrs" for part in Part)}
        FROM ({{of}}) AS change
    ) AS change {_HELD.replace("{of}", "change")}
    WHERE true{{behind}}
) AS change
JOIN (SELECT repo_id, full_name FROM repositories) AS repository USING (repo_id)
WHERE true{{shown}}
ORDER BY place DESC, repo_id DESC, pr_number DESC
LIMIT %(limit)s
"""  # noqa: S608 - constants

_BEHIND = " AND ({place}, change.repo_id, change.pr_number) < (%(after_at)s, %(after_repo)s, %(after_number)s)"

_INCIDENTS = f"""
SELECT incident.incident_id, incident.source_incident_id, incident.service_name, incident.severity,
    incident.tech_stream_id, incident.delivery_stream_id, incident.started_at, incident.resolved_at,
    incident.time_to_restore_min, blame.record_id, blame.standing, blame.valid_from AS standing_since,
    suspect.pipeline_id, suspect.pipeline_run_id, suspect.deployed_at, suspect.rollback_at, suspect.commit_sha,
    suspect.linked_pr_number, coalesce(held.ticket_id, suspect.linked_ticket_id) AS ticket_id,
    suspect.tech_stream_id AS suspect_tech_stream_id, held.delivery_stream_id AS suspect_delivery_stream_id,
    repository.full_name
FROM (
    SELECT * FROM (
        SELECT incident.incident_id, incident.source_incident_id, incident.service_name, incident.severity,
            incident.started_at, incident.tech_stream_id, over.resolved_at, over.time_to_restore_min,
            held.delivery_stream_id, {_TECH.format("incident")}
        FROM incidents AS incident {_BLAMED.replace("{of}", "incident")} {_HELD.replace("{of}", "blamed")}
        LEFT JOIN incident_restores AS over
            ON over.incident_id = incident.incident_id AND over.valid_from <= %(as_of)s AND over.valid_to > %(as_of)s
        WHERE incident.started_at < %(as_of)s {{begun}}
    ) AS incident
    WHERE true{{shown}}
) AS incident
LEFT JOIN incident_blames AS blame
    ON blame.incident_id = incident.incident_id AND blame.valid_from <= %(as_of)s AND blame.valid_to > %(as_of)s
LEFT JOIN deployment_records AS suspect ON suspect.record_id = blame.record_id
LEFT JOIN repositories AS repository ON repository.repo_id = suspect.repo_id
{_HELD.replace("{of}", "suspect")}
ORDER BY incident.started_at DESC, incident.incident_id COLLATE "C", suspect.deployed_at DESC, suspect.record_id
"""  # noqa: S608 - constants


class PostgresDeliveryReader(DeliveryReader):
    """Reads the derived tables: columns from kept rows, lists by one statement each."""

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = KeptDeliveries(database=database, kept=kept)

    async def deployments(self, view: View, *, since: datetime) -> DeploymentHistory:
        """Return the deployments to production, and blames on them and on those shortly before."""
        return await self._kept.history(view, since=since)

    async def restores(self, view: View, *, since: datetime) -> Restores:
        """Return how long incidents lasted."""
        found = (await self._kept.restores(view, since=since)).columns
        return restores_of({name: found[name] for name in ("resolved_at", "minutes", "valid_from", "valid_to")})

    async def change_hours(self, view: View, *, window: Window) -> Mapping[Part, FloatArray]:
        """Return the hours of every part of deployed changes."""
        found = (await self._kept.changes(view, window=window)).columns
        return {part: found[f"{part.value}_hrs"] for part in Part}

    async def waiting_since(self, view: View) -> IntArray:
        """Return when the changes were merged that wait."""
        return (await self._kept.waiting(view)).columns["merged_at"]

    async def changes(
        self, view: View, *, state: ChangeState, window: Window, after: ChangePlace | None, limit: int
    ) -> Sequence[LedgerChange]:
        """Return changes of one state, the latest first."""
        is_deployed = state is ChangeState.DEPLOYED
        query = _CHANGES.replace("{of}", _IN_WINDOW if is_deployed else _WAITING.format(columns="*"))
        query = query.replace("{behind}", _BEHIND if after else "")
        query = query.replace("{place}", "change.deployed_at" if is_deployed else "change.merged_at")
        behind = {"after_at": after.at, "after_repo": after.repo_id, "after_number": after.pr_number} if after else {}
        rows = await self._rows(query, view, start=window.start, end=window.end, limit=limit, **behind)
        return [_change(row, view) for row in rows]

    async def incidents(
        self, view: View, *, window: Window | None, incident_id: str | None = None
    ) -> Sequence[BlamedIncident]:
        """Return incidents with their suspects."""
        begun = ""
        wanted: dict[str, Any] = {}
        if window is not None:
            begun += " AND incident.started_at >= %(start)s AND incident.started_at < %(end)s"
            wanted |= {"start": window.start, "end": window.end}
        if incident_id is not None:
            begun += " AND incident.incident_id = %(incident_id)s"
            wanted |= {"incident_id": incident_id}
        rows = await self._rows(_INCIDENTS.replace("{begun}", begun), view, **wanted)
        return [_incident(list(same), view) for _, same in groupby(rows, key=lambda row: row["incident_id"])]

    async def _rows(self, query: str, view: View, **parameters: Any) -> list[DictRow]:
        async with (
            self._database.reading() as connection,
            connection.cursor(binary=True, row_factory=dict_row) as cursor,
        ):
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), values(view) | parameters)
            return await cursor.fetchall()


def _change(row: DictRow, view: View) -> LedgerChange:
    is_deployed = row["deployed_at"] is not None and row["deployed_at"] < view.as_of
    is_reviewed = row["first_review_at"] is not None and row["first_review_at"] <= view.as_of
    hours = {part: row[f"{part.value}_hrs"] for part in known_parts(is_deployed=is_deployed, is_reviewed=is_reviewed)}
    return LedgerChange(
        repo_id=row["repo_id"],
        repository=row["full_name"],
        pr_number=row["pr_number"],
        tech_stream_id=row["tech_stream_id"],
        delivery_stream_id=row["delivery_stream_id"],
        ticket_id=row["ticket_id"],
        base_branch=row["base_branch"],
        first_pushed_at=row["first_pushed_at"],
        opened_at=row["opened_at"],
        first_review_at=row["first_review_at"] if is_reviewed else None,
        merged_at=row["merged_at"],
        deployed_at=row["deployed_at"] if is_deployed else None,
        record_id=row["record_id"] if is_deployed else None,
        hours={part: value for part, value in hours.items() if value is not None},
    )


def _incident(rows: Sequence[DictRow], view: View) -> BlamedIncident:
    first = rows[0]
    suspects = (_suspect(row, view) for row in rows if row["deployed_at"] is not None)
    return BlamedIncident(
        incident_id=first["incident_id"],
        source_incident_id=first["source_incident_id"],
        service_name=first["service_name"],
        severity=first["severity"],
        tech_stream_id=first["tech_stream_id"],
        delivery_stream_id=first["delivery_stream_id"],
        started_at=first["started_at"],
        resolved_at=first["resolved_at"],
        time_to_restore_min=first["time_to_restore_min"],
        suspects=tuple(suspect for suspect in suspects if suspect.is_open_to(view.scope)),
    )


def _suspect(row: DictRow, view: View) -> Suspect:
    undone = row["rollback_at"]
    return Suspect(
        record_id=row["record_id"],
        repository=row["full_name"],
        pipeline_id=row["pipeline_id"],
        pipeline_run_id=row["pipeline_run_id"],
        deployed_at=row["deployed_at"],
        rolled_back_at=undone if undone is not None and undone <= view.as_of else None,
        commit_sha=row["commit_sha"],
        pr_number=row["linked_pr_number"],
        ticket_id=row["ticket_id"],
        tech_stream_id=row["suspect_tech_stream_id"],
        delivery_stream_id=row["suspect_delivery_stream_id"],
        standing=Standing(row["standing"]),
        standing_since=row["standing_since"],
    )
