"""Links made by hand, in memory."""

from __future__ import annotations

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.selections import only
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.delivery_rows import ManualLinkRow
from dpp.application.identities import PullRequestId
from dpp.application.manual_links import KnownPullRequest, ManualLinkStore
from dpp.application.measures import Cause
from dpp.application.stale import StaleKind
from dpp.application.views import View
from dpp.domain.configuration import folded


class MemoryManualLinks(ManualLinkStore):
    """Adds links to a memory database.

    Args:
        database: shared with the other memory stores.
        tables: has the pull requests.
        log: where the entries go.
        feed: wakes whoever derives; None when nobody waits.
    """

    def __init__(
        self,
        *,
        database: MemoryDatabase,
        tables: MemoryDerivedTables,
        log: AuditLog,
        feed: MemoryChangeFeed | None = None,
    ) -> None:
        self._database = database
        self._tables = tables
        self._log = log
        self._feed = feed

    async def find(self, view: View, *, repository: str, pr_number: int) -> KnownPullRequest | None:
        """Return a pull request that the view shows."""
        self._database.check_available()
        for item in self._database.repositories.all:
            row = self._tables.pull_requests.get(PullRequestId(item.repo_id, pr_number))
            if row is None or folded(item.full_name) != folded(repository):
                continue
            if view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=only(row.tech_stream_id)):
                return KnownPullRequest(row.repo_id, row.pr_number, row.linked_ticket_id)
        return None

    async def add(self, link: ManualLinkRow, *, entry: AuditEntry) -> None:
        """Add a link and put it on record, and mark the pull request for derivation."""
        self._database.check_available()
        await self._log.record(entry)
        self._database.manual_links.append(link)
        stale = PullRequestId(link.repo_id, link.pr_number).key(StaleKind.PULL_REQUEST)
        self._database.mark_stale(stale, cause=Cause.MANUAL_LINK)
        if self._feed is not None:
            self._feed.wake()
