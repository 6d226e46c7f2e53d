"""Answers that are kept (§7.3.4): live, since every change is heard of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Self, TypeVar

import structlog

from dpp.application.answers import Answers
from dpp.application.cache import Cache, Keeping
from dpp.application.ports import ChangeFeed
from dpp.application.views import View
from dpp.domain.errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 1.0


class KeptAnswers(Answers):
    """Answers from memory where it can; a context manager, inside of which it follows the changes.

    Only answers about the present are kept, and only while changes are heard of. Scope and filters are part of what an
    answer is found by.
    """

    def __init__(self, *, feed: ChangeFeed) -> None:
        self._feed = feed
        self._cache = Cache()
        self._is_following = False
        self._follower: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to follow the changes."""
        self._follower = asyncio.create_task(self._follow(), name="kept_answers")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Follow no longer, and keep nothing."""
        if self._follower is not None:
            self._follower.cancel()
            with suppress(asyncio.CancelledError):
                await self._follower

    async def get(self, question: Hashable, *, view: View, keeping: Keeping, compute: Callable[[], Awaitable[T]]) -> T:
        """Return the kept answer, or work it out."""
        if not view.is_live or not self._is_following:
            return await compute()
        return await self._cache.get(question, view=view, keeping=keeping, compute=compute)

    async def _follow(self) -> None:
        while True:
            try:
                async with self._feed.subscribe() as changes:
                    self._is_following = True
                    async for change in changes:
                        self._cache.drop(change)
            except Unavailable as error:
                log.warning("answers_not_kept", reason=str(error))
            finally:
                self._is_following = False
                self._cache.clear()
            await asyncio.sleep(RETRY_SECONDS)
