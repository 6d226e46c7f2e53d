"""A deployment as the events of its run tell it (§4.4.4, decision 0024)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from dpp.domain.errors import InvalidInput
from dpp.domain.events import CicdEvent, CicdEventType, RepositoryRef

T = TypeVar("T")

_CLOSING = frozenset({CicdEventType.DEPLOY_COMPLETED, CicdEventType.DEPLOY_FAILED})
_OF_DEPLOYMENT = _CLOSING | {CicdEventType.DEPLOY_STARTED}
PRODUCTION = "production"


class DeploymentStatus(StrEnum):
    """What became of a deployment (§4.4.4)."""

    SUCCESS = "success"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class LeadTimeMethod(StrEnum):
    """Where the lead time of a change begins (§6.4.4)."""

    PR = "pr"
    """When the pull request was opened."""
    COMMIT = "commit"
    """When its branch was first pushed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """
    A deployment that ended.

    Attributes:
        repository: as the latest event names it.
        environment: the source's own name for it.
        started_at: when it began; when it ended, where no event tells.
        deployed_at: when it ended, ``started_at`` or later.
        has_succeeded: whether it reached its environment.
        branch: the deployed one as the source names it; None when it does not, or when the deployed thing is no branch.
        linked_pr_number: the pull request that the source names.
    """

    pipeline_id: str
    pipeline_run_id: str
    repository: RepositoryRef | None
    environment: str
    started_at: datetime
    deployed_at: datetime
    has_succeeded: bool
    branch: str | None
    commit_sha: str | None
    linked_pr_number: int | None
    is_config_only: bool


def deployment_of(events: Iterable[CicdEvent]) -> Deployment | None:
    """
    Return what the events of one run tell; it depends on the set of them alone (decision 0003).

    Args:
        events: of one run, in any order; repeated ones change nothing.

    Returns:
        None while the deployment has not ended, and when it was cancelled: that is neither success nor failure.
        Of several ends (a failed one that was mended within the run) the latest counts.

    Raises:
        InvalidInput: the events are of more than one run.
    """
    known = sorted((event for event in events if event.event_type in _OF_DEPLOYMENT), key=_order)
    if len({(event.pipeline_id, event.pipeline_run_id) for event in known}) > 1:
        raise InvalidInput("the events are of several runs; give those of one", field="events")
    ends = [event for event in known if event.event_type in _CLOSING and event.status != "cancelled"]
    if not ends:
        return None
    end = ends[-1]
    return Deployment(
        pipeline_id=end.pipeline_id,
        pipeline_run_id=end.pipeline_run_id,
        repository=end.repository,
        environment=end.environment,
        started_at=min(_began(known), end.event_timestamp),
        deployed_at=end.event_timestamp,
        has_succeeded=end.event_type is CicdEventType.DEPLOY_COMPLETED,
        branch=_told(known, lambda event: event.branch),
        commit_sha=_told(known, lambda event: event.commit_sha),
        linked_pr_number=_told(known, lambda event: event.linked_pr_number),
        is_config_only=any(event.is_config_only for event in known),
    )


def _began(known: list[CicdEvent]) -> datetime:
    told = [event.started_at for event in known if event.started_at is not None]
    starts = [event.event_timestamp for event in known if event.event_type is CicdEventType.DEPLOY_STARTED]
    return min(told + starts, default=known[-1].event_timestamp)


def _told(known: list[CicdEvent], tell: Callable[[CicdEvent], T | None]) -> T | None:
    """Return what the latest event that says anything says."""
    return next((told for event in reversed(known) if (told := tell(event)) is not None), None)


def _order(event: CicdEvent) -> tuple[datetime, str, str]:
    return (event.event_timestamp, event.event_type.value, repr(event))
