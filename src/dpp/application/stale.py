"""Which derived rows a new fact makes stale: the one table of it.

A derived row is a function of all facts of one thing (a ticket, a pull request). A new fact marks the thing that it is
about; deriving that thing marks others only when what they read of it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

from dpp.domain.events import Event, PullRequestEvent, WorkItemEvent

#: Stale things are shared out among workers by group, so that no two derive the same thing at once.
GROUPS = 16


class StaleKind(StrEnum):
    """The things that derived rows are about."""

    TICKET = "ticket"
    PULL_REQUEST = "pull_request"


@dataclass(frozen=True, slots=True, order=True)
class StaleKey:
    """A thing whose derived rows may no longer follow from the facts.

    The key of a ticket is the identity that survives a change of its key; that of a pull request is
    ``repository id/number``.
    """

    kind: StaleKind
    key: str

    @property
    def group(self) -> int:
        """The share of work that the thing belongs to, 0 to ``GROUPS`` − 1."""
        return crc32(f"{self.kind}/{self.key}".encode()) % GROUPS


def pull_request_key(repo_id: object, pr_number: int) -> str:
    """Name a pull request across renames of its repository."""
    return f"{repo_id}/{pr_number}"


def stale_key(event: Event, *, repo_id: object = None) -> StaleKey | None:
    """Return what a new event makes stale, or None while nothing is derived from its kind.

    Args:
        event: an event that was not there before.
        repo_id: the platform's id of the event's repository, where the event has one.
    """
    match event:
        case WorkItemEvent():
            return StaleKey(StaleKind.TICKET, event.item)
        case PullRequestEvent():
            return StaleKey(StaleKind.PULL_REQUEST, pull_request_key(repo_id, event.pr_number))
        case _:
            return None


def by_group(keys: Iterable[StaleKey]) -> dict[int, list[StaleKey]]:
    """Share keys out among their groups."""
    shares: dict[int, list[StaleKey]] = {}
    for key in keys:
        shares.setdefault(key.group, []).append(key)
    return shares
