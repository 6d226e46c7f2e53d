"""What is sent, when, and in which bytes: the plan's moments, encoded one at a time as they are asked for."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from dpp.adapters.simulation import github_wire, jira_wire, push_wire
from dpp.adapters.simulation.company import Company, Repository, TechStream
from dpp.adapters.simulation.plan import WEEK, Plan, Week
from dpp.adapters.simulation.pull_requests import PullRequest
from dpp.adapters.simulation.releases import Deployment, Incident, Rollback
from dpp.adapters.simulation.surveys import Answer, answers_between
from dpp.adapters.simulation.tickets import Ticket

Source = Literal["github", "jira", "deployment", "incident", "survey"]
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One HTTP POST. ``at`` is when the source would send it; headers carry no signature yet."""

    at: datetime
    path: str
    headers: dict[str, str]
    body: bytes
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A delivery not yet encoded. ``happened`` is the source's own time; a late report is sent ``at`` a later one."""

    at: datetime
    happened: datetime
    source: Source
    event: str
    body: Callable[[], bytes]

    def delivery(self, *, number: int, seed: int) -> Delivery:
        """Encode; ``number`` is unique in the plan and gives the delivery its id."""
        path, headers = {
            "github": (github_wire.PATH, partial(github_wire.github_headers, self.event, number, seed)),
            "jira": (jira_wire.PATH, partial(jira_wire.jira_headers, number)),
            "deployment": (push_wire.DEPLOYMENT_PATH, partial(push_wire.push_headers, self.event or None)),
            "incident": (push_wire.INCIDENT_PATH, partial(push_wire.push_headers, self.event or None)),
            "survey": (push_wire.SURVEY_PATH, partial(push_wire.push_headers, self.event or None)),
        }[self.source]
        return Delivery(at=self.at, path=path, headers=headers(), body=self.body(), source=self.source)


def signed(delivery: Delivery, *, github_secret: bytes, jira_secret: bytes, api_key: str) -> Delivery:
    """The delivery with its source's proof: an HMAC-SHA256 over the raw body, or the API key."""
    if delivery.source == "github":
        proof = {"X-Hub-Signature-256": _signature(github_secret, delivery.body)}
    elif delivery.source == "jira":
        proof = {"X-Hub-Signature": _signature(jira_secret, delivery.body)}
    else:
        proof = {"Authorization": f"Bearer {api_key}"}
    return replace(delivery, headers=delivery.headers | proof)


def _signature(secret: bytes, body: bytes) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def moments_of_week(plan: Plan, week: Week) -> Iterator[Moment]:
    """All that a week's plan will have sent, in no particular order of time but always in the same."""
    company = plan.company
    if week.number == 0:
        for stream in company.tech_streams:
            yield from _installation(company, stream, week.start)
    for ticket in week.tickets:
        yield from _ticket(company, ticket)
    for request in week.requests:
        yield from _request(company, request)
    yield from _deployments(company, week.deployments)
    for rollback in week.rollbacks:
        yield from _rollback(rollback)
    for incident in week.incidents:
        yield from _incident(incident)
    for answer in answers_between(company, seed=plan.seed, start=week.start, end=week.start + WEEK):
        yield _answer(answer)


def _github(at: datetime, event: str, body: Callable[[], bytes]) -> Moment:
    return Moment(at=at, happened=at, source="github", event=event, body=body)


def _installation(company: Company, stream: TechStream, start: datetime) -> Iterator[Moment]:
    sender = company.people[0]
    yield _github(start, "ping", partial(github_wire.ping_body, stream, start))
    if stream.app_installed:
        yield _github(start + _SECOND, "installation", partial(github_wire.installation_body, stream, sender, start))
    newest: Repository = stream.repositories[-1]
    yield _github(start + 2 * _SECOND, "repository", partial(github_wire.repository_body, company, newest, sender))


def _ticket(company: Company, ticket: Ticket) -> Iterator[Moment]:
    for place, (change, _, _) in enumerate(ticket.entries):
        body = partial(jira_wire.jira_body, company, ticket, place)
        yield Moment(at=change.at, happened=change.at, source="jira", event=change.kind, body=body)


def _request(company: Company, request: PullRequest) -> Iterator[Moment]:
    for event in request.events:
        body = partial(github_wire.pr_body, company, request, event)
        yield _github(event.at, github_wire.pr_event_name(event), body)
    actions: tuple[github_wire.RunAction, ...] = ("requested", "in_progress", "completed")
    for build in request.builds:
        for action, at in zip(actions, (build.requested_at, build.started_at, build.completed_at), strict=True):
            yield _github(at, "workflow_run", partial(github_wire.run_body, company, request, build, action))


def _deployments(company: Company, deployments: tuple[Deployment, ...]) -> Iterator[Moment]:
    live: dict[tuple[str, str], Deployment] = {}
    for deployment in sorted(deployments, key=lambda one: one.completed_at):
        if deployment.repository.releases == "push":
            key = f"{deployment.repository.name}-{deployment.run_id}" if int(deployment.run_id[-1]) % 3 else ""
            body = partial(push_wire.deployment_push, deployment)
            at = deployment.completed_at
            yield Moment(at=at, happened=at, source="deployment", event=key, body=body)
            continue
        yield from _github_deployment(company, deployment)
        if deployment.outcome == "success":
            place = (deployment.repository.full_name, deployment.environment)
            superseded, live[place] = live.get(place), deployment
            if superseded is not None:
                yield _status(company, superseded, "inactive", deployment.completed_at + _SECOND)


def _github_deployment(company: Company, deployment: Deployment) -> Iterator[Moment]:
    started = deployment.started_at
    yield _github(started, "deployment", partial(github_wire.deployment_body, company, deployment))
    yield _status(company, deployment, "queued", started)
    yield _status(company, deployment, "in_progress", started + 3 * _SECOND)
    yield _status(company, deployment, deployment.outcome, deployment.completed_at)


def _status(company: Company, deployment: Deployment, state: str, at: datetime) -> Moment:
    number = github_wire.status_number(deployment, state)
    body = partial(github_wire.deployment_status_body, company, deployment, state, at, number)
    return _github(at, "deployment_status", body)


def _rollback(rollback: Rollback) -> Iterator[Moment]:
    for stage, at in (("rollback_initiated", rollback.initiated_at), ("rollback_completed", rollback.completed_at)):
        body = partial(push_wire.rollback_push, rollback, stage)
        yield Moment(at=at, happened=at, source="deployment", event=f"{rollback.run_id}-{stage}", body=body)


def _incident(incident: Incident) -> Iterator[Moment]:
    names = {"alarm": ("alarm_triggered", "alarm_resolved"), "incident": ("incident_opened", "incident_resolved")}
    for pair in incident.pairs:
        began, over = names[pair]
        sent = incident.started_at
        if incident.resolution_first and incident.resolved_at is not None:
            sent = incident.resolved_at + 5 * _SECOND
        yield _incident_moment(incident, began, incident.started_at, sent)
        if incident.resolved_at is not None:
            yield _incident_moment(incident, over, incident.resolved_at, incident.resolved_at)


def _incident_moment(incident: Incident, event_type: str, happened: datetime, sent: datetime) -> Moment:
    body = partial(push_wire.incident_push, incident, event_type, happened)
    key = f"{incident.incident_id}-{event_type}"
    return Moment(at=sent, happened=happened, source="incident", event=key, body=body)


def _answer(answer: Answer) -> Moment:
    key = f"survey-{answer.month}-{answer.stream}-{answer.respondent}-{answer.number}"
    body = partial(push_wire.survey_push, answer)
    return Moment(at=answer.given_at, happened=answer.given_at, source="survey", event=key, body=body)
