"""Webhook deliveries of GitHub: pull requests, reviews, pushes, workflow runs, deployments, and how it all began."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec

from dpp.adapters.simulation.company import Company, Repository, TechStream
from dpp.adapters.simulation.github_objects import (
    API,
    WEB,
    Json,
    account,
    github_time,
    installation,
    label,
    node_id,
    organisation,
    pull_request,
    repository,
)
from dpp.adapters.simulation.people import ACTIONS_BOT, Account, Bot, Person
from dpp.adapters.simulation.pull_requests import Build, PrEvent, PullRequest
from dpp.adapters.simulation.releases import Deployment

PATH = "/api/v1/webhooks/github"
RunAction = Literal["requested", "in_progress", "completed"]
_NOTHING = "0" * 40
_PERMISSIONS = ("actions", "checks", "contents", "deployments", "metadata", "pull_requests")
_APP_ID = 29310


def github_headers(event: str, number: int, seed: int) -> dict[str, str]:
    """The headers of a delivery, unsigned; its id follows from the seed and the delivery's number."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid5(uuid.NAMESPACE_URL, f"simulation/{seed}/{number}")),
        "X-GitHub-Hook-ID": "109948940",
        "X-GitHub-Hook-Installation-Target-ID": str(_APP_ID),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }


def pr_event_name(event: PrEvent) -> str:
    """The value of X-GitHub-Event for something that happened to a pull request."""
    if event.what == "pushed":
        return "push"
    return "pull_request_review" if event.what in {"review", "dismissed"} else "pull_request"


def pr_body(company: Company, request: PullRequest, event: PrEvent) -> bytes:
    """The body of the delivery for one event of a pull request."""
    if event.what == "pushed":
        return _push(company, request, event)
    body: Json
    if event.what in {"review", "dismissed"}:
        action = "submitted" if event.what == "review" else "dismissed"
        body = {"action": action, "review": _review(request, event)}
        body["pull_request"] = pull_request(company, request, event, brief=True)
    else:
        action = "closed" if event.what == "merged" else event.what
        body = {"action": action, "number": request.number, "pull_request": pull_request(company, request, event)}
        if action == "synchronize":
            body |= {"before": event.head[::-1], "after": event.head}
        elif action == "labeled":
            body["label"] = label(request.repository)
    return _close(company, request.repository, body, event.actor)


def _review(request: PullRequest, event: PrEvent) -> Json:
    latest = max((one for one in request.events if one.what == "review" and one.at <= event.at), key=lambda one: one.at)
    found, number = request.repository.full_name, latest.event_id
    page, pull = (
        f"{WEB}/{found}/pull/{request.number}#pullrequestreview-{number}",
        f"{API}/repos/{found}/pulls/{request.number}",
    )
    return {
        "id": number,
        "node_id": node_id("PullRequestReview", number),
        "user": account(latest.actor),
        "body": None if latest.review_state == "approved" else "Please see my remarks, RFC-2119 wording applies.",
        "commit_id": latest.head,
        # A dismissed review repeats the time at which it was submitted.
        "submitted_at": github_time(latest.at),
        "state": event.review_state,
        "html_url": page,
        "pull_request_url": pull,
        "author_association": "MEMBER",
        "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
    }


def _push(company: Company, request: PullRequest, event: PrEvent) -> bytes:
    found = request.repository
    earlier = [one for one in request.events if one.what == "pushed" and one.at < event.at]
    before = earlier[-1].head if earlier else _NOTHING
    name, email = _signature(request.author)
    who = {"name": name, "email": email, "username": request.author.login}
    commit = {
        "id": event.head, "tree_id": event.head[::-1], "distinct": True,
        "message": f"{request.title}\n\nCo-authored-by: {name} <{email}>", "timestamp": github_time(event.at),
        "url": f"{WEB}/{found.full_name}/commit/{event.head}", "author": who, "committer": who,
        "added": [], "removed": [], "modified": ["src/main.kt", "README.md"],
    }  # fmt: skip
    body: Json = {
        "ref": f"refs/heads/{request.branch}", "before": before, "after": event.head,
        "created": not earlier, "deleted": False, "forced": False, "base_ref": None,
        "compare": f"{WEB}/{found.full_name}/compare/{before[:12]}...{event.head[:12]}",
        "commits": [commit], "head_commit": commit, "pusher": {"name": request.author.login, "email": email},
    }  # fmt: skip
    return _close(company, found, body, request.author, pushed=int(event.at.timestamp()))


def run_body(company: Company, request: PullRequest, build: Build, action: RunAction) -> bytes:
    """The body of a workflow run's delivery."""
    found = request.repository
    org_id = company.tech_stream(found.tech_stream).org_id
    at = {"requested": build.requested_at, "in_progress": build.started_at, "completed": build.completed_at}[action]
    api = f"{API}/repos/{found.full_name}"
    run, who = f"{api}/actions/runs/{build.run_id}", account(request.author)
    branch = request.branch if build.trigger == "pull_request" else "main"
    name, email = _signature(request.author)
    small = repository(found, org_id, minimal=True)
    workflow_id = found.github_id % 10_000_000
    reference = {"id": found.github_id, "url": api, "name": found.name}
    pulls = [
        {
            "url": f"{api}/pulls/{request.number}", "id": request.github_id, "number": request.number,
            "head": {"ref": request.branch, "sha": build.head, "repo": reference},
            "base": {"ref": "main", "sha": request.merge_commit[::-1], "repo": reference},
        }
    ]  # fmt: skip
    body: Json = {
        "action": action,
        "workflow_run": {
            "id": build.run_id, "name": "ci", "node_id": node_id("WorkflowRun", build.run_id), "head_branch": branch,
            "head_sha": build.head, "path": ".github/workflows/ci.yml", "display_title": request.title,
            "run_number": build.run_id % 1000, "event": build.trigger, "workflow_id": workflow_id,
            "status": {"requested": "queued", "in_progress": "in_progress", "completed": "completed"}[action],
            "conclusion": build.conclusion if action == "completed" else None,
            "check_suite_id": build.run_id + 1, "check_suite_node_id": node_id("CheckSuite", build.run_id + 1),
            "url": run, "html_url": f"{WEB}/{found.full_name}/actions/runs/{build.run_id}",
            "pull_requests": pulls if build.trigger == "pull_request" else [],
            "created_at": github_time(build.requested_at), "updated_at": github_time(at),
            "run_attempt": build.attempt, "run_started_at": github_time(build.requested_at),
            "previous_attempt_url": f"{run}/attempts/1" if build.attempt > 1 else None,
            "actor": who, "triggering_actor": who,
            **{f"{part}_url": f"{run}/{part}" for part in ("jobs", "logs", "artifacts", "cancel", "rerun")},
            "check_suite_url": f"{api}/check-suites/{build.run_id + 1}",
            "workflow_url": f"{api}/actions/workflows/{workflow_id}",
            "head_commit": {
                "id": build.head, "tree_id": build.head[::-1], "message": request.title,
                "timestamp": github_time(build.requested_at),
                "author": {"name": name, "email": email}, "committer": {"name": name, "email": email},
            },
            "repository": small, "head_repository": small,
        },
        "workflow": {
            "id": workflow_id, "node_id": node_id("Workflow", workflow_id), "name": "ci", "state": "active",
            "path": ".github/workflows/ci.yml", "created_at": "2022-01-01T00:00:00.000Z",
            "updated_at": "2022-01-01T00:00:00.000Z", "url": f"{api}/actions/workflows/{workflow_id}",
            "html_url": f"{WEB}/{found.full_name}/blob/main/.github/workflows/ci.yml",
            "badge_url": f"{WEB}/{found.full_name}/workflows/ci/badge.svg",
        },
    }  # fmt: skip
    return _close(company, found, body, request.author)


def deployment_body(company: Company, deployment: Deployment) -> bytes:
    """The ``deployment`` event that opens a deployment."""
    body: Json = {"action": "created", "deployment": _deployment(deployment), "workflow": None, "workflow_run": None}
    return _close(company, deployment.repository, body, ACTIONS_BOT)


def deployment_status_body(company: Company, deployment: Deployment, state: str, at: datetime, status_id: int) -> bytes:
    """A ``deployment_status`` event: queued, in_progress, success, failure, or inactive once it is superseded."""
    api = f"{API}/repos/{deployment.repository.full_name}"
    url = f"{api}/deployments/{deployment.run_id}"
    status = {
        "url": f"{url}/statuses/{status_id}", "id": status_id, "node_id": node_id("DeploymentStatus", status_id),
        "state": state, "creator": account(ACTIONS_BOT), "description": "", "environment": _environment(deployment),
        "target_url": "", "created_at": github_time(at), "updated_at": github_time(at), "deployment_url": url,
        "repository_url": api, "environment_url": "", "log_url": "", "performed_via_github_app": None,
    }  # fmt: skip
    body: Json = {"action": "created", "deployment_status": status, "deployment": _deployment(deployment)}
    body |= {"check_run": None, "workflow": None, "workflow_run": None}
    return _close(company, deployment.repository, body, ACTIONS_BOT)


def status_number(deployment: Deployment, state: str) -> int:
    """GitHub's id of a deployment's status."""
    return int(deployment.run_id) * 10 + ("queued", "in_progress", "success", "failure", "inactive").index(state)


def _environment(deployment: Deployment) -> str:
    return deployment.repository.production_name if deployment.environment == "production" else "staging"


def _deployment(deployment: Deployment) -> Json:
    api, number = f"{API}/repos/{deployment.repository.full_name}", int(deployment.run_id)
    return {
        "url": f"{api}/deployments/{number}", "id": number, "node_id": node_id("Deployment", number),
        "task": "deploy", "original_environment": _environment(deployment), "environment": _environment(deployment),
        "description": None, "created_at": github_time(deployment.started_at),
        "updated_at": github_time(deployment.started_at), "statuses_url": f"{api}/deployments/{number}/statuses",
        "repository_url": api, "creator": account(ACTIONS_BOT), "sha": deployment.commit, "ref": "main", "payload": {},
        "transient_environment": False, "production_environment": deployment.environment == "production",
        "performed_via_github_app": None,
    }  # fmt: skip


def ping_body(stream: TechStream, at: datetime) -> bytes:
    """The ping that a new webhook sends."""
    hook_id = 266_738_000 + stream.install_id
    hook = {
        "type": "App" if stream.app_installed else "Organization", "id": hook_id, "name": "web", "active": True,
        "events": ["deployment_status", "pull_request", "pull_request_review", "push", "workflow_run"],
        "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": "https://dpp.acme.example"},
        "updated_at": github_time(at), "created_at": github_time(at), "app_id": _APP_ID,
    }  # fmt: skip
    body: Json = {"zen": "Design for failure.", "hook_id": hook_id, "hook": hook}
    if not stream.app_installed:
        body["organization"] = organisation(stream.org, stream.org_id)
    return msgspec.json.encode(body)


def installation_body(stream: TechStream, sender: Person, at: datetime) -> bytes:
    """The App is installed on all repositories of an organisation."""
    account_of = {"login": stream.org, "id": stream.org_id, "node_id": node_id("Organization", stream.org_id)}
    found = {
        "id": stream.install_id, "account": account_of | {"type": "Organization", "site_admin": False},
        "repository_selection": "all", "app_id": _APP_ID, "app_slug": "acme-delivery-metrics",
        "access_tokens_url": f"{API}/app/installations/{stream.install_id}/access_tokens",
        "repositories_url": f"{API}/installation/repositories",
        "html_url": f"{WEB}/organizations/{stream.org}/settings/installations/{stream.install_id}",
        "target_id": stream.org_id, "target_type": "Organization",
        "permissions": dict.fromkeys(_PERMISSIONS, "read"),
        "events": ["deployment_status", "pull_request", "pull_request_review", "push", "workflow_run"],
        "created_at": int(at.timestamp()), "updated_at": int(at.timestamp()), "single_file_name": None,
        "suspended_at": None, "suspended_by": None,
    }  # fmt: skip
    listed = [
        {"id": one.github_id, "node_id": node_id("Repository", one.github_id), "name": one.name,
         "full_name": one.full_name, "private": True}
        for one in stream.repositories
    ]  # fmt: skip
    body: Json = {"action": "created", "installation": found, "repositories": listed, "requester": None}
    return msgspec.json.encode(body | {"sender": account(sender)})


def repository_body(company: Company, found: Repository, sender: Person) -> bytes:
    """A repository was created."""
    return _close(company, found, {"action": "created"}, sender)


def _signature(who: Account) -> tuple[str, str]:
    """Name and mail address in a commit."""
    if isinstance(who, Bot):
        return who.login, f"{who.github_id}+{who.login}@users.noreply.github.com"
    return who.name, who.email


def _close(company: Company, found: Repository, body: Json, sender: Account, *, pushed: int = 0) -> bytes:
    """Add what every delivery about a repository ends with; an organisation webhook names no installation."""
    stream = company.tech_stream(found.tech_stream)
    body["repository"] = repository(found, stream.org_id, pushed=pushed)
    body["organization"] = organisation(stream.org, stream.org_id)
    if stream.app_installed:
        body["installation"] = installation(stream)
    body["sender"] = account(sender)
    return msgspec.json.encode(body)
