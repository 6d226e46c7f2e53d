"""What sources said last of their limits, on memory and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.source_limits import MemorySourceLimits
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.source_limits import PostgresSourceLimits
from dpp.application.backfill import HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.noting_limits import NotingLimits
from dpp.application.source_limits import SourceLimit, SourceLimitStore
from dpp.domain.events import Facts

pytestmark = pytest.mark.anyio

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
CORE = SourceLimit(
    source="github", organisation="acme", name="core", remaining=4000, total=5000, resets_at=T0, told_at=T0
)
GRAPH = replace(CORE, name="graphql", remaining=12)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[SourceLimitStore]:
    """A store of one family."""
    if family == "memory":
        yield MemorySourceLimits(database=MemoryDatabase())
        return
    async with Database(request.getfixturevalue("database_url")) as database:
        yield PostgresSourceLimits(database=database)


async def test_the_latest_word_counts(store: SourceLimitStore) -> None:
    """Each limit of each organisation is kept as it was told last; a word that comes late changes nothing."""
    assert [] == list(await store.limits())
    await store.note_limits([GRAPH, CORE])
    later = replace(CORE, remaining=3999, told_at=T0 + MINUTE)
    await store.note_limits([later])
    await store.note_limits([CORE, replace(CORE, organisation="acme-web")])
    assert [later, GRAPH, replace(CORE, organisation="acme-web")] == list(await store.limits())


async def test_limits_are_noted_with_the_pages_of_their_source(store: SourceLimitStore) -> None:
    """A page of another source notes nothing; the page itself is taken in either way."""

    async def accept(source: str, page: HistoryPage) -> Appended:
        return Appended(accepted=3)

    noting = NotingLimits(accept=accept, told=lambda: [CORE, GRAPH], store=store)
    page = HistoryPage(facts=Facts(), cursor=None, things=0)
    assert Appended(accepted=3) == await noting("jira", page)
    assert [] == list(await store.limits())
    assert Appended(accepted=3) == await noting("github", page)
    assert [CORE, GRAPH] == list(await store.limits())


async def test_a_limit_that_runs_low_is_logged_once_until_it_begins_anew(store: SourceLimitStore) -> None:
    """An operator's alert on this line fires once an hour, not with every page."""
    low = replace(CORE, remaining=150, resets_at=T0 + 30 * MINUTE)
    told: list[SourceLimit] = [replace(low, remaining=200)]

    async def accept(source: str, page: HistoryPage) -> Appended:
        return Appended()

    noting = NotingLimits(accept=accept, told=lambda: told, store=store)
    page = HistoryPage(facts=Facts(), cursor=None, things=0)
    anew = replace(low, told_at=T0 + 31 * MINUTE, resets_at=T0 + 90 * MINUTE)
    with capture_logs() as logged:
        for limit in (told[0], low, replace(low, remaining=149), anew):
            told[:] = [limit]
            await noting("github", page)
    expected = [("acme", "core", 150, "2026-03-02T09:30:00+00:00"), ("acme", "core", 150, "2026-03-02T10:30:00+00:00")]
    warned = [row for row in logged if row["event"] == "source_limit_low"]
    assert expected == [(row["organisation"], row["limit"], row["remaining"], row["resets_at"]) for row in warned]


def test_a_low_limit_is_one_of_an_hour_that_goes_on() -> None:
    """Below 200 requests it is low (§8.5), until it begins anew; a small limit is low below its half."""
    before = T0 - MINUTE
    assert GRAPH.is_low(now=before)
    assert not GRAPH.is_low(now=T0)
    assert not CORE.is_low(now=before)
    small = replace(CORE, total=60)
    assert [True, False] == [replace(small, remaining=left).is_low(now=before) for left in (29, 30)]
