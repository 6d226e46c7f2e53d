"""What both families say of deliveries that the platform itself has derived, in every view and at several moments."""

from __future__ import annotations

import asyncio
from itertools import product

from hypothesis import HealthCheck, given, settings

from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.application.calendars import Calendars
from dpp.application.delivery_reader import ChangeState, DeliveryReader
from dpp.application.readers import MetricsReader
from dpp.application.trends import Trends
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from tests.support.derivation import APPS, CONFIGURATION, CORE, PAYMENTS, at
from tests.support.derived_stores import MemoryStores, PostgresStores, stores
from tests.support.fake_forecasts import NoHolidays
from tests.support.happenings import Happening, releases
from tests.support.postgres import TestServer

SCOPES = (
    StreamScope.everything(),
    StreamScope(delivery_streams=frozenset({PAYMENTS})),
    StreamScope(tech_streams=frozenset({CORE})),
)
ASKED = ((None, None), (PAYMENTS, None), (None, APPS))
#: In the very instant of some events, between others, and long after all.
HOURS = (9.0, 14.2, 100.0)

VIEWS = [
    View(scope=scope, as_of=at(hours), delivery_stream_id=delivery, tech_stream_id=tech)
    for scope, hours, (delivery, tech) in product(SCOPES, HOURS, ASKED)
]


async def _told(reader: DeliveryReader, metrics: MetricsReader) -> list[object]:
    """Return every answer to every view."""
    trends = Trends(reader=reader, metrics=metrics, calendars=Calendars(NoHolidays()))
    said: list[object] = []
    for view in VIEWS:
        window = Window.back_from(view.as_of, days=5)
        said.append(await trends.trends(view, window_days=5, configuration=CONFIGURATION))
        for state in ChangeState:
            said.append(list(await reader.changes(view, state=state, window=window, after=None, limit=100)))
        said.append(list(await reader.incidents(view, window=window)))
    return said


async def _answers(url: str | None, happening: Happening) -> list[object]:
    async with stores(url) as found:
        await found.append(happening.told)
        await found.drain()
        if isinstance(found, MemoryStores):
            database, tables = found.database, found.tables
            return await _told(
                MemoryDeliveryReader(database=database, tables=tables),
                MemoryMetricsReader(database=database, tables=tables),
            )
        assert isinstance(found, PostgresStores)
        return await _told(
            PostgresDeliveryReader(database=found.database, kept=KeptRows(database=found.database)),
            PostgresMetricsReader(kept=KeptRows(database=found.database)),
        )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=releases())
def test_postgres_reads_what_memory_does(postgres_server: TestServer, happening: Happening) -> None:
    """Whatever happened, both families give the same figures, changes and incidents for every view."""
    with postgres_server.database(template=postgres_server.template) as url:
        found = asyncio.run(_answers(url, happening))
    assert asyncio.run(_answers(None, happening)) == found
