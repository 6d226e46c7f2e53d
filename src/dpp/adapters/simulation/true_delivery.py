"""What is true of reviews, deployments, incidents and defects in a scope and a window that ends at the scope's time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dpp.adapters.simulation.company import CORRELATION_WINDOW, Repository
from dpp.adapters.simulation.people import Bot
from dpp.adapters.simulation.plan import Plan
from dpp.adapters.simulation.pull_requests import PullRequest
from dpp.adapters.simulation.releases import Deployment, Incident
from dpp.adapters.simulation.statistics import mean, percentile
from dpp.adapters.simulation.tickets import Ticket
from dpp.adapters.simulation.true_scope import Scope

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFigures:
    """Successful production deployments a week; failures in percent of all; lead times in hours."""

    per_week: float
    successes: int
    change_failure_rate: float | None
    total: int
    lead_time_p50: float | None
    lead_time_p85: float | None
    lead_time_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFigures:
    """Minutes from the start of an incident to its end, for those that ended in the window."""

    median: float | None
    mean: float | None
    sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectFigures:
    """Share of defects found in UAT or production; ``matrix`` counts (introduced, found) where the origin is known."""

    escape_rate: float | None
    sample: int
    matrix: dict[tuple[str, str], int]
    unattributed_pct: float | None


def review_hours(plan: Plan, scope: Scope, *, since: datetime) -> list[float]:
    """Hours to the first review by another person, of the pull requests that ended in the window."""
    hours = []
    for request in plan.requests:
        happened = [event for event in request.events if event.at < scope.as_of]
        turns = [event for event in happened if event.what in {"closed", "merged", "reopened"}]
        if not turns or turns[-1].what == "reopened" or turns[-1].at < since:
            continue
        first = next((event.at for event in happened if event.what == "review" and _counts(event.actor, request)), None)
        if first is not None and scope.holds_request(request, request.repository.tech_stream):
            hours.append((first - request.opened_at) / _HOUR)
    return hours


def _counts(reviewer: object, request: PullRequest) -> bool:
    return not isinstance(reviewer, Bot) and reviewer != request.author


def deployment_figures(plan: Plan, scope: Scope, *, since: datetime, days: int) -> DeploymentFigures:
    """Frequency, change failure rate and lead time of the production deployments that ended in the window."""
    undone = {deployment.run_id for deployment in _rolled_back(plan, scope.as_of)}
    blamed = {blame.run_id for _, blame in _blamed(plan, scope.as_of) if blame is not None}
    inside = [
        deployment
        for deployment in _production(plan, scope.as_of)
        if deployment.completed_at >= since
        and scope.holds_request(deployment.request, deployment.repository.tech_stream)
    ]
    counted = [deployment for deployment in inside if not deployment.config_only]
    successes = sum(one.outcome == "success" and one.run_id not in undone for one in counted)
    failures = sum(one.run_id in undone or one.run_id in blamed for one in counted)
    hours = [
        (deployment.completed_at - deployment.request.opened_at) / _HOUR
        for deployment in inside
        if deployment.outcome == "success" and deployment.request is not None
    ]
    return DeploymentFigures(
        per_week=successes / days * 7,
        successes=successes,
        change_failure_rate=failures / len(counted) * 100 if counted else None,
        total=len(counted),
        lead_time_p50=percentile(hours, 50),
        lead_time_p85=percentile(hours, 85),
        lead_time_sample=len(hours),
    )


def _production(plan: Plan, as_of: datetime) -> list[Deployment]:
    """Production deployments over by a time; one that was cancelled never was one."""
    return [
        deployment
        for deployment in plan.deployments
        if deployment.environment == "production"
        and deployment.outcome != "cancelled"
        and deployment.completed_at < as_of
    ]


def _rolled_back(plan: Plan, as_of: datetime) -> Iterator[Deployment]:
    """What each rollback undid: the deployment it names, else the latest success of the repository."""
    for rollback in plan.rollbacks:
        if rollback.completed_at >= as_of:
            continue
        if rollback.named:
            yield rollback.undone
            continue
        earlier = [
            deployment
            for deployment in _production(plan, rollback.completed_at)
            if deployment.repository == rollback.repository and deployment.outcome == "success"
        ]
        yield max(earlier, key=lambda deployment: deployment.completed_at)


def _blamed(plan: Plan, as_of: datetime) -> Iterator[tuple[Incident, Deployment | None]]:
    """Each incident that began, with the deployment that is blamed for it, if any."""
    for incident in plan.incidents:
        if incident.started_at >= as_of:
            continue
        mine = _service(plan, incident)
        near = [
            deployment
            for deployment in _production(plan, as_of)
            if deployment.outcome == "success"
            and deployment.repository.tech_stream == mine.tech_stream
            and timedelta(0) <= incident.started_at - deployment.completed_at <= CORRELATION_WINDOW
        ]
        ranked = sorted(near, key=lambda deployment: (deployment.repository == mine, deployment.completed_at))
        yield incident, ranked[-1] if ranked else None


def _service(plan: Plan, incident: Incident) -> Repository:
    """The repository whose deployment target an incident names, in full or after the colon."""
    return next(
        repository
        for repository in plan.company.repositories
        if repository.deploy_target is not None
        and incident.service in {repository.deploy_target, repository.deploy_target.partition(":")[2]}
    )


def restore_figures(plan: Plan, scope: Scope, *, since: datetime) -> RestoreFigures:
    """Time to restore of the incidents that ended in the window."""
    minutes = []
    for incident, blame in _blamed(plan, scope.as_of):
        over = incident.resolved_at
        if over is None or not since <= over < scope.as_of:
            continue
        request = blame.request if blame is not None else None
        if scope.holds_request(request, _service(plan, incident).tech_stream):
            minutes.append((over - incident.started_at) / _MINUTE)
    return RestoreFigures(median=percentile(minutes, 50), mean=mean(minutes), sample=len(minutes))


def defect_figures(plan: Plan, scope: Scope, *, since: datetime) -> DefectFigures:
    """Defects with any event in the window, by their latest attribution."""
    pairs: list[tuple[str | None, str]] = []
    for ticket in plan.tickets:
        if ticket.first.issue_type == "Bug" and ticket.created_at < scope.as_of and scope.holds(ticket):
            events, introduced = _attribution(ticket, scope.as_of)
            if events[-1] >= since:
                pairs.append((introduced, _found_in(plan, ticket)))
    unknown = sum(introduced is None for introduced, _ in pairs)
    return DefectFigures(
        escape_rate=sum(found in {"uat", "production"} for _, found in pairs) / len(pairs) * 100 if pairs else None,
        sample=len(pairs),
        matrix=dict(Counter((introduced, found) for introduced, found in pairs if introduced is not None)),
        unattributed_pct=unknown / len(pairs) * 100 if pairs else None,
    )


def _attribution(ticket: Ticket, as_of: datetime) -> tuple[list[datetime], str | None]:
    """When the defect was logged and attributed, and to what by then."""
    events, introduced = [ticket.created_at], ticket.first.introduced_in
    for change, before, after in ticket.until(as_of):
        if after.introduced_in != before.introduced_in:
            events.append(change.at)
            introduced = after.introduced_in
    return events, introduced.lower() if introduced else None


def _found_in(plan: Plan, ticket: Ticket) -> str:
    """The bug's own field, else the stage that its parent was in when it was logged."""
    if ticket.first.found_in is not None:
        return ticket.first.found_in.lower()
    parent = ticket.parent.state_at(ticket.created_at) if ticket.parent is not None else None
    if parent is None:
        return "unknown"
    return plan.company.project(parent.project).workflow[parent.step].stage or "unknown"
