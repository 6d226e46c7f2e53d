"""Figures of past days and their restatements over HTTP (§4.4.1, decision 0025)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from dpp.application.figure_history import FigureHistory
from dpp.application.measures import FigurePlace, RestatementPlace
from dpp.application.views import View
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import measures_shapes as shapes
from dpp.entrypoints.http import paging
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, Stream, TechStream, described

MetricName = Annotated[str | None, QueryParameter(description="By name, as in the catalogue; without it, all")]
# The language keeps the word ``from`` to itself.
FirstDay = Annotated[date | None, QueryParameter(name="from", description="First day; without it, the earliest")]
LastDay = Annotated[date | None, QueryParameter(name="to", description="Last day, inclusive; without it, the latest")]

M = TypeVar("M", bound="_Mark")


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor carries: which list it belongs to …"""

    of: str


class _FigureMark(_Mark, frozen=True, array_like=True):
    """… and the place of the last figure shown."""

    day: date
    dimension: str
    stream_id: UUID
    metric: str
    percentile: int

    @property
    def place(self) -> FigurePlace:
        return FigurePlace(self.day, self.dimension, self.stream_id, self.metric, self.percentile)


class _RestatementMark(_Mark, frozen=True, array_like=True):
    """… and the place of the last restatement shown."""

    restated_at: datetime
    day: date
    dimension: str
    stream_id: UUID
    metric: str
    percentile: int

    @property
    def place(self) -> RestatementPlace:
        return RestatementPlace(
            self.restated_at, self.day, self.dimension, self.stream_id, self.metric, self.percentile
        )


def routes(answering: Callable[[], Answering], history: Callable[[], FigureHistory]) -> list[HTTPRouteHandler]:
    """Build the routes; the arguments give what they need once the platform has started."""

    @get(
        "/metrics/daily",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(shapes.DailyAnswer)},
    )
    async def daily(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        metric: MetricName = None,
        first: FirstDay = None,
        last: LastDay = None,
        limit: paging.Limit = None,
        cursor: paging.Cursor = None,
    ) -> Response[Any]:
        """List the figures of days as they are stored, by day, stream and metric.

        A day's figures are as of its end, over the trailing 28 days for the deployment frequency and 30 for the others;
        of work in progress it is the total. Figures are of one stream: without one, of each that you may see.
        """
        to = answering()
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=None)
        name = _list_name("daily", view, metric, first, last)
        mark = _read(cursor, _FigureMark, of=name)
        found = await history().figures(
            view,
            metric=metric,
            first=first,
            last=last,
            after=None if mark is None else mark.place,
            limit=limit,
        )
        following = found.following and _write(_FigureMark(name, *found.following))
        names = shapes.names_of(to.configuration.value)
        meta = {**to.meta(found.asked), "limit": found.limit, "next_cursor": following}
        return answer([shapes.daily(row, names=names) for row in found.figures], meta=meta)

    @get(
        "/metrics/restatements",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(shapes.RestatementsAnswer)},
    )
    async def restatements(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        metric: MetricName = None,
        first: FirstDay = None,
        last: LastDay = None,
        limit: paging.Limit = None,
        cursor: paging.Cursor = None,
    ) -> Response[Any]:
        """List the changes to figures of days that were over, the latest first, with what caused them."""
        to = answering()
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=None)
        name = _list_name("restatements", view, metric, first, last)
        found = await history().restatements(
            view,
            metric=metric,
            first=first,
            last=last,
            before=read(cursor or "", of=name),
            limit=limit,
        )
        following = found.following and written(found.following, of=name)
        names = shapes.names_of(to.configuration.value)
        meta = {**to.meta(found.asked), "limit": found.limit, "next_cursor": following}
        return answer([shapes.restated(row, names=names) for row in found.restatements], meta=meta)

    return [daily, restatements]


def _list_name(kind: str, view: View, *filters: object) -> str:
    """Return what tells the list of some filters from every other one."""
    return "|".join(map(str, (kind, view.delivery_stream_id, view.tech_stream_id, *filters)))


def _write(mark: _Mark) -> str:
    return urlsafe_b64encode(msgspec.json.encode(mark)).decode().rstrip("=")


def written(place: RestatementPlace, *, of: str) -> str:
    """Return the cursor of a place in a list of restatements."""
    return _write(_RestatementMark(of, *place))


def read(cursor: str, *, of: str) -> RestatementPlace | None:
    """
    Return the place that a cursor names, None when there is no cursor.

    Raises:
        InvalidCursor: it is none of ours, or of another list.
    """
    mark = _read(cursor, _RestatementMark, of=of)
    return None if mark is None else mark.place


def _read(cursor: str | None, kind: type[M], *, of: str) -> M | None:
    if not cursor:
        return None
    try:
        mark = msgspec.json.decode(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)), type=kind)
    except (NotBase64, msgspec.DecodeError, ValueError):
        mark = None
    if mark is None or mark.of != of:
        raise paging.InvalidCursor(
            "cursor belongs to no page of this list; take meta.next_cursor of an answer with the same filters, "
            "or leave it out to begin at page 1"
        )
    return mark
