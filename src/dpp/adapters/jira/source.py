"""Jira as a ticket system that can be asked (§5.2.6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from dpp.adapters.jira.api import JiraApi
from dpp.adapters.jira.api_payloads import ApiIssue
from dpp.adapters.jira.history import history, wanted_fields
from dpp.adapters.jira.payloads import Unreadable
from dpp.adapters.jira.proposing import Proposal, proposals
from dpp.adapters.jira.sprint_times import SprintLife, sprint_lives
from dpp.application.cursors import Cursors
from dpp.application.reading import Reading
from dpp.application.ticket_source import Asked, TicketHistory, TicketPage, TicketSource
from dpp.domain.events import SprintFact

STATES = "active,closed,future"


class JiraSource(TicketSource):
    """
    Reads tickets and sprints over the API.

    Args:
        api: the Jira.
        reading: gives the configuration at hand and the hashing.
        now: the present, which is when a running sprint was seen to run.
    """

    def __init__(self, *, api: JiraApi, reading: Callable[[], Reading], now: Callable[[], datetime]) -> None:
        self._api = api
        self._reading = reading
        self._now = now
        self._sprints: dict[str, SprintLife] = {}
        self._boards_read: set[str] = set()

    async def tickets(self, asked: Asked, *, cursor: str | None = None) -> TicketPage:
        """Return a page of tickets, oldest first."""
        await self._learn_sprints(asked.project)
        reading = self._reading()
        fields = wanted_fields(reading)
        if asked.sprint is not None:
            page = await self._api.sprint_issues(asked.sprint, fields=fields, cursor=cursor)
        else:
            page = await self._api.search(jql(asked, now=self._now()), fields=fields, cursor=cursor)
        told = [await self._history(issue, reading) for issue in page.issues]
        return TicketPage(tickets=tuple(told), cursor=page.cursor)

    async def ticket(self, issue_id: str) -> TicketHistory | None:
        """Return one ticket."""
        reading = self._reading()
        issue = await self._api.issue(issue_id, fields=wanted_fields(reading))
        return await self._history(issue, reading) if issue else None

    async def ids(self, asked: Asked) -> Sequence[str]:
        """Return the numbers of tickets."""
        found: list[str] = []
        cursor: str | None = None
        cursors = Cursors("Jira")
        while True:
            page = await self._api.search(
                jql(asked, now=self._now()), fields=("updated",), changes=False, cursor=cursor
            )
            found += [str(issue.id) for issue in page.issues if issue.id is not None]
            cursor = cursors.after(page.cursor)
            if cursor is None:
                return found

    async def sprints(self, projects: Sequence[str]) -> Sequence[SprintFact]:
        """Return what Jira says of sprints, each once, by number."""
        self._boards_read.clear()
        named: dict[str, SprintLife] = {}
        for project in projects:
            named |= await self._learn_sprints(project)
        facts = [life.fact(self._now()) for _, life in sorted(named.items())]
        return [fact for fact in facts if fact is not None]

    async def proposed_fields(self) -> list[Proposal]:
        """Return which custom fields of this Jira are likely to be those that are read."""
        return proposals(await self._api.fields())

    async def _learn_sprints(self, project: str) -> dict[str, SprintLife]:
        """Read the sprints of a project's boards, once; a history names by number even those that a ticket has left."""
        found: dict[str, SprintLife] = {}
        if project not in self._boards_read:
            for board in await self._api.boards(project=project):
                for sprint in await self._api.sprints(board.id, states=STATES):
                    found |= sprint_lives(sprint)
            self._boards_read.add(project)
            self._sprints |= found
        return found

    async def _history(self, issue: ApiIssue, reading: Reading) -> TicketHistory:
        number = str(issue.id if issue.id is not None else issue.key)
        changes = await self._api.changelog(issue)
        try:
            return TicketHistory(issue_id=number, facts=history(issue, changes, sprints=self._sprints, reading=reading))
        except Unreadable as reason:
            return TicketHistory(issue_id=number, unreadable=str(reason))


def jql(asked: Asked, *, now: datetime) -> str:
    """
    Return the search for tickets, oldest first: what is new meanwhile comes on the pages that are still to come.

    Jira reads a time in the zone of whoever asks, which nobody knows here; minutes before the present have no zone.
    """
    parts = [f'project = "{asked.project}"']
    if asked.sprint is not None:
        parts.append(f"sprint = {int(asked.sprint)}")
    if asked.unfinished:
        parts.append("statusCategory != Done")
    if asked.updated_since is not None:
        minutes = max(1, math.ceil((now - asked.updated_since).total_seconds() / 60))
        parts.append(f"updated >= -{minutes}m")
    return " AND ".join(parts) + " ORDER BY created ASC, key ASC"
