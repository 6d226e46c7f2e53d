"""How the simulated company is built: streams, organisations, repositories, Jira projects and their workflows.

Static and the same for every seed, save for the people. The configuration file, the wire formats and the truth all read
this one description.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from dpp.adapters.simulation.people import Person, hire

ZONE = ZoneInfo("Europe/London")
CORRELATION_WINDOW = timedelta(minutes=60)
SPRINT_LENGTH = timedelta(days=14)
FIRST_SPRINT = datetime(2024, 1, 1, 10, 0, tzinfo=ZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One GitHub repository; ``releases`` says how its deployments are reported, if it is deployable at all."""

    github_id: int
    org: str
    name: str
    tech_stream: str
    releases: Literal["github", "push", "none"]
    deploy_target: str | None = None
    language: str = "Kotlin"
    production_name: str = "production"

    @property
    def full_name(self) -> str:
        """The name as GitHub writes it, ``org/name``."""
        return f"{self.org}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TechStream:
    """A technology stream, its GitHub organisation and its repositories.

    ``app_installed`` is false where an organisation webhook sends the deliveries: those name no installation.
    """

    name: str
    display_name: str
    org: str
    org_id: int
    install_id: int
    repositories: tuple[Repository, ...]
    app_installed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStream:
    """A delivery stream and the technology streams that its work mostly touches."""

    name: str
    display_name: str
    touches: tuple[str, ...]
    team: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A Jira status; ``stage`` is None for one that nobody has mapped."""

    name: str
    jira_id: str
    stage: str | None
    active: bool
    category: Literal["new", "indeterminate", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The custom field ids of one Jira instance."""

    delivery_stream: str
    tech_streams: str
    story_points: str
    sprint: str
    flagged: str
    found_in_stage: str
    introduced_in_stage: str
    blocking_tech_stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraProject:
    """A Jira project: where its tickets get their delivery stream from, and what its workflow's statuses are called."""

    key: str
    jira_id: str
    name: str
    flavour: Literal["cloud", "server"]
    stream_from: tuple[str, ...]
    stream: str | None
    fields: Fields
    workflow: dict[str, Status]
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint:
    """Two weeks of one delivery stream."""

    jira_id: int
    board_id: int
    name: str
    start: datetime
    end: datetime

    def state(self, at: datetime) -> str:
        """What Jira calls the sprint at that time."""
        if at < self.start:
            return "future"
        return "active" if at < self.end else "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Everything that stays while the weeks pass."""

    delivery_streams: tuple[DeliveryStream, ...]
    tech_streams: tuple[TechStream, ...]
    projects: tuple[JiraProject, ...]
    people: tuple[Person, ...]

    def stream(self, name: str) -> DeliveryStream:
        """The delivery stream of that name."""
        return next(stream for stream in self.delivery_streams if stream.name == name)

    def tech_stream(self, name: str) -> TechStream:
        """The technology stream of that name."""
        return next(stream for stream in self.tech_streams if stream.name == name)

    def project(self, key: str) -> JiraProject:
        """The Jira project of that key."""
        return next(project for project in self.projects if project.key == key)

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """All repositories of all organisations."""
        return tuple(repository for stream in self.tech_streams for repository in stream.repositories)

    def sprint_at(self, stream: str, at: datetime) -> Sprint:
        """The sprint of a delivery stream that runs at a time."""
        board = [known.name for known in self.delivery_streams].index(stream) + 1
        return self.sprint(board * 1000 + (at - FIRST_SPRINT) // SPRINT_LENGTH)

    def sprint(self, jira_id: int) -> Sprint:
        """The sprint of a Jira id: board and running number in one."""
        board, number = divmod(jira_id, 1000)
        return Sprint(
            jira_id=jira_id,
            board_id=board,
            name=f"{self.delivery_streams[board - 1].display_name} {number}",
            start=FIRST_SPRINT + number * SPRINT_LENGTH,
            end=FIRST_SPRINT + (number + 1) * SPRINT_LENGTH - timedelta(hours=2),
        )


# The steps of a ticket's life, by the names that the rest of the simulation uses for them.
STEPS: tuple[tuple[str, str | None, bool, Literal["new", "indeterminate", "done"]], ...] = (
    ("todo", "backlog", False, "new"),
    ("analysis", "ba", True, "indeterminate"),
    ("dev_queue", "dev", False, "indeterminate"),
    ("dev", "dev", True, "indeterminate"),
    ("review", "code_review", True, "indeterminate"),
    ("qa_queue", "qa", False, "indeterminate"),
    ("qa", "qa", True, "indeterminate"),
    ("uat_queue", "uat", False, "indeterminate"),
    ("uat", "uat", True, "indeterminate"),
    ("done", "done", False, "done"),
    ("cancelled", "cancelled", False, "done"),
    ("parked", None, False, "indeterminate"),
)

_CLOUD_NAMES = (
    "To Do", "In Analysis", "Ready for Dev", "In Development", "In Code Review", "Ready for QA", "In QA",
    "Ready for UAT", "In UAT", "Done", "Cancelled", "Awaiting Vendor",
)  # fmt: skip
_SERVER_NAMES = (
    "Open", "Analysing", "Selected for Development", "In Progress", "Peer Review", "Awaiting Test", "Testing",
    "Awaiting Acceptance", "Acceptance", "Closed", "Rejected", "On Ice",
)  # fmt: skip


def _workflow(names: tuple[str, ...], first_id: int) -> dict[str, Status]:
    return {
        step: Status(name=name, jira_id=str(first_id + number), stage=stage, active=active, category=category)
        for number, (name, (step, stage, active, category)) in enumerate(zip(names, STEPS, strict=True))
    }


def _fields(first: int, agile: tuple[int, int, int]) -> Fields:
    points, sprint, flagged = agile
    return Fields(
        delivery_stream=f"customfield_{first}",
        tech_streams=f"customfield_{first + 1}",
        story_points=f"customfield_{points}",
        sprint=f"customfield_{sprint}",
        flagged=f"customfield_{flagged}",
        found_in_stage=f"customfield_{first + 10}",
        introduced_in_stage=f"customfield_{first + 11}",
        blocking_tech_stream=f"customfield_{first + 12}",
    )


CLOUD_FIELDS = _fields(10050, (10016, 10020, 10021))
SERVER_FIELDS = _fields(11050, (11106, 11104, 11108))
CANCELLED_RESOLUTIONS = ("Won't Do", "Duplicate")

SHARED_PROJECT = "PLT"


def found_company(rng: random.Random) -> Company:
    """Build the company; only its people depend on ``rng``."""
    people = hire(rng)
    streams = tuple(
        DeliveryStream(name=name, display_name=display, touches=touches, team=tuple(next(people) for _ in range(size)))
        for name, display, touches, size in (
            ("payments", "Payments", ("core-api", "auth", "frontend"), 9),
            ("onboarding", "Onboarding", ("auth", "frontend", "core-api"), 8),
            ("insights", "Insights", ("data-layer", "core-api", "frontend"), 7),
        )
    )
    return Company(
        delivery_streams=streams,
        tech_streams=_tech_streams(),
        projects=_projects(),
        people=tuple(person for stream in streams for person in stream.team),
    )


def _projects() -> tuple[JiraProject, ...]:
    cloud, server = _workflow(_CLOUD_NAMES, 10001), _workflow(_SERVER_NAMES, 21)

    def project(
        number: int, key: str, name: str, stream: str | None, stream_from: tuple[str, ...], zone: str = "Etc/UTC"
    ) -> JiraProject:
        return JiraProject(
            key=key, jira_id=str(10000 + number), name=name, flavour="cloud", stream_from=stream_from, stream=stream,
            fields=CLOUD_FIELDS, workflow=cloud, zone=ZoneInfo(zone),
        )  # fmt: skip

    return (
        project(0, "PAY", "Payments", "payments", ("project",)),
        project(1, "ONB", "Onboarding", "onboarding", ("field", "project"), "America/St_Johns"),
        project(2, SHARED_PROJECT, "Platform", None, ("field", "label", "component")),
        JiraProject(
            key="INS2", jira_id="11900", name="Insights", flavour="server", stream_from=("project",),
            stream="insights", fields=SERVER_FIELDS, workflow=server, zone=ZoneInfo("Europe/Berlin"),
        ),
    )  # fmt: skip


def _tech_streams() -> tuple[TechStream, ...]:
    def stream(
        number: int, name: str, display: str, repositories: tuple[tuple[str, str, str | None, str], ...]
    ) -> TechStream:
        org = f"acme-{name}"
        return TechStream(
            name=name,
            display_name=display,
            org=org,
            org_id=38_302_000 + number,
            install_id=1001 + number,
            app_installed=name != "data-layer",
            repositories=tuple(
                _repository(186_853_000 + 100 * number + place, org, name, *rest)
                for place, rest in enumerate(repositories)
            ),
        )

    return (
        stream(0, "core-api", "Core API", (
            ("payments-service", "push", "ecs:payments-service", "Kotlin"),
            ("accounts-api", "github", "ecs:accounts-api", "Kotlin"),
            ("common-lib", "none", None, "Kotlin"),
        )),
        stream(1, "auth", "Auth", (
            ("identity-service", "github", "ecs:identity-service", "Go"),
            ("token-validator", "push", "lambda:token-validator", "Go"),
        )),
        stream(2, "frontend", "Frontend", (
            ("customer-web", "github", "cloudfront:customer-web", "TypeScript"),
            ("admin-console", "push", "cloudfront:admin-console", "TypeScript"),
            ("design-system", "none", None, "TypeScript"),
        )),
        stream(3, "data-layer", "Data Layer", (
            ("reporting-api", "github", "ecs:reporting-api", "Python"),
            ("event-store", "push", "ecs:event-store", "Rust"),
        )),
    )  # fmt: skip


def _repository(
    github_id: int, org: str, tech_stream: str, name: str, releases: str, target: str | None, language: str
) -> Repository:
    return Repository(
        github_id=github_id,
        org=org,
        name=name,
        tech_stream=tech_stream,
        releases="github" if releases == "github" else "push" if releases == "push" else "none",
        deploy_target=target,
        language=language,
        production_name="Production" if name == "identity-service" else "production",
    )
