"""Deployments, changes and incidents in memory: what their rows depend on, and what else new rows make stale.

Where PostgreSQL looks up neighbours, this looks through everything of a repository or technology stream: it marks more,
and what is derived without need comes out the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.delivery_derivation import (
    LONGEST_WAY,
    Carrier,
    ChangeInputs,
    DeploymentInputs,
    IncidentInputs,
    MergedPullRequest,
    Named,
    NearDeployment,
    RegisteredRepository,
)
from dpp.application.delivery_rows import BlameRow, DeploymentRow, VerdictRow, record_id_of
from dpp.application.derivation import Derive, News
from dpp.application.derived_rows import PullRequestRow
from dpp.application.identities import PullRequestId, RunId, pull_request_of, push_of, run_of
from dpp.application.repositories import DeployTarget, services_of
from dpp.application.resolving import ResolvedEvent
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.deployments import PRODUCTION, deployment_of
from dpp.domain.events import CicdEvent, CicdEventType, IncidentEvent, PullRequestEvent, PushEvent
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing

_STEPS = frozenset({CicdEventType.DEPLOY_STARTED, CicdEventType.DEPLOY_COMPLETED, CicdEventType.DEPLOY_FAILED})


@dataclass(frozen=True, slots=True)
class MemoryDeliveries:
    """Derives what reaches users, over the events and rows of a memory database."""

    database: MemoryDatabase
    tables: MemoryDerivedTables

    # --- deployments ------------------------------------------------------------------------------------------------

    def deployments(
        self, derive: Derive, keys: Sequence[StaleKey], configuration: Configuration, news: News
    ) -> Collection[StaleKey]:
        """Replace the rows of some deployments."""
        ids = {record_id_of(*run_of(key)) for key in keys}
        rows = derive.deployments(self._deployment_inputs({run_of(key) for key in keys}), configuration)
        before = {one: row for one in ids if (row := self.tables.deployments.pop(one, None)) is not None}
        self.tables.deployments.update((row.record_id, row) for row in rows)
        after = {row.record_id: self._rolled_back(row, configuration) for row in rows}
        self.tables.deployments.update(after)
        for row in (*before.values(), *after.values()):
            # What was derived again for something else, and came out the same, is no news of its streams.
            if before.get(row.record_id) != after.get(row.record_id):
                key = RunId(row.pipeline_id, row.pipeline_run_id).key(StaleKind.DEPLOYMENT)
                news.add(key, row.delivery_stream_id, _only(row.tech_stream_id))
        changed = [(before.get(one), after.get(one)) for one in ids if _fact(before.get(one)) != _fact(after.get(one))]
        return set(self._around([row for pair in changed for row in pair if row is not None]))

    def all_deployments(self) -> set[StaleKey]:
        """Return every deployment that has events or a row."""
        runs = {RunId(row.pipeline_id, row.pipeline_run_id) for row in self.tables.deployments.values()}
        return {run.key(StaleKind.DEPLOYMENT) for run in runs | {run for run, _, _ in self._steps(_STEPS)}}

    def _deployment_inputs(self, runs: Collection[RunId]) -> DeploymentInputs:
        events: dict[RunId, list[CicdEvent]] = {}
        repositories: dict[RunId, UUID] = {}
        for run, event, row in self._steps(_STEPS):
            if run in runs:
                events.setdefault(run, []).append(event)
                if row.repo_id is not None:
                    repositories[run] = min(repositories.get(run, row.repo_id), row.repo_id)
        named = {run: self._named(repositories.get(run), those) for run, those in events.items()}
        return DeploymentInputs(
            events=events,
            repositories=repositories,
            registered={
                item.repo_id: RegisteredRepository(item.tech_stream_id, item.default_branch, item.deploy_target)
                for item in self.database.repositories.all
            },
            named={run: found for run, found in named.items() if found is not None},
            blamed=self._blamed({record_id_of(*run): run for run in events}),
        )

    def _steps(self, types: Collection[CicdEventType]) -> Iterator[tuple[RunId, CicdEvent, ResolvedEvent]]:
        for row in self.database.events["cicd_events"]:
            event = row.event
            if isinstance(event, CicdEvent) and event.event_type in types:
                yield RunId(event.pipeline_id, event.pipeline_run_id), event, row

    def _named(self, repo_id: UUID | None, events: Iterable[CicdEvent]) -> Named | None:
        deployment = deployment_of(events)
        if repo_id is None or deployment is None:
            return None
        told = [] if deployment.linked_pr_number is None else [deployment.linked_pr_number]
        merges, heads = self._numbers_of(repo_id, deployment.commit_sha)
        for is_merge, numbers in ((False, told), (True, merges), (False, heads)):
            rows = [self.tables.pull_requests.get(PullRequestId(repo_id, number)) for number in numbers]
            # What was merged after the deployment had ended cannot have been deployed as that merge.
            over = to_micros(deployment.deployed_at)
            known = [
                row.pr_number
                for row in rows
                if row is not None and not (is_merge and (row.closed_at is None or row.closed_at > over))
            ]
            if known:
                row = self.tables.pull_requests[PullRequestId(repo_id, max(known))]
                return Named(
                    pr_number=row.pr_number,
                    by_merge=is_merge,
                    base_branch=row.base_branch,
                    opened_at=row.opened_at,
                    first_pushed_at=self._first_push(row),
                    linked_ticket_id=row.linked_ticket_id,
                    linked_issue_id=row.linked_issue_id,
                    delivery_stream_id=row.delivery_stream_id,
                )
        return None

    def _numbers_of(self, repo_id: UUID, commit: str | None) -> tuple[list[int], list[int]]:
        if commit is None:
            return [], []
        rows = [row.event for row in self.database.events["pr_events"] if row.repo_id == repo_id]
        events = [event for event in rows if isinstance(event, PullRequestEvent)]
        return (
            [event.pr_number for event in events if event.merge_sha == commit],
            [event.pr_number for event in events if event.head_sha == commit],
        )

    def _first_push(self, row: PullRequestRow) -> int | None:
        """Return the first push to a pull request's branch since the one before it on that branch ended."""
        earlier = [
            one
            for one in self._of_repository(row.repo_id)
            if one.branch_name == row.branch_name and one.pr_number < row.pr_number
        ]
        previous = max(earlier, key=lambda one: one.pr_number, default=None)
        since = previous.closed_at if previous is not None and previous.closed_at is not None else -FOREVER
        until = FOREVER if row.closed_at is None else row.closed_at
        pushes = [
            to_micros(pushed.event.event_timestamp)
            for pushed in self.database.events["push_events"]
            if isinstance(pushed.event, PushEvent)
            and pushed.repo_id == row.repo_id
            and pushed.event.branch_name == row.branch_name
        ]
        return min((at for at in pushes if since < at <= until), default=None)

    def _of_repository(self, repo_id: UUID) -> list[PullRequestRow]:
        return [row for row in self.tables.pull_requests.values() if row.repo_id == repo_id]

    def _blamed(self, runs: Mapping[UUID, RunId]) -> dict[RunId, str]:
        blames = [
            (row.valid_from, row.incident_id, runs[row.record_id])
            for rows in self.tables.blames.values()
            for row in rows
            if row.record_id in runs and _holds(row)
        ]
        return {run: incident_id for _, incident_id, run in sorted(blames, reverse=True)}

    def _rolled_back(self, row: DeploymentRow, configuration: Configuration) -> DeploymentRow:
        undone = min(self._undone_at(row, configuration), default=None) if row.has_succeeded else None
        return row if undone is None else row._replace(status="rolled_back", rollback_at=undone)

    def _undone_at(self, row: DeploymentRow, configuration: Configuration) -> Iterator[int]:
        later = [
            other.deployed_at
            for other in self.tables.deployments.values()
            if other.repo_id == row.repo_id
            and other.environment == row.environment
            and other.has_succeeded
            and other.deployed_at > row.deployed_at
        ]
        following = min(later, default=FOREVER)
        for run, event, stored in self._steps({CicdEventType.ROLLBACK_COMPLETED}):
            at, is_same = to_micros(event.event_timestamp), stored.repo_id == row.repo_id and row.repo_id is not None
            if at <= row.deployed_at:
                continue
            if event.rollback_of is not None:
                if event.rollback_of == row.pipeline_run_id and (is_same or run.pipeline_id == row.pipeline_id):
                    yield at
            elif is_same and at <= following and configuration.environment(event.environment) == row.environment:
                yield at

    def _around(self, states: Sequence[DeploymentRow]) -> Iterator[StaleKey]:
        """Yield what may not follow any more from deployments that were, or are, as these rows say."""
        repositories = {row.repo_id for row in states if row.repo_id is not None}
        for row in self.tables.deployments.values():
            if row.repo_id in repositories:
                yield RunId(row.pipeline_id, row.pipeline_run_id).key(StaleKind.DEPLOYMENT)
        yield from self.changes_of(repositories)
        streams = {row.tech_stream_id for row in states} | {None}
        for incident_id, rows in self.tables.incidents.items():
            if any(row.tech_stream_id in streams for row in rows):
                yield StaleKey(StaleKind.INCIDENT, incident_id)

    def rollbacks(self, keys: Sequence[StaleKey]) -> Collection[StaleKey]:
        """Return the deployments that some rollbacks may undo."""
        runs = {run_of(key) for key in keys}
        # Other reports of a rollback may have stood for it before.
        told = (*self.database.events["cicd_events"], *self.database.other_reports.values())
        found = [
            (row.repo_id, row.event.rollback_of)
            for row in told
            if isinstance(row.event, CicdEvent) and RunId(row.event.pipeline_id, row.event.pipeline_run_id) in runs
        ]
        return {
            RunId(row.pipeline_id, row.pipeline_run_id).key(StaleKind.DEPLOYMENT)
            for row in self.tables.deployments.values()
            for repo_id, undone in found
            if (repo_id is not None and row.repo_id == repo_id) or row.pipeline_run_id == undone
        }

    # --- changes ----------------------------------------------------------------------------------------------------

    def changes(
        self, derive: Derive, keys: Sequence[StaleKey], configuration: Configuration, news: News
    ) -> Collection[StaleKey]:
        """Replace the rows of some changes; whoever marked them has marked all of their repository."""
        ids = {one for key in keys if (one := pull_request_of(key)) is not None}
        rows = derive.changes(self._change_inputs(ids))
        before = {one: row for one in ids if (row := self.tables.changes.pop(one, None)) is not None}
        after = {PullRequestId(row.repo_id, row.pr_number): row for row in rows}
        self.tables.changes.update(after)
        for one, row in (*before.items(), *after.items()):
            if before.get(one) != after.get(one):
                news.add(one.key(StaleKind.CHANGE), row.delivery_stream_id, _only(row.tech_stream_id))
        return set()

    def all_changes(self) -> set[StaleKey]:
        """Return every merged pull request."""
        ids = {one for one, row in self.tables.pull_requests.items() if row.state == "merged"}
        return {one.key(StaleKind.CHANGE) for one in ids | self.tables.changes.keys()}

    def changes_of(self, repositories: Collection[UUID]) -> Iterator[StaleKey]:
        """Yield every change of some repositories."""
        for key in self.all_changes():
            one = pull_request_of(key)
            if one is not None and one.repo_id in repositories:
                yield key

    def pushes(self, keys: Sequence[StaleKey]) -> Collection[StaleKey]:
        """Return what reads when the work on the pull requests of some branches began."""
        return set(self.beginnings({push_of(key).repo_id for key in keys}))

    def beginnings(self, repositories: Collection[UUID]) -> Iterator[StaleKey]:
        """Yield the changes and the deployments of some repositories."""
        yield from self.changes_of(repositories)
        for row in self.tables.deployments.values():
            if row.repo_id in repositories:
                yield RunId(row.pipeline_id, row.pipeline_run_id).key(StaleKind.DEPLOYMENT)

    def _change_inputs(self, ids: Collection[PullRequestId]) -> ChangeInputs:
        deployed = {item.repo_id for item in self.database.repositories.all if item.is_deployable}
        rows = {one: row for one in ids if (row := self.tables.pull_requests.get(one)) is not None}
        merged = {one: row for one, row in rows.items() if row.state == "merged" and one.repo_id in deployed}
        carriers = {one: self._carrier(row) for one, row in merged.items()}
        return ChangeInputs(
            merged={one: self._merged(row) for one, row in merged.items()},
            carriers={one: carrier for one, carrier in carriers.items() if carrier is not None},
        )

    def _merged(self, row: PullRequestRow) -> MergedPullRequest:
        cycle = self.tables.pull_request_cycles.get(PullRequestId(row.repo_id, row.pr_number))
        assert row.closed_at is not None
        return MergedPullRequest(
            tech_stream_id=row.tech_stream_id,
            delivery_stream_id=row.delivery_stream_id,
            linked_ticket_id=row.linked_ticket_id,
            linked_issue_id=row.linked_issue_id,
            base_branch=row.base_branch,
            first_pushed_at=self._first_push(row),
            opened_at=row.opened_at,
            first_review_at=cycle.first_review_at if cycle else None,
            merged_at=row.closed_at,
        )

    def _carrier(self, row: PullRequestRow) -> Carrier | None:
        assert row.closed_at is not None
        releases = sorted(
            (
                one
                for one in self.tables.deployments.values()
                if one.repo_id == row.repo_id
                and one.environment == PRODUCTION
                and one.has_succeeded
                and not one.is_config_only
            ),
            key=lambda one: (one.started_at, one.deployed_at, one.record_id),
        )
        found = [
            next((one for one in releases if one.branch == branch and one.started_at >= at), None)
            for branch, at in self._way(row)
        ]
        found.append(
            next(
                (one for one in releases if one.linked_pr_number == row.pr_number and one.started_at >= row.closed_at),
                None,
            )
        )
        carrying = [one for one in found if one is not None]
        if not carrying:
            return None
        first = min(releases, key=lambda one: (one.started_at, one.record_id))
        best = min(carrying, key=lambda one: (one.deployed_at, one.record_id))
        return Carrier(best.record_id, best.deployed_at, best == first, best.linked_pr_number == row.pr_number)

    def _way(self, row: PullRequestRow) -> set[tuple[str, int]]:
        """Return the branches that a change has come to, each with the time, from merge to merge."""
        assert row.closed_at is not None
        merges = [one for one in self._of_repository(row.repo_id) if one.state == "merged"]
        reached = {(row.base_branch, row.closed_at)} if row.base_branch is not None else set()
        way = set(reached)
        for _ in range(LONGEST_WAY):
            onward: set[tuple[str, int]] = set()
            for branch, at in reached:
                taken: dict[str, int] = {}
                for one in merges:
                    base, closed = one.base_branch, one.closed_at
                    if one.branch_name == branch and base not in (None, branch) and closed is not None and closed >= at:
                        assert base is not None
                        taken[base] = min(taken.get(base, closed), closed)
                onward |= set(taken.items())
            reached = onward - way
            way |= reached
        return way

    # --- incidents --------------------------------------------------------------------------------------------------

    def incidents(
        self, derive: Derive, keys: Sequence[StaleKey], configuration: Configuration, news: News
    ) -> Collection[StaleKey]:
        """Replace the rows of some incidents; stale are the deployments that are blamed now and were not, or were."""
        ids = {key.key for key in keys}
        rows = derive.incidents(self._incident_inputs(ids, configuration), configuration)
        tables = self.tables
        streams = [(one, row.tech_stream_id) for one in ids for row in tables.incidents.get(one, ())]
        was = {one: self._rows_of(one) for one in ids}
        blamed_before = [row for one in ids for row in tables.blames.get(one, ()) if _holds(row)]
        before = {(row.source_incident_id, row.incident_id, row.record_id) for row in blamed_before}
        for one in ids:
            for table in (tables.incidents, tables.restores, tables.blames):
                table.pop(one, None)
        for incident in rows.incidents:
            tables.incidents.setdefault(incident.source_incident_id, []).append(incident)
            streams.append((incident.source_incident_id, incident.tech_stream_id))
        for restore in rows.restores:
            tables.restores.setdefault(restore.source_incident_id, []).append(restore)
        for blame in rows.blames:
            tables.blames.setdefault(blame.source_incident_id, []).append(blame)
        after = {(row.source_incident_id, row.incident_id, row.record_id) for row in rows.blames if _holds(row)}
        others = {one for one in ids if was[one] != self._rows_of(one)}
        for source_incident_id, stream in streams:
            if source_incident_id in others:
                news.add(_incident_key(source_incident_id), None, _only(stream))
        for source_incident_id, _, record in before | after:
            if record in tables.deployments and source_incident_id in others:
                news.add(_incident_key(source_incident_id), tables.deployments[record].delivery_stream_id, ())
        changed = {record for *_, record in before ^ after} & tables.deployments.keys()
        blamed = [tables.deployments[record] for record in changed]
        return {RunId(row.pipeline_id, row.pipeline_run_id).key(StaleKind.DEPLOYMENT) for row in blamed}

    def _rows_of(self, incident: str) -> set[object]:
        tables = self.tables
        return {row for table in (tables.incidents, tables.restores, tables.blames) for row in table.get(incident, ())}

    def all_incidents(self) -> set[StaleKey]:
        """Return every incident that has events or rows."""
        told = {event.incident_id for event in self._incident_events()}
        return {StaleKey(StaleKind.INCIDENT, one) for one in told | self.tables.incidents.keys()}

    def _incident_events(self) -> list[IncidentEvent]:
        rows = (row.event for row in self.database.events["incident_events"])
        return [event for event in rows if isinstance(event, IncidentEvent)]

    def _incident_inputs(self, ids: Collection[str], configuration: Configuration) -> IncidentInputs:
        events: dict[str, list[IncidentEvent]] = {}
        for event in self._incident_events():
            if event.incident_id in ids:
                events.setdefault(event.incident_id, []).append(event)
        targets = [
            DeployTarget(item.repo_id, item.tech_stream_id, item.deploy_target)
            for item in self.database.repositories.all
            if item.deploy_target is not None
        ]
        window = timedelta(minutes=configuration.platform.correlation_window_minutes)
        verdicts: dict[str, list[VerdictRow]] = {}
        for verdict in self.database.verdicts:
            verdicts.setdefault(verdict.source_incident_id, []).append(verdict)
        return IncidentInputs(
            events=events,
            services=services_of({event.service_name for those in events.values() for event in those}, targets=targets),
            deployments=self._near([event for those in events.values() for event in those], window),
            verdicts=verdicts,
        )

    def _near(self, events: Collection[IncidentEvent], window: timedelta) -> dict[UUID, list[NearDeployment]]:
        spans = [(to_micros(event.event_timestamp - window), to_micros(event.event_timestamp)) for event in events]
        near: dict[UUID, list[NearDeployment]] = {}
        for row in self.tables.deployments.values():
            is_near = any(start <= row.deployed_at <= end for start, end in spans)
            if is_near and row.tech_stream_id and row.environment == PRODUCTION and row.has_succeeded:
                found = NearDeployment(row.record_id, row.repo_id, row.tech_stream_id, row.deployed_at)
                near.setdefault(row.tech_stream_id, []).append(found)
        return near


def _incident_key(incident: str) -> StaleKey:
    return StaleKey(StaleKind.INCIDENT, incident)


def _only(stream: UUID | None) -> tuple[UUID, ...]:
    return () if stream is None else (stream,)


def _holds(row: BlameRow) -> bool:
    return row.standing in (Standing.BLAMED, Standing.CONFIRMED) and row.valid_to == FOREVER


def _fact(row: DeploymentRow | None) -> tuple[object, ...] | None:
    """Leave out what nobody decides anything by."""
    return row and (
        row.tech_stream_id,
        row.repo_id,
        row.environment,
        row.branch,
        row.started_at,
        row.deployed_at,
        row.has_succeeded,
        row.is_config_only,
        row.linked_pr_number,
    )
