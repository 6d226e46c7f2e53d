"""The facts that sources report, as the event tables of §4.3 keep them.

A fact is what a source said, with persons already hashed and with the source's own names for streams, statuses and
repositories. What the names mean is resolved later from the configuration, so that a changed configuration is a reason
to derive again and never a loss.

Every fact has an ``identity``: two facts with the same identity are one, however often and by whatever way they come.
It is the table's natural key of §4.3, extended by the source's own id of the change where the source gives one, since
two changes may share an instant. Where the id is known, (entity, type, id) is a second key: the same change may be
reported with times that differ by a second.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid5

from dpp.domain.survey import PulseFact

#: Names derived ids: the same fact has the same id on every machine and after every replay.
NAMESPACE = UUID("6f1d3c9e-2f0c-5a54-9d0b-3a8f7c1e4b20")


class Source(StrEnum):
    """Where a fact comes from (§4.3.1)."""

    JIRA = "jira"
    GITHUB = "github"
    DEPLOYMENT = "deployment"
    MONITORING = "monitoring"
    SURVEY = "survey"


class WorkItemEventType(StrEnum):
    """§4.3.2, and the three facts about a ticket that the list there has no name for."""

    CREATED = "created"
    TRANSITIONED = "transitioned"
    COMPLETED = "completed"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    FLAGGED = "flagged"
    UNFLAGGED = "unflagged"
    UPDATED = "updated"
    MOVED = "moved"
    DELETED = "deleted"


#: Types outside §4.3.2's list; they are kept in ``work_item_facts``.
WORK_ITEM_FACTS = frozenset({WorkItemEventType.UPDATED, WorkItemEventType.MOVED, WorkItemEventType.DELETED})


class PullRequestEventType(StrEnum):
    """§4.3.3, and the facts that decide whether a pull request is open, beside that list."""

    OPENED = "opened"
    REVIEW_SUBMITTED = "review_submitted"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    MERGED = "merged"
    CLOSED = "closed"
    REOPENED = "reopened"
    READY_FOR_REVIEW = "ready_for_review"


#: Types outside §4.3.3's list; they are kept in ``pull_request_facts``.
PULL_REQUEST_FACTS = frozenset({PullRequestEventType.REOPENED, PullRequestEventType.READY_FOR_REVIEW})


class CicdEventType(StrEnum):
    """§4.3.4."""

    BUILD_STARTED = "build_started"
    BUILD_COMPLETED = "build_completed"
    DEPLOY_STARTED = "deploy_started"
    DEPLOY_COMPLETED = "deploy_completed"
    DEPLOY_FAILED = "deploy_failed"
    ROLLBACK_INITIATED = "rollback_initiated"
    ROLLBACK_COMPLETED = "rollback_completed"


class IncidentEventType(StrEnum):
    """§4.3.5."""

    ALARM_TRIGGERED = "alarm_triggered"
    ALARM_RESOLVED = "alarm_resolved"
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_RESOLVED = "incident_resolved"


class DefectEventType(StrEnum):
    """§4.3.6."""

    LOGGED = "logged"
    ATTRIBUTED = "attributed"
    RECLASSIFIED = "reclassified"


class Severity(StrEnum):
    """Of incidents and defects (§4.3.5, §4.3.6)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


Identity = tuple[object, ...]


def _id(kind: str, identity: Identity) -> UUID:
    parts = (part.isoformat() if isinstance(part, datetime) else str(part) for part in identity)
    return uuid5(NAMESPACE, "\x1f".join((kind, *parts)))


class Identified(ABC):
    """What every fact has: an identity that tells it from others, and an id that follows from it."""

    __slots__ = ()
    kind: ClassVar[str]

    @property
    @abstractmethod
    def identity(self) -> Identity:
        """The natural key of the fact's table."""

    @property
    def change_identity(self) -> Identity | None:
        """The second key, where the source names the change; None where the natural key does not depend on the time."""
        return None

    @property
    def event_id(self) -> UUID:
        """An id that depends on the identity alone: the same on every machine and after every replay."""
        return _id(self.kind, self.identity)


class AboutTicket(Identified):
    """What facts about a ticket have in common (§4.3.2, §4.3.6)."""

    __slots__ = ()
    ticket_id: str
    issue_id: str | None
    event_type: StrEnum
    event_timestamp: datetime
    source_change_id: str | None

    @property
    def item(self) -> str:
        """The identity of the ticket through changes of its key."""
        return self.issue_id or self.ticket_id

    @property
    def identity(self) -> Identity:
        """Ticket, type and time, with the id of the change."""
        return (self.ticket_id, self.event_type, self.event_timestamp, self.source_change_id)

    @property
    def change_identity(self) -> Identity | None:
        """The second key, where the source names the change."""
        return None if self.source_change_id is None else (self.item, self.event_type, self.source_change_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFields:
    """What a ticket's fields said at the time of an event, in the source's own names.

    A payload carries the whole ticket, so the latest one tells everything: a field that it lacks is empty, not unknown.
    """

    ticket_type: str | None = None
    priority: str | None = None
    story_points: float | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    resolution: str | None = None
    assignee_hash: str | None = None
    parent_ticket_id: str | None = None
    delivery_stream: str | None = None
    tech_streams: tuple[str, ...] = ()
    jira_sprint_id: str | None = None
    blocking_tech_stream: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItemEvent(AboutTicket):
    """Something that happened to a ticket (§4.3.2).

    ``issue_id`` is the source's id that survives a change of key; without one the key itself takes its place.
    ``from_status`` and ``to_status`` are the source's names; ``created`` has a ``to_status`` only. ``moved`` has the
    former key in ``from_ticket_id``. ``fields`` is None when the source reported the change without the ticket.
    ``resolution`` is what a ``completed`` event set.
    """

    kind: ClassVar[str] = "work_item"

    event_type: WorkItemEventType
    event_timestamp: datetime
    ticket_id: str
    project_key: str
    issue_id: str | None = None
    source: Source = Source.JIRA
    source_change_id: str | None = None
    from_status: str | None = None
    to_status: str | None = None
    from_ticket_id: str | None = None
    resolution: str | None = None
    blocked_reason: str | None = None
    fields: TicketFields | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectEvent(AboutTicket):
    """A bug's stages as they were known at the time (§4.3.6).

    ``found_in_stage`` is None when the ticket does not say; then the parent's stage at that time takes its place.
    """

    kind: ClassVar[str] = "defect"

    event_type: DefectEventType
    event_timestamp: datetime
    ticket_id: str
    project_key: str
    issue_id: str | None = None
    source: Source = Source.JIRA
    source_change_id: str | None = None
    severity: Severity | None = None
    found_in_stage: str | None = None
    introduced_in_stage: str | None = None
    linked_work_item_id: str | None = None
    root_cause_category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRef:
    """A repository as a source names it; ``github_id`` survives renames and transfers."""

    org: str
    name: str
    github_id: int | None = None
    installation_id: str | None = None
    default_branch: str | None = None

    @property
    def full_name(self) -> str:
        """``org/name``."""
        return f"{self.org}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestEvent(Identified):
    """Something that happened to a pull request (§4.3.3).

    Titles and bodies are read for ticket keys and not kept: ``title_keys`` and ``body_keys`` are the candidates found.
    ``opened_at`` is the pull request's own time of opening, whatever the event.
    """

    kind: ClassVar[str] = "pull_request"

    event_type: PullRequestEventType
    event_timestamp: datetime
    repository: RepositoryRef
    pr_number: int
    author_hash: str
    branch_name: str
    source: Source = Source.GITHUB
    source_change_id: str | None = None
    author_is_bot: bool = False
    base_branch: str | None = None
    opened_at: datetime | None = None
    is_draft: bool = False
    title_keys: tuple[str, ...] = ()
    body_keys: tuple[str, ...] = ()
    lines_added: int | None = None
    lines_removed: int | None = None
    files_changed: int | None = None
    comments_count: int | None = None
    head_sha: str | None = None
    merge_sha: str | None = None
    reviewer_hash: str | None = None
    reviewer_is_bot: bool = False
    review_state: str | None = None

    @property
    def identity(self) -> Identity:
        """§4.3.3: repository, number, type and time, with the id of the change."""
        return (*self._entity, self.event_type, self.event_timestamp, self.source_change_id)

    @property
    def change_identity(self) -> Identity | None:
        """The second key, where the source names the change."""
        return None if self.source_change_id is None else (*self._entity, self.event_type, self.source_change_id)

    @property
    def _entity(self) -> Identity:
        return (self.repository.github_id or self.repository.full_name, self.pr_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class CicdEvent(Identified):
    """A step of a build or deployment (§4.3.4).

    ``environment`` is the source's own name for it; ``build`` for events that deploy nothing.
    """

    kind: ClassVar[str] = "cicd"

    event_type: CicdEventType
    event_timestamp: datetime
    pipeline_id: str
    pipeline_run_id: str
    environment: str
    status: str
    source: Source
    repository: RepositoryRef | None = None
    source_change_id: str | None = None
    started_at: datetime | None = None
    duration_seconds: int | None = None
    branch: str | None = None
    commit_sha: str | None = None
    linked_pr_number: int | None = None
    trigger_type: str | None = None
    artefact_version: str | None = None
    failure_reason: str | None = None
    rollback_of: str | None = None
    is_config_only: bool = False

    @property
    def identity(self) -> Identity:
        """§4.3.4: one event of each type for a run of a pipeline."""
        return (self.pipeline_id, self.pipeline_run_id, self.event_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent(Identified):
    """The start or the end of an alarm or incident (§4.3.5)."""

    kind: ClassVar[str] = "incident"

    event_type: IncidentEventType
    event_timestamp: datetime
    incident_id: str
    service_name: str
    source: Source = Source.MONITORING
    severity: Severity | None = None
    description: str | None = None

    @property
    def identity(self) -> Identity:
        """§4.3.5: one event of each type for an incident, and one more for each time that it is opened again."""
        return (self.incident_id, self.event_type, self.event_timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushEvent(Identified):
    """Commits pushed to a branch, for the commit-based lead time of §6.4.4."""

    kind: ClassVar[str] = "push"

    event_timestamp: datetime
    repository: RepositoryRef
    branch_name: str
    first_commit_sha: str
    last_commit_sha: str
    commit_count: int
    source: Source = Source.GITHUB
    author_hash: str | None = None
    author_is_bot: bool = False

    @property
    def identity(self) -> Identity:
        """A branch gets a head once."""
        return (self.repository.github_id or self.repository.full_name, self.branch_name, self.last_commit_sha)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFact:
    """What a source says of a repository; the latest report of each counts (§4.2.4)."""

    event_timestamp: datetime
    repository: RepositoryRef
    is_active: bool = True
    previous_full_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintFact:
    """What a source says of a sprint; the latest report of each counts (§4.2.5).

    Dates are those of the source; a sprint that is not planned yet has none.
    """

    event_timestamp: datetime
    jira_sprint_id: str
    name: str
    state: str
    start_date: date | None = None
    end_date: date | None = None
    goal: str | None = None


Event = WorkItemEvent | DefectEvent | PullRequestEvent | CicdEvent | IncidentEvent | PushEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of one delivery, or of many, by the table that they go to."""

    work_items: tuple[WorkItemEvent, ...] = ()
    defects: tuple[DefectEvent, ...] = ()
    pull_requests: tuple[PullRequestEvent, ...] = ()
    cicd: tuple[CicdEvent, ...] = ()
    incidents: tuple[IncidentEvent, ...] = ()
    pushes: tuple[PushEvent, ...] = ()
    repositories: tuple[RepositoryFact, ...] = ()
    sprints: tuple[SprintFact, ...] = ()
    pulses: tuple[PulseFact, ...] = ()

    def __add__(self, other: Facts) -> Facts:
        """Return both, in order."""
        return Facts(**{name: getattr(self, name) + getattr(other, name) for name in _TABLES})

    def __bool__(self) -> bool:
        """Whether there is any fact."""
        return any(getattr(self, name) for name in _TABLES)

    @property
    def events(self) -> tuple[Event, ...]:
        """Every fact that goes to an event table, in the order of the tables."""
        return (
            *self.work_items,
            *self.defects,
            *self.pull_requests,
            *self.cicd,
            *self.incidents,
            *self.pushes,
        )

    @classmethod
    def of(cls, parts: Iterable[Facts]) -> Facts:
        """Return all of them as one."""
        parts = tuple(parts)
        return cls(**{name: tuple(row for part in parts for row in getattr(part, name)) for name in _TABLES})


_TABLES = tuple(item.name for item in fields(Facts))


class Outcome(StrEnum):
    """The three ends that a verified payload can come to, and that of one that was turned away at the door."""

    UNDERSTOOD = "understood"
    IGNORED = "ignored"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """What a reader made of one payload.

    ``reason`` says why it was ignored on purpose, or why it could not be understood; it never quotes the payload.
    """

    outcome: Outcome
    facts: Facts = field(default_factory=Facts)
    reason: str | None = None
