"""What is asked when the configuration is administered, of a memory database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import only, shown_tickets
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.administration_reader import AdministrationReader, FoundRepository
from dpp.application.readers import UnmappedStatus
from dpp.application.repositories import Repository
from dpp.application.views import View
from dpp.domain.calendar import from_micros
from dpp.domain.configuration import folded
from dpp.domain.deployments import PRODUCTION
from dpp.domain.events import WorkItemEvent


class MemoryAdministrationReader(AdministrationReader):
    """Reads a memory database.

    Args:
        database: shared with the other memory stores.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def repositories(self, view: View) -> Sequence[FoundRepository]:
        """Return the repositories of the view's technology streams."""
        self._database.check_available()
        rows = [
            self._found(item)
            for item in self._database.repositories.all
            if item.merged_into is None
            and view.shows(delivery_stream_id=None, tech_stream_ids=only(item.tech_stream_id))
        ]
        return sorted(rows, key=lambda row: (folded(row.full_name), row.repo_id))

    async def statuses_without_stage(self, view: View) -> Sequence[UnmappedStatus]:
        """Return the statuses that had no mapping when they were told."""
        self._database.check_available()
        shown = None if _is_everything(view) else shown_tickets(self._tables, view)
        seen: dict[tuple[str, str], list[datetime]] = {}
        for row in self._database.events["work_item_events"]:
            event = row.event
            if not isinstance(event, WorkItemEvent) or event.to_status is None or (row.tags and row.tags.to_stage):
                continue
            if shown is None or event.item in shown:
                seen.setdefault((event.project_key, event.to_status), []).append(event.event_timestamp)
        rows = [UnmappedStatus(*which, len(times), max(times)) for which, times in seen.items()]
        return sorted(rows, key=lambda row: (-row.events, row.project, row.status))

    def _found(self, item: Repository) -> FoundRepository:
        return FoundRepository(
            repo_id=item.repo_id,
            full_name=item.full_name,
            former_names=tuple(
                sorted(name for name in self._database.repositories.names_of(item.repo_id) if name != item.full_name)
            ),
            is_known_to_github=item.github_repo_id is not None,
            tech_stream_id=item.tech_stream_id,
            default_branch=item.default_branch,
            reported_default_branch=item.reported_default_branch,
            is_deployable=item.is_deployable,
            deploy_target=item.deploy_target,
            is_active=item.is_active,
            named_at=item.named_at,
            pull_requests=sum(row.repo_id == item.repo_id for row in self._tables.pull_requests.values()),
            last_deployed_at=self._last_deployed_at(item.repo_id),
        )

    def _last_deployed_at(self, repo_id: UUID) -> datetime | None:
        times = [
            row.deployed_at
            for row in self._tables.deployments.values()
            if row.repo_id == repo_id and row.environment == PRODUCTION and row.status != "failed"
        ]
        return from_micros(max(times)) if times else None


def _is_everything(view: View) -> bool:
    return view.scope.is_all and view.delivery_stream_id is None and view.tech_stream_id is None
