"""Pages that say how things are: an overview, data quality, and the integrations (§5.6, §7.1.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.administration_reader import still_unmapped
from dpp.application.views import View
from dpp.domain.access import Permission, Principal
from dpp.domain.events import Outcome
from dpp.domain.quality import MeasuredRate, QualityRate
from dpp.entrypoints.http import admin
from dpp.entrypoints.http.administration import api_mappings, frame, navigation
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide
from dpp.entrypoints.http.dashboard import words

QUALITY, HEALTH = "/admin/data-quality", "/admin/integration-health"

AnyRequest = Request[Any, Any, Any]

#: Where the work on a rate is done, beside the advice of ``words.REMEDIES``.
WHERE: Mapping[QualityRate, tuple[str, str]] = {
    QualityRate.PR_TICKET_LINKAGE: ("/admin/pull-requests", "Link pull requests by hand"),
    QualityRate.TICKET_STREAM_TAGGING: ("/admin/jira-projects", "See how projects name their stream"),
    QualityRate.DEPLOYMENT_TRACEABILITY: ("/admin/repositories", "See what is known of repositories"),
    QualityRate.PULSE_RESPONSE: ("/admin/delivery-streams", "See the sizes of the teams"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesOf:
    """The rates of one stream, or of everything."""

    title: str
    kind: str
    rates: Mapping[QualityRate, MeasuredRate]

    @property
    def below(self) -> int:
        """How many rates are below their targets."""
        return sum(rate.below_target for rate in self.rates.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What came through a door since the moment from which deliveries are counted."""

    channel: str
    deliveries: int
    understood: int
    ignored: int
    unknown: int
    refused: int
    duplicates: int
    last_at: datetime

    @property
    def failed_pct(self) -> float:
        """Share of deliveries that were refused or not understood, in percent."""
        return 100 * (self.unknown + self.refused) / self.deliveries if self.deliveries else 0.0


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return administering().framing

    @get(navigation.OVERVIEW.path, **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def overview(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show what waits for somebody."""
        to = administering()
        looking = await to.looking(principal)
        unmapped = await api_mappings.unmapped(to, principal, looking)
        unlinked = await to.operating.reader.unlinked_pull_requests(to.view(principal), limit=200)
        quality = await _rates_of("", "", to.view(principal), to)
        letters = await to.repairing.waiting() if looking.authority.reads_all else ()
        context = {
            "version": looking.configuration.version,
            "unmapped": unmapped,
            "unlinked": len(unlinked),
            "letters": len(letters),
            "reads_all": looking.authority.reads_all,
            "quality": quality,
            "is_configured": bool(looking.configuration.delivery_streams),
            "delivery_streams": sum(looking.authority.sees(row) for row in looking.configuration.delivery_streams),
            "tech_streams": sum(looking.authority.sees(row) for row in looking.configuration.tech_streams),
        }
        return frame.page(request, principal, to.framing, "admin/overview.html", context)

    @get(QUALITY, **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def quality(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show how complete the data is against its targets, and what to do about it."""
        to = administering()
        looking = await to.looking(principal)
        rows = await asyncio.gather(*(_rates_of(*one, to) for one in _views(to, principal, looking)))
        context = {
            "rows": rows,
            "where": WHERE,
            "rates": list(QualityRate),
            "headings": [words.SHORT_RATES[rate].capitalize() for rate in QualityRate],
        }
        return frame.page(request, principal, to.framing, "admin/data_quality.html", context)

    @get(HEALTH, **frame.reading(framing, Permission.ADMIN_READ))
    async def health(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show how the sources and the platform's own work are doing."""
        to = administering()
        looking = await to.whole(principal)
        now = to.clock.now()
        since = now - admin.LOOK_BACK
        found = await admin.health(to.operating, since=since)
        waiting = still_unmapped(
            await to.reader.statuses_without_stage(to.view(principal)), configuration=looking.configuration
        )
        context = {
            "health": found,
            "since": since,
            "doors": _doors(found.deliveries),
            "sources": await to.freshness.sources(now=now, configuration=looking.configuration),
            "backfills": await to.backfill.runs(),
            "source_states": await to.backfill.states(),
            "source_limits": await to.backfill.limits(),
            "now": now,
            "trouble": [row for row in found.deliveries if row.outcome in (Outcome.UNKNOWN, Outcome.REFUSED)],
            "unmapped": waiting,
        }
        return frame.page(request, principal, to.framing, "admin/integration_health.html", context)

    return [overview, quality, health]


def _views(to: Administering, principal: Principal, looking: Looking) -> list[tuple[str, str, View]]:
    whole = to.view(principal)
    configuration, authority = looking.configuration, looking.authority
    views = [("All that you manage", "", whole)]
    for delivery in configuration.delivery_streams:
        if delivery.is_active and authority.sees(delivery):
            views.append((delivery.display_name, "delivery stream", _of(whole, delivery_stream_id=delivery.stream_id)))
    for tech in configuration.tech_streams:
        if tech.is_active and authority.sees(tech):
            views.append((tech.display_name, "technology stream", _of(whole, tech_stream_id=tech.stream_id)))
    return views


def _of(view: View, **streams: Any) -> View:
    return View(scope=view.scope, as_of=view.as_of, is_live=True, **streams)


async def _rates_of(title: str, kind: str, view: View, to: Administering) -> RatesOf:
    found = await to.operating.answering.queries.data_quality(view)
    return RatesOf(title=title, kind=kind, rates=found.rates)


def _doors(rows: Sequence[admin.Deliveries]) -> list[Door]:
    channels = sorted({row.channel for row in rows})
    return [_door(channel, [row for row in rows if row.channel == channel]) for channel in channels]


def _door(channel: str, rows: Sequence[admin.Deliveries]) -> Door:
    def counted(outcome: Outcome) -> int:
        return sum(row.deliveries for row in rows if row.outcome == outcome)

    return Door(
        channel=channel,
        deliveries=sum(row.deliveries for row in rows),
        understood=counted(Outcome.UNDERSTOOD),
        ignored=counted(Outcome.IGNORED),
        unknown=counted(Outcome.UNKNOWN),
        refused=counted(Outcome.REFUSED),
        duplicates=sum(row.duplicates for row in rows),
        last_at=max(row.last_at for row in rows),
    )
