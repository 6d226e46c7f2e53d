"""The sprints of the streams that the caller may see (§7.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Struct, structs

from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import paging
from dpp.entrypoints.http.admin import Operating
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Stream, described

# The framework keeps the name ``state`` of an argument to itself.
State = Annotated[
    Literal["future", "active", "closed"] | None,
    QueryParameter(name="state", description="As Jira reports it; without it, any"),
]


class Sprint(Struct, frozen=True, kw_only=True):
    """A sprint as last reported; its stream is the one that most of its tickets belong to."""

    sprint_id: UUID
    jira_sprint_id: str
    delivery_stream_id: UUID | None
    name: str
    start_date: date | None
    end_date: date | None
    goal: str | None
    state: str


class SprintsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the sprints, the latest first."""

    status: Literal["ok"]
    data: list[Sprint]
    meta: paging.Paged


def routes(operating: Callable[[], Operating]) -> list[HTTPRouteHandler]:
    """Build the routes; ``operating`` gives what they need once the platform has started."""

    @get(
        "/sprints",
        opt={"permission": Permission.METRICS_READ},
        tags=["Configuration"],
        responses={200: described(SprintsAnswer)},
    )
    async def sprints(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        wanted: State = None,
        limit: paging.Limit = None,
        cursor: paging.Cursor = None,
    ) -> Response[Any]:
        """List sprints, the latest first."""
        to = operating()
        view = to.answering.view(principal, stream=stream, tech_stream=None, as_of=None)
        found = paging.page(
            await to.reader.sprints(view, state=wanted),
            key=lambda row: str(row.sprint_id),
            of=("sprints", view.delivery_stream_id, wanted),
            limit=limit,
            cursor=cursor,
        )
        return answer([Sprint(**row._asdict()) for row in found.rows], meta=structs.asdict(found.meta))

    return [sprints]
