"""Defects, reviews, deployments and incidents by name, from the derived rows and events in memory."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.diagnostics import MemoryDiagnosticsReader, Streams
from dpp.adapters.memory.selections import attribution, only
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.delivery_rows import BlameRow, DeploymentRow, IncidentRow, RestoreRow
from dpp.application.derived_rows import AttributionRow, PullRequestRow
from dpp.application.evidence_reader import (
    Among,
    DefectInWindow,
    EndedDeployment,
    EndedPullRequest,
    IncidentInWindow,
    ReviewedPullRequest,
    is_among,
)
from dpp.application.views import View, Window
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.defects import latest_attribution
from dpp.domain.deployments import PRODUCTION
from dpp.domain.dora import HELD_RESPONSIBLE
from dpp.domain.events import DefectEvent, PullRequestEventType
from dpp.domain.incidents import Standing
from dpp.domain.reviews import is_peer_review, pull_request_cycle


class MemoryDefectsAndReviews(MemoryDiagnosticsReader):
    """Names what the figures about defects and reviews are made of."""

    def ended(self, view: View, window: Window, among: Among) -> Iterator[EndedPullRequest]:
        """Yield the pull requests that ended in the window, in any order."""
        for one, events in self._pull_requests(view, "pr_events", "pull_request_facts").items():
            state, row = pull_request_cycle(events), self._tables.pull_requests.get(one)
            at = state.ended_at
            if at is None or row is None or not window.start <= at < window.end or at > view.as_of:
                continue
            if _is_among(self._streams_of(row, view), view, among):
                is_reviewed = any(event.event_type is PullRequestEventType.REVIEW_SUBMITTED for event in events)
                yield EndedPullRequest(
                    repository=self._name(row.repo_id),
                    pr_number=row.pr_number,
                    ticket_id=self._key_of(row, view),
                    opened_at=from_micros(row.opened_at),
                    ended_at=at,
                    first_review_at=state.first_review_at,
                    has_other_reviews=is_reviewed and state.first_review_at is None,
                )

    def reviewed(self, view: View, window: Window) -> Iterator[ReviewedPullRequest]:
        """Yield the pull requests that peers reviewed in the window, in any order."""
        for one, events in self._pull_requests(view, "pr_events").items():
            row = self._tables.pull_requests.get(one)
            times = [
                event.event_timestamp
                for event in events
                if is_peer_review(event) and window.start <= event.event_timestamp < window.end
            ]
            if row is not None and times and _is_among(self._streams_of(row, view), view, Among.SHOWN):
                yield ReviewedPullRequest(self._name(row.repo_id), row.pr_number, len(times), max(times))

    def defects_of(self, view: View, window: Window, among: Among) -> Iterator[DefectInWindow]:
        """Yield the defects with an event in the window, in any order."""
        for issue_id, rows in self._defects(view).items():
            times = [
                row.event.event_timestamp for row in rows if window.start <= row.event.event_timestamp < window.end
            ]
            if times and _is_among(self._streams_of_defect(rows, view), view, among):
                held = attribution(self._tables, issue_id, moment=to_micros(view.as_of))
                events = [row.event for row in rows if isinstance(row.event, DefectEvent)]
                ticket_id = held.ticket_id if held else latest_attribution(events).ticket_id
                yield DefectInWindow(ticket_id, max(times), *self.found(rows))

    def _key_of(self, row: PullRequestRow, view: View) -> str | None:
        held = row.linked_issue_id and attribution(self._tables, row.linked_issue_id, moment=to_micros(view.as_of))
        return held.ticket_id if held else row.linked_ticket_id

    def _name(self, repo_id: UUID) -> str:
        return next(row.full_name for row in self._database.repositories.all if row.repo_id == repo_id)


class MemoryOutcomes:
    """Names deployments and incidents.

    Args:
        database: has the register of repositories.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    def ended(self, view: View, window: Window, among: Among) -> Iterator[EndedDeployment]:
        """Yield the deployments that ended in the window, in any order."""
        start, end = _edges(window, view)
        names = {row.repo_id: row.full_name for row in self._database.repositories.all}
        for row in self._tables.deployments.values():
            held = self._held(row, view)
            streams = (held.delivery_stream_id if held else None, only(row.tech_stream_id))
            is_wanted = among is Among.SHOWN or row.environment == PRODUCTION
            if is_wanted and start <= row.deployed_at < end and _is_among(streams, view, among):
                is_undone = row.rollback_at is not None and row.rollback_at <= to_micros(view.as_of)
                yield EndedDeployment(
                    record_id=row.record_id,
                    repository=names.get(row.repo_id) if row.repo_id else None,
                    pipeline_id=row.pipeline_id,
                    pipeline_run_id=row.pipeline_run_id,
                    environment=row.environment,
                    deployed_at=from_micros(row.deployed_at),
                    has_succeeded=row.has_succeeded,
                    is_config_only=row.is_config_only,
                    rolled_back_at=from_micros(row.rollback_at) if is_undone and row.rollback_at is not None else None,
                    lead_time_hrs=row.lead_time_hrs,
                    commit_sha=row.commit_sha,
                    pr_number=row.linked_pr_number,
                    ticket_id=held.ticket_id if held else row.linked_ticket_id,
                    incidents=tuple(sorted({blame.incident_id for blame in self._blames(view, of=row.record_id)})),
                )

    def incidents_of(self, view: View, window: Window, among: Among) -> Iterator[IncidentInWindow]:
        """Yield the incidents that ended in the window, or began in it and did not, in any order."""
        start, end = _edges(window, view)
        for row in (row for rows in self._tables.incidents.values() for row in rows):
            restore = self._restore(row, view)
            if restore is None and among is Among.UNPLACED:
                continue
            at = restore.resolved_at if restore else row.resolved_at if row.started_at is None else row.started_at
            if at is not None and start <= at < end and _is_among(self._streams_of(row, view), view, among):
                yield IncidentInWindow(
                    incident_id=row.incident_id,
                    service_name=row.service_name,
                    severity=row.severity,
                    at=from_micros(at),
                    minutes=restore.time_to_restore_min if restore else None,
                    is_faulty=restore is None and row.fault is not None,
                )

    def _restore(self, incident: IncidentRow, view: View) -> RestoreRow | None:
        moment = to_micros(view.as_of)
        rows = self._tables.restores.get(incident.source_incident_id, ())
        return next(
            (
                row
                for row in rows
                if row.incident_id == incident.incident_id
                and row.valid_from <= moment < row.valid_to
                and row.resolved_at < moment
            ),
            None,
        )

    def _streams_of(self, incident: IncidentRow, view: View) -> Streams:
        """Return an incident's own technology stream, and the delivery stream of what it is blamed on."""
        blames = sorted(
            (blame for blame in self._blames(view) if blame.incident_id == incident.incident_id),
            key=lambda blame: (blame.standing != Standing.CONFIRMED, blame.record_id),
        )
        blamed = self._tables.deployments.get(blames[0].record_id) if blames else None
        held = self._held(blamed, view) if blamed else None
        return held.delivery_stream_id if held else None, only(incident.tech_stream_id)

    def _blames(self, view: View, *, of: UUID | None = None) -> Iterator[BlameRow]:
        """Yield what is held responsible at the moment, of one deployment or of all."""
        moment = to_micros(view.as_of)
        for blame in (blame for blames in self._tables.blames.values() for blame in blames):
            is_responsible = Standing(blame.standing) in HELD_RESPONSIBLE
            if is_responsible and of in (None, blame.record_id) and blame.valid_from <= moment < blame.valid_to:
                yield blame

    def _held(self, row: DeploymentRow, view: View) -> AttributionRow | None:
        issue_id = row.linked_issue_id
        return attribution(self._tables, issue_id, moment=to_micros(view.as_of)) if issue_id else None


def _edges(window: Window, view: View) -> tuple[int, int]:
    return to_micros(window.start), min(to_micros(window.end), to_micros(view.as_of))


def _is_among(streams: Streams, view: View, among: Among) -> bool:
    delivery, tech = streams
    return is_among(view, among, delivery_stream_id=delivery, tech_stream_ids=tech)
