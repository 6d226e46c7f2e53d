"""Tables that only a page has, as CSV like those of the API: sprints side by side, and whom a technology holds up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from dpp.application.cross_stream import CrossStream
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http import csv_tables
from dpp.entrypoints.http.csv_tables import UnknownTable
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.dashboard.cross_stream_page import columns_of, impact_rows
from dpp.entrypoints.http.dashboard.heatmap import heatmap
from dpp.entrypoints.http.dashboard.looking import Answers, Looking, Showing, look
from dpp.entrypoints.http.representations import CSV

Rows = list[Any]


class SprintRow(Struct, frozen=True, kw_only=True):
    """The confidence in the running sprint of a delivery stream; nulls where none runs, with the reason."""

    delivery_stream: str
    sprint: str | None
    confidence_pct: float | None
    remaining: int | None
    working_days_left: int | None
    reason: str | None


class HeldUpRow(Struct, frozen=True, kw_only=True):
    """What a technology does to a delivery stream; null stands for tickets of none, or of one that is not shown."""

    technology: str
    delivery_stream: str | None
    blocked_days: float
    tickets: int
    block_count: int
    blocked_tickets: int
    open_tickets: int


class BlockedRow(Struct, frozen=True, kw_only=True):
    """A ticket that a technology blocks at the moment."""

    technology: str
    ticket: str
    delivery_stream: str | None
    stage: str
    active: bool
    since: datetime
    working_days: float


class PassageRow(Struct, frozen=True, kw_only=True):
    """A time that a ticket spent in progress and that began or ended in the window; ``ended`` is null till then."""

    ticket: str
    began: datetime
    ended: datetime | None
    has_arrived: bool
    is_finished: bool


class BlockedShareRow(Struct, frozen=True, kw_only=True):
    """What a ticket in progress stood blocked in the window; ``technology`` is null where it is not told."""

    ticket: str
    technology: str | None
    since: datetime
    is_blocked: bool
    working_days: float


class PageTables:
    """Makes the tables.

    Args:
        cross_stream_of: gives what answers about shared bottlenecks once the platform has started.
    """

    def __init__(self, cross_stream_of: Callable[[], CrossStream]) -> None:
        self._cross_stream_of = cross_stream_of

    async def sprints(self, _to: Showing, answers: Answers) -> Rows:
        """Return the running sprints side by side."""
        return [
            SprintRow(
                delivery_stream=stream.name,
                sprint=found.sprint.name if found.sprint else None,
                confidence_pct=found.figure.value,
                remaining=found.remaining.items if found.remaining else None,
                working_days_left=found.working_days_left,
                reason=found.reason.value if found.reason else None,
            )
            for stream, found in await answers.confidences()
        ]

    async def impact_streams(self, to: Showing, answers: Answers) -> Rows:
        """Return whom the chosen technology holds up."""
        looking, configuration = answers.looking, answers.configuration
        name, chosen = _chosen(looking, answers)
        shared = await self._cross_stream_of().bottlenecks(
            replace(looking.view, tech_stream_id=None),
            configuration=configuration,
            window_days=looking.filters.window,
        )
        mapped = heatmap(shared, streams=columns_of(configuration, looking), chosen=chosen)
        cells = next((row.cells for row in mapped.rows if row.is_chosen), ())
        return [
            HeldUpRow(
                technology=name,
                delivery_stream=row.delivery_stream.name if row.delivery_stream else None,
                blocked_days=row.blocked_days,
                tickets=row.tickets,
                block_count=row.cell.block_count if row.cell else 0,
                blocked_tickets=row.cell.blocked_tickets if row.cell else 0,
                open_tickets=row.cell.open_tickets if row.cell else 0,
            )
            for row in impact_rows((await answers.impact(chosen)).streams, cells)
        ]

    async def impact_tickets(self, _to: Showing, answers: Answers) -> Rows:
        """Return the tickets that the chosen technology blocks."""
        name, chosen = _chosen(answers.looking, answers)
        return [
            BlockedRow(
                technology=name,
                ticket=row.ticket_id,
                delivery_stream=row.delivery_stream.name if row.delivery_stream else None,
                stage=row.stage,
                active=row.active,
                since=row.since,
                working_days=row.days,
            )
            for row in (await answers.impact(chosen)).tickets
        ]

    async def arrivals_tickets(self, _to: Showing, answers: Answers) -> Rows:
        """Return the tickets that came into progress or left it."""
        return [
            PassageRow(
                ticket=row.ticket_id,
                began=row.began_at,
                ended=row.ended_at,
                has_arrived=row.has_arrived,
                is_finished=row.is_finished,
            )
            for row in await answers.passages()
        ]

    async def blocked_tickets(self, _to: Showing, answers: Answers) -> Rows:
        """Return the tickets that stood blocked."""
        return [
            BlockedShareRow(
                ticket=row.ticket_id,
                technology=row.tech_stream.name if row.tech_stream else None,
                since=row.since,
                is_blocked=row.is_blocked,
                working_days=row.days,
            )
            for row in await answers.blocked_tickets()
        ]


Make = Callable[[PageTables, Showing, Answers], Awaitable[Rows]]

TABLES: Mapping[str, tuple[type[Struct], Make]] = MappingProxyType(
    {
        "sprints": (SprintRow, PageTables.sprints),
        "impact-streams": (HeldUpRow, PageTables.impact_streams),
        "impact-tickets": (BlockedRow, PageTables.impact_tickets),
        "arrivals-tickets": (PassageRow, PageTables.arrivals_tickets),
        "blocked-tickets": (BlockedShareRow, PageTables.blocked_tickets),
    }
)
"""By what their files are called."""


def routes(showing: Callable[[], Showing], cross_stream_of: Callable[[], CrossStream]) -> list[HTTPRouteHandler]:
    """Build the route; the arguments give what it needs once the platform has started."""
    settings: Mapping[str, Any] = {
        "opt": {"permission": Permission.METRICS_READ},
        "exception_handlers": problems.handlers(lambda: showing().gate),
        "include_in_schema": False,
    }
    tables = PageTables(cross_stream_of)

    @get("/exports/{file:str}", **settings)
    async def export(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], file: FromPath[str]
    ) -> Response[bytes]:
        """Send a table."""
        name = file.removesuffix(".csv")
        if name not in TABLES or name == file:
            raise UnknownTable(f"There is no table {file!r}; there are {', '.join(TABLES)}")
        to = showing()
        looking = await look(request, principal, to.answering)
        row, make = TABLES[name]
        found = csv_tables.tables_of(list[row], name=name).table(name)  # type: ignore[valid-type]
        body = csv_tables.write(found, await make(tables, to, Answers(to, looking)))
        headers = {
            "cache-control": "private, no-cache",
            "content-disposition": f'attachment; filename="dpp-{name}.csv"',
        }
        return Response(body, media_type=CSV, headers=headers)

    return [export]


def _chosen(looking: Looking, answers: Answers) -> tuple[str, UUID]:
    """Return the technology that is looked at; raises ``InvalidInput`` without one."""
    chosen = looking.view.tech_stream_id
    if chosen is None:
        raise InvalidInput("Choose a technology stream to see whom it holds up", field="tech_stream")
    return next(row.name for row in answers.configuration.tech_streams if row.stream_id == chosen), chosen
