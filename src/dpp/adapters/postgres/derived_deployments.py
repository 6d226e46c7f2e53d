"""Deployments: reads what their rows depend on, replaces the rows, and finds out what else that makes stale."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from dpp.adapters.postgres import quality_spans
from dpp.adapters.postgres.derived_tables import DerivedTables, lock_deliveries
from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.tables import deliveries
from dpp.application.delivery_derivation import DeploymentInputs, Named, RegisteredRepository
from dpp.application.delivery_rows import DeploymentRow, record_id_of
from dpp.application.derivation import Derive, News
from dpp.application.identities import PullRequestId, RunId, run_of
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import from_micros
from dpp.domain.configuration import Configuration
from dpp.domain.deployments import PRODUCTION, deployment_of
from dpp.domain.events import CicdEvent, CicdEventType, RepositoryRef, Source

_ROWS = Packer(deliveries.deployment_records, DeploymentRow._fields)

_EVERYTHING = """
SELECT pipeline_id, pipeline_run_id FROM cicd_events
WHERE event_type IN ('deploy_started', 'deploy_completed', 'deploy_failed')
UNION SELECT pipeline_id, pipeline_run_id FROM deployment_records
"""
_EVENTS = """
SELECT e.pipeline_id, e.pipeline_run_id, e.event_type, e.event_timestamp, e.source_environment, e.status, e.started_at,
    e.branch, e.commit_sha, e.linked_pr_number, e.is_config_only, e.repo_id, r.github_org, r.github_repo_name,
    r.github_install_id, r.tech_stream_id, r.default_branch, r.deploy_target
FROM unnest(%s::text[], %s::text[]) AS w (pipeline_id, pipeline_run_id)
JOIN cicd_events AS e USING (pipeline_id, pipeline_run_id) LEFT JOIN repositories AS r USING (repo_id)
WHERE e.event_type IN ('deploy_started', 'deploy_completed', 'deploy_failed')
"""
#: The first push to a pull request's branch since the one before it on that branch ended.
FIRST_PUSH = """
LEFT JOIN LATERAL (
    SELECT closed_at FROM pull_requests AS earlier
    WHERE earlier.repo_id = p.repo_id AND earlier.branch_name = p.branch_name AND earlier.pr_number < p.pr_number
    ORDER BY earlier.pr_number DESC LIMIT 1
) AS previous ON true
LEFT JOIN LATERAL (
    SELECT min(event_timestamp) AS first_pushed_at FROM push_events AS push
    WHERE push.repo_id = p.repo_id AND push.branch_name = p.branch_name
        AND push.event_timestamp > coalesce(previous.closed_at, '-infinity')
        AND push.event_timestamp <= coalesce(p.closed_at, 'infinity')
) AS pushed ON true
"""
_MICROS = "(extract(epoch FROM {}) * 1000000)::bigint"
# What was merged after the deployment had ended cannot have been deployed as that merge.
_NAMED = f"""
SELECT w.place, p.pr_number, named.way = 2, p.base_branch, {_MICROS.format("p.opened_at")},
    {_MICROS.format("pushed.first_pushed_at")}, p.linked_ticket_id, p.linked_issue_id, p.delivery_stream_id
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[], %(commits)s::text[], %(times)s::timestamptz[])
    WITH ORDINALITY AS w (repo_id, pr_number, commit_sha, deployed_at, place)
CROSS JOIN LATERAL (
    SELECT found.pr_number, found.way FROM (
        SELECT w.pr_number, 1 AS way
        UNION ALL
        SELECT e.pr_number, 2 FROM pr_events AS e WHERE e.merge_sha = w.commit_sha AND e.repo_id = w.repo_id
        UNION ALL
        SELECT e.pr_number, 3 FROM pr_events AS e WHERE e.head_sha = w.commit_sha AND e.repo_id = w.repo_id
    ) AS found
    JOIN pull_requests AS known ON known.repo_id = w.repo_id AND known.pr_number = found.pr_number
        AND (found.way <> 2 OR known.closed_at <= w.deployed_at)
    ORDER BY found.way, found.pr_number DESC LIMIT 1
) AS named
JOIN pull_requests AS p ON p.repo_id = w.repo_id AND p.pr_number = named.pr_number
{FIRST_PUSH}
"""  # noqa: S608 - made of constants
_BLAMED = """
SELECT DISTINCT ON (record_id) record_id, incident_id FROM incident_blames
WHERE record_id = ANY (%s) AND standing IN ('blamed', 'confirmed') AND valid_to = 'infinity'
ORDER BY record_id, valid_from, incident_id
"""
_BEFORE = f"""
SELECT record_id, tech_stream_id, delivery_stream_id, repo_id, environment, branch,
    {_MICROS.format("started_at")}, {_MICROS.format("deployed_at")}, status <> 'failed', is_config_only,
    linked_pr_number
FROM deployment_records WHERE record_id = ANY (%s)
"""  # noqa: S608 - made of constants
_WHOLE = "SELECT record_id, whole::text FROM deployment_records AS whole WHERE record_id = ANY (%s)"
_DELETE = "DELETE FROM deployment_records WHERE record_id = ANY (%s)"
# What undoes a deployment: a rollback that names its run, or one that names none and finds it the latest success.
_ROLLBACKS = """
SELECT own.record_id, own.environment, undone.source_environment, undone.is_named, undone.event_timestamp
FROM deployment_records AS own
LEFT JOIN LATERAL (
    SELECT deployed_at FROM deployment_records AS later
    WHERE later.repo_id = own.repo_id AND later.environment = own.environment AND later.status <> 'failed'
        AND later.deployed_at > own.deployed_at
    ORDER BY later.deployed_at LIMIT 1
) AS next ON true
CROSS JOIN LATERAL (
    SELECT e.source_environment, true AS is_named, e.event_timestamp FROM cicd_events AS e
    WHERE e.rollback_of IS NOT NULL AND e.rollback_of = own.pipeline_run_id AND e.event_type = 'rollback_completed'
        AND (e.repo_id = own.repo_id OR e.pipeline_id = own.pipeline_id) AND e.event_timestamp > own.deployed_at
    UNION ALL
    SELECT e.source_environment, false, e.event_timestamp FROM cicd_events AS e
    WHERE e.event_type = 'rollback_completed' AND e.rollback_of IS NULL AND e.repo_id = own.repo_id
        AND e.event_timestamp > own.deployed_at AND e.event_timestamp <= coalesce(next.deployed_at, 'infinity')
) AS undone
WHERE own.record_id = ANY (%s) AND own.status <> 'failed'
ORDER BY undone.event_timestamp
"""
_ROLL_BACK = """
UPDATE deployment_records AS own SET status = 'rolled_back', rollback_at = undone.at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS undone (record_id, at) WHERE own.record_id = undone.record_id
"""
# A rollback that names nothing may find another latest success now.
_NEIGHBOURS = """
SELECT DISTINCT near.pipeline_id, near.pipeline_run_id
FROM unnest(%(repositories)s::uuid[], %(environments)s::text[], %(times)s::timestamptz[])
    AS w (repo_id, environment, at)
CROSS JOIN LATERAL (
    SELECT pipeline_id, pipeline_run_id FROM deployment_records AS earlier
    WHERE earlier.repo_id = w.repo_id AND earlier.environment = w.environment AND earlier.status <> 'failed'
        AND earlier.deployed_at < w.at
    ORDER BY earlier.deployed_at DESC LIMIT 1
) AS near
WHERE EXISTS (
    SELECT FROM cicd_events AS e WHERE e.event_type = 'rollback_completed' AND e.rollback_of IS NULL
        AND e.repo_id = w.repo_id AND e.event_timestamp > w.at
)
"""
_INCIDENTS = """
SELECT DISTINCT incident.source_incident_id
FROM unnest(%(streams)s::uuid[], %(times)s::timestamptz[]) AS w (tech_stream_id, at)
JOIN incidents AS incident ON incident.tech_stream_id = w.tech_stream_id
    AND incident.started_at >= w.at AND incident.started_at <= w.at + %(minutes)s * interval '1 minute'
"""
# What was merged into its branch since the deployment before it; for the first of a repository, whatever was merged
# before the second one.
_CHANGES = """
SELECT DISTINCT p.repo_id, p.pr_number
FROM unnest(%(ids)s::uuid[], %(repositories)s::uuid[], %(branches)s::text[], %(starts)s::timestamptz[])
    AS w (record_id, repo_id, branch, started_at)
CROSS JOIN LATERAL (
    SELECT max(d.started_at) FILTER (WHERE d.started_at <= w.started_at AND d.branch = w.branch) AS before,
        count(*) FILTER (WHERE d.started_at <= w.started_at) = 0 AS is_first,
        min(d.started_at) FILTER (WHERE d.started_at > w.started_at) AS after
    FROM (
        (SELECT record_id, started_at, branch FROM deployment_records AS d
        WHERE d.repo_id = w.repo_id AND d.environment = 'production' AND d.status <> 'failed' AND NOT d.is_config_only
            AND d.record_id <> w.record_id AND d.started_at <= w.started_at AND d.branch = w.branch
        ORDER BY d.started_at DESC LIMIT 1)
        UNION ALL
        (SELECT record_id, started_at, branch FROM deployment_records AS d
        WHERE d.repo_id = w.repo_id AND d.environment = 'production' AND d.status <> 'failed' AND NOT d.is_config_only
            AND d.record_id <> w.record_id AND d.started_at <= w.started_at
        ORDER BY d.started_at DESC LIMIT 1)
        UNION ALL
        (SELECT record_id, started_at, branch FROM deployment_records AS d
        WHERE d.repo_id = w.repo_id AND d.environment = 'production' AND d.status <> 'failed' AND NOT d.is_config_only
            AND d.record_id <> w.record_id AND d.started_at > w.started_at
        ORDER BY d.started_at LIMIT 1)
    ) AS d
) AS near
JOIN pull_requests AS p ON p.repo_id = w.repo_id AND p.state = 'merged' AND (
    NOT near.is_first AND p.base_branch = w.branch
        AND p.closed_at > coalesce(near.before, '-infinity') AND p.closed_at <= w.started_at
    OR near.is_first AND p.closed_at <= coalesce(near.after, 'infinity')
)
"""


class DeploymentTables(DerivedTables):
    """The table of deployments."""

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some deployments; stale are the changes, incidents and rollbacks around them."""
        await lock_deliveries(connection)
        runs = [run_of(key) for key in keys]
        rows = {row.record_id: row for row in derive.deployments(await _inputs(connection, runs), configuration)}
        ids = [record_id_of(*run) for run in runs]
        before = {row[0]: _State(*row) for row in await _fetch(connection, _BEFORE, [ids])}
        was = dict(await _fetch(connection, _WHOLE, [ids]))
        await connection.execute(_DELETE, [ids])
        await _ROWS.write(connection, list(rows.values()))
        await quality_spans.update_deployments(connection, ids)
        await _roll_back(connection, list(rows), configuration)
        after = {record_id: _State.of(row) for record_id, row in rows.items()}
        key_of = dict(zip(ids, keys, strict=True))
        becomes = dict(await _fetch(connection, _WHOLE, [ids]))
        for state in (*before.values(), *after.values()):
            # What was derived again for something else, and came out the same, is no news of its streams.
            if was.get(state.record_id) != becomes.get(state.record_id):
                tech_streams = [state.tech_stream_id] if state.tech_stream_id else []
                news.add(key_of[state.record_id], state.delivery_stream_id, tech_streams)
        changed = [one for one in ids if _fact(before.get(one)) != _fact(after.get(one))]
        states = [state for one in changed for state in (before.get(one), after.get(one)) if state is not None]
        return await _stale(connection, states, configuration)

    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return every deployment."""
        return [RunId(*row).key(StaleKind.DEPLOYMENT) for row in await _fetch(connection, _EVERYTHING, [])]


class _State(NamedTuple):
    """What others read of a deployment."""

    record_id: UUID
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    repo_id: UUID | None
    environment: str
    branch: str | None
    started_at: int
    deployed_at: int
    has_succeeded: bool
    is_config_only: bool
    linked_pr_number: int | None

    @classmethod
    def of(cls, row: DeploymentRow) -> _State:
        return cls(**{name: getattr(row, name) for name in cls._fields})

    @property
    def is_release(self) -> bool:
        """Whether it brought changes to users."""
        return self.environment == PRODUCTION and self.has_succeeded


def _fact(state: _State | None) -> _State | None:
    """Leave out what nobody decides anything by."""
    return state and state._replace(delivery_stream_id=None)


async def _fetch(connection: Connection, query: str, values: Any) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()


async def _inputs(connection: Connection, runs: Sequence[RunId]) -> DeploymentInputs:
    """Return the inputs of those of some deployments that have any event."""
    events: dict[RunId, list[CicdEvent]] = {}
    repositories: dict[RunId, UUID] = {}
    registered: dict[UUID, RegisteredRepository] = {}
    columns = [run.pipeline_id for run in runs], [run.pipeline_run_id for run in runs]
    for row in await _fetch(connection, _EVENTS, columns):
        run = RunId(row[0], row[1])
        events.setdefault(run, []).append(_event(row))
        if row[11] is not None:
            # A run is of one repository; should its reports differ, every order of them must agree on one.
            repositories[run] = min(repositories.get(run, row[11]), row[11])
            registered[row[11]] = RegisteredRepository(row[15], row[16], row[17])
    by_record = {record_id_of(*run): run for run in events}
    blamed = await _fetch(connection, _BLAMED, [list(by_record)])
    return DeploymentInputs(
        events=events,
        repositories=repositories,
        registered=registered,
        named=await _named(connection, events, repositories),
        blamed={by_record[record_id]: incident_id for record_id, incident_id in blamed},
    )


def _event(row: Sequence[Any]) -> CicdEvent:
    return CicdEvent(
        event_type=CicdEventType(row[2]),
        event_timestamp=row[3],
        pipeline_id=row[0],
        pipeline_run_id=row[1],
        environment=row[4],
        status=row[5],
        source=Source.DEPLOYMENT,
        repository=RepositoryRef(org=row[12], name=row[13], installation_id=row[14]) if row[11] else None,
        started_at=row[6],
        branch=row[7],
        commit_sha=row[8],
        linked_pr_number=row[9],
        is_config_only=row[10],
    )


async def _named(
    connection: Connection, events: Mapping[RunId, Sequence[CicdEvent]], repositories: Mapping[RunId, UUID]
) -> dict[RunId, Named]:
    ended = {run: deployment_of(those) for run, those in events.items() if run in repositories}
    known = [(run, deployment) for run, deployment in ended.items() if deployment is not None]
    wanted = {
        "repositories": [repositories[run] for run, _ in known],
        "numbers": [deployment.linked_pr_number for _, deployment in known],
        "commits": [deployment.commit_sha for _, deployment in known],
        "times": [deployment.deployed_at for _, deployment in known],
    }
    return {known[place - 1][0]: Named(*cells) for place, *cells in await _fetch(connection, _NAMED, wanted)}


async def _roll_back(connection: Connection, ids: Sequence[UUID], configuration: Configuration) -> None:
    """Mark those of some deployments that a rollback has undone; the earliest counts."""
    undone: dict[UUID, Any] = {}
    for record_id, environment, told, is_named, at in await _fetch(connection, _ROLLBACKS, [list(ids)]):
        if is_named or configuration.environment(told) == environment:
            undone.setdefault(record_id, at)
    if undone:
        await connection.execute(_ROLL_BACK, [list(undone), list(undone.values())])


async def _stale(
    connection: Connection, states: Iterable[_State], configuration: Configuration
) -> Collection[StaleKey]:
    """Return what may not follow any more from deployments that were, or are, in these states."""
    successes = [state for state in states if state.has_succeeded]
    stale = {RunId(*row).key(StaleKind.DEPLOYMENT) for row in await _neighbours(connection, successes)}
    releases = [state for state in successes if state.is_release]
    minutes = configuration.platform.correlation_window_minutes
    stale |= {StaleKey(StaleKind.INCIDENT, row[0]) for row in await _incidents(connection, releases, minutes)}
    carrying = [state for state in releases if state.repo_id and not state.is_config_only]
    stale |= {PullRequestId(*row).key(StaleKind.CHANGE) for row in await _changes(connection, carrying)}
    named = {
        PullRequestId(one.repo_id, one.linked_pr_number) for one in carrying if one.repo_id and one.linked_pr_number
    }
    return stale | {one.key(StaleKind.CHANGE) for one in named}


async def _neighbours(connection: Connection, states: Sequence[_State]) -> list[tuple[Any, ...]]:
    located = [state for state in states if state.repo_id]
    if not located:
        return []
    wanted = {
        "repositories": [state.repo_id for state in located],
        "environments": [state.environment for state in located],
        "times": [from_micros(state.deployed_at) for state in located],
    }
    return await _fetch(connection, _NEIGHBOURS, wanted)


async def _incidents(connection: Connection, states: Sequence[_State], minutes: int) -> list[tuple[Any, ...]]:
    located = [state for state in states if state.tech_stream_id]
    if not located:
        return []
    wanted = {
        "streams": [state.tech_stream_id for state in located],
        "times": [from_micros(state.deployed_at) for state in located],
        "minutes": minutes,
    }
    return await _fetch(connection, _INCIDENTS, wanted)


async def _changes(connection: Connection, states: Sequence[_State]) -> list[tuple[Any, ...]]:
    if not states:
        return []
    wanted = {
        "ids": [state.record_id for state in states],
        "repositories": [state.repo_id for state in states],
        "branches": [state.branch for state in states],
        "starts": [from_micros(state.started_at) for state in states],
    }
    return await _fetch(connection, _CHANGES, wanted)
