"""The things behind figures, from the derived tables and, where these do not tell enough, the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from dpp.adapters.postgres import evidence_statements as statements
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.selections import condition, values
from dpp.application.evidence_reader import (
    Among,
    AsideTicket,
    BlockedTicket,
    DefectInWindow,
    EndedDeployment,
    EndedPullRequest,
    EvidenceReader,
    FinishedTicket,
    IncidentInWindow,
    PlacedTicket,
    ReviewedPullRequest,
    sees_unplaced,
)
from dpp.application.views import View, Window


class PostgresEvidenceReader(EvidenceReader):
    """Reads a database; every method is one statement."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def placed(self, view: View, *, among: Among = Among.SHOWN) -> Sequence[PlacedTicket]:
        """Return the unfinished tickets."""
        return [PlacedTicket(*row) for row in await self._rows(statements.PLACED, view, among=among)]

    async def in_sprint(self, view: View, *, sprint_id: UUID) -> Sequence[PlacedTicket]:
        """Return the unfinished tickets of a sprint."""
        query = statements.IN_SPRINT if view.is_live else statements.IN_SPRINT_THEN
        return [PlacedTicket(*row) for row in await self._rows(query, view, sprint=sprint_id)]

    async def finished(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[FinishedTicket]:
        """Return completed tickets."""
        return [FinishedTicket(*row) for row in await self._rows(statements.FINISHED, view, window, among=among)]

    async def set_aside(self, view: View, *, window: Window) -> Sequence[AsideTicket]:
        """Return cancelled tickets, and those taken up again."""
        return [AsideTicket(*row) for row in await self._rows(statements.SET_ASIDE, view, window)]

    async def pull_requests(
        self, view: View, *, window: Window, among: Among = Among.SHOWN
    ) -> Sequence[EndedPullRequest]:
        """Return merged and closed pull requests."""
        query = statements.pull_requests(is_live=view.is_live)
        return [EndedPullRequest(*row) for row in await self._rows(query, view, window, among=among)]

    async def reviewed(self, view: View, *, window: Window) -> Sequence[ReviewedPullRequest]:
        """Return pull requests that peers reviewed."""
        return [ReviewedPullRequest(*row) for row in await self._rows(statements.REVIEWED, view, window)]

    async def defects(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[DefectInWindow]:
        """Return defects."""
        return [DefectInWindow(*row) for row in await self._rows(statements.DEFECTS, view, window, among=among)]

    async def deployments(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[EndedDeployment]:
        """Return deployments to every environment."""
        wanted = "true" if among is Among.SHOWN else "environment = 'production'"
        rows = await self._rows(statements.DEPLOYMENTS.replace("{wanted}", wanted), view, window, among=among)
        return [EndedDeployment(*row)._replace(incidents=tuple(row[-1])) for row in rows]

    async def incidents(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[IncidentInWindow]:
        """Return incidents that ended, and those that did not."""
        query = statements.INCIDENTS.replace("{wanted}", "true" if among is Among.SHOWN else "false")
        return [IncidentInWindow(*row) for row in await self._rows(query, view, window, among=among)]

    async def blocked(self, view: View, *, window: Window) -> Sequence[BlockedTicket]:
        """Return blocks of tickets."""
        return [BlockedTicket(*row) for row in await self._rows(statements.BLOCKED, view, window)]

    async def _rows(
        self, query: str, view: View, window: Window | None = None, *, among: Among = Among.SHOWN, **more: Any
    ) -> list[tuple[Any, ...]]:
        if among is Among.UNPLACED and not sees_unplaced(view):
            return []
        parameters = values(view) | more
        if window is not None:
            parameters |= {"start": window.start, "end": window.end}
        shown = condition(view) if among is Among.SHOWN else _unplaced(view)
        async with self._database.transaction() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", shown).encode(), parameters)
            return await cursor.fetchall()


def _unplaced(view: View) -> str:
    """Return the condition that ``is_among`` states of what is unplaced, for a view that may see it."""
    may, is_shown = [], []
    if view.delivery_stream_id is not None:
        is_shown.append("delivery_stream_id IS NOT DISTINCT FROM %(delivery)s")
        may.append("(delivery_stream_id IS NULL OR delivery_stream_id = %(delivery)s)")
    if view.tech_stream_id is not None:
        is_shown.append("%(tech)s = ANY (tech_stream_ids)")
        may.append("(cardinality(tech_stream_ids) = 0 OR %(tech)s = ANY (tech_stream_ids))")
    return f" AND {' AND '.join(may)} AND NOT ({' AND '.join(is_shown)})"
