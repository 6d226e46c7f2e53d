"""The port of derivation: what is read for it, what calculates, and what became of it (decisions 0003 and 0009).

A store picks stale keys, reads everything that their rows depend on, has the rows calculated, and replaces them, all in
one transaction. The calculation knows no store.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.delivery_derivation import ChangeInputs, DeploymentInputs, IncidentInputs
from dpp.application.delivery_rows import ChangeRow, DeploymentRow, IncidentRows
from dpp.application.derived_rows import PullRequestRows, TicketRows
from dpp.application.identities import PullRequestId
from dpp.application.ports import Change
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import from_micros
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Unavailable
from dpp.domain.events import PullRequestEvent, TicketFields, WorkItemEvent
from dpp.domain.histories import TicketColumns
from dpp.domain.linking import Link

#: What changes of the rows of each kind are called.
TOPICS: Mapping[StaleKind, str] = {
    StaleKind.TICKET: "tickets",
    StaleKind.PULL_REQUEST: "pull_requests",
    StaleKind.DEPLOYMENT: "deployments",
    StaleKind.CHANGE: "changes",
    StaleKind.INCIDENT: "incidents",
}

#: At most this many shares of the work are taken in one transaction, so that a second worker finds some too.
MAX_SHARES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketInputs:
    """
    All that the rows of some tickets depend on, but the configuration. Tickets without any event are not in it.

    Attributes:
        columns: their histories.
        changes: of each of ``columns.items``, at least one event: those at which key, project or attributes changed,
            each fact once and as ``attributes_of`` leaves it; equal neighbours may be missing.
        linked: when each pull request that is linked to a ticket was opened, and its technology stream.
    """

    columns: TicketColumns
    changes: Mapping[str, Sequence[WorkItemEvent]]
    linked: Mapping[str, Sequence[tuple[datetime, UUID]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestInputs:
    """
    All that the rows of some pull requests depend on, but the configuration and their tickets.

    Attributes:
        events: of each, at least one.
        tech_streams: of each repository as registered, None where it has none.
        by_hand: the ticket that a person gave to a pull request last; None where a person took it away.
    """

    events: Mapping[PullRequestId, Sequence[PullRequestEvent]]
    tech_streams: Mapping[UUID, UUID | None]
    by_hand: Mapping[PullRequestId, str | None] = field(default_factory=dict)


class LinkedTicket(NamedTuple):
    """The ticket that a key means: its identity, and its current delivery stream."""

    issue_id: str
    delivery_stream_id: UUID | None


class Derive(Protocol):
    """Calculates derived rows; functions of what they are given."""

    @abstractmethod
    def tickets(self, inputs: TicketInputs, configuration: Configuration) -> TicketRows:
        """Return all rows of some tickets."""

    @abstractmethod
    def links(self, inputs: PullRequestInputs, configuration: Configuration) -> Mapping[PullRequestId, Link]:
        """Return the ticket keys that pull requests name; those that name none are left out."""

    @abstractmethod
    def pull_requests(
        self,
        inputs: PullRequestInputs,
        configuration: Configuration,
        *,
        links: Mapping[PullRequestId, Link],
        tickets: Mapping[str, LinkedTicket],
    ) -> PullRequestRows:
        """Return all rows of some pull requests, given what ``links`` has returned and the tickets of those keys."""

    @abstractmethod
    def deployments(self, inputs: DeploymentInputs, configuration: Configuration) -> list[DeploymentRow]:
        """Return the rows of those of some deployments that have ended, as if nothing had been rolled back."""

    @abstractmethod
    def changes(self, inputs: ChangeInputs) -> list[ChangeRow]:
        """Return the rows of some changes."""

    @abstractmethod
    def incidents(self, inputs: IncidentInputs, configuration: Configuration) -> IncidentRows:
        """Return all rows of some incidents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveResult:
    """
    What one transaction of derivation did.

    Attributes:
        entries: how many queued entries it settled; 0 when there was nothing (free) to do.
        derived: how many things got new rows, or lost theirs.
        marked: how many other things it made stale.
        failed: the things that could not be derived, and why; their entries are still there.
    """

    entries: int = 0
    derived: int = 0
    marked: int = 0
    failed: Mapping[StaleKey, str] = field(default_factory=dict)


class Marked(NamedTuple):
    """How many things were queued at once, and the number of the last entry that there was by then."""

    things: int
    last_entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Entries that wait for derivation, since when the oldest does, and the number of the last one; 0 without any."""

    entries: int
    oldest: datetime | None
    last_entry: int = 0


class DerivationStore(Protocol):
    """Keeps the queue of stale things and the derived rows."""

    @abstractmethod
    async def derive_stale(
        self, derive: Derive, *, limit: int, skip: Collection[StaleKey] = frozenset()
    ) -> DeriveResult:
        """Derive some stale things in one transaction: all of it or nothing.

        Entries of shares that another worker holds are left to it. What the new rows make stale is queued in the same
        transaction, and news of them is told when it commits. The configuration is at least as new as the entries.

        Args:
            derive: calculates the rows.
            limit: entries at most.
            skip: things whose entries stay where they are.

        Raises:
            Unavailable: the store does not answer; nothing was written.
        """

    @abstractmethod
    async def mark_all(self, kind: StaleKind) -> Marked:
        """Queue every thing of a kind that has events or derived rows."""

    @abstractmethod
    async def pending(self, *, up_to: int | None = None, skip: Collection[StaleKey] = frozenset()) -> Backlog:
        """Return how much waits.

        Args:
            up_to: count entries up to this one only; all when None.
            skip: things whose entries do not count.
        """


@dataclass(slots=True)
class News:
    """Gathers the streams of rows before and after, each with the things whose rows they were.

    What else was derived along with a stream's things is none of its business: whoever sees the stream may not see it.
    """

    delivery_streams: dict[UUID, set[StaleKey]] = field(default_factory=dict)
    tech_streams: dict[UUID, set[StaleKey]] = field(default_factory=dict)
    reaches: dict[StaleKey, datetime] = field(default_factory=dict)
    """How far back a thing's new rows differ from those before, where that is before the facts that made it stale."""

    def add(self, key: StaleKey, delivery_stream: UUID | None, tech_streams: Iterable[UUID]) -> None:
        """Take in the streams of one row of a thing."""
        if delivery_stream is not None:
            self.delivery_streams.setdefault(delivery_stream, set()).add(key)
        for stream in tech_streams:
            self.tech_streams.setdefault(stream, set()).add(key)

    def reach_back(self, key: StaleKey, moments: Iterable[int | None]) -> None:
        """Take in that a thing's rows differ from the earliest of some moments on, microseconds; None is none."""
        known = [moment for moment in moments if moment is not None]
        if known:
            at = from_micros(min(known))
            self.reaches[key] = min(at, self.reaches.get(key, at))

    def change(self, kind: StaleKind) -> Change:
        """Return what to tell of rows of a kind."""
        return Change(
            topic=TOPICS[kind],
            delivery_streams=frozenset(self.delivery_streams),
            tech_streams=frozenset(self.tech_streams),
        )


@dataclass(slots=True)
class Isolated:
    """What ``isolate`` came to: the keys that went well, what they made stale, and those that did not."""

    done: list[StaleKey] = field(default_factory=list)
    marked: set[StaleKey] = field(default_factory=set)
    failed: dict[StaleKey, str] = field(default_factory=dict)


async def isolate(
    keys: Sequence[StaleKey], attempt: Callable[[Sequence[StaleKey]], Awaitable[Collection[StaleKey]]]
) -> Isolated:
    """
    Try keys together, and when that fails in halves, until those that fail stand alone: one must not stop the others.

    Args:
        keys: distinct; none gives nothing.
        attempt: does all of the keys given or, when it raises, none; returns what that makes stale.

    Raises:
        Unavailable: an attempt raised it; that is no fault of a key.
    """
    outcome = Isolated()
    waiting = [list(keys)] if keys else []
    while waiting:
        some = waiting.pop()
        try:
            outcome.marked.update(await attempt(some))
            outcome.done.extend(some)
        except Unavailable:
            raise
        except Exception as error:  # whatever it is, it is kept and told with the key
            if len(some) == 1:
                outcome.failed[some[0]] = f"{type(error).__name__}: {error}"
            else:
                middle = len(some) // 2
                waiting += [some[middle:], some[:middle]]
    return outcome


def attributes_of(event: WorkItemEvent) -> WorkItemEvent:
    """Return an event with what attributions and current attributes are read from, and nothing else."""
    fields = event.fields
    return WorkItemEvent(
        event_type=event.event_type,
        event_timestamp=event.event_timestamp,
        ticket_id=event.ticket_id,
        project_key=event.project_key,
        issue_id=event.item,
        source_change_id=event.source_change_id,
        fields=fields
        and TicketFields(
            ticket_type=fields.ticket_type,
            priority=fields.priority,
            story_points=fields.story_points,
            labels=fields.labels,
            components=fields.components,
            parent_ticket_id=fields.parent_ticket_id,
            delivery_stream=fields.delivery_stream,
            tech_streams=fields.tech_streams,
            jira_sprint_id=fields.jira_sprint_id,
        ),
    )


def chosen_ticket(key: str, candidates: Iterable[tuple[str, str | None, UUID | None]]) -> LinkedTicket | None:
    """
    Return the ticket that a key means: one that is called so now before one that was, then by identity.

    Args:
        key: of a ticket.
        candidates: identity, current key (None before it is derived) and delivery stream of each ticket that ever had
            the key; none gives None.
    """
    ranked = sorted(candidates, key=lambda candidate: (candidate[1] != key, candidate[1] is None, candidate[0]))
    best = next(iter(ranked), None)
    return None if best is None else LinkedTicket(best[0], best[2])
