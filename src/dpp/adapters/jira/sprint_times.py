"""What state a sprint was in at a past moment: a ticket's history names sprints by number only (§4.2.5, §5.2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dpp.adapters.jira.sprints import Sprint, described
from dpp.adapters.jira.times import moment
from dpp.domain.events import SprintFact


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintLife:
    """A sprint as it is known now, with the moments at which it was started and closed, where it was."""

    sprint: Sprint
    started_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def id(self) -> str:
        """Jira's number of the sprint."""
        return self.sprint.id

    def state_at(self, at: datetime) -> str | None:
        """Return what Jira called the sprint at a moment; what is not planned yet is ``future`` at any."""
        if self.sprint.state not in {"active", "closed"}:
            return self.sprint.state
        if self.started_at is not None and at < self.started_at:
            return "future"
        over = self.sprint.state == "closed" and (self.closed_at is None or at >= self.closed_at)
        return "closed" if over else "active"

    def written(self, at: datetime) -> dict[str, Any]:
        """Return the sprint as a ticket's field would have shown it at a moment."""
        sprint = self.sprint
        return {
            "id": int(sprint.id),
            "name": sprint.name,
            "state": self.state_at(at),
            "startDate": sprint.start.isoformat() if sprint.start else None,
            "endDate": sprint.end.isoformat() if sprint.end else None,
            "goal": sprint.goal,
        }

    def fact(self, seen_at: datetime) -> SprintFact | None:
        """Return what Jira says of the sprint; None without a name or a state.

        A closed sprint was so from its closing on, however late anybody looks; of the others the look counts.
        """
        return self.sprint.fact(self.closed_at if self.sprint.state == "closed" and self.closed_at else seen_at)


Sprints = Mapping[str, SprintLife]
"""Sprints by Jira's number."""


def sprint_lives(value: object) -> Sprints:
    """Return the sprints of a ticket's field, or of a list of the Agile API, by number; empty for anything else."""
    values = value if isinstance(value, list) else [value]
    return _by_id(found for one in values if (found := _life(one)))


def _life(value: object) -> SprintLife | None:
    found = described(value)
    if found is None:
        return None
    sprint, said = found
    started = moment(_text(said.get("activatedDate"))) or moment(_text(said.get("startDate")))
    closed = moment(_text(said.get("completeDate"))) or moment(_text(said.get("endDate")))
    return SprintLife(sprint=sprint, started_at=started, closed_at=closed if sprint.state == "closed" else None)


def _by_id(found: Iterable[SprintLife]) -> Sprints:
    return {life.id: life for life in found}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
