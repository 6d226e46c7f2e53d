"""The derived rows of a memory database."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from dpp.application.delivery_rows import BlameRow, ChangeRow, DeploymentRow, IncidentRow, RestoreRow
from dpp.application.derived_rows import (
    AttributionRow,
    CycleRow,
    PullRequestCycleRow,
    PullRequestRow,
    StayRow,
    WorkItemRow,
)
from dpp.application.identities import PullRequestId


@dataclass(slots=True)
class MemoryDerivedTables:
    """
    The derived rows.

    Attributes:
        work_items: by identity of the ticket, as are the next three.
        cycles: completions of each ticket, those that count and those that do not.
        pull_requests: by repository and number, as are their cycles and the changes that they are.
        deployments: by id of the record.
        incidents: by what the source calls them, as are their restores and blames.
    """

    work_items: dict[str, WorkItemRow] = field(default_factory=dict)
    stays: dict[str, list[StayRow]] = field(default_factory=dict)
    attributions: dict[str, list[AttributionRow]] = field(default_factory=dict)
    cycles: dict[str, list[CycleRow]] = field(default_factory=dict)
    pull_requests: dict[PullRequestId, PullRequestRow] = field(default_factory=dict)
    pull_request_cycles: dict[PullRequestId, PullRequestCycleRow] = field(default_factory=dict)
    deployments: dict[UUID, DeploymentRow] = field(default_factory=dict)
    changes: dict[PullRequestId, ChangeRow] = field(default_factory=dict)
    incidents: dict[str, list[IncidentRow]] = field(default_factory=dict)
    restores: dict[str, list[RestoreRow]] = field(default_factory=dict)
    blames: dict[str, list[BlameRow]] = field(default_factory=dict)
