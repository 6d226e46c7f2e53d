"""The rows of the derived tables (§4.4), as both stores keep them.

Instants are whole microseconds since 1970-01-01T00:00Z, durations working days; ``FOREVER`` ends what goes on. The
fields are in the order of the tables' columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from dpp.domain.histories import FOREVER


class WorkItemRow(NamedTuple):
    """A ticket as it stands; ``stage`` and its neighbours are None while no event has told where it is."""

    issue_id: str
    ticket_id: str
    project_key: str
    ticket_type: str | None
    story_points: float | None
    priority: str | None
    labels: tuple[str, ...]
    parent_ticket_id: str | None
    delivery_stream_id: UUID | None
    tech_stream_ids: tuple[UUID, ...]
    sprint_id: UUID | None
    status: str | None
    stage: str | None
    is_active_work: bool | None
    entered_at: int | None
    created_at: int
    first_in_progress: int | None
    completed_at: int | None
    blocked_since: int | None
    is_deleted: bool


class StayRow(NamedTuple):
    """Where a ticket was for a while."""

    issue_id: str
    status: str | None
    stage: str
    is_active_work: bool
    entered_at: int
    left_at: int


class AttributionRow(NamedTuple):
    """What a ticket was called, and whose it was, for a while."""

    issue_id: str
    ticket_id: str
    delivery_stream_id: UUID | None
    tech_stream_ids: tuple[UUID, ...]
    valid_from: int
    valid_to: int


class CycleRow(NamedTuple):
    """A completion; one that no reopening took back has ``reopened_at`` ``FOREVER`` and is a row of
    ``work_item_cycles``, any other is one of ``superseded_cycles``.

    Without a cycle time the times of the cycle are None. ``stage_durations`` has the labels that were visited, and adds
    up to the cycle time.
    """

    cycle_id: UUID
    issue_id: str
    ticket_id: str
    delivery_stream_id: UUID | None
    tech_stream_ids: tuple[UUID, ...]
    ticket_type: str | None
    story_points: float | None
    created_at: int
    first_in_progress: int | None
    completed_at: int
    lead_time_days: float
    cycle_time_days: float | None
    active_time_days: float | None
    wait_time_days: float | None
    blocked_time_days: float | None
    flow_efficiency_pct: float | None
    stage_durations: Mapping[str, float]
    sprint_id: UUID | None
    reopened_at: int

    @property
    def counts(self) -> bool:
        """Whether the completion still holds."""
        return self.reopened_at == FOREVER


class PullRequestRow(NamedTuple):
    """A pull request as it stands; ``state`` is ``open``, ``merged`` or ``closed``."""

    repo_id: UUID
    pr_number: int
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    linked_ticket_id: str | None
    linked_issue_id: str | None
    link_method: str | None
    author_hash: str
    author_is_bot: bool
    state: str
    is_draft: bool
    branch_name: str
    base_branch: str | None
    opened_at: int
    closed_at: int | None


class PullRequestCycleRow(NamedTuple):
    """A merged or closed pull request; ``closed_at`` is when it ended, either way."""

    cycle_id: UUID
    repo_id: UUID
    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    pr_number: int
    linked_ticket_id: str | None
    author_hash: str
    opened_at: int
    first_review_at: int | None
    approved_at: int | None
    merged_at: int | None
    closed_at: int
    time_to_first_review_hrs: float | None
    time_to_merge_hrs: float | None
    review_rounds: int
    reviewer_hashes: tuple[str, ...]
    reviewer_count: int
    lines_changed: int | None
    files_changed: int | None


class TicketRows(NamedTuple):
    """Every derived row of some tickets."""

    work_items: list[WorkItemRow]
    stays: list[StayRow]
    attributions: list[AttributionRow]
    cycles: list[CycleRow]


class PullRequestRows(NamedTuple):
    """Every derived row of some pull requests."""

    pull_requests: list[PullRequestRow]
    cycles: list[PullRequestCycleRow]
