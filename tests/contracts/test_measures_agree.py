"""Figures by day are what the queries answer as of the end of each day, whichever family of adapters keeps them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings

from tests.support.derivation import START
from tests.support.derived_stores import stores
from tests.support.happenings import Happening
from tests.support.measuring import STREAMS, lives, measuring
from tests.support.postgres import TestServer

#: The ends of days within the lives that are drawn, and of the days on which windows leave them behind.
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
MOMENTS = [
    START,
    *(MIDNIGHT + timedelta(days=day) for day in (*range(5), *range(26, 35), 200)),
]


async def _differences(url: str | None, happening: Happening) -> list[object]:
    """Return, stream by stream and moment by moment, what was taken at once and what was answered alone."""
    async with stores(url) as found:
        await found.append(happening.told)
        await found.drain()
        platform = measuring(found, now=MOMENTS[-1])
        different: list[object] = []
        for stream in STREAMS:
            taken = await platform.taken(stream, MOMENTS)
            answered = [await platform.answered(stream, moment) for moment in MOMENTS]
            different += [
                (stream, moment, one, other)
                for moment, one, other in zip(MOMENTS, taken, answered, strict=True)
                if one != other
            ]
        return different


@settings(max_examples=60, deadline=None)
@given(happening=lives())
def test_days_taken_at_once_are_what_is_answered_day_by_day(happening: Happening) -> None:
    """Whatever happened, the figures of all days in one reading equal those of the queries at each day's end."""
    assert [] == asyncio.run(_differences(None, happening))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=lives())
def test_postgres_takes_what_it_answers(postgres_server: TestServer, happening: Happening) -> None:
    """PostgreSQL's columns give the figures that its own queries answer."""
    with postgres_server.database(template=postgres_server.template) as url:
        assert [] == asyncio.run(_differences(url, happening))
