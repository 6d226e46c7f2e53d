"""The history of a Jira project, page by page (§5.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dpp.application.backfill import HistoryPage, SourceHistory
from dpp.application.ticket_source import Asked, TicketSource
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts

_SPRINTS_TOLD = "sprints told"
"""The cursor after the first page, which has the sprints: tickets are easier to read once these are known."""
_TICKETS = "tickets "


class JiraHistory(SourceHistory):
    """
    Tells the sprints of a project's boards first, then its tickets with all of their changes, oldest first.

    Args:
        source: the Jira.
        configuration: gives the configuration at hand; its projects are what can be read.
    """

    def __init__(self, *, source: TicketSource, configuration: Callable[[], Configuration]) -> None:
        self._source = source
        self._configuration = configuration

    def organisations(self) -> Sequence[str]:
        """Return the keys of the projects."""
        return [project.key for project in self._configuration().jira_projects]

    async def page(self, organisation: str, *, cursor: str | None) -> HistoryPage:
        """Return a page of a project."""
        if cursor is None:
            facts = Facts(sprints=tuple(await self._source.sprints([organisation])))
            return HistoryPage(facts=facts, cursor=_SPRINTS_TOLD, things=0)
        place = cursor.removeprefix(_TICKETS) if cursor.startswith(_TICKETS) else None
        page = await self._source.tickets(Asked(project=organisation), cursor=place)
        return HistoryPage(
            facts=Facts.of(ticket.facts for ticket in page.tickets),
            cursor=None if page.cursor is None else f"{_TICKETS}{page.cursor}",
            things=len(page.tickets),
            unreadable=[ticket.unreadable for ticket in page.tickets if ticket.unreadable],
        )
