"""What scripts send and get of rules, repositories and projects."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from dpp.entrypoints.http.administration.bodies import (
    CalendarShown,
    Day,
    Given,
    Name,
    Pattern,
    Text,
    Version,
    Weekday,
)

Source = Literal["field", "project", "label", "component"]


class Entries(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list that takes the place of the one that is there."""

    def entries(self) -> list[dict[str, Any]]:
        """Return it as the tables of a file."""
        (rows,) = (getattr(self, name) for name in self.__struct_fields__)
        return [row.values() for row in rows]


class EnvironmentRow(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pattern over the sources' names of environments, and the environment that these are."""

    pattern: Pattern
    environment: Literal["dev", "staging", "production"]


class SeverityRow(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From how many impacted delivery streams on, and below which average confidence in percent, how severe (§6.7)."""

    severity: Literal["low", "medium", "high", "critical"]
    impacted_streams: Annotated[int, Meta(ge=1, le=1_000)]
    confidence_below: Annotated[float, Meta(gt=0, le=100)] | UnsetType | None = UNSET


class GroupRow(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of the identity provider, by name or by pattern, and the role that it brings (§3.3)."""

    role: Literal["viewer", "team_member", "stream_lead", "platform_admin"]
    group: Name | UnsetType | None = UNSET
    pattern: Pattern | UnsetType | None = UNSET
    delivery_stream: Name | UnsetType | None = UNSET
    tech_stream: Name | UnsetType | None = UNSET


class EnvironmentsGiven(Entries, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The patterns in their order; the first that matches wins."""

    environments: Annotated[list[EnvironmentRow], Meta(max_length=500)]


class SeveritiesGiven(Entries, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The thresholds; the most severe that applies wins."""

    severities: Annotated[list[SeverityRow], Meta(max_length=100)]


class GroupsGiven(Entries, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The groups; what several bring adds up."""

    group_roles: Annotated[list[GroupRow], Meta(max_length=1_000)]


class EnvironmentsShown(Struct, frozen=True, kw_only=True):
    """The patterns in their order, and their revision."""

    environments: list[EnvironmentRow]
    revision: str


class SeveritiesShown(Struct, frozen=True, kw_only=True):
    """The thresholds, and their revision."""

    severities: list[SeverityRow]
    revision: str


class GroupsShown(Struct, frozen=True, kw_only=True):
    """The groups, and their revision."""

    group_roles: list[GroupRow]
    revision: str


class PlatformChanges(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different for every stream that does not say otherwise."""

    time_zone: Name | UnsetType = UNSET
    weekend: list[Weekday] | UnsetType = UNSET
    holidays: list[Name] | UnsetType = UNSET
    extra_holidays: list[Day] | UnsetType = UNSET
    correlation_window_minutes: Annotated[int, Meta(ge=1, le=10_080)] | UnsetType = UNSET
    minimum_contributors: Annotated[int, Meta(ge=1, le=1_000)] | UnsetType = UNSET
    window_days: Annotated[int, Meta(ge=1, le=3_650)] | UnsetType = UNSET
    survey_last_day: Annotated[int, Meta(ge=1, le=28)] | UnsetType = UNSET


class PlatformShown(Struct, frozen=True, kw_only=True):
    """What holds for every stream that does not say otherwise."""

    calendar: CalendarShown
    correlation_window_minutes: int
    minimum_contributors: int
    window_days: int
    survey_last_day: int
    revision: str


class RepositoryChanges(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people say of a repository; null takes a word back, so that it is as it was found."""

    deploy_target: Text | UnsetType | None = UNSET
    is_deployable: bool | UnsetType | None = UNSET
    default_branch: Text | UnsetType | None = UNSET


class RepositoryTold(Struct, frozen=True, kw_only=True):
    """What people say of a repository."""

    deploy_target: str | None
    is_deployable: bool | None
    default_branch: str | None


class RepositoryShown(Struct, frozen=True, kw_only=True):
    """
    A repository as it was found, and what people say of it.

    ``told`` has what people say; where they say nothing, what was found holds. ``found_by`` is ``github`` where GitHub
    itself has told of it, else ``push``, or ``configuration`` for one that nothing has told of yet.
    """

    repo_id: UUID | None
    full_name: str
    former_names: list[str]
    found_by: Literal["github", "push", "configuration"]
    tech_stream: str | None
    default_branch: str | None
    is_deployable: bool | None
    deploy_target: str | None
    is_archived: bool
    last_named_at: datetime | None
    pull_requests: int
    last_deployed_at: datetime | None
    told: RepositoryTold
    revision: str


class FieldsGiven(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ids of a project's custom fields, by what they mean."""

    delivery_stream: Text | UnsetType | None = UNSET
    tech_streams: Text | UnsetType | None = UNSET
    story_points: Text | UnsetType | None = UNSET
    sprint: Text | UnsetType | None = UNSET
    flagged: Text | UnsetType | None = UNSET
    found_in_stage: Text | UnsetType | None = UNSET
    introduced_in_stage: Text | UnsetType | None = UNSET
    blocking_tech_stream: Text | UnsetType | None = UNSET
    root_cause_category: Text | UnsetType | None = UNSET


class NewProject(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Jira project whose tickets are to be understood (§5.2.4)."""

    key: Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]{1,31}$")]
    delivery_stream_from: list[Source] | UnsetType = UNSET
    delivery_stream: Name | UnsetType | None = UNSET
    fields: FieldsGiven | UnsetType = UNSET
    cancelled_resolutions: list[Name] | UnsetType = UNSET


class ProjectChanges(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different of how a Jira project is read; ``fields`` as a whole."""

    delivery_stream_from: list[Source] | UnsetType = UNSET
    delivery_stream: Name | UnsetType | None = UNSET
    fields: FieldsGiven | UnsetType = UNSET
    cancelled_resolutions: list[Name] | UnsetType = UNSET


class ProjectShown(Struct, frozen=True, kw_only=True):
    """How tickets of a Jira project are read."""

    key: str
    delivery_stream_from: list[str]
    delivery_stream: str | None
    fields: dict[str, str]
    cancelled_resolutions: list[str]
    statuses: int
    revision: str


class EnvironmentsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the environments."""

    status: Literal["ok"]
    data: EnvironmentsShown
    meta: Version


class SeveritiesAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the thresholds."""

    status: Literal["ok"]
    data: SeveritiesShown
    meta: Version


class GroupsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the groups."""

    status: Literal["ok"]
    data: GroupsShown
    meta: Version


class PlatformAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of what holds for the platform."""

    status: Literal["ok"]
    data: PlatformShown
    meta: Version


class RepositoriesAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the repositories."""

    status: Literal["ok"]
    data: list[RepositoryShown]
    meta: Version


class ProjectsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the Jira projects."""

    status: Literal["ok"]
    data: list[ProjectShown]
    meta: Version
