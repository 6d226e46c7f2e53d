"""What figures by day cost: one touched stream for today, a year of a stream, and the same year asked day by day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.two_years import CONFIGURATION, sizes, two_years
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.diagnostics import PostgresDiagnosticsReader
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.measure_reader import PostgresMeasureReader
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.application.daily_figures import DailyFigures
from dpp.application.delivery_reader import DeliveryReader
from dpp.application.measures import StreamKey
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.calendar import to_micros
from dpp.domain.dora import TREND_DAYS
from dpp.domain.metric import Dimension

YEAR = 365
ROUNDS = 7
#: Asking day by day is measured on so many days of the year.
ASKED_DAYS = 6
#: Today against a day that is asked alone, and a year against asking for each of its days.
AIM_TODAY_RATIO = 1.5
AIM_YEAR_RATIO = 0.1

STREAMS = {
    "delivery": StreamKey(Dimension.DELIVERY, CONFIGURATION.delivery_streams[0].stream_id),
    "tech": StreamKey(Dimension.TECH, CONFIGURATION.tech_streams[0].stream_id),
}


def run() -> dict[str, Any]:
    """Measure both kinds of stream."""
    with two_years() as url:
        return asyncio.run(_measured(url)) | sizes()


async def _measured(url: str) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    async with Database(url) as database:
        for name, stream in STREAMS.items():
            today = await _timed(_taking(database, stream, 1), ROUNDS)
            year = await _timed(_taking(database, stream, YEAR), 3)
            asked = await _timed(_asking(database, stream), 3) / ASKED_DAYS
            figures |= {
                f"{name}_today_ms": today * 1e3,
                f"{name}_asked_day_ms": asked * 1e3,
                f"{name}_today_ratio": today / asked,
                f"{name}_year_s": year,
                f"{name}_year_ratio": year / (asked * YEAR),
            }
    aims = {"today_ratio": AIM_TODAY_RATIO, "year_ratio": AIM_YEAR_RATIO}
    is_within = all(figures[f"{name}_{what}"] <= aim for name in STREAMS for what, aim in aims.items())
    return figures | {f"aim_{what}": aim for what, aim in aims.items()} | {"within_aim": is_within}


async def _timed(task: Callable[[], Awaitable[object]], rounds: int) -> float:
    await task()
    times = []
    for _ in range(rounds):
        begun = perf_counter()
        await task()
        times.append(perf_counter() - begun)
    return median(times)


def _taking(database: Database, stream: StreamKey, days: int) -> Callable[[], Awaitable[object]]:
    daily = DailyFigures(
        reader=PostgresMeasureReader(database=database),
        deliveries=PostgresDeliveryReader(database=database, kept=KeptRows(database=database)),
    )
    now = datetime.now(UTC)
    moments = [now - timedelta(days=back) for back in reversed(range(days))]
    columns = np.array([to_micros(moment) for moment in moments], dtype=np.int64)
    dates: list[date] = [moment.date() for moment in moments]
    return lambda: daily.take(stream, days=dates, moments=columns)


def _asking(database: Database, stream: StreamKey) -> Callable[[], Awaitable[object]]:
    """Return what reads the same rows as of single moments, as the endpoints do, without the rates of §5.6."""
    kept = KeptRows(database=database)
    metrics = PostgresMetricsReader(kept=kept)
    diagnostics = PostgresDiagnosticsReader(database=database, kept=kept)
    deliveries: DeliveryReader = PostgresDeliveryReader(database=database, kept=kept)
    is_delivery = stream.dimension is Dimension.DELIVERY
    now = datetime.now(UTC)

    async def ask() -> None:
        for place in range(ASKED_DAYS):
            moment = now - timedelta(days=place * YEAR // ASKED_DAYS)
            view = View(
                scope=StreamScope.everything(),
                as_of=moment,
                delivery_stream_id=stream.stream_id if is_delivery else None,
                tech_stream_id=None if is_delivery else stream.stream_id,
            )
            window = Window.back_from(moment, days=TREND_DAYS)
            await metrics.wip(view)
            await metrics.cycles(view, window=window)
            await diagnostics.defects(view, window=window)
            await diagnostics.review_hours(view, window=window)
            await deliveries.deployments(view, since=window.start)
            await deliveries.restores(view, since=window.start)

    return ask
