"""What both families of readers say about rows that the platform itself has derived."""

from __future__ import annotations

import asyncio
from itertools import product

import numpy as np
from hypothesis import HealthCheck, given, settings

from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.operations import PostgresOperationsReader
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.application.readers import MetricsReader, OperationsReader
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from tests.support.derivation import APPS, CORE, PAYMENTS, at
from tests.support.derived_stores import MemoryStores, PostgresStores, stores
from tests.support.happenings import Happening, happenings
from tests.support.postgres import TestServer

SCOPES = (
    StreamScope.everything(),
    StreamScope(delivery_streams=frozenset({PAYMENTS})),
    StreamScope(tech_streams=frozenset({CORE})),
)
ASKED = ((None, None), (PAYMENTS, None), (None, APPS))
#: Within the lives that are drawn, and long after them.
HOURS = (15.0, 45.0, 1000.0)

VIEWS = [
    View(scope=scope, as_of=at(hours), delivery_stream_id=delivery, tech_stream_id=tech)
    for scope, hours, (delivery, tech) in product(SCOPES, HOURS, ASKED)
]


async def _told(metrics: MetricsReader, operations: OperationsReader) -> list[object]:
    """Return every answer to every view, in a form that compares."""
    said: list[object] = [await operations.stale(), list(await operations.unmapped_statuses())]
    for view in VIEWS:
        window = Window.back_from(view.as_of, days=100)
        cycles = await metrics.cycles(view, window=window)
        said += [
            sorted(await metrics.wip(view)),
            list(cycles.ticket_ids),
            cycles.completed_at.tolist(),
            cycles.cycle_days.tobytes(),
            cycles.flow_efficiency_pct.tobytes(),
            list(await metrics.label_times(view, window=window)),
            [
                np.sort(column).tobytes()
                for values in [await metrics.cycle_values(view, window=window)]
                for column in (values.cycle_days, values.flow_efficiency_pct)
            ],
            dict(await metrics.quality(view)),
            list(await operations.unlinked_pull_requests(view)),
        ]
    return said


async def _differences(database: Database) -> list[int]:
    """Return how many rows of tables that follow from others differ from what these say now."""
    wanted = {
        "contributions": "SELECT * FROM contributed_code UNION ALL SELECT * FROM contributed_tickets",
        "work_item_places": "SELECT * FROM placed_tickets",
    }
    found = []
    async with database.transaction() as connection:
        for table, told in wanted.items():
            cursor = await connection.execute(
                f"SELECT count(*) FROM ((TABLE {table} EXCEPT ALL ({told}))"  # noqa: S608 - constants
                f" UNION ALL (({told}) EXCEPT ALL TABLE {table})) AS one".encode()
            )
            found += [row[0] for row in await cursor.fetchall()]
    return found


async def _answers(url: str | None, happening: Happening) -> list[object]:
    async with stores(url) as found:
        await found.append(happening.told)
        await found.drain()
        if isinstance(found, MemoryStores):
            database, tables = found.database, found.tables
            return await _told(
                MemoryMetricsReader(database=database, tables=tables),
                MemoryOperationsReader(database=database, tables=tables),
            )
        assert isinstance(found, PostgresStores)
        assert [0, 0] == await _differences(found.database)
        return await _told(
            PostgresMetricsReader(kept=KeptRows(database=found.database)),
            PostgresOperationsReader(database=found.database),
        )


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=happenings(most=12))
def test_postgres_reads_what_memory_does(postgres_server: TestServer, happening: Happening) -> None:
    """Whatever happened, both families give the same rows for every view, to the last digit."""
    with postgres_server.database(template=postgres_server.template) as url:
        found = asyncio.run(_answers(url, happening))
    assert asyncio.run(_answers(None, happening)) == found
