"""What is known of tickets, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.enrich import sprint_uuid
from dpp.application.ticket_polling import KnownTickets
from dpp.domain.calendar import to_micros
from dpp.domain.positions import DELETED
from dpp.domain.stages import Stage

_FINISHED = frozenset({Stage.DONE.value, Stage.CANCELLED.value, DELETED})


class MemoryKnownTickets(KnownTickets):
    """Reads the derived rows."""

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def of_project(self, project: str) -> Mapping[str, bool]:
        """Return a project's tickets."""
        self._database.check_available()
        return {
            issue: not row.is_deleted and row.stage not in _FINISHED
            for issue, row in self._tables.work_items.items()
            if row.project_key == project
        }

    async def in_sprint(self, jira_sprint_id: str) -> frozenset[str]:
        """Return the tickets of a sprint."""
        self._database.check_available()
        sprint_id = sprint_uuid(jira_sprint_id)
        rows = self._tables.work_items.items()
        return frozenset(issue for issue, row in rows if row.sprint_id == sprint_id and not row.is_deleted)

    async def only_named(self, *, since: datetime, before: datetime) -> Sequence[str]:
        """Return the keys of tickets that only pull requests name."""
        self._database.check_available()
        latest: dict[str, int] = {}
        for row in self._tables.pull_requests.values():
            key, is_within = row.linked_ticket_id, to_micros(since) <= row.opened_at < to_micros(before)
            if key is not None and row.linked_issue_id is None and is_within:
                latest[key] = max(row.opened_at, latest.get(key, row.opened_at))
        return sorted(latest, key=lambda key: (-latest[key], key))
