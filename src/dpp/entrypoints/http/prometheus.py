"""Measurements of this process for Prometheus, behind an API key with ``metrics:read``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from dpp.application.ingest import Intake
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import Forbidden


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


def route(intake: Callable[[], Intake]) -> HTTPRouteHandler:
    """Build the route; ``intake`` gives the process's intake once the platform has started."""
    registries: list[CollectorRegistry] = []

    def registry() -> CollectorRegistry:
        if not registries:
            made = CollectorRegistry()
            ProcessCollector(registry=made)
            PlatformCollector(registry=made)
            GCCollector(registry=made)
            made.register(IntakeCollector(intake()))
            registries.append(made)
        return registries[0]

    @get("/metrics", opt={"permission": Permission.METRICS_READ}, include_in_schema=False)
    async def metrics(principal: NamedDependency[Principal]) -> Response[Any]:
        """Return the measurements of this process; they count deliveries of all streams."""
        if not principal.scope.is_all:
            raise Forbidden("These measurements are of all streams together; use a key that is for all of them")
        return Response(generate_latest(registry()), media_type=CONTENT_TYPE_LATEST)

    return metrics
