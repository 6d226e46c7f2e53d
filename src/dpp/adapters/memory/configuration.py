"""The configuration in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from dpp.adapters.memory.database import ConfigurationVersion, MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.application.access_ports import AuditLog
from dpp.application.affected import Affected, ConfigurationChanged, affected_by
from dpp.application.configuration_record import change_entry
from dpp.application.identities import PullRequestId
from dpp.application.measures import Cause
from dpp.application.ports import Change, ConfigurationStore
from dpp.application.resolving import EVENT_TABLES
from dpp.application.stale import StaleKey, StaleKind, pull_request_key
from dpp.domain.configuration import Configuration
from dpp.domain.events import CicdEvent, Event, IncidentEvent, PullRequestEvent, PullRequestEventType

CHANGED = Change(topic="configuration")


class MemoryConfigurationStore(ConfigurationStore):
    """Keeps the configuration and every earlier version of it.

    Args:
        database: shared with the other memory stores.
        feed: tells of changes; None when nobody listens.
        log: where changes go on record; None when nobody reads it.
    """

    def __init__(
        self, *, database: MemoryDatabase, feed: MemoryChangeFeed | None = None, log: AuditLog | None = None
    ) -> None:
        self._database = database
        self._feed = feed
        self._log = log

    async def load(self) -> Configuration:
        """Return the current configuration."""
        self._database.check_available()
        return self._database.configuration

    async def save(
        self, configuration: Configuration, *, expected_version: int, actor: str, at: datetime
    ) -> Configuration:
        """Replace the configuration as a whole, with every thing that it makes stale marked."""
        self._database.check_available()
        before = self._database.configuration
        if before.version != expected_version:
            raise ConfigurationChanged(version=before.version, expected=expected_version)
        after = replace(configuration, version=before.version + 1)
        self._database.versions.append(ConfigurationVersion(applied_at=at, applied_by=actor, configuration=after))
        register = self._database.repositories
        streams = {item.repo_id: item.tech_stream_id for item in register.all}
        register.reconfigure(after)
        register.saved()
        moved = {item.repo_id for item in register.all if item.tech_stream_id != streams[item.repo_id]}
        self._mark_stale(affected_by(before, after), moved)
        if self._log is not None:
            await self._log.record(change_entry(before, after, actor=actor, at=at))
        if self._feed is not None:
            await self._feed.publish(CHANGED)
        return after

    def _mark_stale(self, affected: Affected, moved: set[UUID]) -> None:
        keys = {*self._tickets(affected), *self._pull_requests(affected, moved), *self._deliveries(affected)}
        for key in sorted(keys):
            self._database.mark_stale(key, cause=Cause.CONFIGURATION)
        if keys and self._feed is not None:
            self._feed.wake()

    def _tickets(self, affected: Affected) -> Iterator[StaleKey]:
        yield from (StaleKey(StaleKind.TICKET, item) for item in affected_tickets(self._database, affected))

    def _pull_requests(self, affected: Affected, moved: set[UUID]) -> Iterator[StaleKey]:
        concerned = moved | {
            item.repo_id
            for item in self._database.repositories.all
            if affected.all_pull_requests or item.tech_stream_id in affected.tech_streams
        }
        for table in ("pr_events", "pull_request_facts"):
            for row in self._database.events[table]:
                if row.repo_id in concerned and isinstance(row.event, PullRequestEvent):
                    yield StaleKey(StaleKind.PULL_REQUEST, pull_request_key(row.repo_id, row.event.pr_number))

    def _deliveries(self, affected: Affected) -> Iterator[StaleKey]:
        if not affected.all_deliveries:
            return
        for table in EVENT_TABLES:
            for row in self._database.events[table]:
                if isinstance(row.event, CicdEvent | IncidentEvent) and (key := row.makes_stale) is not None:
                    yield key
                elif row.repo_id is not None and _is_merge(row.event):
                    assert isinstance(row.event, PullRequestEvent)
                    yield PullRequestId(row.repo_id, row.event.pr_number).key(StaleKind.CHANGE)


def affected_tickets(database: MemoryDatabase, affected: Affected) -> Iterator[str]:
    """Yield the tickets whose derived rows a change may touch; one that had several keys may come several times."""
    for ticket_id, items in database.ticket_keys.items():
        # A ticket that was moved away still was in the project once: its former key says so.
        if affected.all_tickets or ticket_id.partition("-")[0].upper() in affected.projects:
            yield from items


def _is_merge(event: Event) -> bool:
    return isinstance(event, PullRequestEvent) and event.event_type is PullRequestEventType.MERGED
