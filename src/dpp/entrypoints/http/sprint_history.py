"""Sprints day by day, and what they came to (§4.3.7, §5.2.6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Struct

from dpp.application.readers import SprintRow
from dpp.application.sprint_snapshots import ClosedSprint, SprintSnapshot, SprintStore
from dpp.application.views import View
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.admin import Operating
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Stream, described

LAST_SPRINTS = 12
"""As many are told, the latest that have begun."""

Wanted = Annotated[
    str | None,
    QueryParameter(name="sprint", description="Only this one: its id, or Jira's number", min_length=1, max_length=100),
]


class Snapshot(Struct, frozen=True, kw_only=True):
    """What the sprint held on a day, in tickets, as of ``taken_at``; development has code review with it."""

    snapshot_date: date
    taken_at: datetime
    committed_count: int
    completed_count: int
    remaining_count: int
    added_after_start: int
    removed_after_start: int
    wip_ba: int
    wip_dev: int
    wip_qa: int
    wip_uat: int


class Result(Struct, frozen=True, kw_only=True):
    """What the sprint came to; ``commitment_accuracy_pct`` is null where nothing was committed to."""

    closed_at: datetime
    committed_count: int
    completed_count: int
    completed_of_committed: int
    added_after_start: int
    velocity_points: float
    commitment_accuracy_pct: float | None


class SprintHistory(Struct, frozen=True, kw_only=True):
    """A sprint's snapshots by day, and its closing figures, null while it runs."""

    sprint_id: UUID
    jira_sprint_id: str
    name: str
    state: str
    snapshots: list[Snapshot]
    result: Result | None


class SprintHistoryAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the sprints' histories, the latest first."""

    status: Literal["ok"]
    data: list[SprintHistory]


def routes(operating: Callable[[], Operating], store: Callable[[], SprintStore]) -> list[HTTPRouteHandler]:
    """Build the route; the arguments give what it needs once the platform has started."""

    @get(
        "/sprints/history",
        opt={"permission": Permission.METRICS_READ},
        tags=["Configuration"],
        responses={200: described(SprintHistoryAnswer)},
    )
    async def sprint_history(
        principal: NamedDependency[Principal], stream: Stream = None, sprint: Wanted = None
    ) -> Response[Any]:
        """Tell the last sprints day by day, with velocity and commitment accuracy once they are closed; or only one."""
        view = operating().answering.view(principal, stream=stream, tech_stream=None, as_of=None)
        found = [row for row in await operating().reader.sprints(view) if row.state != "future"]
        if sprint is not None:
            found = [row for row in found if sprint in (str(row.sprint_id), row.jira_sprint_id)]
        return answer([await _history(row, store(), view) for row in found[:LAST_SPRINTS]])

    return [sprint_history]


async def _history(row: SprintRow, store: SprintStore, view: View) -> SprintHistory:
    closed = await store.closed(view, sprint_id=row.sprint_id)
    return SprintHistory(
        sprint_id=row.sprint_id,
        jira_sprint_id=row.jira_sprint_id,
        name=row.name,
        state=row.state,
        snapshots=[_snapshot(taken) for taken in await store.snapshots(view, sprint_id=row.sprint_id)],
        result=_result(closed) if closed else None,
    )


def _snapshot(row: SprintSnapshot) -> Snapshot:
    counts = row.counts
    return Snapshot(
        snapshot_date=row.day,
        taken_at=row.taken_at,
        committed_count=counts.committed,
        completed_count=counts.completed,
        remaining_count=counts.remaining,
        added_after_start=counts.added_after_start,
        removed_after_start=counts.removed_after_start,
        wip_ba=counts.wip_ba,
        wip_dev=counts.wip_dev,
        wip_qa=counts.wip_qa,
        wip_uat=counts.wip_uat,
    )


def _result(closed: ClosedSprint) -> Result:
    result = closed.result
    return Result(
        closed_at=closed.closed_at,
        committed_count=result.committed,
        completed_count=result.completed,
        completed_of_committed=result.completed_of_committed,
        added_after_start=result.added_after_start,
        velocity_points=result.velocity_points,
        commitment_accuracy_pct=result.commitment_accuracy_pct,
    )
