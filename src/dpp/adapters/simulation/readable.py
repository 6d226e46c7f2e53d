"""What people see who follow a link to the simulated organisation: a ticket or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape

from dpp.adapters.simulation.plan import Plan
from dpp.adapters.simulation.pull_requests import PrEvent, PullRequest
from dpp.adapters.simulation.tickets import IssueState, Ticket

_TICKET = re.compile(r"/browse/([A-Z][A-Z0-9]*-\d+)")
_REQUEST = re.compile(r"/([\w.-]+/[\w.-]+)/pull/(\d{1,9})")
_COMMIT = re.compile(r"/([\w.-]+/[\w.-]+)/commit/([0-9a-f]{7,40})")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1.5rem .2rem 0;vertical-align:top}"
    "p.note{color:#57606a}"
)
_WHAT = {
    "pushed": "first push", "opened": "opened", "synchronize": "pushed again", "labeled": "labelled",
    "review": "reviewed", "dismissed": "review dismissed", "closed": "closed", "reopened": "opened again",
    "merged": "merged",
}  # fmt: skip


def readable_page(plan: Plan, path: str, now: datetime) -> str | None:
    """Return the page at a path as of a moment, HTML; None when there is no such thing, or not yet."""
    if found := _TICKET.fullmatch(path):
        ticket = next((one for one in plan.tickets if found[1] in _keys(one, now)), None)
        return None if ticket is None else _ticket_page(plan, ticket, now)
    if found := _REQUEST.fullmatch(path):
        wanted = (found[1], int(found[2]))
        return _first_page((one for one in plan.requests if (one.repository.full_name, one.number) == wanted), now)
    if found := _COMMIT.fullmatch(path):
        name, commit = found[1], found[2]
        return _first_page(
            (
                one
                for one in plan.requests
                if one.repository.full_name == name and any(sha.startswith(commit) for sha in _commits(one))
            ),
            now,
        )
    return None


def _keys(ticket: Ticket, now: datetime) -> set[str]:
    """Return every key that a ticket has had: a former one leads to it."""
    return {after.key for _, _, after in ticket.until(now)} if ticket.state_at(now) is not None else set()


def _commits(request: PullRequest) -> Iterator[str]:
    yield request.merge_commit
    yield from (event.head for event in request.events)


def _first_page(found: Iterable[PullRequest], now: datetime) -> str | None:
    request = next((one for one in found if one.opened_at < now), None)
    return None if request is None else _request_page(request, now)


def _ticket_page(plan: Plan, ticket: Ticket, now: datetime) -> str:
    told = list(ticket.until(now))
    state = told[-1][2]
    workflow = plan.company.project(state.project).workflow
    facts = [
        ("Type", escape(state.issue_type)),
        ("Status", escape(workflow[state.step].name)),
        ("Priority", escape(state.priority)),
        ("Sprint", escape(plan.company.sprint(state.sprints[-1]).name if state.sprints else "none")),
        ("Story points", "none" if state.story_points is None else f"{state.story_points:g}"),
        ("Pull requests", ", ".join(_request_link(one) for one in _requests_of(plan, ticket, now)) or "none"),
    ]
    changes = [
        (change.at, escape(_change(before, after, workflow[after.step].name, change.kind)))
        for change, before, after in told
    ]
    return _page(f"{state.key} {state.summary}", facts, changes)


def _requests_of(plan: Plan, ticket: Ticket, now: datetime) -> Iterator[PullRequest]:
    return (one for one in plan.requests if one.ticket is ticket and one.opened_at < now)


def _change(before: IssueState, after: IssueState, status: str, kind: str) -> str:
    if kind != "updated":
        return kind
    if before.step != after.step:
        return f"status is now {status}"
    if before.flagged != after.flagged:
        return "flagged as blocked" if after.flagged else "no longer blocked"
    return "updated"


def _request_page(request: PullRequest, now: datetime) -> str:
    events = [event for event in request.events if event.at < now]
    ended = next((one.what for one in reversed(events) if one.what in {"merged", "closed", "reopened"}), "open")
    ticket = request.ticket.state_at(now) if request.ticket else None
    facts = [
        ("Repository", escape(request.repository.full_name)),
        ("State", {"merged": "merged", "closed": "closed"}.get(ended, "open")),
        ("Branch", escape(request.branch)),
        ("Author", escape(request.author.login)),
        ("Lines", f"+{request.additions} −{request.deletions} in {request.changed_files} files"),
        ("Ticket", _link(f"/browse/{ticket.key}", ticket.key) if ticket else "none"),
    ]
    return _page(f"{request.title} #{request.number}", facts, [(one.at, escape(_event(one))) for one in events])


def _event(event: PrEvent) -> str:
    verdict = f": {event.review_state.replace('_', ' ')}" if event.review_state else ""
    return f"{_WHAT[event.what]} by {event.actor.login}{verdict}"


def _request_link(request: PullRequest) -> str:
    name = f"{request.repository.full_name}#{request.number}"
    return _link(f"/{request.repository.full_name}/pull/{request.number}", name)


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _page(title: str, facts: Iterable[tuple[str, str]], happened: Iterable[tuple[datetime, str]]) -> str:
    """Return a page; values of ``facts`` and texts of ``happened`` are HTML already."""
    rows = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{value}</td></tr>" for name, value in facts)
    history = "".join(
        f"<tr><td><time>{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC</time></td><td>{text}</td></tr>"
        for at, text in happened
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<main><h1>{escape(title)}</h1><p class=note>A part of the simulated organisation; nothing here is real.</p>"
        f"<table>{rows}</table><h2>What happened</h2><table>{history}</table></main></html>"
    )
