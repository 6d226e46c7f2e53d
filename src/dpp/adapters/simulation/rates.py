"""How much happens, and how often it goes otherwise than planned.

Every oddity of the simulated organisation has a probability of its own, so that a test which looks for the cause of a
difference can switch the oddities off one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Size(Enum):
    """New tickets a week and delivery stream, before the bugs that they breed."""

    SMALL = 3
    MEDIUM = 8
    LARGE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Probabilities, 0 to 1."""

    # Tickets: where they start, where they end.
    shared_project: float = 0.2
    created_active: float = 0.05
    stays_in_backlog: float = 0.05
    done_unstarted: float = 0.03
    cancelled: float = 0.06
    deleted: float = 0.03
    weekend_job: float = 0.03
    # Tickets: what happens on the way.
    off_hours: float = 0.06
    rework: float = 0.22
    back_to_backlog: float = 0.06
    parked: float = 0.04
    reopened: float = 0.08
    blocked: float = 0.2
    moved: float = 0.05
    untagged: float = 0.15
    tech_field_empty: float = 0.2
    late_tagging: float = 0.08
    # How a finished ticket is closed; what is left over is status and resolution in one change.
    resolution_first: float = 0.08
    resolution_later: float = 0.08
    resolution_never: float = 0.12
    stale_resolution: float = 0.2
    # Noise.
    edits: float = 0.5
    comments: float = 0.5
    same_status: float = 0.05
    # Bugs by where the work was when they were found.
    bug_in_qa: float = 0.25
    bug_in_uat: float = 0.12
    bug_in_production: float = 0.08
    # Pull requests.
    second_repository: float = 0.25
    no_pull_request: float = 0.1
    unlinked: float = 0.06
    bot_review: float = 0.3
    self_comment: float = 0.2
    changes_requested: float = 0.3
    closed_unmerged: float = 0.05
    reopened_pull_request: float = 0.04
    failed_build: float = 0.15
    # Deliveries to production.
    failed_deployment: float = 0.07
    cancelled_deployment: float = 0.03
    incident_after_deployment: float = 0.12
    rolled_back: float = 0.5
    stray_incident: float = 0.4
    resolution_before_alarm: float = 0.1


QUIET = Rates(
    **dict.fromkeys(
        (name for name in Rates.__dataclass_fields__ if name not in {"comments", "edits"}), 0.0
    )
)  # fmt: skip
"""Nothing odd at all: every ticket goes straight to done, every deployment succeeds."""
