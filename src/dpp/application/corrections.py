"""All that people have said beside the sources, for taking it along to an empty database (§8.6, decision 0043).

The archive has what sources sent. What people say - tickets of pull requests, blame for incidents, sprints - is in the
database alone. Here it is told by names that another database knows as well.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from dpp.application.access_ports import AuditEntry

ACTION = "corrections.applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSaid:
    """The ticket that a person gave to a pull request (§5.3.4); ``repository`` is its full name."""

    said_id: UUID
    repository: str
    pr_number: int
    ticket_id: str | None
    said_at: datetime
    said_by: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictSaid:
    """What a person said of a deployment's blame for an incident (§5.4.4); ids are those of derived rows."""

    said_id: UUID
    incident_id: str
    source_incident_id: str
    record_id: UUID
    verdict: str
    said_at: datetime
    said_by: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintSaid:
    """What a person said of a sprint; ``delivery_stream`` is a name of the configuration."""

    said_id: UUID
    jira_sprint_id: str
    start_date: date | None
    end_date: date | None
    delivery_stream: str | None
    is_left_out: bool
    said_at: datetime
    said_by: str
    reason: str | None


Correction: TypeAlias = LinkSaid | VerdictSaid | SprintSaid


class Applied(NamedTuple):
    """How many corrections were new, how many known, and what those are about that found no place."""

    new: int
    known: int
    unplaced: tuple[str, ...]


class Corrections(Protocol):
    """What people have said. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def all(self) -> Sequence[Correction]:
        """Return everything, oldest first."""

    @abstractmethod
    async def add(self, said: Sequence[Correction], *, entry: AuditEntry) -> Applied:
        """
        Add what is not known by its id, as it was said then, and have derived again what it is about.

        What names a repository, sprint or stream that is not here is left out and told. All of it is one transaction,
        with the entry in the audit log.
        """


def about(said: Correction) -> str:
    """Return in a few words what a correction is about."""
    match said:
        case LinkSaid():
            return f"pull request {said.repository}#{said.pr_number}"
        case VerdictSaid():
            return f"incident {said.source_incident_id}"
        case SprintSaid():
            return f"sprint {said.jira_sprint_id}" + (f" of {said.delivery_stream}" if said.delivery_stream else "")
