"""A ticket system that can be asked: for tickets with their histories, and for sprints (§5.2.6).

What it tells is turned into the same facts as its webhooks are, with the same ids (decision 0037).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dpp.domain.events import Facts, SprintFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    Which tickets are asked for: all of a project, or some of them.

    Attributes:
        project: its key.
        updated_since: only those changed since then.
        sprint: only those that a sprint holds, by the source's number.
        unfinished: only those that the source does not count as done.
    """

    project: str
    updated_since: datetime | None = None
    sprint: str | None = None
    unfinished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketHistory:
    """A ticket's whole life as facts. ``unreadable`` says why it could not be read; then there are none."""

    issue_id: str
    facts: Facts = field(default_factory=Facts)
    unreadable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPage:
    """Some tickets, and where the next page begins; None after the last."""

    tickets: tuple[TicketHistory, ...]
    cursor: str | None


class TicketSource(Protocol):
    """Every method raises ``SourceRefused`` or ``SourceUnavailable``; nothing is lost by asking again."""

    @abstractmethod
    async def tickets(self, asked: Asked, *, cursor: str | None = None) -> TicketPage:
        """Return a page of tickets with their histories."""

    @abstractmethod
    async def ticket(self, issue_id: str) -> TicketHistory | None:
        """Return one ticket with its history; None when the source has none (any more) that it shows."""

    @abstractmethod
    async def ids(self, asked: Asked) -> Sequence[str]:
        """Return the numbers of all the tickets asked for, without their histories."""

    @abstractmethod
    async def sprints(self, projects: Sequence[str]) -> Sequence[SprintFact]:
        """Return what the source says of every sprint of the boards that show some projects."""
