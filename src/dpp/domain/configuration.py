"""The organisation as configured: streams, projects, mappings and rules (§2, §4.2, §5.2.4, §5.3.4).

One immutable value holds all of it. Whatever is derived from events is a function of the events and of this value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from dpp.domain.bottlenecks import DEFAULT_SEVERITY_ROWS, SeverityRow
from dpp.domain.pulse import LAST_SURVEY_DAY
from dpp.domain.stages import StatusMap, StatusMapping

S = TypeVar("S", "DeliveryStream", "TechStream")

#: §5.6 and §4.6 defaults, in minutes and persons.
DEFAULT_CORRELATION_WINDOW_MINUTES = 60
DEFAULT_MINIMUM_CONTRIBUTORS = 6
DEFAULT_WINDOW_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRules:
    """When people work: a zone, the weekend (Monday is 0), and the holidays by code and by date."""

    time_zone: str = "UTC"
    weekend: frozenset[int] = frozenset({5, 6})
    holidays: tuple[str, ...] = ()
    extra_holidays: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """What holds for every stream that does not say otherwise.

    ``survey_last_day`` is the last day of each month, 1 to 28, on which its survey is open; it opens on the first.
    """

    calendar: CalendarRules = field(default_factory=CalendarRules)
    correlation_window_minutes: int = DEFAULT_CORRELATION_WINDOW_MINUTES
    minimum_contributors: int = DEFAULT_MINIMUM_CONTRIBUTORS
    window_days: int = DEFAULT_WINDOW_DAYS
    survey_last_day: int = LAST_SURVEY_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStream:
    """A value stream (§4.2.1). ``calendar`` and ``minimum_contributors`` override the platform's."""

    stream_id: UUID
    name: str
    display_name: str
    description: str | None = None
    team_size: int | None = None
    is_active: bool = True
    calendar: CalendarRules | None = None
    minimum_contributors: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TechStream:
    """A technology stream: one GitHub organisation (§4.2.2)."""

    stream_id: UUID
    name: str
    display_name: str
    github_org: str
    github_install_id: str
    description: str | None = None
    is_active: bool = True
    lead_time_method: str = "pr"
    branch_pattern: str | None = None
    minimum_contributors: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryOverride:
    """What a person says of a repository that was found on sight (§4.2.4); None leaves it as found."""

    full_name: str
    deploy_target: str | None = None
    is_deployable: bool | None = None
    default_branch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraFields:
    """The ids of a project's custom fields, by what they mean; None where the project has none."""

    delivery_stream: str | None = None
    tech_streams: str | None = None
    story_points: str | None = None
    sprint: str | None = None
    flagged: str | None = None
    found_in_stage: str | None = None
    introduced_in_stage: str | None = None
    blocking_tech_stream: str | None = None
    root_cause_category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraProject:
    """How tickets of a project are read (§5.2.4). ``delivery_stream_from`` is a fallback order of
    ``field``, ``project``, ``label`` and ``component``; ``delivery_stream`` is the one meant by ``project``.
    """

    key: str
    delivery_stream_from: tuple[str, ...] = ("field", "project", "label", "component")
    delivery_stream: str | None = None
    fields: JiraFields = field(default_factory=JiraFields)
    cancelled_resolutions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRule:
    """A pattern over a source's environment names, and the environment that they are."""

    pattern: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRole:
    """A sign-in group, by exact value or anchored pattern, and the role that it brings."""

    role: str
    group: str | None = None
    pattern: str | None = None
    delivery_stream: str | None = None
    tech_stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubConnection:
    """Where GitHub answers, and as which App we ask."""

    api_url: str = "https://api.github.com"
    app_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraConnection:
    """Where Jira answers, and as whom we ask."""

    base_url: str | None = None
    user: str | None = None


def folded(name: str) -> str:
    """Return a name as names are compared: without regard to case and surrounding blanks."""
    return name.strip().casefold()


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything that is configured, with the look-ups that reading and deriving need.

    ``version`` rises with every change. ``severities`` says when a shared bottleneck is how severe (§6.7).
    """

    version: int = 0
    platform: PlatformSettings = field(default_factory=PlatformSettings)
    delivery_streams: tuple[DeliveryStream, ...] = ()
    tech_streams: tuple[TechStream, ...] = ()
    repositories: tuple[RepositoryOverride, ...] = ()
    jira_projects: tuple[JiraProject, ...] = ()
    status_mappings: tuple[StatusMapping, ...] = ()
    environments: tuple[EnvironmentRule, ...] = ()
    severities: tuple[SeverityRow, ...] = DEFAULT_SEVERITY_ROWS
    group_roles: tuple[GroupRole, ...] = ()
    github: GitHubConnection = field(default_factory=GitHubConnection)
    jira: JiraConnection = field(default_factory=JiraConnection)

    @cached_property
    def statuses(self) -> StatusMap:
        """The mapping of statuses to stages."""
        return StatusMap(self.status_mappings)

    @cached_property
    def known_projects(self) -> frozenset[str]:
        """The keys of the Jira projects: only their tickets are believed in bodies."""
        return frozenset(project.key for project in self.jira_projects)

    @cached_property
    def _projects(self) -> Mapping[str, JiraProject]:
        return {project.key: project for project in self.jira_projects}

    @cached_property
    def _delivery_by_name(self) -> Mapping[str, DeliveryStream]:
        return _by_names(self.delivery_streams)

    @cached_property
    def _tech_by_name(self) -> Mapping[str, TechStream]:
        return _by_names(self.tech_streams)

    @cached_property
    def _tech_by_installation(self) -> Mapping[str, TechStream]:
        return {stream.github_install_id: stream for stream in self.tech_streams if stream.github_install_id}

    @cached_property
    def _tech_by_org(self) -> Mapping[str, TechStream]:
        return {folded(stream.github_org): stream for stream in self.tech_streams}

    @cached_property
    def _environment_patterns(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((re.compile(rule.pattern), rule.environment) for rule in self.environments)

    def project(self, key: str) -> JiraProject:
        """Return how a project is read; an unknown one is read without custom fields."""
        return self._projects.get(key) or JiraProject(key=key)

    def delivery_stream(self, name: str | None) -> DeliveryStream | None:
        """Find a delivery stream by name or display name."""
        return None if name is None else self._delivery_by_name.get(folded(name))

    def tech_stream(self, name: str | None) -> TechStream | None:
        """Find a technology stream by name or display name."""
        return None if name is None else self._tech_by_name.get(folded(name))

    def tech_stream_of(self, *, org: str, installation_id: str | None = None) -> TechStream | None:
        """Find the technology stream of an organisation: the installation decides, else the name (§5.3.3)."""
        found = self._tech_by_installation.get(installation_id) if installation_id else None
        return found or self._tech_by_org.get(folded(org))

    def environment(self, name: str) -> str:
        """Return the environment that a source's name stands for; unmatched names stay, in lower case."""
        for pattern, environment in self._environment_patterns:
            if pattern.search(name):
                return environment
        return name.strip().lower()

    def calendar_of(self, stream_id: UUID | None) -> CalendarRules:
        """Return the calendar of a delivery stream, or the platform's."""
        for stream in self.delivery_streams:
            if stream.stream_id == stream_id and stream.calendar is not None:
                return stream.calendar
        return self.platform.calendar


def _by_names(streams: Iterable[S]) -> dict[str, S]:
    streams = tuple(streams)
    names = {folded(stream.display_name): stream for stream in streams}
    return names | {folded(stream.name): stream for stream in streams}
