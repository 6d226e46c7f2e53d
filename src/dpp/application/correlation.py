"""The table of assessments of shared bottlenecks, a row for each day and technology stream (§4.4.5, §6.7)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from dpp.application.bottleneck_ports import CorrelationRow, Correlations
from dpp.application.cross_stream import CrossStream
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.bottlenecks import Bottleneck
from dpp.domain.configuration import Configuration

log = structlog.get_logger(__name__)


class Correlation:
    """Writes the table of assessments (§4.4.5).

    Args:
        cross_stream: assesses, for whoever sees everything.
        correlations: the table.
    """

    def __init__(self, *, cross_stream: CrossStream, correlations: Correlations) -> None:
        self._cross_stream = cross_stream
        self._correlations = correlations

    async def correlate(self, *, now: datetime, configuration: Configuration) -> int:
        """Write the assessments of the day that it is by the platform's clock; doing it again changes nothing.

        Each assessment is logged and nobody is alerted, so that the severity table can be tuned first (§6.7).

        Returns:
            How many assessments are new or differ from the day's earlier ones.
        """
        view = View(scope=StreamScope.everything(), as_of=now)
        window_days = configuration.platform.window_days
        found = await self._cross_stream.bottlenecks(view, configuration=configuration, window_days=window_days)
        for row in found.tech_streams:
            log.info(
                "bottleneck_assessed",
                tech_stream=row.tech_stream.name,
                severity=row.bottleneck.severity.value,
                impacted=len(row.impacted),
                blocks=row.bottleneck.block_count,
                confidence=row.bottleneck.average_confidence,
            )
        day = now.astimezone(ZoneInfo(configuration.platform.calendar.time_zone)).date()
        rows = [_correlation(row.bottleneck) for row in found.tech_streams]
        return await self._correlations.save(rows, day=day, at=now)


def _correlation(row: Bottleneck) -> CorrelationRow:
    return CorrelationRow(
        tech_stream_id=row.tech_stream_id,
        impacted_delivery_streams=tuple(impact.delivery_stream_id for impact in row.impacts),
        blocked_delivery_streams=tuple(impact.delivery_stream_id for impact in row.blocked),
        block_count_14d=row.block_count,
        avg_confidence_pct=row.average_confidence,
        avg_cycle_time_p85=row.average_cycle_time_p85,
        severity=row.severity,
    )
