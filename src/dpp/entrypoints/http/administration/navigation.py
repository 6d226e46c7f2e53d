"""The one navigation of all administration pages; a page that is listed here is linked from every other one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dpp.domain.access import Permission, Principal


class Entry(NamedTuple):
    """A page: where it is, what it is called, and the permission that its route asks for."""

    path: str
    title: str
    permission: Permission


class Group(NamedTuple):
    """Pages about one thing, under a heading."""

    title: str
    entries: tuple[Entry, ...]


OVERVIEW = Entry("/admin", "Overview", Permission.STREAMS_MANAGE)

GROUPS: tuple[Group, ...] = (
    Group("Administration", (OVERVIEW,)),
    Group(
        "Streams",
        (
            Entry("/admin/delivery-streams", "Delivery streams", Permission.STREAMS_MANAGE),
            Entry("/admin/tech-streams", "Technology streams", Permission.STREAMS_MANAGE),
            Entry("/admin/repositories", "Repositories", Permission.STREAMS_MANAGE),
        ),
    ),
    Group(
        "Tickets",
        (
            Entry("/admin/jira-projects", "Jira projects", Permission.ADMIN_READ),
            Entry("/admin/status-mappings", "Status mappings", Permission.STREAMS_MANAGE),
            Entry("/admin/sprints", "Sprints", Permission.STREAMS_MANAGE),
            Entry("/admin/pull-requests", "Unlinked pull requests", Permission.STREAMS_MANAGE),
        ),
    ),
    Group(
        "Rules",
        (
            Entry("/admin/platform", "Calendar and limits", Permission.ADMIN_READ),
            Entry("/admin/environments", "Environments", Permission.ADMIN_READ),
            Entry("/admin/severities", "Bottleneck severity", Permission.ADMIN_READ),
            Entry("/admin/configuration", "Configuration file", Permission.ADMIN_READ),
        ),
    ),
    Group(
        "People and access",
        (
            Entry("/admin/users", "Users", Permission.ADMIN_READ),
            Entry("/admin/group-roles", "Roles of groups", Permission.ADMIN_READ),
            Entry("/admin/keys", "API keys", Permission.ADMIN_READ),
            Entry("/admin/audit", "Audit log", Permission.ADMIN_READ),
            Entry("/sessions", "Your sessions", Permission.METRICS_READ),
        ),
    ),
    Group(
        "Operation",
        (
            Entry("/admin/data-quality", "Data quality", Permission.STREAMS_MANAGE),
            Entry("/admin/connections", "Connections", Permission.ADMIN_READ),
            Entry("/admin/integration-health", "Integration health", Permission.ADMIN_READ),
            Entry("/admin/dead-letters", "Unread payloads", Permission.ADMIN_READ),
        ),
    ),
)


def visible(principal: Principal) -> Iterator[Group]:
    """Yield the groups with the pages that somebody may open; groups without any are left out."""
    for group in GROUPS:
        entries = tuple(entry for entry in group.entries if entry.permission in principal.permissions)
        if entries:
            yield Group(group.title, entries)


def entry_of(path: str) -> Entry:
    """Return the entry that a page belongs to: its own, or that of the list above it.

    Raises:
        LookupError: no entry's path begins the page's; that is a fault of the page.
    """
    found = [
        entry
        for group in GROUPS
        for entry in group.entries
        if path == entry.path or (entry is not OVERVIEW and path.startswith(f"{entry.path}/"))
    ]
    if not found:
        raise LookupError(f"{path} is in no group of the navigation")
    return max(found, key=lambda entry: len(entry.path))
