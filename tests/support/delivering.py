"""Readers of deliveries of both families over derived rows that a test writes by hand; times are hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.postgres import quality_spans
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.tables import deliveries
from dpp.application.delivery_reader import DeliveryReader
from dpp.application.delivery_rows import BlameRow, ChangeRow, DeploymentRow, IncidentRow, RestoreRow, record_id_of
from dpp.application.identities import PullRequestId
from dpp.domain.events import NAMESPACE
from tests.support.reading import MemoryReading, PostgresReading, Reading, micros


def record(run: str) -> UUID:
    """Return the id of the record of a run."""
    return record_id_of("deploy", run)


def deployment(
    run: str,
    hours: float,
    *,
    status: str = "success",
    tech: UUID | None = None,
    delivery: UUID | None = None,
    repo_id: UUID | None = None,
    environment: str = "production",
    took: float = 0.5,
    ticket: str | None = None,
    issue: str | None = None,
    lead: float | None = None,
    config: bool = False,
    rollback: float | None = None,
    pr_number: int | None = None,
) -> DeploymentRow:
    """Return a deployment that ended after so many hours."""
    return DeploymentRow(
        record_id=record(run),
        pipeline_id="deploy",
        pipeline_run_id=run,
        tech_stream_id=tech,
        delivery_stream_id=delivery,
        repo_id=repo_id,
        environment=environment,
        branch="main",
        started_at=micros(hours - took),
        deployed_at=micros(hours),
        status=status if rollback is None else "rolled_back",
        commit_sha=f"c{run}",
        linked_pr_number=pr_number,
        linked_ticket_id=ticket,
        linked_issue_id=issue,
        lead_time_hrs=lead,
        lead_time_method=None if lead is None else "pr",
        is_config_only=config,
        caused_incident=False,
        incident_id=None,
        rollback_at=None if rollback is None else micros(rollback),
    )


def change(
    repo_id: UUID,
    number: int,
    *,
    merged: float,
    deployed: float | None = None,
    opened: float = 0.0,
    reviewed: float | None = None,
    pushed: float | None = None,
    tech: UUID | None = None,
    ticket: str | None = None,
    issue: str | None = None,
) -> ChangeRow:
    """Return a change that was merged, and perhaps deployed, after so many hours."""

    def between(start: float | None, end: float | None) -> float | None:
        return None if start is None or end is None or end < start else end - start

    return ChangeRow(
        repo_id=repo_id,
        pr_number=number,
        tech_stream_id=tech,
        delivery_stream_id=None,
        linked_ticket_id=ticket,
        linked_issue_id=issue,
        base_branch="main",
        record_id=None if deployed is None else record(f"of {number}"),
        first_pushed_at=None if pushed is None else micros(pushed),
        opened_at=micros(opened),
        first_review_at=None if reviewed is None else micros(reviewed),
        merged_at=micros(merged),
        deployed_at=None if deployed is None else micros(deployed),
        lead_time_hrs=between(opened, deployed),
        coding_hrs=between(pushed, opened),
        pickup_hrs=between(opened, reviewed),
        review_hrs=between(reviewed, merged),
        deploy_hrs=between(merged, deployed),
    )


@dataclass(frozen=True)
class Incident:
    """The rows of one incident.

    Attributes:
        ends: (resolved at, known until before), in order; the last one for ever where the second is None.
        blames: (run, standing, from, until before).
    """

    name: str
    started: float | None
    ends: tuple[tuple[float, float | None], ...] = ()
    blames: tuple[tuple[str, str, float, float | None], ...] = ()
    tech: UUID | None = None
    source: str = ""
    fault: str | None = None

    @property
    def source_id(self) -> str:
        """What the source calls it."""
        return self.source or self.name

    @property
    def row(self) -> IncidentRow:
        """How it stands."""
        last = self.ends[-1][0] if self.ends else None
        start = self.started
        return IncidentRow(
            incident_id=self.name,
            source_incident_id=self.source_id,
            service_name="ledger",
            tech_stream_id=self.tech,
            severity="high",
            started_at=None if start is None else micros(start),
            resolved_at=None if last is None else micros(last),
            time_to_restore_min=None if last is None or start is None else (last - start) * 60,
            fault=self.fault,
        )

    @property
    def restore_rows(self) -> list[RestoreRow]:
        """How long it lasted, as known over time."""
        started = self.started or 0.0
        return [
            RestoreRow(
                incident_id=self.name,
                source_incident_id=self.source_id,
                tech_stream_id=self.tech,
                started_at=micros(started),
                resolved_at=micros(resolved),
                time_to_restore_min=(resolved - started) * 60,
                valid_from=micros(resolved),
                valid_to=micros(until),
            )
            for resolved, until in self.ends
        ]

    @property
    def blame_rows(self) -> list[BlameRow]:
        """What was thought of its suspects."""
        return [
            BlameRow(self.name, self.source_id, record(run), standing, micros(since), micros(until))
            for run, standing, since, until in self.blames
        ]


def delivery_reader(store: Reading) -> DeliveryReader:
    """Return the reader of deliveries of a store."""
    if isinstance(store, MemoryReading):
        return MemoryDeliveryReader(database=store.database, tables=store.tables)
    assert isinstance(store, PostgresReading)
    return PostgresDeliveryReader(database=store.database, kept=KeptRows(database=store.database))


async def deliver(
    store: Reading,
    *,
    deployments: Iterable[DeploymentRow] = (),
    changes: Iterable[ChangeRow] = (),
    incidents: Iterable[Incident] = (),
) -> None:
    """Add derived rows to a store."""
    deployments, changes, incidents = list(deployments), list(changes), list(incidents)
    if isinstance(store, MemoryReading):
        _to_memory(store, deployments, changes, incidents)
        return
    assert isinstance(store, PostgresReading)
    async with store.database.transaction() as connection:
        for table, names, rows in (
            (deliveries.deployment_records, DeploymentRow._fields, deployments),
            (deliveries.change_ledger, ChangeRow._fields, changes),
            (deliveries.incidents, IncidentRow._fields, [one.row for one in incidents]),
            (deliveries.incident_restores, RestoreRow._fields, [row for one in incidents for row in one.restore_rows]),
            (deliveries.incident_blames, BlameRow._fields, [row for one in incidents for row in one.blame_rows]),
        ):
            await Packer(table, names).write(connection, list(rows))
        await quality_spans.update_deployments(connection, [row.record_id for row in deployments])


def _to_memory(
    store: MemoryReading, deployments: list[DeploymentRow], changes: list[ChangeRow], incidents: list[Incident]
) -> None:
    tables = store.tables
    tables.deployments.update({row.record_id: row for row in deployments})
    tables.changes.update({PullRequestId(row.repo_id, row.pr_number): row for row in changes})
    for one in incidents:
        tables.incidents.setdefault(one.source_id, []).append(one.row)
        tables.restores.setdefault(one.source_id, []).extend(one.restore_rows)
        tables.blames.setdefault(one.source_id, []).extend(one.blame_rows)


def some_id(name: str) -> UUID:
    """Return an id that follows from a name."""
    return uuid5(NAMESPACE, name)
