"""Which derived rows a new fact makes stale: the one table of it.

A derived row is a function of all facts of one thing (a ticket, a pull request, a deployment, …). A new fact marks the
thing that it is about; deriving that thing marks others only when what they read of it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

from dpp.domain.calendar import to_micros
from dpp.domain.events import (
    CicdEvent,
    CicdEventType,
    DefectEvent,
    Event,
    IncidentEvent,
    PullRequestEvent,
    PushEvent,
    WorkItemEvent,
)

#: Stale things are shared out among workers by group, so that no two derive the same thing at once.
GROUPS = 16

#: Between a pipeline and its run; no id holds it, since texts with control characters are refused.
SEPARATOR = "\x1f"


class StaleKind(StrEnum):
    """The things that derived rows are about."""

    TICKET = "ticket"
    PULL_REQUEST = "pull_request"
    PUSH = "push"
    """Has no rows of its own: it marks the pull request whose branch it went to."""
    DEPLOYMENT = "deployment"
    ROLLBACK = "rollback"
    """Has no rows of its own: it marks the deployment that it undoes."""
    CHANGE = "change"
    """A pull request on its way to users."""
    INCIDENT = "incident"


_KIND_OF_STEP = {
    CicdEventType.DEPLOY_STARTED: StaleKind.DEPLOYMENT,
    CicdEventType.DEPLOY_COMPLETED: StaleKind.DEPLOYMENT,
    CicdEventType.DEPLOY_FAILED: StaleKind.DEPLOYMENT,
    CicdEventType.ROLLBACK_INITIATED: StaleKind.ROLLBACK,
    CicdEventType.ROLLBACK_COMPLETED: StaleKind.ROLLBACK,
}


@dataclass(frozen=True, slots=True, order=True)
class StaleKey:
    """A thing whose derived rows may no longer follow from the facts.

    The key of a ticket is the identity that survives a change of its key; that of a pull request, and of it as a
    change, is ``repository id/number``. A push is ``repository id/microseconds/branch``, a deployment or rollback its
    pipeline and run, an incident what its source calls it.
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


def run_key(pipeline_id: str, pipeline_run_id: str) -> str:
    """Name a run of a pipeline; ids may hold anything but the separator."""
    return f"{pipeline_id}{SEPARATOR}{pipeline_run_id}"


def push_key(repo_id: object, at: int, branch: str) -> str:
    """Name a push to a branch."""
    return f"{repo_id}/{at}/{branch}"


def stale_key(event: Event, *, repo_id: object = None) -> StaleKey | None:
    """Return what a new event makes stale, or None while nothing is derived from its kind.

    Args:
        event: an event that was not there before.
        repo_id: the platform's id of the event's repository, where the event has one.
    """
    match event:
        case WorkItemEvent():
            return StaleKey(StaleKind.TICKET, event.item)
        case DefectEvent():
            return StaleKey(StaleKind.TICKET, event.item)
        case PullRequestEvent():
            return StaleKey(StaleKind.PULL_REQUEST, pull_request_key(repo_id, event.pr_number))
        case PushEvent():
            at = to_micros(event.event_timestamp)
            return StaleKey(StaleKind.PUSH, push_key(repo_id, at, event.branch_name)) if repo_id else None
        case CicdEvent():
            kind = _KIND_OF_STEP.get(event.event_type)
            return StaleKey(kind, run_key(event.pipeline_id, event.pipeline_run_id)) if kind else None
        case IncidentEvent():
            return StaleKey(StaleKind.INCIDENT, event.incident_id)


def by_group(keys: Iterable[StaleKey]) -> dict[int, list[StaleKey]]:
    """Share keys out among their groups."""
    shares: dict[int, list[StaleKey]] = {}
    for key in keys:
        shares.setdefault(key.group, []).append(key)
    return shares
