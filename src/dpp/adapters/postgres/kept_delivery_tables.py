"""What reaches users, as kept rows: deployments to production, changes, incidents and what is thought of them."""

from __future__ import annotations

from dpp.adapters.postgres.kept_streams import NOTHING, TECH, ticket_of
from dpp.adapters.postgres.kept_tables import SHARES, KeptTable, number_of
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.domain.change_lead_times import Part

_OWN_TECH = TECH.format("tech_stream_id")
_RECORD = "uuid_hash_extended(record_id, 0) AS record"
_INCIDENT = number_of("incident_id")

DEPLOYMENTS = KeptTable(
    name="deployments",
    by="deployed_at",
    columns=Unpacker(
        record=Kind.NUMBER,
        repo=Kind.NUMBER,
        ticket=Kind.NUMBER,
        started_at=Kind.INSTANT,
        deployed_at=Kind.INSTANT,
        has_succeeded=Kind.FLAG,
        is_config_only=Kind.FLAG,
        rollback_at=Kind.INSTANT,
        lead_time_hrs=Kind.HOURS,
    ),
    groups=("tech_stream_ids",),
    coded=("record", "repo", "ticket"),
    source=f"""
    SELECT {_RECORD}, coalesce(uuid_hash_extended(repo_id, 0), {NOTHING}) AS repo,
        {ticket_of("linked_issue_id")} AS ticket, started_at, deployed_at,
        status <> 'failed' AS has_succeeded, is_config_only, rollback_at, lead_time_hrs,
        {_OWN_TECH}
    FROM deployment_records
    WHERE environment = 'production' AND deployed_at >= lowest AND deployed_at <= highest
    """,  # noqa: S608 - constants
)

_HOURS = [f"{part.value}_hrs" for part in Part]
CHANGES = KeptTable(
    name="changes",
    by="deployed_at",
    columns=Unpacker(
        ticket=Kind.NUMBER,
        merged_at=Kind.INSTANT,
        deployed_at=Kind.INSTANT,
        **dict.fromkeys(_HOURS, Kind.HOURS),
    ),
    groups=("tech_stream_ids",),
    coded=("ticket",),
    source=f"""
    SELECT {ticket_of("linked_issue_id")} AS ticket, merged_at, deployed_at, {", ".join(_HOURS)}, {_OWN_TECH}
    FROM change_ledger WHERE deployed_at >= lowest AND deployed_at <= highest
    UNION ALL
    SELECT {ticket_of("linked_issue_id")}, merged_at, deployed_at, {", ".join(_HOURS)}, {_OWN_TECH}
    FROM change_ledger WHERE deployed_at IS NULL AND highest = 'infinity'
    """,  # noqa: S608 - constants
)

INCIDENTS = KeptTable(
    name="incidents",
    by="started_at",
    columns=Unpacker(incident=Kind.NUMBER, started_at=Kind.INSTANT),
    coded=("incident",),
    groups=("tech_stream_ids",),
    source=f"""
    SELECT {_INCIDENT} AS incident, started_at, {_OWN_TECH} FROM incidents
    WHERE started_at >= lowest AND started_at <= highest
    """,  # noqa: S608 - constants
)

BLAMES = KeptTable(
    name="blames",
    by="number",
    columns=Unpacker(
        number=Kind.NUMBER,
        incident=Kind.NUMBER,
        record=Kind.NUMBER,
        record_id=Kind.ID,
        valid_from=Kind.INSTANT,
        valid_to=Kind.INSTANT,
    ),
    coded=("incident", "record"),
    groups=("standing",),
    source=f"""
    SELECT {_INCIDENT} AS number, {_INCIDENT} AS incident, {_RECORD}, record_id, valid_from, valid_to, standing
    FROM incident_blames WHERE {_INCIDENT} >= lowest AND {_INCIDENT} <= highest
    """,  # noqa: S608 - constants
    places=SHARES,
)

RESTORES = KeptTable(
    name="restores",
    by="resolved_at",
    columns=Unpacker(
        incident=Kind.NUMBER,
        resolved_at=Kind.INSTANT,
        minutes=Kind.HOURS,
        valid_from=Kind.INSTANT,
        valid_to=Kind.INSTANT,
    ),
    coded=("incident",),
    groups=("tech_stream_ids",),
    source=f"""
    SELECT {_INCIDENT} AS incident, resolved_at, time_to_restore_min AS minutes, valid_from, valid_to, {_OWN_TECH}
    FROM incident_restores WHERE resolved_at >= lowest AND resolved_at <= highest
    """,  # noqa: S608 - constants
)
