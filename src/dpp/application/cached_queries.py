"""The same questions with answers that are kept (§7.3.4): live, since every change is heard of."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Self

import structlog

from dpp.application.cache import Cache, Keeping
from dpp.application.derivation import TOPICS
from dpp.application.ports import ChangeFeed
from dpp.application.queries import REALTIME_WINDOW_DAYS, DataQuality, Diagnostic, Queries, Realtime
from dpp.application.readers import MetricsReader
from dpp.application.stale import StaleKind
from dpp.application.views import View
from dpp.domain.errors import Unavailable
from dpp.domain.quality import MeasuredRate, QualityRate

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0

#: Figures about tickets are worked out from tickets alone.
_PULL_REQUESTS = frozenset({TOPICS[StaleKind.PULL_REQUEST]})

REALTIME = Keeping(ttl=timedelta(seconds=30), unmoved_by=_PULL_REQUESTS)
DIAGNOSTIC = Keeping(ttl=timedelta(minutes=15), unmoved_by=_PULL_REQUESTS)
#: Defects and deployments change the rates as well, and nobody tells of them: kept for as long as a page takes to load.
RATES = Keeping(ttl=timedelta(seconds=2))


class CachedQueries(Queries):
    """Answers from memory where it can; a context manager, inside of which it follows the changes.

    Only answers about the present are kept, and only while changes are heard of. Scope and filters are part of what an
    answer is found by.
    """

    def __init__(self, *, reader: MetricsReader, feed: ChangeFeed) -> None:
        super().__init__(reader=reader)
        self._feed = feed
        self._cache = Cache()
        self._is_following = False
        self._follower: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to follow the changes."""
        self._follower = asyncio.create_task(self._follow(), name="cached_queries")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Follow no longer, and keep nothing."""
        if self._follower is not None:
            self._follower.cancel()
            with suppress(asyncio.CancelledError):
                await self._follower

    async def realtime(self, view: View, *, window_days: int = REALTIME_WINDOW_DAYS) -> Realtime:
        """Return the real-time figures of a view (§6.2.1, §6.2.3)."""
        if not self._keeps(view):
            return await super().realtime(view, window_days=window_days)
        return await self._cache.get(
            ("realtime", window_days),
            view=view,
            keeping=REALTIME,
            compute=lambda: super(CachedQueries, self).realtime(view, window_days=window_days),
        )

    async def diagnostic(self, view: View, *, window_days: int) -> Diagnostic:
        """Return the diagnostic figures of a view (§6.3.1)."""
        if not self._keeps(view):
            return await super().diagnostic(view, window_days=window_days)
        return await self._cache.get(
            ("diagnostic", window_days),
            view=view,
            keeping=DIAGNOSTIC,
            compute=lambda: super(CachedQueries, self).diagnostic(view, window_days=window_days),
        )

    async def data_quality(self, view: View) -> DataQuality:
        """Return how complete the data of a view is (§5.6)."""
        if not self._keeps(view):
            return await super().data_quality(view)
        return await self._cache.get(
            "data_quality",
            view=view,
            keeping=RATES,
            compute=lambda: super(CachedQueries, self).data_quality(view),
        )

    async def _trust(self, view: View) -> Mapping[QualityRate, MeasuredRate]:
        """Return the rates, which all figures of a page rest on and need once."""
        if not self._keeps(view):
            return await super()._trust(view)
        return await self._cache.get(
            "rates", view=view, keeping=RATES, compute=lambda: super(CachedQueries, self)._trust(view)
        )

    def _keeps(self, view: View) -> bool:
        return view.is_live and self._is_following

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
