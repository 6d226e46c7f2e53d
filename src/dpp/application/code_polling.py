"""What is asked of the code host by the clock: its repositories, and what its webhooks have missed (§5.3.7)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from dpp.application.backfill import Accept, BackfillStore, HistoryPage
from dpp.application.source_errors import SourceUnavailable
from dpp.domain.configuration import folded
from dpp.domain.events import Facts, RepositoryFact, RepositoryRef

log = structlog.get_logger(__name__)

FIRST_LOOK_BACK = timedelta(days=3)
"""So far back gaps are looked for the first time."""
LONGEST_LOOK_BACK = timedelta(days=30)
"""What was missed for longer is for a backfill."""
OVERLAP = timedelta(hours=12)
"""What changed shortly before the last look may have been on its way then."""


class CodeHost(Protocol):
    """A host of repositories that can be asked. Methods raise ``SourceRefused`` or ``SourceUnavailable``."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What people call it."""

    @abstractmethod
    def organisations(self) -> Sequence[str]:
        """Return the organisations that can be asked about."""

    @abstractmethod
    async def register(self, organisation: str) -> HistoryPage:
        """Return the organisation's repositories as they are now."""

    @abstractmethod
    def changed(self, organisation: str, *, since: datetime) -> AsyncIterator[HistoryPage]:
        """Yield what has changed in an organisation since a moment, page by page."""

    @abstractmethod
    async def send_again(self, *, since: datetime) -> int:
        """Have webhooks that failed since a moment sent again; return how many."""


class CodePolling:
    """
    Asks one organisation after the other; one that cannot be asked does not keep the others from it.

    Args:
        host: gives the host that is configured; None without one.
        accept: takes pages in.
        store: notes how the host answers.
        now: tells the time.
        registered: gives the full names of the repositories that are taken to be in use and that the host itself has
            told of; None when nobody knows.
    """

    def __init__(
        self,
        *,
        host: Callable[[], CodeHost | None],
        accept: Accept,
        store: BackfillStore,
        now: Callable[[], datetime],
        registered: Callable[[], Awaitable[Sequence[str]]] | None = None,
    ) -> None:
        self._registered = registered
        self._host = host
        self._accept = accept
        self._store = store
        self._now = now

    async def sync_repositories(self) -> int:
        """Bring the register up to date (renames, transfers, archived, gone); return how many repositories there are.

        Raises:
            SourceUnavailable: an organisation could not be asked; the others were.
        """
        host = self._host()
        if host is None:
            return 0
        found, failed = 0, ""
        there: dict[str, set[str]] = {}
        for organisation in host.organisations():
            try:
                page = await host.register(organisation)
            except SourceUnavailable as error:
                failed = await self._failed(host, organisation, error)
                continue
            await self._accept(host.name, page)
            found += len(page.facts.repositories)
            there[organisation] = {folded(fact.repository.full_name) for fact in page.facts.repositories}
        await self._retire(host, there)
        await self._end(host, failed)
        return found

    async def _retire(self, host: CodeHost, there: Mapping[str, Collection[str]]) -> None:
        """Say of repositories that their organisations do not show any more that they are out of use.

        After all organisations, so that one which went to another of them has its new name by then. An organisation
        that shows nothing at all has rather taken the App's access away than all repositories.
        """
        names = [] if self._registered is None else await self._registered()
        of = {folded(organisation): listed for organisation, listed in there.items() if listed}
        at = self._now()
        gone = [
            RepositoryFact(event_timestamp=at, repository=RepositoryRef(org=org, name=name), is_active=False)
            for org, _, name in (full_name.partition("/") for full_name in names)
            if folded(org) in of and folded(f"{org}/{name}") not in of[folded(org)]
        ]
        if gone:
            log.info("repositories_gone", source=host.name, repositories=[fact.repository.full_name for fact in gone])
            await self._accept(host.name, HistoryPage(facts=Facts(repositories=tuple(gone)), cursor=None, things=0))

    async def find_gaps(self, *, last: datetime | None) -> int:
        """Ask for what has changed since the last time, and for failed webhooks once more; return what was missing.

        Args:
            last: when this last came to its end; None when it never has.

        Raises:
            SourceUnavailable: an organisation could not be asked; the others were, and the next time looks as far back.
        """
        host = self._host()
        if host is None:
            return 0
        now = self._now()
        since = max(now - LONGEST_LOOK_BACK, (last or now - FIRST_LOOK_BACK) - OVERLAP)
        filled, failed = 0, ""
        for organisation in host.organisations():
            try:
                async for page in host.changed(organisation, since=since):
                    filled += (await self._accept(host.name, page)).accepted
            except SourceUnavailable as error:
                failed = await self._failed(host, organisation, error)
        try:
            await host.send_again(since=since)
        except SourceUnavailable as error:
            failed = await self._failed(host, "its webhooks", error)
        await self._end(host, failed)
        return filled

    async def _failed(self, host: CodeHost, organisation: str, error: SourceUnavailable) -> str:
        log.warning("source_not_read", source=host.name, organisation=organisation, reason=str(error))
        reason = f"{organisation}: {error}"
        await self._store.note(host.name, at=self._now(), reason=reason)
        return reason

    async def _end(self, host: CodeHost, failed: str) -> None:
        if failed:
            raise SourceUnavailable(failed)
        await self._store.note(host.name, at=self._now(), reason=None)
