"""Deployments and incidents: what happened, as the plan knows it. ``release_train.py`` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dpp.adapters.simulation.company import Repository
from dpp.adapters.simulation.pull_requests import PullRequest

Outcome = Literal["success", "failure", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment. ``run_id`` is GitHub's deployment id, or what the pipeline calls its run."""

    repository: Repository
    environment: Literal["staging", "production"]
    run_id: str
    started_at: datetime
    completed_at: datetime
    outcome: Outcome
    commit: str
    request: PullRequest | None
    names_request: bool = False
    config_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A production deployment undone. ``named`` says whether the push names it or leaves it to be found."""

    repository: Repository
    run_id: str
    undone: Deployment
    named: bool
    initiated_at: datetime
    completed_at: datetime
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something broke. ``pairs`` says which kinds of start and end are sent for it.

    ``resolution_first`` sends the end before the start. Start and end lie whole minutes apart.
    """

    incident_id: str
    service: str
    severity: Literal["critical", "high", "medium", "low"]
    description: str
    started_at: datetime
    resolved_at: datetime | None
    pairs: tuple[Literal["alarm", "incident"], ...]
    resolution_first: bool = False
