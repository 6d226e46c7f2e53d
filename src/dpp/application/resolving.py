"""Facts as the event tables keep them: each with the columns that the configuration of the moment resolves.

Every store resolves by this one way, knows a fact again by the same keys and writes in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from dpp.application.deliveries import AcceptedDelivery
from dpp.application.enrich import WorkItemTags, tech_stream_of, work_item_tags
from dpp.application.repositories import Repositories
from dpp.application.stale import StaleKey, stale_key
from dpp.domain.configuration import Configuration
from dpp.domain.events import (
    PULL_REQUEST_FACTS,
    WORK_ITEM_FACTS,
    CicdEvent,
    DefectEvent,
    Event,
    Facts,
    IncidentEvent,
    PullRequestEvent,
    PushEvent,
    RepositoryRef,
    WorkItemEvent,
)
from dpp.domain.linking import DEFAULT_BRANCH_PATTERN, BranchPattern, Link, TicketKey, choose

#: The event tables, in the order in which they are written.
EVENT_TABLES = (
    "work_item_events",
    "work_item_facts",
    "defect_events",
    "pr_events",
    "pull_request_facts",
    "cicd_events",
    "incident_events",
    "push_events",
)


#: For facts that are only looked for.
NOT_RECEIVED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedEvent:
    """A fact with its resolved columns; None is what is not known (yet), or does not apply to its kind."""

    event: Event
    event_id: UUID
    received_at: datetime
    delivery_stream_id: UUID | None = None
    tech_stream_id: UUID | None = None
    repo_id: UUID | None = None
    tags: WorkItemTags | None = None
    link: Link | None = None
    environment: str | None = None

    @property
    def table(self) -> str:
        """The event table that it goes to."""
        return table_of(self.event)

    @property
    def natural_key(self) -> tuple[object, ...]:
        """The first key, within its table; the repository goes by the platform's id."""
        event = self.event
        match event:
            case PullRequestEvent():
                entity = (self.repo_id, event.pr_number)
                return (*entity, event.event_type, event.event_timestamp, event.source_change_id)
            case PushEvent():
                return (self.repo_id, event.branch_name, event.last_commit_sha)
            case _:
                return event.identity

    @property
    def change_key(self) -> tuple[object, ...] | None:
        """The second key, where the source names the change (one change may be reported with two times)."""
        event = self.event
        if isinstance(event, PullRequestEvent) and event.source_change_id is not None:
            return (self.repo_id, event.pr_number, event.event_type, event.source_change_id)
        return event.change_identity

    @property
    def order(self) -> tuple[str, str, str, datetime, UUID]:
        """Where it stands among others of its table. Facts that share a key lie side by side, so that two processes
        with overlapping batches come to them in the same order.
        """
        event = self.event
        first: tuple[str, str, str]
        match event:
            case PullRequestEvent():
                first = (f"{self.repo_id}/{event.pr_number}", event.event_type, event.source_change_id or "")
            case WorkItemEvent() | DefectEvent():
                first = (event.item, event.event_type, event.source_change_id or "")
            case PushEvent():
                first = (str(self.repo_id), event.branch_name, event.last_commit_sha)
            case CicdEvent():
                first = (event.pipeline_id, event.pipeline_run_id, event.event_type)
            case IncidentEvent():
                first = (event.incident_id, event.event_type, "")
        return (*first, event.event_timestamp, self.event_id)

    @property
    def makes_stale(self) -> StaleKey | None:
        """What is to be derived again once it is stored."""
        return stale_key(self.event, repo_id=self.repo_id)

    @property
    def ticket_keys(self) -> tuple[tuple[str, str], ...]:
        """The keys, present and former, that it tells of a ticket, each with the ticket's identity."""
        event = self.event
        if not isinstance(event, WorkItemEvent | DefectEvent):
            return ()
        former = event.from_ticket_id if isinstance(event, WorkItemEvent) else None
        return tuple((key, event.item) for key in (event.ticket_id, former) if key)


def table_of(event: Event) -> str:
    """Return the table that keeps events of this kind and type."""
    match event:
        case PullRequestEvent():
            return "pull_request_facts" if event.event_type in PULL_REQUEST_FACTS else "pr_events"
        case WorkItemEvent():
            return "work_item_facts" if event.event_type in WORK_ITEM_FACTS else "work_item_events"
        case DefectEvent():
            return "defect_events"
        case CicdEvent():
            return "cicd_events"
        case IncidentEvent():
            return "incident_events"
        case PushEvent():
            return "push_events"


def repositories_named(facts: Facts) -> Iterator[tuple[RepositoryRef, datetime]]:
    """Yield every sighting of a repository in events, with its time."""
    events: tuple[PullRequestEvent | CicdEvent | PushEvent, ...] = (*facts.pull_requests, *facts.cicd, *facts.pushes)
    for event in events:
        if event.repository is not None:
            yield event.repository, event.event_timestamp


def sprints_named(delivery: AcceptedDelivery) -> Iterator[str]:
    """Yield Jira's id of every sprint that a delivery's tickets are in."""
    for event in delivery.facts.work_items:
        if event.fields is not None and event.fields.jira_sprint_id:
            yield event.fields.jira_sprint_id


def resolve(delivery: AcceptedDelivery, *, repositories: Repositories) -> list[ResolvedEvent]:
    """Return a delivery's events with their resolved columns, in the order of ``Facts.events``.

    Args:
        delivery: any.
        repositories: where every repository of the delivery has been registered; its configuration is the one used.
    """
    return resolve_facts(delivery.facts, received_at=delivery.received_at, repositories=repositories)


def resolve_facts(
    facts: Facts, *, repositories: Repositories, received_at: datetime = NOT_RECEIVED
) -> list[ResolvedEvent]:
    """Return events that come together with their resolved columns, in the order of ``Facts.events``."""
    resolver = _Resolver(received_at, repositories)
    return [resolver.resolve(event) for event in facts.events]


class _Resolver:
    """Resolves the events of one delivery, which know of each other."""

    def __init__(self, received_at: datetime, repositories: Repositories) -> None:
        self._received_at = received_at
        self._repositories = repositories
        self._configuration = repositories.configuration
        self._streams: dict[str, UUID | None] = {}

    def resolve(self, event: Event) -> ResolvedEvent:
        # The commonest first: events are abstract base classes, and asking whether one is of another kind is slow.
        match event:
            case PullRequestEvent():
                return self._pull_request(event)
            case WorkItemEvent():
                return self._work_item(event)
            case DefectEvent():
                return self._defect(event)
            case CicdEvent():
                return self._cicd(event)
            case PushEvent():
                return self._push(event)
            case IncidentEvent():
                return self._incident(event)

    def _work_item(self, event: WorkItemEvent) -> ResolvedEvent:
        tags = work_item_tags(event, configuration=self._configuration)
        self._streams[event.item] = tags.delivery_stream_id
        return ResolvedEvent(
            event=event,
            event_id=event.event_id,
            received_at=self._received_at,
            delivery_stream_id=tags.delivery_stream_id,
            tags=tags,
        )

    def _defect(self, event: DefectEvent) -> ResolvedEvent:
        """A defect's own record names no stream; the ticket that came with it does."""
        return ResolvedEvent(
            event=event,
            event_id=event.event_id,
            received_at=self._received_at,
            delivery_stream_id=self._streams.get(event.item),
        )

    def _pull_request(self, event: PullRequestEvent) -> ResolvedEvent:
        repo_id, stream = self._of_repository(event.repository)
        return ResolvedEvent(
            event=event,
            event_id=event.event_id,
            received_at=self._received_at,
            tech_stream_id=stream,
            repo_id=repo_id,
            link=choose(
                branch=event.branch_name,
                title_keys=[TicketKey(key) for key in event.title_keys],
                body_keys=[TicketKey(key) for key in event.body_keys],
                pattern=_pattern_of(stream, self._configuration),
                known_projects=self._configuration.known_projects,
            ),
        )

    def _cicd(self, event: CicdEvent) -> ResolvedEvent:
        repo_id, stream = self._of_repository(event.repository)
        return ResolvedEvent(
            event=event,
            event_id=event.event_id,
            received_at=self._received_at,
            tech_stream_id=stream,
            repo_id=repo_id,
            environment=self._configuration.environment(event.environment),
        )

    def _push(self, event: PushEvent) -> ResolvedEvent:
        repo_id, stream = self._of_repository(event.repository)
        return ResolvedEvent(
            event=event,
            event_id=event.event_id,
            received_at=self._received_at,
            tech_stream_id=stream,
            repo_id=repo_id,
        )

    def _incident(self, event: IncidentEvent) -> ResolvedEvent:
        return ResolvedEvent(
            event=event,
            event_id=event.event_id,
            received_at=self._received_at,
            tech_stream_id=self._repositories.tech_stream_of_service(event.service_name),
        )

    def _of_repository(self, ref: RepositoryRef | None) -> tuple[UUID | None, UUID | None]:
        """Return the id of a repository and its technology stream: what the event itself names, else the register."""
        if ref is None:
            return None, None
        found = self._repositories.find(ref)
        named = tech_stream_of(ref, configuration=self._configuration)
        if found is None:
            return None, named
        return found.repo_id, named or found.tech_stream_id


def _pattern_of(stream_id: UUID | None, configuration: Configuration) -> BranchPattern:
    for stream in configuration.tech_streams:
        if stream.stream_id == stream_id and stream.branch_pattern:
            return _pattern(stream.branch_pattern)
    return _pattern(DEFAULT_BRANCH_PATTERN)


@lru_cache(maxsize=256)
def _pattern(text: str) -> BranchPattern:
    return BranchPattern(text)
