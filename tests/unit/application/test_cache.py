"""Kept answers: how long, for whom, and what takes them away."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from dpp.application.cache import Cache, Keeping, concerns
from dpp.application.ports import Change
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.errors import Unavailable

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PAYMENTS, LENDING, CORE, WEB = UUID(int=1), UUID(int=2), UUID(int=11), UUID(int=12)
ALL = View(scope=StreamScope.everything(), as_of=NOW, is_live=True)
KEEPING = Keeping(ttl=timedelta(seconds=30), unmoved_by=frozenset({"weather"}))


class Asking:
    """Asks a cache for numbers that rise with every computation."""

    def __init__(self, cache: Cache | None = None) -> None:
        self.cache = Cache() if cache is None else cache
        self.numbers: Iterator[int] = count(1)
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def _compute(self) -> int:
        number = next(self.numbers)
        await self.may_finish.wait()
        return number

    async def ask(self, view: View = ALL, *, question: str = "wip", after: float = 0) -> int:
        """Ask so many seconds later."""
        later = replace(view, as_of=view.as_of + timedelta(seconds=after))
        return await self.cache.get(question, view=later, keeping=KEEPING, compute=self._compute)


async def test_an_answer_is_kept_until_its_time_is_over() -> None:
    """Just before thirty seconds have passed it is the same answer, then another one."""
    asking = Asking()
    assert [1, 1, 2, 2] == [await asking.ask(after=seconds) for seconds in (0, 29.9, 30, 59)]


async def test_a_clock_that_was_put_back_does_not_keep_answers_alive() -> None:
    """An answer from far in the future is no answer; one from a moment ahead is."""
    asking = Asking()
    assert [1, 1, 2] == [await asking.ask(after=seconds) for seconds in (100, 99, 0)]


async def test_what_is_asked_and_by_whom_is_part_of_what_an_answer_is_found_by() -> None:
    """Another question, filter or scope never gets the same answer."""
    asking = Asking()
    views = [
        ALL,
        replace(ALL, delivery_stream_id=PAYMENTS),
        replace(ALL, tech_stream_id=PAYMENTS),
        replace(ALL, scope=StreamScope(delivery_streams=frozenset({PAYMENTS}))),
        replace(ALL, scope=StreamScope(tech_streams=frozenset({PAYMENTS}))),
        replace(ALL, scope=StreamScope()),
    ]
    first = [await asking.ask(view) for view in views]
    assert list(range(1, 7)) == first
    assert first == [await asking.ask(view) for view in views]
    assert 7 == await asking.ask(question="cycles")


async def test_those_who_ask_at_once_share_one_computation() -> None:
    """Ten callers and one number."""
    asking = Asking()
    assert [1] * 10 == await asyncio.gather(*(asking.ask() for _ in range(10)))


async def test_a_change_takes_the_answer_away_at_once() -> None:
    """Whoever asks after a change gets an answer from after it."""
    asking = Asking()
    assert 1 == await asking.ask()
    asking.cache.drop(Change(topic="tickets"))
    assert 2 == await asking.ask()


async def test_a_change_during_a_computation_makes_the_next_caller_start_anew() -> None:
    """The answer under way goes to those who asked before the change, and is not kept."""
    asking = Asking()
    asking.may_finish.clear()
    before = asyncio.create_task(asking.ask())
    await asyncio.sleep(0)
    asking.cache.drop(Change(topic="tickets"))
    after = asyncio.create_task(asking.ask())
    await asyncio.sleep(0)
    asking.may_finish.set()
    assert [1, 2, 2] == [await before, await after, await asking.ask()]


async def test_a_change_of_something_else_leaves_the_answer() -> None:
    """Topics that are known not to matter, and streams that the view does not show, take nothing away."""
    asking = Asking()
    view = replace(ALL, delivery_stream_id=PAYMENTS)
    assert 1 == await asking.ask(view)
    asking.cache.drop(Change(topic="weather"))
    asking.cache.drop(Change(topic="tickets", delivery_streams=frozenset({LENDING})))
    assert 1 == await asking.ask(view)
    asking.cache.drop(Change(topic="tickets", delivery_streams=frozenset({LENDING, PAYMENTS})))
    assert 2 == await asking.ask(view)


async def test_an_error_goes_to_all_who_wait_and_is_not_kept() -> None:
    """The next caller tries again."""
    cache = Cache()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise Unavailable("away")

    waiting = [cache.get("wip", view=ALL, keeping=KEEPING, compute=fail) for _ in range(2)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [True, True] == [isinstance(result, Unavailable) for result in results]
    assert 0 == len(cache)
    assert 1 == await Asking(cache).ask()


async def test_a_caller_who_goes_away_leaves_the_answer_to_the_others() -> None:
    """Cancelling the one who asked first does not cancel the computation."""
    asking = Asking()
    asking.may_finish.clear()
    first, second = asyncio.create_task(asking.ask()), asyncio.create_task(asking.ask())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    asking.may_finish.set()
    assert 1 == await second
    assert first.cancelled()


async def test_the_oldest_answer_makes_room() -> None:
    """With room for two answers the third takes the place of the first."""
    asking = Asking(Cache(max_answers=2))
    assert [1, 2, 3] == [await asking.ask(question=question) for question in ("a", "b", "c")]
    assert [2, 3, 4] == [await asking.ask(question=question) for question in ("b", "c", "a")]
    assert 2 == len(asking.cache)


def change(*, delivery: frozenset[UUID] = frozenset(), tech: frozenset[UUID] = frozenset()) -> Change:
    """Return a change of tickets."""
    return Change(topic="tickets", delivery_streams=delivery, tech_streams=tech)


@pytest.mark.parametrize(
    ("expected", "told", "view"),
    [
        (True, change(), replace(ALL, scope=StreamScope(), delivery_stream_id=PAYMENTS)),
        (True, change(delivery=frozenset({PAYMENTS})), ALL),
        (True, change(tech=frozenset({CORE})), ALL),
        (False, change(tech=frozenset({CORE})), replace(ALL, delivery_stream_id=PAYMENTS)),
        (True, change(tech=frozenset({CORE})), replace(ALL, tech_stream_id=CORE)),
        (False, change(tech=frozenset({WEB})), replace(ALL, tech_stream_id=CORE)),
        (
            True,
            change(delivery=frozenset({PAYMENTS}), tech=frozenset({CORE})),
            replace(ALL, delivery_stream_id=PAYMENTS, tech_stream_id=CORE),
        ),
        (
            False,
            change(delivery=frozenset({PAYMENTS})),
            replace(ALL, delivery_stream_id=PAYMENTS, tech_stream_id=CORE),
        ),
        (False, change(tech=frozenset({CORE})), replace(ALL, scope=StreamScope(tech_streams=frozenset({WEB})))),
        (True, change(tech=frozenset({CORE})), replace(ALL, scope=StreamScope(tech_streams=frozenset({CORE})))),
        (False, change(tech=frozenset({CORE})), replace(ALL, scope=StreamScope())),
    ],
)
def test_a_change_concerns_the_views_that_may_show_something_of_it(expected: bool, told: Change, view: View) -> None:
    """Without streams it concerns everybody; else it has to name a stream for every restriction of the view."""
    assert expected == concerns(told, view)
