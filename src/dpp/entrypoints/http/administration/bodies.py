"""What scripts send and get when they administer the configuration.

What is left out of a change stays as it is; null takes a value away. Limits of single values are those of the
configuration file, and are checked where the file is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar.params import HeaderParameter
from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=2000)]
Pattern = Annotated[str, Meta(min_length=1, max_length=500)]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
StageName = Literal["backlog", "ba", "dev", "code_review", "qa", "uat", "done", "cancelled"]
People = Annotated[int, Meta(ge=1, le=10_000)]
Contributors = Annotated[int, Meta(ge=1, le=1_000)]

IfMatch = Annotated[
    str,
    HeaderParameter(
        name="If-Match",
        description="The revision of what is changed, as reading it told; if it has changed since, the answer is 409. "
        "`*` overwrites whatever is there",
        max_length=200,
    ),
]


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body whose keys are those of a table of the configuration file."""

    def values(self) -> dict[str, Any]:
        """Return what was sent as the values of a file; what was left out is not in it."""
        found: dict[str, Any] = to_builtins(self)
        return found


class CalendarGiven(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When people work; what is left out is as on the platform, or for the platform as by default."""

    time_zone: Name | UnsetType = UNSET
    weekend: list[Weekday] | UnsetType = UNSET
    holidays: list[Name] | UnsetType = UNSET
    extra_holidays: list[Day] | UnsetType = UNSET


class NewDeliveryStream(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delivery stream that is to be (§4.2.1)."""

    name: Name
    display_name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    team_size: People | UnsetType | None = UNSET
    calendar: CalendarGiven | UnsetType | None = UNSET
    minimum_contributors: Contributors | UnsetType | None = UNSET


class DeliveryStreamChanges(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different of a delivery stream; ``is_active`` false archives it, true brings it back."""

    name: Name | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    team_size: People | UnsetType | None = UNSET
    calendar: CalendarGiven | UnsetType | None = UNSET
    minimum_contributors: Contributors | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class NewTechStream(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A technology stream that is to be: one GitHub organisation (§4.2.2)."""

    name: Name
    github_org: Name
    github_install_id: Text | UnsetType | None = UNSET
    display_name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    lead_time_method: Literal["pr", "commit"] | UnsetType = UNSET
    branch_pattern: Pattern | UnsetType | None = UNSET
    minimum_contributors: Contributors | UnsetType | None = UNSET


class TechStreamChanges(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different of a technology stream; ``is_active`` false archives it, true brings it back."""

    name: Name | UnsetType = UNSET
    github_org: Name | UnsetType = UNSET
    github_install_id: Text | UnsetType | None = UNSET
    display_name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    lead_time_method: Literal["pr", "commit"] | UnsetType = UNSET
    branch_pattern: Pattern | UnsetType | None = UNSET
    minimum_contributors: Contributors | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class MappingGiven(Given, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a status means: its stage, and whether somebody works on the ticket there or it waits (§4.2.3)."""

    status: Name
    stage: StageName
    active: bool
    order: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] | UnsetType = UNSET


class MappingsGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the statuses of a project are to mean; one that is left out means nothing any more."""

    mappings: Annotated[list[MappingGiven], Meta(max_length=500)]

    def entries(self) -> list[dict[str, Any]]:
        """Return them as the tables of a file."""
        return [row.values() for row in self.mappings]


class CalendarShown(Struct, frozen=True, kw_only=True):
    """When people work."""

    time_zone: str
    weekend: list[str]
    holidays: list[str]
    extra_holidays: list[str]


class DeliveryStreamShown(Struct, frozen=True, kw_only=True):
    """A delivery stream as configured; ``calendar`` is null where the platform's holds."""

    stream_id: UUID
    name: str
    display_name: str
    description: str | None
    team_size: int | None
    minimum_contributors: int | None
    calendar: CalendarShown | None
    is_active: bool
    revision: str


class TechStreamShown(Struct, frozen=True, kw_only=True):
    """A technology stream as configured."""

    stream_id: UUID
    name: str
    display_name: str
    description: str | None
    github_org: str
    github_install_id: str
    lead_time_method: str
    branch_pattern: str | None
    minimum_contributors: int | None
    is_active: bool
    revision: str


class MappingShown(Struct, frozen=True, kw_only=True):
    """What a status of a project means."""

    project: str
    status: str
    stage: str
    active: bool
    order: int


class ProjectRevision(Struct, frozen=True, kw_only=True):
    """A project whose statuses the caller may map, and the revision of its mappings."""

    project: str
    revision: str


class UnmappedShown(Struct, frozen=True, kw_only=True):
    """A status that was seen and that nobody has mapped; so many events wait for its meaning."""

    project: str
    status: str
    events: int
    last_seen: datetime


class MappingsShown(Struct, frozen=True, kw_only=True):
    """What statuses mean, and which were seen that mean nothing yet."""

    mappings: list[MappingShown]
    unmapped: list[UnmappedShown]
    projects: list[ProjectRevision]


class Changed(Struct, frozen=True, kw_only=True):
    """What a change was, in lines that say what was there before and is there now; none where nothing differs.

    ``version`` is null for whoever manages some streams only: it rises with everybody's changes.
    """

    version: int | None
    changes: list[str]


class Version(Struct, frozen=True, kw_only=True):
    """Which version of the configuration this is; null for whoever manages some streams only."""

    version: int | None


class ChangedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a change."""

    status: Literal["ok"]
    data: Changed


class DeliveryStreamsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the delivery streams."""

    status: Literal["ok"]
    data: list[DeliveryStreamShown]
    meta: Version


class TechStreamsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the technology streams."""

    status: Literal["ok"]
    data: list[TechStreamShown]
    meta: Version


class MappingsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the status mappings."""

    status: Literal["ok"]
    data: MappingsShown
    meta: Version
