"""What a source says of its limits is noted with every page that is taken in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dpp.application.backfill import Accept, HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.source_limits import SourceLimit, SourceLimitStore


class NotingLimits:
    """
    Takes pages in, and notes with each of them what its source has said of its limits; an ``Accept``.

    Args:
        accept: takes the pages in.
        told: gives what was said last.
        store: keeps it.
    """

    def __init__(self, *, accept: Accept, told: Callable[[], Sequence[SourceLimit]], store: SourceLimitStore) -> None:
        self._accept = accept
        self._told = told
        self._store = store

    async def __call__(self, source: str, page: HistoryPage) -> Appended:
        """Take a page in."""
        appended = await self._accept(source, page)
        limits = [limit for limit in self._told() if limit.source == source]
        if limits:
            await self._store.note_limits(limits)
        return appended
