"""Deliveries over HTTP: the trends, the change ledger, and the blame for incidents (§6.4, §7.3.2)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from dpp.application.blames import Blames
from dpp.application.change_ledger import ChangeLedger
from dpp.application.delivery_reader import ChangePlace, ChangeState
from dpp.application.trends import Trends
from dpp.application.views import View
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import ledger_shapes, paging, trends_shapes
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, WindowDays, described

#: A verdict has few words.
BODY_BYTES = 16 * 1024

# The framework keeps the name ``state`` of an argument to itself.
State = Annotated[
    ChangeState | None,
    QueryParameter(name="state", description="Deployed in the window, which is the default, or merged and waiting"),
]
IncidentId = Annotated[str, PathParameter(description="As `incident_id` of GET /incidents/blames has it, URL-encoded")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """What the routes need beside what every answer needs."""

    trends: Trends
    ledger: ChangeLedger
    blames: Blames


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor of the ledger carries: which list it belongs to, and the place of the last change shown."""

    of: str
    at: datetime
    repo_id: UUID
    pr_number: int


def routes(answering: Callable[[], Answering], delivering: Callable[[], Delivering]) -> list[HTTPRouteHandler]:
    """Build the routes; the arguments give what they need once the platform has started."""

    @get(
        "/metrics/trends",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(trends_shapes.TrendsAnswer)},
    )
    async def trends(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """How often, how fast and how safely changes reach users, over the window and day by day."""
        to = answering()
        found = await delivering().trends.trends(
            to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of),
            window_days=to.window(window),
            configuration=to.configuration.value,
        )
        return answer(trends_shapes.trends(found), meta=to.meta(found.asked))

    @get(
        "/metrics/changes",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(ledger_shapes.ChangesAnswer)},
    )
    async def changes(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
        wanted: State = None,
        limit: paging.Limit = None,
        cursor: paging.Cursor = None,
    ) -> Response[Any]:
        """List changes, the latest first: those that reached users in the window, or those that wait to."""
        to, state = answering(), wanted or ChangeState.DEPLOYED
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        name = _list_name(state, view, window=to.window(window), as_of=as_of)
        found = await delivering().ledger.page(
            view, state=state, window_days=to.window(window), after=_read(cursor, of=name), limit=limit
        )
        meta = _paged(to.meta(found.asked), limit=found.limit, cursor=_write(found.following, of=name))
        return answer(ledger_shapes.changes(found), meta=meta)

    @get(
        "/incidents/blames",
        opt={"permission": Permission.METRICS_READ},
        tags=["Incidents"],
        responses={200: described(ledger_shapes.BlamesAnswer)},
    )
    async def blames(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
        limit: paging.Limit = None,
        cursor: paging.Cursor = None,
    ) -> Response[Any]:
        """List the incidents that began in the window, each with the deployments that may have caused it."""
        to = answering()
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found = await delivering().blames.incidents(view, window_days=to.window(window))
        page = paging.page(
            found.incidents,
            key=lambda row: row.incident_id,
            of=("blames", view.delivery_stream_id, view.tech_stream_id, to.window(window), as_of),
            limit=limit,
            cursor=cursor,
        )
        meta = _paged(to.meta(found.asked), limit=page.meta.limit, cursor=page.meta.next_cursor)
        return answer([ledger_shapes.incident(row) for row in page.rows], meta=meta)

    @post(
        "/incidents/{incident_id:str}/verdicts",
        opt={"permission": Permission.STREAMS_MANAGE},
        tags=["Incidents"],
        responses={
            201: ResponseSpec(
                data_container=ledger_shapes.VerdictAnswer, description="The verdict", generate_examples=False
            )
        },
        request_max_body_size=BODY_BYTES,
    )
    async def judge(
        principal: NamedDependency[Principal], incident_id: IncidentId, data: JSONBody[ledger_shapes.NewVerdict]
    ) -> Response[Any]:
        """Say that a deployment did, or did not, cause an incident; the last word on the two counts.

        Takes a person who leads a stream that both belong to, or an administrator.
        """
        found = await delivering().blames.judge(
            principal,
            incident_id=incident_id,
            record_id=data.deployment_id,
            verdict=data.verdict,
            reason=data.reason,
        )
        return answer(ledger_shapes.verdict(found), status=201)

    return [trends, changes, blames, judge]


def _paged(meta: Mapping[str, Any], *, limit: int, cursor: str | None) -> Mapping[str, Any]:
    return {**meta, "limit": limit, "next_cursor": cursor}


def _list_name(state: ChangeState, view: View, *, window: int, as_of: str | None) -> str:
    """Return what tells the list of some filters from every other one."""
    days = window if state is ChangeState.DEPLOYED else 0
    return "|".join(map(str, (state.value, view.delivery_stream_id, view.tech_stream_id, days, as_of)))


def _write(place: ChangePlace | None, *, of: str) -> str | None:
    if place is None:
        return None
    return urlsafe_b64encode(msgspec.json.encode(_Mark(of, *place))).decode().rstrip("=")


def _read(cursor: str | None, *, of: str) -> ChangePlace | None:
    if not cursor:
        return None
    try:
        mark = msgspec.json.decode(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)), type=_Mark)
    except (NotBase64, msgspec.DecodeError, ValueError):
        mark = None
    if mark is None or mark.of != of or mark.at.tzinfo is None:
        raise paging.InvalidCursor(
            "cursor belongs to no page of this list; take meta.next_cursor of an answer with the same filters, "
            "or leave it out to begin at page 1"
        )
    return ChangePlace(mark.at, mark.repo_id, mark.pr_number)
