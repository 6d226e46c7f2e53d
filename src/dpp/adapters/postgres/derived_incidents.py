"""Incidents: reads what their rows depend on, replaces the rows, and finds the deployments whose blame has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from dpp.adapters.postgres.derived_tables import DerivedTables, lock_deliveries
from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.tables import deliveries
from dpp.application.delivery_derivation import IncidentInputs, NearDeployment
from dpp.application.delivery_rows import BlameRow, IncidentRow, IncidentRows, RestoreRow, VerdictRow
from dpp.application.derivation import Derive, News
from dpp.application.identities import RunId
from dpp.application.repositories import DeployTarget, services_of
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.configuration import Configuration
from dpp.domain.events import IncidentEvent, IncidentEventType, Severity
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing

_INCIDENTS = Packer(deliveries.incidents, IncidentRow._fields)
_RESTORES = Packer(deliveries.incident_restores, RestoreRow._fields)
_BLAMES = Packer(deliveries.incident_blames, BlameRow._fields)
_TABLES = ("incidents", "incident_restores", "incident_blames")

_EVERYTHING = "SELECT incident_id FROM incident_events UNION SELECT source_incident_id FROM incidents"
_EVENTS = """
SELECT incident_id, event_type, event_timestamp, service_name, severity, description FROM incident_events
WHERE incident_id = ANY (%s)
"""
_TARGETS = "SELECT repo_id, tech_stream_id, deploy_target FROM repositories WHERE deploy_target IS NOT NULL"
_NEAR = """
SELECT DISTINCT ON (d.record_id) d.record_id, d.repo_id, d.tech_stream_id,
    (extract(epoch FROM d.deployed_at) * 1000000)::bigint
FROM unnest(%(streams)s::uuid[], %(times)s::timestamptz[]) AS w (tech_stream_id, at)
JOIN deployment_records AS d ON d.tech_stream_id = w.tech_stream_id AND d.environment = 'production'
    AND d.status <> 'failed' AND d.deployed_at <= w.at AND d.deployed_at >= w.at - %(minutes)s * interval '1 minute'
"""
_VERDICTS = """
SELECT verdict_id, incident_id, source_incident_id, record_id, verdict,
    (extract(epoch FROM decided_at) * 1000000)::bigint, decided_by, reason
FROM incident_verdicts WHERE source_incident_id = ANY (%s)
"""
_STREAMS_BEFORE = "SELECT source_incident_id, tech_stream_id FROM incidents WHERE source_incident_id = ANY (%s)"
_BLAMED = """
SELECT source_incident_id, incident_id, record_id FROM incident_blames
WHERE source_incident_id = ANY (%s) AND standing IN ('blamed', 'confirmed') AND valid_to = 'infinity'
"""
_WHOLE = " UNION ALL ".join(
    f"SELECT source_incident_id, '{t} ' || a::text FROM {t} AS a WHERE source_incident_id = ANY (%(incidents)s)"  # noqa: S608
    for t in _TABLES
)
_DELETE = f"""
WITH {", ".join(f"of_{t} AS (DELETE FROM {t} WHERE source_incident_id = ANY (%(incidents)s))" for t in _TABLES)} SELECT
"""  # noqa: S608 - made of constants
_RECORDS = """
SELECT record_id, pipeline_id, pipeline_run_id, delivery_stream_id FROM deployment_records WHERE record_id = ANY (%s)
"""


class IncidentTables(DerivedTables):
    """The tables of incidents."""

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some incidents; stale are the deployments that are blamed now and were not, or were."""
        await lock_deliveries(connection)
        ids = [key.key for key in keys]
        rows = derive.incidents(await _inputs(connection, ids, configuration), configuration)
        streams = await (await connection.execute(_STREAMS_BEFORE, [ids])).fetchall()
        before = set(await (await connection.execute(_BLAMED, [ids])).fetchall())
        was = await _wholes(connection, ids)
        await _replace(connection, ids, rows)
        becomes = await _wholes(connection, ids)
        after = {(row.source_incident_id, row.incident_id, row.record_id) for row in rows.blames if _holds(row)}
        streams += [(row.source_incident_id, row.tech_stream_id) for row in rows.incidents]
        # What was derived again for something else, and came out the same, is no news of its streams.
        others = {one for one in ids if was.get(one) != becomes.get(one)}
        for incident, stream in streams:
            if incident in others:
                news.add(_key(incident), None, [stream] if stream else [])
        records = await _records(connection, {record for *_, record in before | after})
        for incident, _, record in before | after:
            if record in records and incident in others:
                news.add(_key(incident), records[record].delivery_stream_id, [])
        changed = {record for *_, record in before ^ after}
        return {one.run.key(StaleKind.DEPLOYMENT) for record, one in records.items() if record in changed}

    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return every incident."""
        cursor = await connection.execute(_EVERYTHING)
        return [_key(incident_id) for (incident_id,) in await cursor.fetchall()]


class _Record(NamedTuple):
    """A deployment that was, or is, blamed."""

    run: RunId
    delivery_stream_id: UUID | None


def _key(incident: str) -> StaleKey:
    return StaleKey(StaleKind.INCIDENT, incident)


def _holds(row: BlameRow) -> bool:
    return row.standing in (Standing.BLAMED, Standing.CONFIRMED) and row.valid_to == FOREVER


async def _wholes(connection: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    """Return all rows of some incidents as texts."""
    found: dict[str, set[str]] = {}
    cursor = await connection.execute(_WHOLE.encode(), {"incidents": list(ids)})
    for incident, text in await cursor.fetchall():
        found.setdefault(incident, set()).add(text)
    return found


async def _replace(connection: Connection, ids: Sequence[str], rows: IncidentRows) -> None:
    await connection.execute(_DELETE, {"incidents": list(ids)})
    await _INCIDENTS.write(connection, rows.incidents)
    await _RESTORES.write(connection, rows.restores)
    await _BLAMES.write(connection, rows.blames)


async def _records(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, _Record]:
    cursor = await connection.execute(_RECORDS, [list(ids)])
    return {
        record_id: _Record(RunId(pipeline_id, run_id), delivery_stream)
        for record_id, pipeline_id, run_id, delivery_stream in await cursor.fetchall()
    }


async def _inputs(connection: Connection, ids: Sequence[str], configuration: Configuration) -> IncidentInputs:
    """Return the inputs of those of some incidents that have any event."""
    events: dict[str, list[IncidentEvent]] = {}
    for row in await (await connection.execute(_EVENTS, [list(ids)])).fetchall():
        events.setdefault(row[0], []).append(_event(row))
    cursor = await connection.execute(_TARGETS)
    targets = [DeployTarget(*row) for row in await cursor.fetchall()]
    services = services_of({event.service_name for those in events.values() for event in those}, targets=targets)
    verdicts: dict[str, list[VerdictRow]] = {}
    cursor = await connection.execute(_VERDICTS, [list(events)])
    for row in await cursor.fetchall():
        verdicts.setdefault(row[2], []).append(VerdictRow(*row))
    near = await _near(connection, events, services, configuration.platform.correlation_window_minutes)
    return IncidentInputs(events=events, services=services, deployments=near, verdicts=verdicts)


async def _near(
    connection: Connection,
    events: Mapping[str, Sequence[IncidentEvent]],
    services: Mapping[str, tuple[UUID | None, frozenset[UUID]]],
    minutes: int,
) -> dict[UUID, list[NearDeployment]]:
    """Return the deployments shortly before any event of an incident, by technology stream."""
    asked = [
        (stream, event.event_timestamp)
        for those in events.values()
        # Which service an incident is of is decided elsewhere: its reports may differ.
        for stream in {services[event.service_name][0] for event in those if event.service_name in services}
        for event in those
        if stream is not None
    ]
    wanted = {"streams": [stream for stream, _ in asked], "times": [at for _, at in asked], "minutes": minutes}
    near: dict[UUID, list[NearDeployment]] = {}
    for row in await (await connection.execute(_NEAR, wanted)).fetchall():
        near.setdefault(row[2], []).append(NearDeployment(*row))
    return near


def _event(row: Sequence[Any]) -> IncidentEvent:
    return IncidentEvent(
        incident_id=row[0],
        event_type=IncidentEventType(row[1]),
        event_timestamp=row[2],
        service_name=row[3],
        severity=Severity(row[4]) if row[4] else None,
        description=row[5],
    )
