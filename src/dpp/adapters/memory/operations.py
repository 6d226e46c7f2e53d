"""What administrators look at, read from a memory database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import shown_pull_requests
from dpp.adapters.memory.sprint_corrections import corrected_sprints
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.readers import (
    ChannelCount,
    OperationsReader,
    SprintRow,
    UnlinkedPullRequest,
    UnmappedStatus,
)
from dpp.application.views import View
from dpp.domain.calendar import from_micros
from dpp.domain.events import Outcome, WorkItemEvent


class MemoryOperationsReader(OperationsReader):
    """Reads a memory database.

    Args:
        database: shared with the other memory stores.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def deliveries(self, *, since: datetime) -> Sequence[ChannelCount]:
        """Return the deliveries of the hours in which there were some since then."""
        self._database.check_available()
        sums: dict[tuple[str, str, str, str], ChannelCount] = {}
        for row in self._database.intake_counts.values():
            if row.last_at < since:
                continue
            key = (row.channel, row.outcome, row.kind, row.reason)
            before = sums.get(key, ChannelCount(*key, 0, 0, 0, row.last_at))
            sums[key] = ChannelCount(
                *key,
                before.deliveries + row.deliveries,
                before.accepted + row.accepted,
                before.duplicates + row.duplicates,
                max(before.last_at, row.last_at),
            )
        return [sums[key] for key in sorted(sums)]

    async def stale(self) -> int:
        """Return how many entries wait for derivation."""
        self._database.check_available()
        return len(self._database.stale)

    async def unmapped_statuses(self, *, limit: int = 100) -> Sequence[UnmappedStatus]:
        """Return the statuses that wait for a mapping."""
        self._database.check_available()
        known = self._database.configuration.statuses
        seen: dict[tuple[str, str], list[datetime]] = {}
        for row in self._database.events["work_item_events"]:
            event = row.event
            if not isinstance(event, WorkItemEvent) or event.to_status is None or (row.tags and row.tags.to_stage):
                continue
            if known.find(event.project_key, event.to_status) is None:
                seen.setdefault((event.project_key, event.to_status), []).append(event.event_timestamp)
        rows = [UnmappedStatus(*which, len(times), max(times)) for which, times in seen.items()]
        return sorted(rows, key=lambda row: (-row.events, row.project, row.status))[:limit]

    async def unlinked_pull_requests(self, view: View, *, limit: int = 100) -> Sequence[UnlinkedPullRequest]:
        """Return pull requests without a ticket, newest first."""
        self._database.check_available()
        names = {row.repo_id: row.full_name for row in self._database.repositories.all}
        rows = [
            (-row.opened_at, names[row.repo_id], -row.pr_number, row)
            for row in shown_pull_requests(self._tables.pull_requests.values(), view)
            if row.linked_ticket_id is None and row.repo_id in names
        ]
        return [
            UnlinkedPullRequest(name, row.pr_number, row.branch_name, from_micros(row.opened_at))
            for *_, name, _, row in sorted(rows, key=lambda one: one[:3])[:limit]
        ]

    async def sprints(self, view: View, *, state: str | None = None) -> Sequence[SprintRow]:
        """Return the sprints of the view's delivery streams, the latest first."""
        self._database.check_available()
        rows = [
            SprintRow(
                known.sprint_id,
                known.jira_sprint_id,
                known.stream_id,
                known.report.name,
                known.report.start_date,
                known.report.end_date,
                known.report.goal,
                known.report.state,
            )
            for known in corrected_sprints(self._database, self._tables)
            if state in {None, known.report.state}
        ]
        shown = [row for row in rows if view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=())]
        return sorted(shown, key=lambda row: (row.start_date or date.max, row.jira_sprint_id), reverse=True)

    async def last_event_at(self) -> Mapping[str, datetime]:
        """Return when something readable last came through each door."""
        self._database.check_available()
        last: dict[str, datetime] = {}
        for row in self._database.intake_counts.values():
            if row.outcome == Outcome.UNDERSTOOD:
                last[row.channel] = max(row.last_at, last.get(row.channel, row.last_at))
        return last

    async def answers(self) -> bool:
        """Whether the database is there."""
        return self._database.available
