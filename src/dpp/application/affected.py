"""What a changed configuration makes stale: derived rows are functions of the facts and of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dpp.domain.configuration import Configuration
from dpp.domain.errors import Conflict


class ConfigurationChanged(Conflict):
    """Somebody else has changed the configuration in the meantime."""

    code = "configuration_changed"

    def __init__(self, *, version: int, expected: int) -> None:
        super().__init__(f"the configuration is at version {version} and not {expected}: read it again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """The things whose derived rows may change: all of a kind, or those of some projects or technology streams.

    ``all_deliveries`` are deployments, changes and incidents.
    """

    all_tickets: bool = False
    all_pull_requests: bool = False
    all_deliveries: bool = False
    projects: frozenset[str] = frozenset()
    tech_streams: frozenset[UUID] = frozenset()


def affected_by(before: Configuration, after: Configuration) -> Affected:
    """Compare two configurations.

    Calendars and delivery streams concern everything. Names of technology streams are read from tickets; the pattern
    for branches and the organisation concern their pull requests. How a project is read, and its statuses, concern its
    tickets; which projects there are concerns every pull request, since bodies are believed by it. Environments, the
    repositories' own settings, how lead time is taken and how far apart deployment and incident may lie concern what
    reaches users.
    """
    everything = before.platform.calendar != after.platform.calendar or _delivery(before) != _delivery(after)
    return Affected(
        all_tickets=everything or _tech_names(before) != _tech_names(after),
        all_pull_requests=everything or before.known_projects != after.known_projects,
        all_deliveries=_releasing(before) != _releasing(after),
        projects=_projects(before, after),
        tech_streams=frozenset(item[0] for item in _tech_links(before) ^ _tech_links(after)),
    )


def _delivery(configuration: Configuration) -> frozenset[object]:
    return frozenset(
        (stream.stream_id, stream.name, stream.display_name, stream.is_active, stream.calendar)
        for stream in configuration.delivery_streams
    )


def _tech_names(configuration: Configuration) -> frozenset[object]:
    return frozenset((stream.stream_id, stream.name, stream.display_name) for stream in configuration.tech_streams)


def _tech_links(configuration: Configuration) -> frozenset[tuple[UUID, str, str, str | None]]:
    return frozenset(
        (stream.stream_id, stream.github_org, stream.github_install_id, stream.branch_pattern)
        for stream in configuration.tech_streams
    )


def _projects(before: Configuration, after: Configuration) -> frozenset[str]:
    changed_projects = {item.key for item in set(before.jira_projects) ^ set(after.jira_projects)}
    # Of two mappings of one status the later one counts, so their order is part of what they say.
    changed_statuses = {item.project for item in set(before.status_mappings) ^ set(after.status_mappings)}
    if not changed_statuses and before.status_mappings != after.status_mappings:
        changed_statuses = {item.project for item in after.status_mappings}
    return frozenset(key.strip().upper() for key in changed_projects | changed_statuses)


def _releasing(configuration: Configuration) -> tuple[object, ...]:
    streams = frozenset((stream.stream_id, stream.lead_time_method) for stream in configuration.tech_streams)
    return (
        configuration.environments,
        frozenset(configuration.repositories),
        configuration.platform.correlation_window_minutes,
        streams,
        _tech_links(configuration),
    )
