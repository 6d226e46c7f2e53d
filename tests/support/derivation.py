"""Deliveries and a configuration for tests of derivation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from dpp.application.deliveries import AcceptedDelivery
from dpp.application.derive import Derivation
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.configuration import Configuration, DeliveryStream, JiraProject, RepositoryOverride, TechStream
from dpp.domain.events import (
    NAMESPACE,
    CicdEvent,
    CicdEventType,
    Event,
    Facts,
    IncidentEvent,
    IncidentEventType,
    Outcome,
    PullRequestEvent,
    PullRequestEventType,
    PushEvent,
    RepositoryRef,
    Severity,
    Source,
    TicketFields,
    WorkItemEvent,
    WorkItemEventType,
)
from dpp.domain.stages import Stage, StatusMapping

#: A Monday.
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CALENDAR = BusinessCalendar(zone="UTC")

PAYMENTS = UUID(int=0xA1)
LOGISTICS = UUID(int=0xA2)
CORE = UUID(int=0xB1)
APPS = UUID(int=0xB2)

STATUSES = (
    ("Open", Stage.BACKLOG, False),
    ("Doing", Stage.DEV, True),
    ("Waiting for QA", Stage.QA, False),
    ("In QA", Stage.QA, True),
    ("Closed", Stage.DONE, False),
)

CONFIGURATION = Configuration(
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),
        DeliveryStream(stream_id=LOGISTICS, name="logistics", display_name="Logistics"),
    ),
    tech_streams=(
        TechStream(stream_id=CORE, name="core", display_name="Core", github_org="acme-core", github_install_id="1"),
        TechStream(stream_id=APPS, name="apps", display_name="Apps", github_org="acme-apps", github_install_id="2"),
    ),
    repositories=(
        RepositoryOverride(full_name="acme-core/service", deploy_target="ecs:core"),
        RepositoryOverride(full_name="acme-apps/service", deploy_target="apps"),
    ),
    jira_projects=tuple(
        JiraProject(key=key, delivery_stream=stream, cancelled_resolutions=("Won't Do",))
        for key, stream in (("PAY", "payments"), ("LOG", "logistics"))
    ),
    status_mappings=tuple(
        StatusMapping(project=project, status=status, stage=stage, active=active, order=order)
        for project in ("PAY", "LOG")
        for order, (status, stage, active) in enumerate(STATUSES)
    ),
)

STORY = TicketFields(ticket_type="story")

DERIVE = Derivation(calendar_of=lambda _configuration, _stream: CALENDAR)


def at(hours: float) -> datetime:
    """The time so many hours after the start."""
    return START + timedelta(hours=hours)


def ticket_event(
    kind: WorkItemEventType,
    hours: float,
    *,
    key: str = "PAY-1",
    issue: str = "10001",
    status: str | None = None,
    change: str | None = None,
    fields: TicketFields | None = STORY,
    from_key: str | None = None,
    resolution: str | None = None,
) -> WorkItemEvent:
    """An event of a ticket."""
    return WorkItemEvent(
        event_type=kind,
        event_timestamp=at(hours),
        ticket_id=key,
        project_key=key.partition("-")[0],
        issue_id=issue,
        source_change_id=change,
        to_status=status,
        from_ticket_id=from_key,
        resolution=resolution,
        fields=fields,
    )


def finished_ticket(*, number: int = 1, project: str = "PAY", begin: float = 0) -> tuple[WorkItemEvent, ...]:
    """A ticket that waits 2 hours, is worked on for 24, waits for QA for 6, is tested for 6, and is closed."""
    key, issue, types = f"{project}-{number}", str(10_000 + number), WorkItemEventType
    steps = ((2, "Doing"), (26, "Waiting for QA"), (32, "In QA"), (38, "Closed"))
    return (
        ticket_event(types.CREATED, begin, key=key, issue=issue, status="Open"),
        *(
            ticket_event(
                types.TRANSITIONED, begin + hours, key=key, issue=issue, status=status, change=f"{number}{step:02}"
            )
            for step, (hours, status) in enumerate(steps)
        ),
    )


def pull_request_event(
    kind: PullRequestEventType,
    hours: float,
    *,
    number: int = 7,
    branch: str = "feature/PAY-1-things",
    org: str = "acme-core",
    reviewer: str | None = None,
    change: str | None = None,
    base: str | None = None,
    head_sha: str | None = None,
    merge_sha: str | None = None,
) -> PullRequestEvent:
    """An event of a pull request that was opened at hour 3."""
    return PullRequestEvent(
        event_type=kind,
        event_timestamp=at(hours),
        repository=RepositoryRef(org=org, name="service", github_id=1 if org == "acme-core" else 2),
        pr_number=number,
        author_hash="author",
        branch_name=branch,
        opened_at=at(3),
        reviewer_hash=reviewer,
        review_state="approved" if reviewer else None,
        source_change_id=change,
        base_branch=base,
        head_sha=head_sha,
        merge_sha=merge_sha,
    )


def deployment_event(
    kind: CicdEventType,
    hours: float,
    *,
    run: str = "1",
    environment: str = "production",
    org: str = "acme-core",
    branch: str | None = None,
    commit: str | None = None,
    number: int | None = None,
    rollback_of: str | None = None,
    is_config_only: bool = False,
) -> CicdEvent:
    """A step of a run of one pipeline; only failures have another status than success."""
    return CicdEvent(
        event_type=kind,
        event_timestamp=at(hours),
        pipeline_id="deploy",
        pipeline_run_id=run,
        environment=environment,
        status="failure" if kind is CicdEventType.DEPLOY_FAILED else "success",
        source=Source.DEPLOYMENT,
        repository=RepositoryRef(org=org, name="service", github_id=1 if org == "acme-core" else 2),
        branch=branch,
        commit_sha=commit,
        linked_pr_number=number,
        rollback_of=rollback_of,
        is_config_only=is_config_only,
    )


def incident_event(
    kind: IncidentEventType, hours: float, *, incident: str = "INC-1", service: str = "core"
) -> IncidentEvent:
    """A report about an incident of a service."""
    return IncidentEvent(
        event_type=kind,
        event_timestamp=at(hours),
        incident_id=incident,
        service_name=service,
        severity=Severity.HIGH,
    )


def push_event(hours: float, *, branch: str, last: str, org: str = "acme-core") -> PushEvent:
    """A push of one commit to a branch."""
    return PushEvent(
        event_timestamp=at(hours),
        repository=RepositoryRef(org=org, name="service", github_id=1 if org == "acme-core" else 2),
        branch_name=branch,
        first_commit_sha=last,
        last_commit_sha=last,
        commit_count=1,
    )


def merged_pull_request(*, number: int = 7, branch: str = "feature/PAY-1-things") -> tuple[PullRequestEvent, ...]:
    """A pull request that is opened, reviewed after 4 hours and merged after 8."""
    types = PullRequestEventType
    return (
        pull_request_event(types.OPENED, 3, number=number, branch=branch),
        pull_request_event(
            types.REVIEW_SUBMITTED, 7, number=number, branch=branch, reviewer="reviewer", change=f"r{number}"
        ),
        pull_request_event(types.MERGED, 11, number=number, branch=branch),
    )


def delivery(*events: Event) -> AcceptedDelivery:
    """One delivery of some events."""
    return deliveries([events])[0]


def deliveries(parts: Sequence[Sequence[Event]]) -> list[AcceptedDelivery]:
    """Deliveries, each with its events; the same events make the same delivery."""
    return [
        AcceptedDelivery(
            delivery_uid=uuid5(NAMESPACE, repr(events)),
            received_at=at(1_000),
            channel="test",
            source=Source.JIRA,
            outcome=Outcome.UNDERSTOOD,
            facts=Facts(
                work_items=tuple(event for event in events if isinstance(event, WorkItemEvent)),
                pull_requests=tuple(event for event in events if isinstance(event, PullRequestEvent)),
                cicd=tuple(event for event in events if isinstance(event, CicdEvent)),
                incidents=tuple(event for event in events if isinstance(event, IncidentEvent)),
                pushes=tuple(event for event in events if isinstance(event, PushEvent)),
            ),
        )
        for events in parts
    ]
