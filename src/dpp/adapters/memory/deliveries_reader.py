"""Columns and rows of what reaches users, from the derived rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import attribution, only
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.delivery_columns import ID, Columns, history, restores_of
from dpp.application.delivery_reader import (
    BLAMED_BEFORE,
    BlamedIncident,
    ChangePlace,
    ChangeState,
    DeliveryReader,
    DeploymentHistory,
    LedgerChange,
    Suspect,
    known_parts,
)
from dpp.application.delivery_rows import BlameRow, ChangeRow, DeploymentRow, IncidentRow, RestoreRow
from dpp.application.derived_rows import AttributionRow
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.change_lead_times import Part
from dpp.domain.deployments import PRODUCTION
from dpp.domain.dora import HELD_RESPONSIBLE, STANDINGS, Restores
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing

_DEPLOYMENTS = {
    "record_id": ID,
    "repo_id": ID,
    "started_at": np.dtype(np.int64),
    "deployed_at": np.dtype(np.int64),
    "has_succeeded": np.dtype(np.bool_),
    "is_config_only": np.dtype(np.bool_),
    "rollback_at": np.dtype(np.int64),
    "lead_time_hrs": np.dtype(np.float64),
}
_BLAMES = {
    "record_id": ID,
    "repo_id": ID,
    **dict.fromkeys(("standing", "valid_from", "valid_to", "began_at", "ended_at"), np.dtype(np.int64)),
}
_RESTORES = {
    "resolved_at": np.dtype(np.int64),
    "minutes": np.dtype(np.float64),
    "valid_from": np.dtype(np.int64),
    "valid_to": np.dtype(np.int64),
}


class MemoryDeliveryReader(DeliveryReader):
    """Reads the derived rows of a memory database.

    Args:
        database: has the register of repositories.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def deployments(self, view: View, *, since: datetime) -> DeploymentHistory:
        """Return the deployments to production, and blames on them and on those shortly before."""
        self._database.check_available()
        rows = [
            (
                *(_bytes(row.record_id), _bytes(row.repo_id), row.started_at, row.deployed_at, row.has_succeeded),
                *(row.is_config_only, FOREVER if row.rollback_at is None else row.rollback_at, row.lead_time_hrs),
            )
            for row in self._production(since, view)
            if self._shows(view, row)
        ]
        return history(_columns(rows, _DEPLOYMENTS), _columns(self._blamed_rows(view, since), _BLAMES))

    def _production(self, since: datetime, view: View) -> Iterator[DeploymentRow]:
        first, moment = to_micros(since), to_micros(view.as_of)
        for row in self._tables.deployments.values():
            if row.environment == PRODUCTION and first <= row.deployed_at < moment:
                yield row

    def _blamed_rows(self, view: View, since: datetime) -> Iterator[tuple[Any, ...]]:
        moment = to_micros(view.as_of)
        suspects = {row.record_id: row for row in self._production(since - BLAMED_BEFORE, view)}
        for blame in self._blames():
            suspect, incident = suspects.get(blame.record_id), self._incident(blame)
            if suspect is not None and incident is not None and blame.valid_from <= moment:
                restore = self._restore(incident, moment)
                began = FOREVER if incident.started_at is None else incident.started_at
                yield (
                    *(_bytes(blame.record_id), _bytes(suspect.repo_id), STANDINGS.index(Standing(blame.standing))),
                    *(blame.valid_from, blame.valid_to, began, restore.resolved_at if restore else FOREVER),
                )

    def _blames(self) -> Iterator[BlameRow]:
        return (blame for blames in self._tables.blames.values() for blame in blames)

    def _incident(self, blame: BlameRow) -> IncidentRow | None:
        rows = self._tables.incidents.get(blame.source_incident_id, ())
        return next((row for row in rows if row.incident_id == blame.incident_id), None)

    def _restore(self, incident: IncidentRow, moment: int) -> RestoreRow | None:
        rows = self._tables.restores.get(incident.source_incident_id, ())
        known = (row for row in rows if row.incident_id == incident.incident_id)
        return next((row for row in known if row.valid_from <= moment < row.valid_to), None)

    async def restores(self, view: View, *, since: datetime) -> Restores:
        """Return how long incidents lasted."""
        self._database.check_available()
        first, moment = to_micros(since), to_micros(view.as_of)
        rows = [
            (row.resolved_at, row.time_to_restore_min, row.valid_from, row.valid_to)
            for rows in self._tables.restores.values()
            for row in rows
            if first <= row.resolved_at < moment and row.valid_from <= moment and self._shows_incident(view, row)
        ]
        return restores_of(_columns(rows, _RESTORES))

    async def change_hours(self, view: View, *, window: Window) -> Mapping[Part, FloatArray]:
        """Return the hours of every part of deployed changes."""
        self._database.check_available()
        rows = [row for row in self._deployed(view, window) if self._shows(view, row)]
        # numpy makes nan of None.
        return {part: np.array([getattr(row, f"{part.value}_hrs") for row in rows], dtype=np.float64) for part in Part}

    def _deployed(self, view: View, window: Window) -> list[ChangeRow]:
        start, end = to_micros(window.start), min(to_micros(window.end), to_micros(view.as_of))
        return [
            row
            for row in self._tables.changes.values()
            if row.deployed_at is not None and start <= row.deployed_at < end
        ]

    async def waiting_since(self, view: View) -> IntArray:
        """Return when the changes were merged that wait."""
        self._database.check_available()
        return np.array([row.merged_at for row in self._waiting(view) if self._shows(view, row)], dtype=np.int64)

    def _waiting(self, view: View) -> list[ChangeRow]:
        moment = to_micros(view.as_of)
        merged = (row for row in self._tables.changes.values() if row.merged_at <= moment)
        return [row for row in merged if row.deployed_at is None or row.deployed_at > moment]

    async def changes(
        self, view: View, *, state: ChangeState, window: Window, after: ChangePlace | None, limit: int
    ) -> Sequence[LedgerChange]:
        """Return changes of one state, the latest first."""
        self._database.check_available()
        rows = self._deployed(view, window) if state is ChangeState.DEPLOYED else self._waiting(view)
        names = {row.repo_id: row.full_name for row in self._database.repositories.all}
        shown = [self._change(row, view, names[row.repo_id]) for row in rows if self._shows(view, row)]
        shown.sort(key=lambda change: change.place(state), reverse=True)
        return [change for change in shown if after is None or change.place(state) < after][:limit]

    def _change(self, row: ChangeRow, view: View, repository: str) -> LedgerChange:
        moment, held = to_micros(view.as_of), self._held(row.linked_issue_id, view)
        is_deployed = row.deployed_at is not None and row.deployed_at < moment
        is_reviewed = row.first_review_at is not None and row.first_review_at <= moment
        parts = known_parts(is_deployed=is_deployed, is_reviewed=is_reviewed)
        hours = {part: getattr(row, f"{part.value}_hrs") for part in parts}
        return LedgerChange(
            repo_id=row.repo_id,
            repository=repository,
            pr_number=row.pr_number,
            tech_stream_id=row.tech_stream_id,
            delivery_stream_id=held.delivery_stream_id if held else None,
            ticket_id=held.ticket_id if held else row.linked_ticket_id,
            base_branch=row.base_branch,
            first_pushed_at=_at(row.first_pushed_at),
            opened_at=from_micros(row.opened_at),
            first_review_at=_at(row.first_review_at) if is_reviewed else None,
            merged_at=from_micros(row.merged_at),
            deployed_at=_at(row.deployed_at) if is_deployed else None,
            record_id=row.record_id if is_deployed else None,
            hours={part: value for part, value in hours.items() if value is not None},
        )

    async def incidents(
        self, view: View, *, window: Window | None, incident_id: str | None = None
    ) -> Sequence[BlamedIncident]:
        """Return incidents with their suspects."""
        self._database.check_available()
        moment = to_micros(view.as_of)
        start, end = (to_micros(window.start), to_micros(window.end)) if window else (-FOREVER, FOREVER)
        found = [
            self._blamed(row, row.started_at, view)
            for rows in self._tables.incidents.values()
            for row in rows
            if row.started_at is not None
            and start <= row.started_at < min(end, moment)
            and incident_id in (None, row.incident_id)
            and self._shows_incident(view, row)
        ]
        return sorted(found, key=lambda row: (-to_micros(row.started_at), row.incident_id))

    def _blamed(self, row: IncidentRow, started_at: int, view: View) -> BlamedIncident:
        moment = to_micros(view.as_of)
        restore = self._restore(row, moment)
        return BlamedIncident(
            incident_id=row.incident_id,
            source_incident_id=row.source_incident_id,
            service_name=row.service_name,
            severity=row.severity,
            tech_stream_id=row.tech_stream_id,
            delivery_stream_id=self._delivery_stream_of_incident(row, view),
            started_at=from_micros(started_at),
            resolved_at=_at(restore.resolved_at) if restore else None,
            time_to_restore_min=restore.time_to_restore_min if restore else None,
            suspects=tuple(self._suspects(row, view)),
        )

    def _suspects(self, incident: IncidentRow, view: View) -> Iterator[Suspect]:
        blames = {blame.record_id: blame for blame in self._thought(incident, to_micros(view.as_of))}
        rows = [row for row in self._tables.deployments.values() if row.record_id in blames]
        for row in sorted(rows, key=lambda row: (-row.deployed_at, row.record_id)):
            suspect = self._suspect(row, blames[row.record_id], view)
            if suspect.is_open_to(view.scope):
                yield suspect

    def _suspect(self, row: DeploymentRow, blame: BlameRow, view: View) -> Suspect:
        held = self._held(row.linked_issue_id, view)
        names = {known.repo_id: known.full_name for known in self._database.repositories.all}
        is_undone = row.rollback_at is not None and row.rollback_at <= to_micros(view.as_of)
        return Suspect(
            record_id=row.record_id,
            repository=names.get(row.repo_id) if row.repo_id else None,
            pipeline_id=row.pipeline_id,
            pipeline_run_id=row.pipeline_run_id,
            deployed_at=from_micros(row.deployed_at),
            rolled_back_at=_at(row.rollback_at) if is_undone else None,
            commit_sha=row.commit_sha,
            pr_number=row.linked_pr_number,
            ticket_id=held.ticket_id if held else row.linked_ticket_id,
            tech_stream_id=row.tech_stream_id,
            delivery_stream_id=held.delivery_stream_id if held else None,
            standing=Standing(blame.standing),
            standing_since=from_micros(blame.valid_from),
        )

    def _thought(self, incident: IncidentRow | RestoreRow, moment: int) -> list[BlameRow]:
        """Return what was thought of every suspect of an incident at a moment."""
        rows = self._tables.blames.get(incident.source_incident_id, ())
        of_it = (row for row in rows if row.incident_id == incident.incident_id)
        return [row for row in of_it if row.valid_from <= moment < row.valid_to]

    def _shows(self, view: View, row: DeploymentRow | ChangeRow) -> bool:
        held = self._held(row.linked_issue_id, view)
        return view.shows(
            delivery_stream_id=held.delivery_stream_id if held else None, tech_stream_ids=only(row.tech_stream_id)
        )

    def _shows_incident(self, view: View, row: IncidentRow | RestoreRow) -> bool:
        delivery = self._delivery_stream_of_incident(row, view)
        return view.shows(delivery_stream_id=delivery, tech_stream_ids=only(row.tech_stream_id))

    def _delivery_stream_of_incident(self, row: IncidentRow | RestoreRow, view: View) -> UUID | None:
        """Return the delivery stream of the deployment that is blamed at the moment."""
        thought = self._thought(row, to_micros(view.as_of))
        blamed = [blame for blame in thought if Standing(blame.standing) in HELD_RESPONSIBLE]
        ranked = sorted(blamed, key=lambda blame: (blame.standing != Standing.CONFIRMED, blame.record_id))
        deployment = self._tables.deployments.get(ranked[0].record_id) if ranked else None
        held = self._held(deployment.linked_issue_id, view) if deployment else None
        return held.delivery_stream_id if held else None

    def _held(self, issue_id: str | None, view: View) -> AttributionRow | None:
        return attribution(self._tables, issue_id, moment=to_micros(view.as_of)) if issue_id else None


def _columns(rows: Iterable[tuple[Any, ...]], kinds: Mapping[str, np.dtype[Any]]) -> Columns:
    cells = list(zip(*rows, strict=True)) or [()] * len(kinds)
    # numpy makes nan of None.
    return {name: np.array(column, dtype=kind) for (name, kind), column in zip(kinds.items(), cells, strict=True)}


def _bytes(value: UUID | None) -> bytes:
    return value.bytes if value else b""


def _at(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
