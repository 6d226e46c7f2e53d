"""From the tables of a configuration file to the values of the domain, section by section."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar
from uuid import UUID

from dpp.adapters.files.toml_tables import Table
from dpp.application.configuration_changes import WEEKDAYS
from dpp.application.configuration_checks import Problem
from dpp.application.stream_identity import Read, settle
from dpp.domain.bottlenecks import BottleneckSeverity, SeverityRow
from dpp.domain.configuration import (
    CalendarRules,
    Configuration,
    DeliveryStream,
    EnvironmentRule,
    GitHubConnection,
    GroupRole,
    JiraConnection,
    JiraFields,
    JiraProject,
    PlatformSettings,
    RepositoryOverride,
    TechStream,
)
from dpp.domain.stages import Stage, StatusMapping

T = TypeVar("T")

ENVIRONMENTS = ("dev", "staging", "production")
LEAD_TIME_METHODS = ("pr", "commit")
#: ``none`` is what there is when no row applies.
SEVERITIES = tuple(severity.value for severity in BottleneckSeverity if severity is not BottleneckSeverity.NONE)
STREAM_SOURCES = ("field", "project", "label", "component")

MAX_PEOPLE = 10_000
MAX_CONTRIBUTORS = 1_000
MAX_CORRELATION_MINUTES = 7 * 24 * 60
MAX_WINDOW_DAYS = 3_650
#: Every month has so many days.
MAX_SURVEY_DAY = 28
MAX_STREAMS = 1_000
MAX_ORDER = 1_000_000
_NO_ID = UUID(int=0)


def read(document: dict[str, Any], *, current: Configuration, problems: list[Problem]) -> Configuration:
    """Return ``current`` with every section of the document in the place of its own; faults go to ``problems``."""
    root = Table(document, place=(), problems=problems)
    changes: dict[str, Any] = {}
    for key, single in _TABLES.items():
        if (table := root.table(key)) is not None:
            changes[key] = _finished(single, table)
    platform = changes.get("platform", current.platform)
    for key, entry in _LISTS.items():
        if root.has(key):
            changes[key] = tuple(_finished(entry, table) for table in root.tables(key))
    if root.has("delivery_streams"):
        changes["delivery_streams"] = _delivery_streams(root, current, platform, problems)
    if root.has("tech_streams"):
        changes["tech_streams"] = _tech_streams(root, current, problems)
    root.finish()
    return replace(current, **changes)


def _finished(make: Callable[[Table], T], table: Table) -> T:
    made = make(table)
    table.finish()
    return made


def _delivery_streams(
    root: Table, current: Configuration, platform: PlatformSettings, problems: list[Problem]
) -> tuple[DeliveryStream, ...]:
    def one(table: Table) -> Read[DeliveryStream]:
        return _delivery_stream(table, platform=platform)

    found = [_finished(one, table) for table in root.tables("delivery_streams")]
    settled = settle(found, current=current.delivery_streams, section="delivery_streams", kind="delivery-stream")
    problems += settled.problems
    return settled.streams


def _tech_streams(root: Table, current: Configuration, problems: list[Problem]) -> tuple[TechStream, ...]:
    found = [_finished(_tech_stream, table) for table in root.tables("tech_streams")]
    settled = settle(found, current=current.tech_streams, section="tech_streams", kind="tech-stream")
    problems += settled.problems
    return settled.streams


def _platform(table: Table) -> PlatformSettings:
    default = PlatformSettings()
    return PlatformSettings(
        calendar=_calendar(table, otherwise=default.calendar),
        correlation_window_minutes=table.whole(
            "correlation_window_minutes",
            low=1,
            high=MAX_CORRELATION_MINUTES,
            default=default.correlation_window_minutes,
        ),
        minimum_contributors=table.whole(
            "minimum_contributors", low=1, high=MAX_CONTRIBUTORS, default=default.minimum_contributors
        ),
        window_days=table.whole("window_days", low=1, high=MAX_WINDOW_DAYS, default=default.window_days),
        survey_last_day=table.whole("survey_last_day", low=1, high=MAX_SURVEY_DAY, default=default.survey_last_day),
    )


def _calendar(table: Table, *, otherwise: CalendarRules) -> CalendarRules:
    days = tuple(WEEKDAYS[day] for day in sorted(otherwise.weekend))
    return CalendarRules(
        time_zone=(table.has("time_zone") and table.text("time_zone")) or otherwise.time_zone,
        weekend=frozenset(map(WEEKDAYS.index, table.choices("weekend", WEEKDAYS, what="weekday", default=days))),
        holidays=table.texts("holidays", default=otherwise.holidays),
        extra_holidays=table.dates("extra_holidays", default=otherwise.extra_holidays),
    )


def _delivery_stream(table: Table, *, platform: PlatformSettings) -> Read[DeliveryStream]:
    name, calendar = table.text("name"), table.table("calendar")
    stream = DeliveryStream(
        stream_id=_NO_ID,
        name=name,
        display_name=_display_name(table, name),
        description=table.optional_text("description"),
        team_size=table.optional_whole("team_size", low=1, high=MAX_PEOPLE),
        is_active=table.flag("is_active", default=True),
        calendar=None if calendar is None else _own_calendar(calendar, platform=platform),
        minimum_contributors=table.optional_whole("minimum_contributors", low=1, high=MAX_CONTRIBUTORS),
    )
    return Read(stream=stream, renamed_from=table.optional_text("renamed_from"))


def _own_calendar(table: Table, *, platform: PlatformSettings) -> CalendarRules:
    """Read a stream's calendar; what it does not say is as on the platform."""
    return _finished(lambda inner: _calendar(inner, otherwise=platform.calendar), table)


def _tech_stream(table: Table) -> Read[TechStream]:
    name = table.text("name")
    stream = TechStream(
        stream_id=_NO_ID,
        name=name,
        display_name=_display_name(table, name),
        github_org=table.text("github_org"),
        github_install_id=table.optional_text("github_install_id") or "",
        description=table.optional_text("description"),
        is_active=table.flag("is_active", default=True),
        lead_time_method=table.choice("lead_time_method", LEAD_TIME_METHODS, what="method", default="pr") or "pr",
        branch_pattern=table.optional_text("branch_pattern"),
        minimum_contributors=table.optional_whole("minimum_contributors", low=1, high=MAX_CONTRIBUTORS),
    )
    return Read(stream=stream, renamed_from=table.optional_text("renamed_from"))


def _display_name(table: Table, name: str) -> str:
    return table.text("display_name") if table.has("display_name") else name


def _repository(table: Table) -> RepositoryOverride:
    return RepositoryOverride(
        full_name=table.text("full_name"),
        deploy_target=table.optional_text("deploy_target"),
        is_deployable=table.optional_flag("is_deployable"),
        default_branch=table.optional_text("default_branch"),
    )


def _jira_project(table: Table) -> JiraProject:
    default, inner = JiraProject(key=""), table.table("fields")
    return JiraProject(
        key=table.text("key"),
        delivery_stream_from=table.choices(
            "delivery_stream_from", STREAM_SOURCES, what="source of a stream", default=default.delivery_stream_from
        ),
        delivery_stream=table.optional_text("delivery_stream"),
        fields=_finished(_jira_fields, inner) if inner else default.fields,
        cancelled_resolutions=table.texts("cancelled_resolutions"),
    )


def _jira_fields(table: Table) -> JiraFields:
    return JiraFields(**{field.name: table.optional_text(field.name) for field in fields(JiraFields)})


def _status_mapping(table: Table) -> StatusMapping:
    why = "true where somebody works on the ticket, false where it waits"
    return StatusMapping(
        project=table.text("project"),
        status=table.text("status"),
        stage=Stage(table.choice("stage", [stage.value for stage in Stage], what="stage") or Stage.BACKLOG),
        active=table.required_flag("active", why=why),
        order=table.whole("order", low=-MAX_ORDER, high=MAX_ORDER, default=0),
    )


def _environment(table: Table) -> EnvironmentRule:
    return EnvironmentRule(
        pattern=table.text("pattern"),
        environment=table.choice("environment", ENVIRONMENTS, what="environment") or "",
    )


def _severity(table: Table) -> SeverityRow:
    word = table.choice("severity", SEVERITIES, what="severity")
    return SeverityRow(
        severity=BottleneckSeverity(word or BottleneckSeverity.NONE),
        impacted_streams=table.required_whole(
            "impacted_streams", low=1, high=MAX_STREAMS, why="at least so many delivery streams are impacted"
        ),
        confidence_below=table.optional_number("confidence_below", above=0, high=100),
    )


def _group_role(table: Table) -> GroupRole:
    return GroupRole(
        role=table.text("role"),
        group=table.optional_text("group"),
        pattern=table.optional_text("pattern"),
        delivery_stream=table.optional_text("delivery_stream"),
        tech_stream=table.optional_text("tech_stream"),
    )


def _github(table: Table) -> GitHubConnection:
    api_url = table.text("api_url") if table.has("api_url") else GitHubConnection().api_url
    return GitHubConnection(api_url=api_url, app_id=table.optional_text("app_id"))


def _jira(table: Table) -> JiraConnection:
    return JiraConnection(base_url=table.optional_text("base_url"), user=table.optional_text("user"))


_TABLES: dict[str, Callable[[Table], object]] = {"platform": _platform, "github": _github, "jira": _jira}
_LISTS: dict[str, Callable[[Table], object]] = {
    "repositories": _repository,
    "jira_projects": _jira_project,
    "status_mappings": _status_mapping,
    "environments": _environment,
    "severities": _severity,
    "group_roles": _group_role,
}
