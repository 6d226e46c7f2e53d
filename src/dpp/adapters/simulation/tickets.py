"""A ticket as Jira knows it: what it was when created, and every change since, in order.

Changes carry new values only. Replaying them gives the state after each one, from which the wire format takes its old
and new values and the truth its timeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from dpp.adapters.simulation.company import Status
from dpp.adapters.simulation.people import Person

Kind = Literal["created", "updated", "commented", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueState:
    """The fields of a ticket at one time. ``step`` names the workflow step; ``sprints`` is oldest first."""

    key: str
    project: str
    issue_type: str
    summary: str
    description: str
    step: str
    priority: str
    reporter: Person
    assignee: Person | None = None
    resolution: str | None = None
    resolved_at: datetime | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    story_points: float | None = None
    sprints: tuple[int, ...] = ()
    flagged: bool = False
    blocking: str | None = None
    stream_field: str | None = None
    tech_field: tuple[str, ...] = ()
    found_in: str | None = None
    introduced_in: str | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A changelog entry, comment or deletion. ``sets`` holds the new values; ``same_status`` is a noise transition."""

    at: datetime
    author: Person
    kind: Kind = "updated"
    sets: dict[str, Any] = field(default_factory=dict)
    same_status: bool = False
    text: str = ""


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A ticket's whole life. ``touches`` is what its pull requests work on, whatever its fields say."""

    jira_id: int
    first: IssueState
    created_at: datetime
    changes: list[Change]
    stream: str | None
    touches: tuple[str, ...]
    parent: Ticket | None = None
    entries: list[tuple[Change, IssueState, IssueState]] = field(default_factory=list)

    def replay(self) -> None:
        """Put the changes in order and work out the state before and after each."""
        self.changes.sort(key=lambda change: change.at)
        state = self.first
        self.entries = [(Change(at=self.created_at, author=state.reporter, kind="created"), state, state)]
        for change in self.changes:
            after = replace(state, **change.sets)
            if after == state and change.kind == "updated" and not change.same_status:
                continue  # an edit that leaves everything as it was is none, and Jira sends nothing
            if after.resolution != state.resolution:
                after = replace(after, resolved_at=change.at if after.resolution else None)
            self.entries.append((change, state, after))
            state = after

    def until(self, as_of: datetime) -> Iterator[tuple[Change, IssueState, IssueState]]:
        """Entries before a time, oldest first: (change, state before, state after)."""
        for entry in self.entries:
            if entry[0].at >= as_of:
                return
            yield entry

    def state_at(self, as_of: datetime) -> IssueState | None:
        """The state as of a time; None before creation and after deletion."""
        found: IssueState | None = None
        for change, _, after in self.until(as_of):
            found = None if change.kind == "deleted" else after
        return found


def status_of(workflows: dict[str, dict[str, Status]], state: IssueState) -> Status:
    """The Jira status of a state in its project's workflow."""
    return workflows[state.project][state.step]
