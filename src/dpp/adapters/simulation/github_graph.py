"""Pull requests of the simulated organisation in the shapes of GitHub's GraphQL API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dpp.adapters.simulation.github_objects import github_time
from dpp.adapters.simulation.people import Account, Bot
from dpp.adapters.simulation.pull_requests import PrEvent, PullRequest

Json = dict[str, Any]
_TIMELINE = {"closed": "ClosedEvent", "reopened": "ReopenedEvent", "merged": "ClosedEvent"}


def pull_request_node(request: PullRequest, now: datetime, *, reviews: int) -> Json:
    """A pull request as it stands, with the first of its reviews and what happened to it."""
    events = [event for event in request.events if event.at < now]
    over = next((event for event in reversed(events) if event.what in {"closed", "merged", "reopened"}), None)
    ended = over if over is not None and over.what != "reopened" else None
    merged = ended is not None and ended.what == "merged"
    return {
        "fullDatabaseId": str(request.github_id), "number": request.number, "title": request.title,
        "body": request.body or "", "isDraft": False, "merged": merged, "createdAt": github_time(request.opened_at),
        "updatedAt": github_time(events[-1].at), "closedAt": github_time(ended.at) if ended else None,
        "mergedAt": github_time(ended.at) if ended and merged else None, "additions": request.additions,
        "deletions": request.deletions, "changedFiles": request.changed_files,
        "totalCommentsCount": 1 + sum(event.what == "review" for event in events),
        "headRefName": request.branch, "headRefOid": events[-1].head, "baseRefName": "main",
        "mergeCommit": {"oid": request.merge_commit} if merged else None, "author": _who(request.author),
        "reviews": reviews_page(request, now, after=None, most=reviews),
        "timelineItems": {
            "nodes": [
                {"__typename": _TIMELINE[event.what], "createdAt": github_time(event.at)}
                for event in events
                if event.what in _TIMELINE
            ]
        },
    }  # fmt: skip


def reviews_page(request: PullRequest, now: datetime, *, after: str | None, most: int) -> Json:
    """A page of reviews; one that was dismissed says so, and no more what it had been."""
    told = [event for event in request.events if event.what == "review" and event.at < now]
    start = int(after or 0)
    return {
        "pageInfo": {"hasNextPage": start + most < len(told), "endCursor": str(start + most)},
        "nodes": [_review(request, event, now) for event in told[start : start + most]],
    }


def owners(requests: Iterable[PullRequest], wanted: Iterable[tuple[str, str]], now: datetime) -> Json:
    """The pull requests that commits belong to, by the names that a query gave the commits."""
    by_commit = {event.head: request for request in requests for event in request.events if event.what == "pushed"}
    return {name: _owner(by_commit.get(oid), now) for name, oid in wanted}


def _owner(request: PullRequest | None, now: datetime) -> Json:
    if request is None:
        return {"associatedPullRequests": {"nodes": []}}
    heads = [event.head for event in request.events if event.what == "pushed" and event.at < now]
    commits = [{"commit": {"oid": head}} for head in heads]
    return {"associatedPullRequests": {"nodes": [{"headRefName": request.branch, "commits": {"nodes": commits}}]}}


def _review(request: PullRequest, event: PrEvent, now: datetime) -> Json:
    later = (one for one in request.events if event.at < one.at < now)
    dismissed = any(one.what == "dismissed" and _is_last_before(request, event, one) for one in later)
    return {
        "fullDatabaseId": str(event.event_id),
        "state": "DISMISSED" if dismissed else event.review_state.upper(),
        "submittedAt": github_time(event.at),
        "commit": {"oid": event.head},
        "author": _who(event.actor),
    }


def _is_last_before(request: PullRequest, review: PrEvent, dismissal: PrEvent) -> bool:
    before = [one for one in request.events if one.what == "review" and one.at <= dismissal.at]
    return max(before, key=lambda one: one.at) is review


def _who(who: Account) -> Json:
    is_bot = isinstance(who, Bot)
    # GraphQL leaves out the suffix that REST puts behind a bot's name.
    login = who.login.removesuffix("[bot]") if is_bot else who.login
    return {"__typename": "Bot" if is_bot else "User", "login": login, "databaseId": who.github_id}
