"""Measurements of this process for Prometheus, behind an API key with ``metrics:read``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from dpp.application.backfill import Backfill
from dpp.application.ingest import Intake
from dpp.application.source_limits import SourceLimit
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import Forbidden, Unavailable


class IntakeCollector(Collector):
    """Reads the intake's own counts when asked; nothing is counted twice."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def collect(self) -> Iterator[Metric]:
        """Yield the deliveries by door and outcome, what waits, and whether the event store is away."""
        deliveries = CounterMetricFamily(
            "dpp_deliveries", "Deliveries by door and outcome", labels=("channel", "outcome")
        )
        for (channel, outcome), count in sorted(self._intake.outcomes.items()):
            deliveries.add_metric((channel, outcome), count)
        yield deliveries
        yield GaugeMetricFamily(
            "dpp_deliveries_pending", "Deliveries accepted here and not in the event store yet", self._intake.pending
        )
        yield GaugeMetricFamily(
            "dpp_event_store_away", "1 while the archive alone takes deliveries", float(self._intake.store_is_away)
        )


class LimitsCollector(Collector):
    """Tells what sources said last of how much they may be asked, to whichever process."""

    def __init__(self) -> None:
        self.limits: Sequence[SourceLimit] = ()

    def collect(self) -> Iterator[Metric]:
        """Yield what is left of each limit until it begins anew, and when that is."""
        labels = ("source", "organisation", "limit")
        remaining = GaugeMetricFamily(
            "dpp_source_requests_remaining", "Requests that a source allows yet", labels=labels
        )
        resets = GaugeMetricFamily(
            "dpp_source_limit_resets_timestamp_seconds", "When that limit begins anew", labels=labels
        )
        for limit in self.limits:
            names = (limit.source, limit.organisation, limit.name)
            remaining.add_metric(names, limit.remaining)
            resets.add_metric(names, limit.resets_at.timestamp())
        yield remaining
        yield resets


def route(intake: Callable[[], Intake], backfill: Callable[[], Backfill]) -> HTTPRouteHandler:
    """Build the route; the arguments give the process's intake, and what knows the sources' limits, once started."""
    limits = LimitsCollector()
    registries: list[CollectorRegistry] = []

    def registry() -> CollectorRegistry:
        if not registries:
            made = CollectorRegistry()
            ProcessCollector(registry=made)
            PlatformCollector(registry=made)
            GCCollector(registry=made)
            made.register(IntakeCollector(intake()))
            made.register(limits)
            registries.append(made)
        return registries[0]

    @get("/metrics", opt={"permission": Permission.METRICS_READ}, include_in_schema=False)
    async def metrics(principal: NamedDependency[Principal]) -> Response[Any]:
        """Return the measurements of this process; they count deliveries of all streams."""
        if not principal.scope.is_all:
            raise Forbidden("These measurements are of all streams together; use a key that is for all of them")
        try:
            limits.limits = await backfill().limits()
        except Unavailable:
            # The intake's own measurements matter most just now.
            limits.limits = ()
        return Response(generate_latest(registry()), media_type=CONTENT_TYPE_LATEST)

    return metrics
