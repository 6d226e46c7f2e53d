"""What a source says of its limits is noted with every page that is taken in; a low one is logged once (§8.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from dpp.application.backfill import Accept, HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.source_limits import SourceLimit, SourceLimitStore

log = structlog.get_logger(__name__)


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
        self._warned: dict[tuple[str, str, str], datetime] = {}

    async def __call__(self, source: str, page: HistoryPage) -> Appended:
        """Take a page in."""
        appended = await self._accept(source, page)
        limits = [limit for limit in self._told() if limit.source == source]
        if limits:
            await self._store.note_limits(limits)
            for limit in limits:
                self._warn(limit)
        return appended

    def _warn(self, limit: SourceLimit) -> None:
        """Log a limit that runs low, once until it begins anew."""
        key = (limit.source, limit.organisation, limit.name)
        if not limit.is_low(now=limit.told_at) or self._warned.get(key) == limit.resets_at:
            return
        self._warned[key] = limit.resets_at
        log.warning(
            "source_limit_low",
            source=limit.source,
            organisation=limit.organisation,
            limit=limit.name,
            remaining=limit.remaining,
            total=limit.total,
            resets_at=limit.resets_at.isoformat(),
        )
