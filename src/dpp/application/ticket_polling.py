"""What a ticket system is asked for by the clock, to fill in what its webhooks missed (§5.2.6, decision 0037).

What is asked is compared with what is known: only what is missing is taken in.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from dpp.application.backfill import Accept, BackfillStore, HistoryPage
from dpp.application.cursors import Cursors
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from dpp.application.ticket_source import Asked, TicketHistory, TicketSource
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts, SprintFact

log = structlog.get_logger(__name__)

SOURCE = "jira"
LOOKED_BACK = timedelta(hours=26)
"""How far a daily look for gaps goes back at least; two runs overlap, so that nothing falls between them."""
LONGEST_LOOK_BACK = timedelta(days=31)
OVERLAP = timedelta(hours=2)
MOST_TICKETS = 500
"""Tickets that are asked for one by one in a run; the rest waits for the next run."""


ENRICHED_AFTER = timedelta(minutes=5)
"""For how long a pull request's ticket is waited for before it is asked for (§5.3.6)."""
ENRICHED_WITHIN = timedelta(days=7)
"""Older pull requests are not asked about: the daily look has passed them several times."""
MOST_ENRICHED = 50
"""Tickets of pull requests that are asked for in a run, those of the latest ones first."""
LONGEST_PAUSE = timedelta(days=1)
"""A ticket that the source does not have is asked for again after 5, 10, 20 … minutes, at last daily."""


class KnownTickets(Protocol):
    """What the platform knows of tickets. Every method may raise ``Unavailable``."""

    @abstractmethod
    async def of_project(self, project: str) -> Mapping[str, bool]:
        """Return the source's numbers of a project's tickets, and whether each is unfinished; deleted ones too."""

    @abstractmethod
    async def in_sprint(self, jira_sprint_id: str) -> frozenset[str]:
        """Return the numbers of the tickets that a sprint holds now."""

    @abstractmethod
    async def only_named(self, *, since: datetime, before: datetime) -> Sequence[str]:
        """Return the keys that pull requests opened in ``[since, before)`` name, of tickets that nothing is known of.

        Each once, that of the latest pull request first.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What came of a poll: facts that were missing, tickets that were asked for, and those that could not be read."""

    filled: int = 0
    asked_for: int = 0
    unreadable: int = 0

    def __add__(self, other: Polled) -> Polled:
        """Return both."""
        return Polled(
            filled=self.filled + other.filled,
            asked_for=self.asked_for + other.asked_for,
            unreadable=self.unreadable + other.unreadable,
        )


class TicketPolling:
    """
    Asks by the clock.

    Args:
        source: gives the ticket system; None while none is configured, and then nothing is done.
        configuration: gives the configuration at hand, whose projects are asked for.
        known: what is known already.
        accept: takes facts in.
        store: notes how the source answers.
        now: gives the present.
    """

    def __init__(
        self,
        *,
        source: Callable[[], TicketSource | None],
        configuration: Callable[[], Configuration],
        known: KnownTickets,
        accept: Accept,
        store: BackfillStore,
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._configuration = configuration
        self._known = known
        self._accept = accept
        self._store = store
        self._now = now
        self._asked: dict[str, _Asked] = {}

    async def sprints(self) -> Polled:
        """Ask for every sprint, and for the tickets of the running ones that are not known to be in them, or still are.

        Raises:
            SourceRefused: a person has to mend something first.
            SourceUnavailable: the source does not answer at present.
        """
        return await self._noted(self._ask_sprints)

    async def backlog(self) -> Polled:
        """Ask which tickets are unfinished, and for those that are not known, or known otherwise.

        Raises:
            SourceRefused, SourceUnavailable: as ``sprints``.
        """
        return await self._noted(self._ask_backlog)

    async def gaps(self, *, last: datetime | None) -> Polled:
        """Ask for everything that has changed since the last look, and take in what is missing.

        Args:
            last: when a look last succeeded; None when that is not known.

        Raises:
            SourceRefused, SourceUnavailable: as ``sprints``.
        """
        now = self._now()
        since = min(now - LOOKED_BACK, now if last is None else last - OVERLAP)
        return await self._noted(lambda source: self._ask_changes(source, max(since, now - LONGEST_LOOK_BACK)))

    async def named(self) -> Polled:
        """Ask for the tickets that pull requests name and nothing is known of (deferred enrichment, §5.3.6).

        Only keys of configured projects are asked for; a branch may be called anything. What the source does not have
        is asked for again, each time after a longer pause.

        Raises:
            SourceRefused, SourceUnavailable: as ``sprints``.
        """
        now = self._now()
        projects = {project.key for project in self._configuration().jira_projects}
        named = await self._known.only_named(since=now - ENRICHED_WITHIN, before=now - ENRICHED_AFTER)
        # What became known, or is too old to be asked for, need not be kept in mind.
        self._asked = {key: self._asked[key] for key in named if key in self._asked}
        due = [
            key
            for key in named
            if key.partition("-")[0] in projects and (key not in self._asked or self._asked[key].again_at <= now)
        ]
        return await self._noted(lambda source: self._enrich(source, due[:MOST_ENRICHED])) if due else Polled()

    async def _enrich(self, source: TicketSource, keys: Sequence[str]) -> Polled:
        found = Polled()
        for key in keys:
            told = await source.ticket(key)
            before = self._asked.get(key)
            self._asked[key] = _Asked.after(before, now=self._now())
            found += Polled(asked_for=1)
            if told is not None:
                found += replace(await self._take_tickets([told]), asked_for=0)
        return found

    async def _noted(self, ask: Callable[[TicketSource], Awaitable[Polled]]) -> Polled:
        source = self._source()
        if source is None:
            return Polled()
        try:
            found = await ask(source)
        except SourceUnavailable as error:
            await self._store.note(SOURCE, at=self._now(), reason=str(error))
            raise
        await self._store.note(SOURCE, at=self._now(), reason=None)
        log.info("tickets_polled", filled=found.filled, asked_for=found.asked_for, unreadable=found.unreadable)
        return found

    async def _ask_sprints(self, source: TicketSource) -> Polled:
        told: dict[str, SprintFact] = {}

        async def learn(key: str) -> Polled:
            told.update((sprint.jira_sprint_id, sprint) for sprint in await source.sprints([key]))
            return Polled()

        async def compare(key: str) -> Polled:
            found = Polled()
            for sprint in running:
                held = set(await source.ids(Asked(project=key, sprint=sprint)))
                known = await self._known.in_sprint(sprint) & (await self._known.of_project(key)).keys()
                # Those that it holds and are not known to be in it, and those that are and it does not hold.
                found += await self._fetch(source, held ^ known)
            return found

        found, refusal = await self._of_each(learn)
        running = [number for number, sprint in told.items() if sprint.state == "active"]
        found += await self._take(Facts(sprints=tuple(told.values())))
        more, refusal_of_tickets = await self._of_each(compare)
        return _whole(found + more, refusal or refusal_of_tickets)

    async def _ask_backlog(self, source: TicketSource) -> Polled:
        async def compare(key: str) -> Polled:
            unfinished = set(await source.ids(Asked(project=key, unfinished=True)))
            known = await self._known.of_project(key)
            ended = {issue for issue, is_unfinished in known.items() if is_unfinished} - unfinished
            return await self._fetch(source, (unfinished - known.keys()) | ended)

        return _whole(*await self._of_each(compare))

    async def _ask_changes(self, source: TicketSource, since: datetime) -> Polled:
        async def read(key: str) -> Polled:
            found, cursor = Polled(), None
            known = await self._known.of_project(key)
            cursors = Cursors("Jira")
            while True:
                page = await source.tickets(Asked(project=key, updated_since=since), cursor=cursor)
                found += await self._take_tickets(
                    one if one.issue_id not in known else _lately(one, since) for one in page.tickets
                )
                cursor = cursors.after(page.cursor)
                if cursor is None:
                    return found

        return _whole(*await self._of_each(read))

    async def _of_each(self, ask: Callable[[str], Awaitable[Polled]]) -> tuple[Polled, SourceRefused | None]:
        """Ask for each project; one that the source refuses does not keep the others from being asked for."""
        found, refusal = Polled(), None
        for project in self._configuration().jira_projects:
            try:
                found += await ask(project.key)
            except SourceRefused as error:
                log.warning("project_refused", project=project.key, reason=str(error))
                refusal = refusal or error
        return found, refusal

    async def _fetch(self, source: TicketSource, issues: set[str]) -> Polled:
        """Ask for tickets one by one; one that the source does not show any more tells nothing."""
        found = Polled()
        if len(issues) > MOST_TICKETS:
            log.warning("tickets_left_for_the_next_poll", tickets=len(issues) - MOST_TICKETS)
        for issue in sorted(issues)[:MOST_TICKETS]:
            told = await source.ticket(issue)
            found += Polled(asked_for=1)
            if told is not None:
                found += replace(await self._take_tickets([told]), asked_for=0)
        return found

    async def _take_tickets(self, tickets: Iterable[TicketHistory]) -> Polled:
        told = list(tickets)
        unreadable = [one.unreadable for one in told if one.unreadable]
        if unreadable:
            log.warning("tickets_unreadable", tickets=len(unreadable), reason=unreadable[0])
        found = await self._take(Facts.of(one.facts for one in told))
        return replace(found, asked_for=len(told), unreadable=len(unreadable))

    async def _take(self, facts: Facts) -> Polled:
        if not facts:
            return Polled()
        appended = await self._accept(SOURCE, HistoryPage(facts=facts, cursor=None, things=0))
        return Polled(filled=appended.accepted)


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a ticket may be asked for again, and how long the pause before that is."""

    again_at: datetime
    pause: timedelta

    @classmethod
    def after(cls, before: _Asked | None, *, now: datetime) -> _Asked:
        pause = ENRICHED_AFTER if before is None else min(2 * before.pause, LONGEST_PAUSE)
        return cls(now + pause, pause)


def _whole(found: Polled, refusal: SourceRefused | None) -> Polled:
    """Return what came of all projects.

    Raises:
        SourceRefused: one of them was refused; what the others told is taken in all the same.
    """
    if refusal is not None:
        raise refusal
    return found


def _lately(ticket: TicketHistory, since: datetime) -> TicketHistory:
    """Return what has happened to a ticket since; what was before has been looked at by earlier runs."""
    facts = ticket.facts
    kept = Facts(
        work_items=tuple(event for event in facts.work_items if event.event_timestamp >= since),
        defects=tuple(event for event in facts.defects if event.event_timestamp >= since),
    )
    return replace(ticket, facts=kept)
