"""The cross-stream view: heatmap of dependencies, shared bottlenecks with their reasons, and impact of one (§7.1.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from litestar.handlers import HTTPRouteHandler

from dpp.application.cross_stream import METRIC, CrossStream
from dpp.application.cross_stream_answers import SharedBottleneck, SharedBottlenecks
from dpp.application.flow_answers import BlockedByOne, HeldUp
from dpp.application.views import may_name
from dpp.domain.bottlenecks import BLOCK_DAYS, SeverityRow
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.entrypoints.http.dashboard import bottleneck_words
from dpp.entrypoints.http.dashboard.beyond import HEATMAP, IMPACT
from dpp.entrypoints.http.dashboard.cards import marks
from dpp.entrypoints.http.dashboard.filters import Filters
from dpp.entrypoints.http.dashboard.heatmap import Cell, Heatmap, heatmap, shades
from dpp.entrypoints.http.dashboard.looking import Context, Looking, Showing
from dpp.entrypoints.http.dashboard.view_page import ViewPage
from dpp.entrypoints.http.dashboard.zones import ZoneView, topics_of
from dpp.entrypoints.http.source_links import SourceLinks

ZONE = ZoneView(name="cross-stream", title="Across streams", topics=topics_of([METRIC]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """A technology stream with its severity in words, and the address that shows its impact."""

    row: SharedBottleneck
    severity: str
    reason: str
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactRow:
    """What the chosen technology does to one delivery stream; None stands for tickets of no stream that is shown."""

    delivery_stream: DeliveryStream | None
    cell: Cell | None
    blocked_days: float
    tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The impact of the chosen technology stream."""

    tech_stream: TechStream
    answer: BlockedByOne
    rows: tuple[ImpactRow, ...]
    without: str


class Questions:
    """Asks what the page shows.

    Args:
        cross_stream_of: gives what answers about shared bottlenecks once the platform has started.
    """

    def __init__(self, cross_stream_of: Callable[[], CrossStream]) -> None:
        self._cross_stream_of = cross_stream_of

    async def context(self, to: Showing, looking: Looking) -> Context:
        """Return what the page shows; the chosen technology stream leaves no other one out, but shows its impact."""
        configuration, chosen = to.answering.configuration.value, looking.view.tech_stream_id
        whole = replace(looking.view, tech_stream_id=None)
        found = await self._cross_stream_of().bottlenecks(
            whole, configuration=configuration, window_days=looking.filters.window
        )
        mapped = heatmap(found, streams=columns_of(configuration, looking), chosen=chosen)
        impact = None if chosen is None else await self._impact(to, looking, mapped, chosen)
        return {
            "heatmap_card": HEATMAP,
            "impact_card_words": IMPACT,
            "block_days": BLOCK_DAYS,
            "shared": found,
            "shared_marks": marks(found.figure),
            "heatmap": mapped,
            "shades": shades(),
            "assessed": _assessed(found, looking, rows=configuration.severities),
            "evidence": bottleneck_words.evidence(found.root_cause) if found.root_cause else None,
            "only_stream": _only_stream(configuration, looking),
            "all_streams_query": replace(looking.filters, stream=None).query(),
            "all_technologies_query": replace(looking.filters, tech_stream=None).query(),
            "is_scoped": not looking.view.scope.is_all and bool(configuration.tech_streams),
            "links": SourceLinks.of(configuration),
            "impact": impact,
            "impact_marks": marks(impact.answer.figure) if impact else (),
        }

    async def _impact(self, to: Showing, looking: Looking, mapped: Heatmap, chosen: UUID) -> Impact:
        configuration = to.answering.configuration.value
        answer = await to.flow.blocked_by(
            replace(looking.view, tech_stream_id=None),
            blocking=chosen,
            configuration=configuration,
            window_days=looking.filters.window,
        )
        tech = next(row for row in configuration.tech_streams if row.stream_id == chosen)
        cells = next((row.cells for row in mapped.rows if row.is_chosen), ())
        without = replace(looking.filters, tech_stream=None).query()
        return Impact(tech_stream=tech, answer=answer, rows=impact_rows(answer.streams, cells), without=without)


def page(cross_stream_of: Callable[[], CrossStream]) -> ViewPage:
    """Return the page."""
    return ViewPage(zone=ZONE, template="cross_stream.html", context=Questions(cross_stream_of).context)


def routes(showing: Callable[[], Showing], cross_stream_of: Callable[[], CrossStream]) -> list[HTTPRouteHandler]:
    """Build the routes of the page; the arguments give what they need once the platform has started."""
    return page(cross_stream_of).routes(showing)


def impact_rows(streams: Iterable[HeldUp], cells: Iterable[Cell]) -> tuple[ImpactRow, ...]:
    """Return whom the chosen technology holds up or may hold up: the dearest first, then those that only depend."""
    by_id = {cell.delivery_stream.stream_id: cell for cell in cells if not cell.is_empty}
    costly = [
        ImpactRow(
            delivery_stream=row.delivery_stream,
            cell=by_id.pop(row.delivery_stream.stream_id, None) if row.delivery_stream else None,
            blocked_days=row.time.days,
            tickets=row.time.tickets,
        )
        for row in streams
    ]
    others = sorted(by_id.values(), key=lambda cell: (-cell.block_count, -cell.open_tickets))
    free = [ImpactRow(delivery_stream=cell.delivery_stream, cell=cell, blocked_days=0.0, tickets=0) for cell in others]
    return (*costly, *free)


def _assessed(found: SharedBottlenecks, looking: Looking, *, rows: Iterable[SeverityRow]) -> tuple[Assessed, ...]:
    severities = tuple(rows)
    return tuple(
        Assessed(
            row=row,
            severity=bottleneck_words.severity(row.bottleneck.severity),
            reason=bottleneck_words.reason(row, rows=severities),
            address=_of_tech(looking.filters, row.tech_stream),
            is_chosen=row.tech_stream.stream_id == looking.view.tech_stream_id,
        )
        for row in found.tech_streams
    )


def _of_tech(filters: Filters, tech: TechStream) -> str:
    return f"/cross-stream?{replace(filters, tech_stream=tech.name).query()}"


def columns_of(configuration: Configuration, looking: Looking) -> tuple[DeliveryStream, ...]:
    """Return the delivery streams that are columns: those that may be named, or the chosen one."""
    only = looking.view.delivery_stream_id
    named = (row for row in configuration.delivery_streams if may_name(row, scope=looking.view.scope))
    return tuple(row for row in named if only is None or row.stream_id == only)


def _only_stream(configuration: Configuration, looking: Looking) -> str | None:
    only = looking.view.delivery_stream_id
    return next((row.display_name for row in configuration.delivery_streams if row.stream_id == only), None)
