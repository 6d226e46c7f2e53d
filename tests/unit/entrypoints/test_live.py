"""News for open pages."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from dpp.application.ports import Change
from dpp.domain.access import StreamScope
from dpp.entrypoints.http.live import concerns, news

PAYMENTS, LENDING, CORE = UUID(int=1), UUID(int=2), UUID(int=11)
ALL = StreamScope.everything()
OF_PAYMENTS = StreamScope(delivery_streams=frozenset({PAYMENTS}))
OF_CORE = StreamScope(tech_streams=frozenset({CORE}))


@pytest.mark.parametrize(
    ("scope", "delivery", "tech", "expected"),
    [
        (ALL, {LENDING}, set(), True),
        (OF_PAYMENTS, {PAYMENTS, LENDING}, set(), True),
        (OF_PAYMENTS, {LENDING}, set(), False),
        (OF_PAYMENTS, set(), {CORE}, False),
        (OF_CORE, {LENDING}, {CORE}, True),
        (OF_CORE, {LENDING}, set(), False),
        (OF_PAYMENTS, set(), set(), True),
    ],
)
def test_whom_a_change_concerns(scope: StreamScope, delivery: set[UUID], tech: set[UUID], expected: bool) -> None:
    """A change is told to whoever may see one of its streams; one that names none, to everybody."""
    change = Change(topic="tickets", delivery_streams=frozenset(delivery), tech_streams=frozenset(tech))
    assert expected == concerns(change, scope=scope)


async def _of(queue: "asyncio.Queue[Change]") -> AsyncIterator[Change]:
    while True:
        yield await queue.get()


def test_changes_that_come_together_are_told_once() -> None:
    """Topics of changes within a moment are gathered, those that do not concern the reader left out."""

    async def first() -> frozenset[str]:
        queue: asyncio.Queue[Change] = asyncio.Queue()
        for topic, stream in (("tickets", PAYMENTS), ("pull_requests", PAYMENTS), ("secret", LENDING)):
            queue.put_nowait(Change(topic=topic, delivery_streams=frozenset({stream})))
        return await anext(news(_of(queue), scope=OF_PAYMENTS, ending=asyncio.Event()))

    assert frozenset({"tickets", "pull_requests"}) == asyncio.run(first())


def test_the_end_of_the_server_ends_the_news() -> None:
    """When the server begins to end, the news end too, without waiting for another change."""

    async def all_of_it() -> list[frozenset[str]]:
        ending = asyncio.Event()
        ending.set()
        return [topics async for topics in news(_of(asyncio.Queue()), scope=ALL, ending=ending)]

    assert [] == asyncio.run(all_of_it())
