"""History from a source, page by page: resumable at every page, one organisation at a time (§5.1, decision 0038).

A page is accepted as a delivery is: archived, then stored. Only then is the place noted at which the next one begins,
so that whoever is killed in between leaves neither a gap nor, since every fact has an identity, a double.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import structlog

from dpp.application.cursors import Cursors
from dpp.application.deliveries import Appended
from dpp.application.ports import Clock, Ids
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from dpp.application.source_limits import SourceLimit, SourceLimitStore
from dpp.domain.errors import Conflict, InvalidInput, Unavailable
from dpp.domain.events import Facts

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)
"""How long a run belongs to whoever said last that it goes on; a dead one's run is free after that."""
RENEWED_SECONDS = 10.0
"""So often whoever reads says so."""


class UnknownSource(InvalidInput):
    """There is no source of this name that has a history to tell, or it is not configured."""

    code = "source_unknown"


class BackfillBusy(Conflict):
    """Another organisation is being read, or this one by somebody else."""

    code = "backfill_busy"


class BackfillState(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """
    A part of a history.

    Attributes:
        facts: what it tells; persons are hashed already.
        cursor: where the next part begins, in the source's own words; None after the last.
        things: tickets, pull requests, … on the page: what progress counts.
        total: how many there are in all, where the source says.
        unreadable: why things of the page could not be read, once for each.
    """

    facts: Facts
    cursor: str | None
    things: int
    total: int | None = None
    unreadable: Sequence[str] = ()


class SourceHistory(Protocol):
    """A source that can tell its history: GitHub by organisation, Jira by project."""

    @abstractmethod
    def organisations(self) -> Sequence[str]:
        """Return what can be read one at a time, by the names that the configuration has for them."""

    @abstractmethod
    async def page(self, organisation: str, *, cursor: str | None) -> HistoryPage:
        """
        Return the part that begins at a cursor; None is the beginning. The same cursor may be asked again at any time.

        Raises:
            SourceRefused: a person has to mend something first.
            SourceUnavailable: it cannot be read at present.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillRun:
    """
    The reading of one organisation's history.

    Attributes:
        cursor: where it goes on; None at the beginning, and when it is done.
        pages, things, accepted, duplicates, unreadable: so far; the two in the middle count facts.
        reason: why it failed, or waits, and what to do; None otherwise.
        owner, leased_until: who works on it, and until when that holds without another word.
    """

    source: str
    organisation: str
    state: BackfillState
    requested_at: datetime
    updated_at: datetime
    cursor: str | None = None
    pages: int = 0
    things: int = 0
    total: int | None = None
    accepted: int = 0
    duplicates: int = 0
    unreadable: int = 0
    reason: str | None = None
    finished_at: datetime | None = None
    owner: UUID | None = None
    leased_until: datetime | None = None

    def is_held(self, *, now: datetime) -> bool:
        """Whether somebody works on it."""
        return self.state is BackfillState.RUNNING and self.leased_until is not None and self.leased_until > now

    @property
    def share_done(self) -> float | None:
        """How much of it is read, 0 to 1; None where the source does not say how much there is."""
        return None if not self.total else min(1.0, self.things / self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """How a source answers when it is asked.

    Attributes:
        answered_at: when it last did; None when it never has.
        failed_at, reason: when it last did not, and why and what to do; None when it has answered since.
    """

    source: str
    answered_at: datetime | None = None
    failed_at: datetime | None = None
    reason: str | None = None


class BackfillStore(Protocol):
    """Keeps the runs, one for each organisation of a source, and how sources answer. Any method may raise
    ``Unavailable``.
    """

    @abstractmethod
    async def note(self, source: str, *, at: datetime, reason: str | None) -> None:
        """Note that a source answered, or why it did not."""

    @abstractmethod
    async def states(self) -> Sequence[SourceState]:
        """Return how each source answers, by name; sources that were never asked are not among them."""

    @abstractmethod
    async def runs(self) -> Sequence[BackfillRun]:
        """Return every run, by source and organisation."""

    @abstractmethod
    async def request(self, source: str, organisation: str, *, at: datetime, anew: bool) -> BackfillRun:
        """Return the run of an organisation, waiting: a new one, or the one there is, from its cursor or ``anew``.

        One that somebody works on is left as it is.
        """

    @abstractmethod
    async def claim(
        self, source: str, organisation: str, *, owner: UUID, now: datetime, until: datetime
    ) -> BackfillRun | None:
        """Take a run, in one step; None when it, or any other, is held by somebody else, or there is none to do."""

    @abstractmethod
    async def renew(self, run: BackfillRun, *, until: datetime) -> bool:
        """Hold a run for longer; False when it does not belong to its owner any more."""

    @abstractmethod
    async def save(self, run: BackfillRun) -> bool:
        """Write how far a run is; False, and nothing written, when it does not belong to its owner any more."""


Accept = Callable[[str, HistoryPage], Awaitable[Appended]]
"""Takes in a page of a source: archives and stores it. Raises ``Unavailable``; then the page is asked for again."""


class Backfill:
    """
    Reads histories.

    Args:
        store: of the runs.
        sources: by name, those that are configured.
        accept: takes pages in.
        clock: tells when a lease ends.
        ids: names this worker.
        limits: of the sources, as they were told last; None where nobody notes them.
    """

    def __init__(
        self,
        *,
        store: BackfillStore,
        sources: Callable[[], Mapping[str, SourceHistory]],
        accept: Accept,
        clock: Clock,
        ids: Ids,
        limits: SourceLimitStore | None = None,
    ) -> None:
        self._limits = limits
        self._store = store
        self._sources = sources
        self._accept = accept
        self._clock = clock
        self._owner = ids.new()

    async def runs(self) -> Sequence[BackfillRun]:
        """Return every run, by source and organisation."""
        return await self._store.runs()

    async def limits(self) -> Sequence[SourceLimit]:
        """Return what sources said last of how much they may be asked."""
        return () if self._limits is None else await self._limits.limits()

    async def states(self) -> Sequence[SourceState]:
        """Return how each source that was asked answers."""
        return await self._store.states()

    def organisations(self) -> Mapping[str, Sequence[str]]:
        """Return what can be read: the organisations of each configured source."""
        return {name: source.organisations() for name, source in sorted(self._sources().items())}

    async def request(self, source: str, organisation: str, *, anew: bool = False) -> BackfillRun:
        """Ask for a history, to be read by whoever works; one that was begun goes on, ``anew`` begins again.

        Raises:
            UnknownSource: there is no such source or organisation; the message names those that there are.
        """
        self._history(source, organisation)
        return await self._store.request(source, organisation, at=self._clock.now(), anew=anew)

    async def run(
        self,
        source: str,
        organisation: str,
        *,
        may_go_on: Callable[[], bool] = lambda: True,
        progress: Callable[[BackfillRun], None] = lambda _run: None,
    ) -> BackfillRun:
        """
        Read a requested history to its end, or for as long as it may.

        Args:
            may_go_on: asked before each page; on False the run is put back, and goes on from there the next time.
            progress: told after each page.

        Raises:
            UnknownSource: there is no such source or organisation.
            BackfillBusy: another history is being read.
            SourceRefused: a person has to mend something; the run says what.
            SourceUnavailable: the source cannot be read at present; the run goes on from there the next time.
            Unavailable: a store does not answer.
        """
        history = self._history(source, organisation)
        now = self._clock.now()
        run = await self._store.claim(source, organisation, owner=self._owner, now=now, until=now + LEASE)
        if run is None:
            raise BackfillBusy("Another history is being read, or nobody has asked for this one; one is read at a time")
        holding = asyncio.create_task(self._hold(run), name="backfill-lease")
        try:
            cursors = Cursors(source, first=run.cursor)
            while run.state is BackfillState.RUNNING:
                if not may_go_on():
                    return await self._put_back(run, reason="waits for the hours in which histories may be read")
                run = await self._read_page(history, run, cursors)
                progress(run)
            return run
        finally:
            holding.cancel()

    async def run_waiting(self, *, may_go_on: Callable[[], bool] = lambda: True) -> int:
        """Read what waits, one history after the other, the oldest request first; return how many pages were read.

        What a source refuses is left for a person; what it cannot tell at present, for the next time.
        """
        pages = 0

        def count(_run: BackfillRun) -> None:
            nonlocal pages
            pages += 1

        waiting = sorted(await self._store.runs(), key=lambda run: run.requested_at)
        for run in waiting:
            if not self._is_to_do(run) or not may_go_on():
                continue
            try:
                await self.run(run.source, run.organisation, may_go_on=may_go_on, progress=count)
            except (SourceUnavailable, BackfillBusy, UnknownSource) as error:
                log.warning("backfill_waits", source=run.source, organisation=run.organisation, reason=str(error))
        return pages

    async def _hold(self, run: BackfillRun) -> None:
        """Say again and again that the run goes on: a page may take long, when a source lets nobody ask for a while."""
        while True:
            await asyncio.sleep(RENEWED_SECONDS)
            with suppress(Unavailable):
                if not await self._store.renew(run, until=self._clock.now() + LEASE):
                    return

    def _is_to_do(self, run: BackfillRun) -> bool:
        waits = run.state in {BackfillState.WAITING, BackfillState.RUNNING}
        return waits and not run.is_held(now=self._clock.now())

    def _history(self, source: str, organisation: str) -> SourceHistory:
        sources = self._sources()
        if source not in sources:
            names = ", ".join(sorted(sources)) or "none: give [github] or [jira] in the configuration"
            raise UnknownSource(f"There is no history to read from {source!r}; there is {names}", field="source")
        known = sources[source].organisations()
        if organisation not in known:
            names = ", ".join(known) or "none"
            raise UnknownSource(f"{source} is not configured for {organisation!r}; known are {names}", field="org")
        return sources[source]

    async def _read_page(self, history: SourceHistory, run: BackfillRun, cursors: Cursors) -> BackfillRun:
        try:
            page = await history.page(run.organisation, cursor=run.cursor)
            appended = await self._accept(run.source, page)
            cursors.after(page.cursor)
        except SourceRefused as error:
            await self._store.note(run.source, at=self._clock.now(), reason=str(error))
            await self._save(self._ended(run, BackfillState.FAILED, reason=str(error)))
            raise
        except SourceUnavailable as error:
            await self._store.note(run.source, at=self._clock.now(), reason=str(error))
            await self._put_back(run, reason=str(error))
            raise
        await self._store.note(run.source, at=self._clock.now(), reason=None)
        return await self._save(self._after(run, page, appended))

    def _after(self, run: BackfillRun, page: HistoryPage, appended: Appended) -> BackfillRun:
        told = replace(
            run,
            cursor=page.cursor,
            pages=run.pages + 1,
            things=run.things + page.things,
            total=page.total if page.total is not None else run.total,
            accepted=run.accepted + appended.accepted,
            duplicates=run.duplicates + appended.duplicates,
            unreadable=run.unreadable + len(page.unreadable),
            # Why an earlier attempt failed is over; what could not be read stays so.
            reason=page.unreadable[0] if page.unreadable else run.reason if run.unreadable else None,
            updated_at=self._clock.now(),
            leased_until=self._clock.now() + LEASE,
        )
        return told if page.cursor is not None else self._ended(told, BackfillState.DONE, reason=told.reason)

    def _ended(self, run: BackfillRun, state: BackfillState, *, reason: str | None) -> BackfillRun:
        now = self._clock.now()
        return replace(run, state=state, reason=reason, updated_at=now, finished_at=now, leased_until=None)

    async def _put_back(self, run: BackfillRun, *, reason: str) -> BackfillRun:
        now = self._clock.now()
        waiting = replace(run, state=BackfillState.WAITING, reason=reason, updated_at=now, leased_until=None)
        return await self._save(waiting)

    async def _save(self, run: BackfillRun) -> BackfillRun:
        if not await self._store.save(run):
            raise BackfillBusy("This history is being read by another process now")
        return run
