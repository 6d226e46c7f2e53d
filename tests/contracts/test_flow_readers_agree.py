"""What both families of readers say of blocked tickets and of positions, on rows that the platform has derived."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from hypothesis import HealthCheck, given, settings

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.postgres.bottlenecks import PostgresBottleneckReader
from dpp.adapters.postgres.flow_over_time import PostgresFlowReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.application.bottleneck_ports import BottleneckReader
from dpp.application.flow_reader import FlowReader
from dpp.application.readers import MetricsReader
from dpp.application.views import Window
from dpp.domain.arrivals import arrivals
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.cumulative_flow import cumulative_flow
from dpp.domain.local_days import last_days
from dpp.domain.positions import IS_ACTIVE, STAGE_OF, STAGES
from dpp.domain.wip import wip_by_stage
from tests.contracts.test_readers_agree import VIEWS
from tests.support.derivation import CALENDAR, LOGISTICS, PAYMENTS
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores
from tests.support.happenings import Happening, happenings
from tests.support.postgres import TestServer

Readers = tuple[BottleneckReader, FlowReader, MetricsReader]


def _readers(found: Stores) -> Readers:
    if isinstance(found, MemoryStores):
        database, tables = found.database, found.tables
        return (
            MemoryBottleneckReader(database=database, tables=tables),
            MemoryFlowReader(database=database, tables=tables),
            MemoryMetricsReader(database=database, tables=tables),
        )
    assert isinstance(found, PostgresStores)
    return (
        PostgresBottleneckReader(database=found.database, kept=KeptRows(database=found.database)),
        PostgresFlowReader(database=found.database, kept=KeptRows(database=found.database)),
        PostgresMetricsReader(kept=KeptRows(database=found.database)),
    )


async def _told(readers: Readers) -> list[object]:
    """Return every answer to every view, in a form that compares; what is told of a day must be what was then."""
    bottlenecks, flow, metrics = readers
    said: list[object] = []
    for view in VIEWS:
        window = Window.back_from(view.as_of, days=2)
        held = await flow.held(view, window=window)
        days = await bottlenecks.cycle_times(view, window=window, delivery_streams=[PAYMENTS, LOGISTICS])
        said += [
            list(await bottlenecks.flags(view, since=view.as_of - timedelta(hours=20))),
            {stream: found.tolist() for stream, found in days.items()},
            list(await bottlenecks.dependencies(view)),
            list(await flow.unfinished(view)),
            held.items,
            held.stays.entered.tolist(),
            held.stays.left.tolist(),
            held.stays.position.tolist(),
            [held.delivery_streams[code] for code in held.stream_of.tolist()],
        ]
        buckets = last_days(CALENDAR, now=to_micros(view.as_of), days=2)
        since = Window(start=from_micros(int(buckets.edges[0])), end=view.as_of)
        stays = (await flow.held(view, window=since)).stays
        (now,) = cumulative_flow(stays, moments=buckets.ends[-1:]).tolist()
        counted = wip_by_stage(
            (STAGES[stage], active, count)
            for stage, active, count in zip(STAGE_OF.tolist(), IS_ACTIVE.tolist(), now, strict=True)
        )
        assert wip_by_stage(await metrics.wip(view)) == counted
        assert counted.total == arrivals(stays, buckets=buckets).in_progress[-1]
        said.append(counted)
    return said


async def _answers(url: str | None, happening: Happening) -> list[object]:
    async with stores(url) as found:
        await found.append(happening.told)
        await found.drain()
        return await _told(_readers(found))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=happenings(most=12))
def test_postgres_reads_what_memory_does(postgres_server: TestServer, happening: Happening) -> None:
    """Whatever happened, both families give the same rows, and the flow of today ends at work in progress now."""
    with postgres_server.database(template=postgres_server.template) as url:
        found = asyncio.run(_answers(url, happening))
    assert asyncio.run(_answers(None, happening)) == found
