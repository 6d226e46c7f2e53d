"""What administrators ask for (§7.3.2, §5.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.ingest import Intake
from dpp.application.ports import EventStore
from dpp.application.readers import OperationsReader
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http import shapes
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, described

#: How far back deliveries are counted.
LOOK_BACK = timedelta(days=7)


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
        principal: NamedDependency[Principal], stream: Stream = None, tech_stream: TechStream = None, as_of: AsOf = None
    ) -> Response[Any]:
        """How complete the data is, against the targets of §5.6."""
        to = operating().answering
        view = to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of)
        found = await to.queries.data_quality(view)
        return answer(shapes.data_quality(found), meta=to.meta(found.asked))

    @get("/admin/integration-health", opt={"permission": Permission.ADMIN_READ}, tags=["Administration"])
    async def integration_health() -> Response[Any]:
        """What came through each door, what waits, and what nobody could read."""
        to = operating()
        now = to.answering.clock.now()
        waiting = await to.reader.stale()
        return answer(
            {
                "pending": to.intake.pending + waiting,
                "pending_deliveries": to.intake.pending,
                "pending_derivations": waiting,
                "event_store_away": to.intake.store_is_away,
                "last_event_at": await to.reader.last_event_at(),
                "deliveries": [row._asdict() for row in await to.reader.deliveries(since=now - LOOK_BACK)],
                "unmapped_statuses": [row._asdict() for row in await to.reader.unmapped_statuses()],
                "unread_payloads": [
                    {
                        "delivery_uid": letter.delivery_uid,
                        "received_at": letter.received_at,
                        "channel": letter.channel,
                        "kind": letter.kind,
                        "reason": letter.reason,
                        "expires_at": letter.expires_at,
                    }
                    for letter in await to.events.dead_letters()
                ],
                "facts": await to.events.counts(),
            },
            meta={"since": (now - LOOK_BACK).isoformat(), "computed_at": now.isoformat()},
        )

    return [data_quality, integration_health]
