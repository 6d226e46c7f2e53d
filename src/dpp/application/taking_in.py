"""History that was asked for goes the way of deliveries: archived, then stored (decision 0004)."""

from __future__ import annotations

import asyncio

from dpp.application.backfill import HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.ingest import Intake
from dpp.application.reading import Verified
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Normalised, Outcome, Source

KIND = "history"


class TakingIn:
    """
    Accepts pages; an ``Accept``.

    An intake that nobody has begun, as in a process that does nothing else with it, is begun with the first page.

    Args:
        intake: of this process.
    """

    def __init__(self, *, intake: Intake) -> None:
        self._intake = intake
        self._beginning = asyncio.Lock()
        self._has_begun = False

    async def __call__(self, source: str, page: HistoryPage) -> Appended:
        """Take a page in; one without facts needs no record.

        Raises:
            Unavailable: the archive could not write.
        """
        if not page.facts:
            return Appended()
        await self._begin()
        verified = Verified(source=_source(source), kind=KIND, body=b"")
        normalised = Normalised(outcome=Outcome.UNDERSTOOD, facts=page.facts)
        # A door of its own: what is asked for must not pass for the sign of life of a webhook.
        return await self._intake.accept(verified, normalised, channel=f"{source}_history")

    async def end(self) -> None:
        """End an intake that was begun here."""
        if self._has_begun:
            self._has_begun = False
            await self._intake.stop()

    async def _begin(self) -> None:
        async with self._beginning:
            if not self._intake.is_running:
                await self._intake.start()
                self._has_begun = True


def _source(name: str) -> Source:
    try:
        return Source(name)
    except ValueError:
        raise InvalidInput(f"{name!r} is no source of facts", field="source") from None
