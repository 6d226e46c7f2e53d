"""Measurements for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest

from dpp.application.source_limits import SourceLimit
from dpp.entrypoints.http.prometheus import LimitsCollector

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_what_is_left_of_each_limit_is_told() -> None:
    """An alert on fewer than 200 requests (§8.5) needs the number, the organisation, and when it is over."""
    collector = LimitsCollector()
    collector.limits = [
        SourceLimit(
            source="github", organisation="acme", name="core", remaining=150, total=5000, resets_at=AT, told_at=AT
        )
    ]
    registry = CollectorRegistry()
    registry.register(collector)
    told = generate_latest(registry).decode().splitlines()
    labels = '{limit="core",organisation="acme",source="github"}'
    assert f"dpp_source_requests_remaining{labels} 150.0" in told
    # 2026-03-02T09:00Z is 20,514 days and 9 hours after 1970.
    assert f"dpp_source_limit_resets_timestamp_seconds{labels} 1.772442e+09" in told
