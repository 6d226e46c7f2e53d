"""Pull requests that a person links to a ticket (§5.3.4, §5.6).

Such a link is a fact of its own: it is added, never changed; the latest one of a pull request counts, before anything
that branch, title or body say.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.access_ports import AuditEntry
from dpp.application.blames import checked_reason
from dpp.application.delivery_rows import ManualLinkRow
from dpp.application.ports import Clock, Ids
from dpp.application.views import View
from dpp.domain.access import Permission, Principal
from dpp.domain.calendar import to_micros
from dpp.domain.errors import NotFound
from dpp.domain.linking import ticket_key


class UnknownPullRequest(NotFound):
    """There is no such pull request, or none that the caller may link."""

    code = "pull_request_not_found"


class KnownPullRequest(NamedTuple):
    """A pull request that may be linked, with the ticket that it has."""

    repo_id: UUID
    pr_number: int
    ticket_id: str | None


class ManualLinkStore(Protocol):
    """Keeps links made by hand."""

    @abstractmethod
    async def find(self, view: View, *, repository: str, pr_number: int) -> KnownPullRequest | None:
        """Return a pull request that the view shows; ``repository`` is its full name, without regard to case."""

    @abstractmethod
    async def add(self, link: ManualLinkRow, *, entry: AuditEntry) -> None:
        """Add a link and put it on record, and mark the pull request for derivation, all of it or nothing.

        Raises:
            Unavailable: the store does not answer; nothing was written.
        """


class ManualLinks:
    """Links pull requests by hand."""

    def __init__(self, *, store: ManualLinkStore, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def link(
        self, principal: Principal, *, repository: str, pr_number: int, ticket: str | None, reason: str | None = None
    ) -> ManualLinkRow:
        """
        Record the ticket of a pull request.

        Args:
            principal: whoever says so; for the pull request they need ``streams:manage``.
            repository: full name.
            pr_number: within it.
            ticket: a key such as PAY-456; None says that it belongs to no ticket, whatever it names.
            reason: in words, at most 1000 characters; addresses and mentions of people are taken out.

        Returns:
            The link. It counts once the pull request is derived again, moments later.

        Raises:
            InvalidInput: the ticket is no key, or the reason cannot be used.
            UnknownPullRequest: there is none such that the caller may link.
        """
        key, told = None if ticket is None else ticket_key(ticket), checked_reason(reason)
        now = self._clock.now()
        view = View(scope=principal.scope_of(Permission.STREAMS_MANAGE), as_of=now, is_live=True)
        found = await self._store.find(view, repository=repository, pr_number=pr_number)
        if found is None:
            raise UnknownPullRequest(f"There is no pull request {pr_number} of {repository!r} that you may link")
        row = ManualLinkRow(
            link_id=self._ids.new(),
            repo_id=found.repo_id,
            pr_number=pr_number,
            ticket_id=key,
            linked_at=to_micros(now),
            linked_by=principal.actor,
            reason=told,
        )
        entry = AuditEntry(
            occurred_at=now,
            actor=principal.actor,
            action="pull_request.link",
            subject=f"pull_request:{repository}#{pr_number}",
            details={"before": found.ticket_id, "after": key, "link_id": str(row.link_id)},
        )
        await self._store.add(row, entry=entry)
        return row
