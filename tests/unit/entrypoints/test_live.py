"""News for open pages."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from dpp.application.ports import Change
from dpp.domain.access import StreamScope
from dpp.entrypoints.http import live
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


async def yes() -> bool:
    """Whoever listens may go on."""
    return True


async def _of(queue: "asyncio.Queue[Change]") -> AsyncIterator[Change]:
    while True:
        yield await queue.get()


def test_changes_that_come_together_are_told_once() -> None:
    """Topics of changes within a moment are gathered, those that do not concern the reader left out."""

    async def first() -> frozenset[str]:
        queue: asyncio.Queue[Change] = asyncio.Queue()
        for topic, stream in (("tickets", PAYMENTS), ("pull_requests", PAYMENTS), ("secret", LENDING)):
            queue.put_nowait(Change(topic=topic, delivery_streams=frozenset({stream})))
        return await anext(news(_of(queue), scope=OF_PAYMENTS, ending=asyncio.Event(), may_go_on=yes))

    assert frozenset({"tickets", "pull_requests"}) == asyncio.run(first())


def test_the_end_of_the_server_ends_the_news() -> None:
    """When the server begins to end, the news end too, without waiting for another change."""

    async def all_of_it() -> list[frozenset[str]]:
        ending = asyncio.Event()
        ending.set()
        return [topics async for topics in news(_of(asyncio.Queue()), scope=ALL, ending=ending, may_go_on=yes)]

    assert [] == asyncio.run(all_of_it())


def test_whoever_may_not_go_on_is_told_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look ends the news, with changes that wait and without any."""
    monkeypatch.setattr(live, "RECHECK_SECONDS", 0.02)

    async def told(waiting: int) -> list[frozenset[str]]:
        queue: asyncio.Queue[Change] = asyncio.Queue()
        looks = iter([True, False])

        async def twice() -> bool:
            may = next(looks)
            if not may:
                for _ in range(waiting):
                    queue.put_nowait(Change(topic="tickets"))
            return may

        async with asyncio.timeout(5):
            return [topics async for topics in news(_of(queue), scope=ALL, ending=asyncio.Event(), may_go_on=twice)]

    assert ([], []) == (asyncio.run(told(0)), asyncio.run(told(3)))


def test_silence_is_broken_by_signs_of_life_however_often_we_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without changes there is one empty set a heartbeat, not one a look."""
    monkeypatch.setattr(live, "RECHECK_SECONDS", 0.01)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    looks = 0

    async def told() -> list[frozenset[str]]:
        async def some() -> bool:
            nonlocal looks
            looks += 1
            return looks < 25

        heard = news(_of(asyncio.Queue()), scope=ALL, ending=asyncio.Event(), may_go_on=some)
        return [topics async for topics in heard]

    signs = asyncio.run(told())
    assert {frozenset()} == set(signs)
    assert 1 <= len(signs) <= 3
