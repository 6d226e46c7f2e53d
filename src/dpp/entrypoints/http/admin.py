"""What administrators ask for (§7.3.2, §5.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct, structs

from dpp.application.ingest import Intake
from dpp.application.ports import DeadLetter, EventStore
from dpp.application.readers import OperationsReader
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import shapes
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, UnusedWindow, described

#: How far back deliveries are counted.
LOOK_BACK = timedelta(days=7)
#: Who waits until nothing is pending asks for figures next; so long, the news of the last derivation is on its way to
#: the answers that this process keeps.
NEWS_SECONDS = 0.05


class Deliveries(Struct, frozen=True, kw_only=True):
    """Deliveries of one door with one outcome, kind and reason; empty texts where there is none."""

    channel: str
    outcome: str
    kind: str
    reason: str
    deliveries: int
    accepted: int
    duplicates: int
    last_at: datetime


class UnmappedStatus(Struct, frozen=True, kw_only=True):
    """A status that was seen and that nobody has mapped."""

    project: str
    status: str
    events: int
    last_seen: datetime


class UnreadPayload(Struct, frozen=True, kw_only=True):
    """A payload that nobody could read; it is kept, encrypted, until it expires."""

    delivery_uid: UUID
    received_at: datetime
    channel: str
    kind: str | None
    reason: str
    expires_at: datetime


class IntegrationHealth(Struct, frozen=True, kw_only=True):
    """How the sources and the platform's own work are doing.

    ``pending`` is the deliveries accepted whose effect is not yet in the figures, and the derivations that wait.
    """

    pending: int
    pending_deliveries: int
    pending_derivations: int
    event_store_away: bool
    last_event_at: Mapping[str, datetime]
    deliveries: list[Deliveries]
    unmapped_statuses: list[UnmappedStatus]
    unread_payloads: list[UnreadPayload]
    facts: Mapping[str, int]


class Since(Struct, frozen=True, kw_only=True):
    """From when on deliveries are counted, and when that was done."""

    since: datetime
    computed_at: datetime


class IntegrationHealthAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the health of integrations."""

    status: Literal["ok"]
    data: IntegrationHealth
    meta: Since


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """What the routes need to answer."""

    answering: Answering
    reader: OperationsReader
    events: EventStore
    intake: Intake


def routes(operating: Callable[[], Operating]) -> list[HTTPRouteHandler]:
    """Build the routes; ``operating`` gives what they need once the platform has started."""

    @get(
        "/admin/data-quality",
        opt={"permission": Permission.ADMIN_READ},
        tags=["Administration"],
        responses={200: described(shapes.DataQualityAnswer)},
    )
    async def data_quality(
        principal: NamedDependency[Principal],
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: UnusedWindow = None,
        as_of: AsOf = None,
    ) -> Response[Any]:
        """How complete the data is, against the targets of §5.6."""
        to = operating().answering
        to.window(window)
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found = await to.queries.data_quality(view)
        return answer(shapes.data_quality(found), meta=to.meta(found.asked))

    @get(
        "/admin/integration-health",
        opt={"permission": Permission.ADMIN_READ},
        tags=["Administration"],
        responses={200: described(IntegrationHealthAnswer)},
    )
    async def integration_health() -> Response[Any]:
        """What came through each door, what waits, and what nobody could read."""
        to = operating()
        now = to.answering.clock.now()
        meta = Since(since=now - LOOK_BACK, computed_at=now)
        found = await health(to, since=meta.since)
        if not found.pending:
            await asyncio.sleep(NEWS_SECONDS)
        return answer(found, meta=structs.asdict(meta))

    return [data_quality, integration_health]


async def health(to: Operating, *, since: datetime) -> IntegrationHealth:
    """Gather how the integrations are doing; deliveries are counted since a moment."""
    # In the order in which things move on, so that what moves meanwhile is counted twice rather than not at all.
    delivered = to.intake.pending
    waiting = await to.reader.stale()
    return IntegrationHealth(
        pending=delivered + waiting,
        pending_deliveries=delivered,
        pending_derivations=waiting,
        event_store_away=to.intake.store_is_away,
        last_event_at=await to.reader.last_event_at(),
        deliveries=[Deliveries(**row._asdict()) for row in await to.reader.deliveries(since=since)],
        unmapped_statuses=[UnmappedStatus(**row._asdict()) for row in await to.reader.unmapped_statuses()],
        unread_payloads=[_unread(letter) for letter in await to.events.dead_letters()],
        facts=await to.events.counts(),
    )


def _unread(letter: DeadLetter) -> UnreadPayload:
    return UnreadPayload(
        delivery_uid=letter.delivery_uid,
        received_at=letter.received_at,
        channel=letter.channel,
        kind=letter.kind,
        reason=letter.reason,
        expires_at=letter.expires_at,
    )
