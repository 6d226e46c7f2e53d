"""What both families of readers say of forecasts, over rows that the platform itself has derived."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings

from dpp.adapters.memory.forecasting import MemoryForecastReader, MemoryForecasts
from dpp.adapters.postgres.forecasting import PostgresForecastReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.application.enrich import sprint_uuid
from dpp.application.forecasting_reader import ForecastReader
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.events import WorkItemEventType
from tests.support.derivation import CORE, PAYMENTS, STORY, at, delivery, ticket_event
from tests.support.derived_stores import MemoryStores, PostgresStores, stores
from tests.support.happenings import Happening, happenings
from tests.support.postgres import TestServer

SCOPES = (
    StreamScope.everything(),
    StreamScope(delivery_streams=frozenset({PAYMENTS})),
    StreamScope(tech_streams=frozenset({CORE})),
)
#: The sprint that the tickets of these tests may be in.
SPRINT = sprint_uuid("77")
LATEST = 1000.0
#: Within the lives that are drawn, and long after them.
HOURS = (15.0, 45.0, LATEST)

VIEWS = [
    View(scope=scope, as_of=at(hours), delivery_stream_id=delivery)
    for scope, hours, delivery in product(SCOPES, HOURS, (None, PAYMENTS))
]


async def _told(reader: ForecastReader) -> list[object]:
    """Return every answer to every view; of the present, what remains of a sprint is what remained by its events."""
    said: list[object] = []
    for view in VIEWS:
        window = Window(start=view.as_of - timedelta(days=100), end=view.as_of)
        remained = await reader.remaining(view, sprint_id=SPRINT)
        said += [
            await reader.scope(view),
            await reader.first_event(view),
            (await reader.completions(view, window=window)).tolist(),
            list(await reader.sprints(view, today=date.max)),
            remained,
        ]
        if view.as_of == at(LATEST):
            assert remained == await reader.remaining(replace(view, is_live=True), sprint_id=SPRINT)
    return said


async def _answers(url: str | None, happening: Happening) -> list[object]:
    async with stores(url) as found:
        await found.append(happening.told)
        await found.drain()
        if isinstance(found, MemoryStores):
            kept = MemoryForecasts()
            return await _told(MemoryForecastReader(database=found.database, tables=found.tables, kept=kept))
        assert isinstance(found, PostgresStores)
        return await _told(PostgresForecastReader(database=found.database, kept=KeptRows(database=found.database)))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=happenings(most=12))
def test_postgres_reads_what_memory_does(postgres_server: TestServer, happening: Happening) -> None:
    """Whatever happened, both families give the same rows for every view."""
    with postgres_server.database(template=postgres_server.template) as url:
        found = asyncio.run(_answers(url, happening))
    assert asyncio.run(_answers(None, happening)) == found


@settings(max_examples=30, deadline=None)
@given(happening=happenings(most=12))
def test_the_present_is_the_latest_past(happening: Happening) -> None:
    """What remains of a sprint now is what its events say remained as of now."""
    assert asyncio.run(_answers(None, happening))


#: Ids are of the event's content, so that among so many a later number has the lesser id sooner or later.
CHANGES = [(str(number), str(number + 1)) for number in range(100, 120)]


@pytest.mark.parametrize("family", ["memory", "postgres"])
def test_of_two_changes_in_one_instant_the_later_numbered_tells_the_sprint(
    postgres_server: TestServer, family: str
) -> None:
    """Twenty tickets come into the sprint by the second of two changes of one instant, twenty leave it so."""
    into, out = replace(STORY, jira_sprint_id="77"), STORY
    events = [
        ticket_event(
            WorkItemEventType.UPDATED, hours, key=f"PAY-{place}", issue=str(place), change=change, fields=fields
        )
        for place, (first, second) in enumerate(CHANGES * 2)
        for hours, change, fields in (
            (0, "1", out),
            (1, first, out if place < len(CHANGES) else into),
            (1, second, into if place < len(CHANGES) else out),
        )
    ]
    begun = [
        ticket_event(WorkItemEventType.CREATED, 0, key=f"PAY-{place}", issue=str(place), status="Open", change="0")
        for place in range(2 * len(CHANGES))
    ]
    happening = Happening(told=[delivery(*begun, *events)], heard=[], batches=[])
    if family == "memory":
        told = asyncio.run(_answers(None, happening))
    else:
        with postgres_server.database(template=postgres_server.template) as url:
            told = asyncio.run(_answers(url, happening))
    whole = VIEWS.index(View(scope=StreamScope.everything(), as_of=at(LATEST), delivery_stream_id=PAYMENTS))
    assert len(CHANGES) == told[5 * whole + 4].items  # type: ignore[attr-defined]
