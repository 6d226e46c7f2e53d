"""What is true of each ticket at a time: where it is, when it was completed, and what its time was spent on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from dpp.adapters.simulation.calendar import business_days
from dpp.adapters.simulation.company import CANCELLED_RESOLUTIONS, Company, Status
from dpp.adapters.simulation.plan import Plan
from dpp.adapters.simulation.tickets import IssueState, Ticket

STAGES = ("backlog", "ba", "dev", "code_review", "qa", "uat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Time in one status: from ``since`` to ``until``, or to now."""

    status: Status
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of a ticket that exists at a time.

    ``cycle_days`` is None while it is not completed and when it never was in an active status; ``efficiency`` also when
    the cycle time is 0. ``durations`` is business days by label over the cycle, empty without one.
    """

    ticket: Ticket
    key: str
    status: Status
    completed_at: datetime | None
    cycle_days: float | None
    efficiency: float | None
    durations: dict[str, float]

    @property
    def unmapped(self) -> bool:
        """Whether nobody has said what the ticket's status means."""
        return self.status.stage is None


def accounts(plan: Plan, as_of: datetime) -> Iterator[Account]:
    """The account of every ticket that was created and not deleted before ``as_of``."""
    for ticket in plan.tickets:
        state = ticket.state_at(as_of)
        if state is not None:
            yield account_of(plan.company, ticket, state, as_of)


def account_of(company: Company, ticket: Ticket, state: IssueState, as_of: datetime) -> Account:
    """Add up one ticket."""
    stays = list(_stays(company, ticket, as_of))
    completed_at = _completed_at(company, ticket, as_of)
    started_at = next((stay.since for stay in stays if stay.status.active), None)
    cycle, efficiency, durations = None, None, {}
    if completed_at is not None and started_at is not None and started_at < completed_at:
        cycle = business_days(started_at, completed_at)
        durations = _durations(stays, started_at, completed_at)
        active = sum(days for label, days in durations.items() if label in {"ba", "dev", "code_review", "qa", "uat"})
        efficiency = active / cycle * 100 if cycle > 0 else None
    return Account(
        ticket=ticket, key=state.key, status=company.project(state.project).workflow[state.step],
        completed_at=completed_at, cycle_days=cycle, efficiency=efficiency, durations=durations,
    )  # fmt: skip


def wip_by_stage(known: list[Account]) -> dict[str, dict[str, int]]:
    """Count the tickets that are neither done nor cancelled by where they are."""
    counts = {stage: {"active": 0, "queue": 0} for stage in STAGES}
    for account in known:
        stage = account.status.stage
        if stage in counts and account.completed_at is None:
            counts[stage]["active" if account.status.active else "queue"] += 1
    return counts


def _stays(company: Company, ticket: Ticket, as_of: datetime) -> Iterator[Stay]:
    """Where the ticket was: in a status, or resolved while still in one, which is as good as done or cancelled."""
    status, since = company.project(ticket.first.project).workflow[ticket.first.step], ticket.created_at
    for change, before, after in ticket.until(as_of):
        resolved = before.resolution is None and after.resolution is not None
        if after.step == before.step and not resolved:
            continue
        yield Stay(status=status, since=since, until=change.at)
        status, since = company.project(after.project).workflow[after.step], change.at
        if resolved:
            stage = "cancelled" if after.resolution in CANCELLED_RESOLUTIONS else "done"
            status = replace(status, stage=stage, active=False)
    yield Stay(status=status, since=since, until=None)


def _completed_at(company: Company, ticket: Ticket, as_of: datetime) -> datetime | None:
    """When the ticket was completed for the last time, None if it is not complete.

    A run of being complete begins with a status that means done or with a resolution, whichever comes first, and ends
    with a status that means something else. A resolution that stands for a cancellation completes nothing.
    """
    completed: datetime | None = None
    for change, before, after in ticket.until(as_of):
        stage = company.project(after.project).workflow[after.step].stage
        moved = after.step != before.step
        resolved = before.resolution is None and after.resolution is not None
        if after.resolution in CANCELLED_RESOLUTIONS or (moved and stage != "done"):
            completed = None
        elif completed is None and (resolved or (moved and stage == "done")):
            completed = change.at
    return completed


def _durations(stays: list[Stay], started_at: datetime, completed_at: datetime) -> dict[str, float]:
    durations: dict[str, float] = {}
    for stay in stays:
        since, until = max(stay.since, started_at), min(stay.until or completed_at, completed_at)
        if since < until:
            label = _label(stay.status)
            durations[label] = durations.get(label, 0.0) + business_days(since, until)
    return durations


def _label(status: Status) -> str:
    if status.stage is None:
        return "unmapped"
    if status.active or status.stage in {"backlog", "done", "cancelled"}:
        return status.stage
    return f"{status.stage}_queue"
