"""History that was asked for goes the way of deliveries: archived, then stored (decision 0004)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from dpp.application.backfill import HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.ingest import Intake
from dpp.application.ports import EventStore
from dpp.application.reading import Verified
from dpp.domain.errors import InvalidInput, Unavailable
from dpp.domain.events import Facts, Normalised, Outcome, Source

KIND = "history"


class TakingIn:
    """
    Accepts pages; an ``Accept``.

    What is held already, told the same, is left out: whoever looks for gaps asks for everything of the last day, every
    day, and the archive would grow by it. An intake that nobody has begun, as in a process that does nothing else with
    it, is begun with the first page.

    Args:
        intake: of this process.
        store: that the intake writes to.
    """

    def __init__(self, *, intake: Intake, store: EventStore) -> None:
        self._intake = intake
        self._store = store
        self._beginning = asyncio.Lock()
        self._has_begun = False

    async def __call__(self, source: str, page: HistoryPage) -> Appended:
        """Take a page in; one without facts, or without any that is not held, needs no record.

        Returns:
            How many facts were new, and how many were there.

        Raises:
            Unavailable: the archive could not write.
        """
        verified = Verified(source=_source(source), kind=KIND, body=b"")
        facts = await self._not_held(page.facts)
        held = Appended(duplicates=len(page.facts.events) - len(facts.events))
        if not facts:
            return held
        await self._begin()
        normalised = Normalised(outcome=Outcome.UNDERSTOOD, facts=facts)
        # A door of its own: what is asked for must not pass for the sign of life of a webhook.
        return held + await self._intake.accept(verified, normalised, channel=f"{source}_history")

    async def _not_held(self, facts: Facts) -> Facts:
        """Return what is not held; of a ticket all or nothing, since its defect is placed by what came with it."""
        if not facts.events:
            return facts
        try:
            held = dict(zip(facts.events, await self._store.holds(facts), strict=True))
        except Unavailable:
            return facts  # the archive has room
        tickets = {event.item for event in facts.work_items if not held[event]}
        tickets |= {event.item for event in facts.defects if not held[event]}
        return replace(
            facts,
            work_items=tuple(event for event in facts.work_items if event.item in tickets),
            defects=tuple(event for event in facts.defects if event.item in tickets),
            pull_requests=tuple(event for event in facts.pull_requests if not held[event]),
            cicd=tuple(event for event in facts.cicd if not held[event]),
            incidents=tuple(event for event in facts.incidents if not held[event]),
            pushes=tuple(event for event in facts.pushes if not held[event]),
        )

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
