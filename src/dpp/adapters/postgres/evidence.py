"""The things behind figures, from the derived tables and, where these do not tell enough, the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from dpp.adapters.postgres import evidence_statements as statements
from dpp.adapters.postgres.ended_pull_requests import every_ended
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_completions import completed
from dpp.adapters.postgres.kept_defects import found_defects
from dpp.adapters.postgres.kept_deliveries import KeptDeliveries
from dpp.adapters.postgres.kept_places import unfinished_at
from dpp.adapters.postgres.kept_pull_requests import review_hours
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.selections import condition, condition_on_one, values
from dpp.application.evidence_reader import (
    IN_PROGRESS,
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
    UnplacedDeliveries,
    sees_unplaced,
)
from dpp.application.readers import CycleValues
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray

# About the present the rows themselves tell the streams of their tickets, but for tickets whose latest stream is of a
# time to come: some source's clock is ahead.
_AHEAD = """
    SELECT issue_id FROM work_item_attributions WHERE valid_to < 'infinity' AND valid_to > %(as_of)s
    UNION ALL
    SELECT issue_id FROM work_item_attributions WHERE delivery_stream_id IS NULL AND valid_from > %(as_of)s
    UNION ALL
    SELECT issue_id FROM work_item_attributions
    WHERE delivery_stream_id = ANY (ARRAY(SELECT stream_id FROM delivery_streams)) AND valid_from > %(as_of)s
"""


class PostgresEvidenceReader(EvidenceReader):
    """Reads a database; every method that names things is one statement."""

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = kept
        self._deliveries = KeptDeliveries(database=database, kept=kept)

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
        query = every_ended(view, shown=_of_one(view, among)) + statements.PULL_REQUESTS
        return [EndedPullRequest(*row) for row in await self._rows(query, view, window, among=among)]

    async def review_hours(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> FloatArray:
        """Return the hours to the first review of those of them that have one."""
        hours = await review_hours(self._database, self._kept, view, window=window, among=among)
        return hours[~np.isnan(hours)]

    async def reviewed(self, view: View, *, window: Window) -> Sequence[ReviewedPullRequest]:
        """Return pull requests that peers reviewed."""
        return [ReviewedPullRequest(*row) for row in await self._rows(statements.REVIEWED, view, window)]

    async def defects(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[DefectInWindow]:
        """Return defects."""
        return [DefectInWindow(*row) for row in await self._rows(statements.DEFECTS, view, window, among=among)]

    async def deployments(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[EndedDeployment]:
        """Return deployments to every environment."""
        wanted = "true" if among is Among.SHOWN else "environment = 'production'"
        # About the present the rows themselves tell the streams of all tickets but a few.
        now = _of_one(view, among).removeprefix(" AND ")
        likely = f" AND (linked_issue_id = ANY (ARRAY({_AHEAD})) OR ({now or 'true'}))" if view.is_live else ""
        query = statements.DEPLOYMENTS.replace("{wanted}", wanted).replace("{likely}", likely)
        rows = await self._rows(query, view, window, among=among)
        return [EndedDeployment(*row)._replace(incidents=tuple(row[-1])) for row in rows]

    async def incidents(self, view: View, *, window: Window, among: Among = Among.SHOWN) -> Sequence[IncidentInWindow]:
        """Return incidents that ended, and those that did not."""
        query = statements.INCIDENTS.replace("{wanted}", "true" if among is Among.SHOWN else "false")
        return [IncidentInWindow(*row) for row in await self._rows(query, view, window, among=among)]

    async def unplaced_in_progress(self, view: View) -> int:
        """Return how many unplaced tickets are in progress."""
        rows = await unfinished_at(self._kept, view, among=Among.UNPLACED)
        return sum(tickets for (_, _, stage, _), tickets in rows.by_group() if stage in IN_PROGRESS)

    async def unplaced_cycles(self, view: View, *, window: Window) -> CycleValues:
        """Return what was measured of unplaced completed tickets."""
        rows, _ = await completed(self._kept, view, window=window, among=Among.UNPLACED)
        return CycleValues(
            cycle_days=rows.columns["cycle_time_days"], flow_efficiency_pct=rows.columns["flow_efficiency_pct"]
        )

    async def unplaced_defects(self, view: View, *, window: Window) -> Sequence[str]:
        """Return where the unplaced of them were found."""
        found = await found_defects(self._database, self._kept, view, window=window, among=Among.UNPLACED)
        return [defect.found_in_stage for defect in found]

    async def unplaced_deliveries(self, view: View, *, window: Window) -> UnplacedDeliveries:
        """Return what the unplaced of them come to."""
        return await self._deliveries.unplaced(view, window=window)

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
        async with self._database.reading() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", shown).encode(), parameters)
            return await cursor.fetchall()


class _OfTech(NamedTuple):
    """How it is said that a thing is of no technology stream, and that it is of the one asked for."""

    none: str
    asked: str


_OF_SOME = _OfTech("cardinality(tech_stream_ids) = 0", "%(tech)s = ANY (tech_stream_ids)")
_OF_ONE = _OfTech("tech_stream_id IS NULL", "tech_stream_id IS NOT DISTINCT FROM %(tech)s")


def _of_one(view: View, among: Among) -> str:
    """Return the condition on a thing of one technology stream or none."""
    return condition_on_one(view) if among is Among.SHOWN else _unplaced(view, of_tech=_OF_ONE)


def _unplaced(view: View, *, of_tech: _OfTech = _OF_SOME) -> str:
    """Return the condition that ``is_among`` states of what is unplaced, for a view that may see it."""
    may, is_shown = [], []
    if view.delivery_stream_id is not None:
        is_shown.append("delivery_stream_id IS NOT DISTINCT FROM %(delivery)s")
        may.append("(delivery_stream_id IS NULL OR delivery_stream_id = %(delivery)s)")
    if view.tech_stream_id is not None:
        is_shown.append(of_tech.asked)
        may.append(f"({of_tech.none} OR {of_tech.asked})")
    return f" AND {' AND '.join(may)} AND NOT ({' AND '.join(is_shown)})"
