"""Questions with kept answers: live by the news, and only as long as there is news."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.application.kept_answers import KeptAnswers
from dpp.application.ports import Change
from dpp.application.queries import Queries
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.errors import Unavailable
from tests.support.fake_reader import NOW, FakeReader

pytestmark = pytest.mark.anyio

LIVE = View(scope=StreamScope.everything(), as_of=NOW, is_live=True)


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def following(reader: FakeReader, feed: MemoryChangeFeed) -> AsyncIterator[Queries]:
    """Yield queries that hear of changes."""
    async with KeptAnswers(feed=feed) as answers:
        await settle()
        yield Queries(reader=reader, answers=answers)


async def test_a_page_that_is_loaded_again_costs_no_question_to_the_store() -> None:
    """The three questions of a page share the rates, and the second load gets everything from memory."""
    reader = FakeReader()
    async with following(reader, MemoryChangeFeed()) as queries:

        async def load(view: View) -> tuple[object, ...]:
            return await asyncio.gather(
                queries.realtime(view), queries.diagnostic(view, window_days=30), queries.data_quality(view)
            )

        first = await load(LIVE)
        # Places, cycles twice, labels, and the rates once.
        assert 5 == len(reader.views)
        later = replace(LIVE, as_of=NOW + timedelta(seconds=1))
        again = await load(later)
        assert 5 == len(reader.views)
        assert [True] * 3 == [one is other for one, other in zip(first, again, strict=True)]


async def test_every_kind_of_answer_has_its_own_time() -> None:
    """Rates are worked out anew after two seconds, real-time figures after thirty, diagnostic ones after 15 minutes."""
    async with following(FakeReader(), MemoryChangeFeed()) as queries:
        soon = replace(LIVE, as_of=NOW + timedelta(seconds=2))
        later = replace(LIVE, as_of=NOW + timedelta(seconds=30))
        much_later = replace(LIVE, as_of=NOW + timedelta(minutes=15))
        first = await queries.diagnostic(LIVE, window_days=30)
        realtime = await queries.realtime(LIVE)
        assert await queries.realtime(soon) is realtime
        assert await queries.realtime(later) is not realtime
        assert await queries.data_quality(LIVE) is not await queries.data_quality(soon)
        assert await queries.diagnostic(later, window_days=30) is first
        assert await queries.diagnostic(much_later, window_days=30) is not first


async def test_windows_are_different_questions() -> None:
    """Another window is another answer."""
    async with following(FakeReader(), MemoryChangeFeed()) as queries:
        month, week = [await queries.diagnostic(LIVE, window_days=days) for days in (30, 7)]
        assert (30, 7) == (month.asked.window_days, week.asked.window_days)


@pytest.mark.parametrize(("topic", "is_kept"), [("tickets", False), ("configuration", False), ("pull_requests", True)])
async def test_a_change_reaches_the_answers_that_it_touches_at_once(topic: str, is_kept: bool) -> None:
    """Tickets and configuration decide all figures; pull requests do not decide those about tickets, but the rates."""
    feed = MemoryChangeFeed()
    async with following(FakeReader(), feed) as queries:
        realtime, rates = await queries.realtime(LIVE), await queries.data_quality(LIVE)
        await feed.publish(Change(topic=topic))
        await settle()
        assert is_kept == (await queries.realtime(LIVE) is realtime)
        assert await queries.data_quality(LIVE) is not rates


async def test_a_change_of_another_stream_leaves_the_answer() -> None:
    """A view of one stream is worked out anew when that stream changes."""
    feed = MemoryChangeFeed()
    mine, other = UUID(int=1), UUID(int=2)
    view = replace(LIVE, delivery_stream_id=mine)
    async with following(FakeReader(), feed) as queries:
        first = await queries.realtime(view)
        await feed.publish(Change(topic="tickets", delivery_streams=frozenset({other})))
        await settle()
        assert await queries.realtime(view) is first
        await feed.publish(Change(topic="tickets", delivery_streams=frozenset({mine, other})))
        await settle()
        assert await queries.realtime(view) is not first


async def test_the_past_is_not_kept() -> None:
    """A question as of a given moment is always answered from the store."""
    reader = FakeReader()
    past = replace(LIVE, is_live=False)
    async with following(reader, MemoryChangeFeed()) as queries:
        for _ in range(2):
            await queries.data_quality(past)
        assert 2 == len(reader.views)


async def test_nothing_is_kept_before_and_after_changes_are_heard_of() -> None:
    """Who does not follow the changes does not answer from memory."""
    reader, feed = FakeReader(), MemoryChangeFeed()
    answers = KeptAnswers(feed=feed)
    queries = Queries(reader=reader, answers=answers)
    assert await queries.realtime(LIVE) is not await queries.realtime(LIVE)
    async with answers:
        await settle()
        kept = await queries.realtime(LIVE)
        assert await queries.realtime(LIVE) is kept
    assert await queries.realtime(LIVE) is not kept


async def test_while_the_store_is_away_the_question_fails_and_then_works() -> None:
    """A failure is not kept."""
    reader = FakeReader(is_away=True)
    async with following(reader, MemoryChangeFeed()) as queries:
        with pytest.raises(Unavailable):
            await queries.realtime(LIVE)
        reader.is_away = False
        assert 33 == (await queries.realtime(LIVE)).wip.value
