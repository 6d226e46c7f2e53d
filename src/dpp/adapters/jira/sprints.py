"""The sprint field of a ticket, in all its spellings, and the sprint webhooks (§4.2.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from dpp.adapters.jira.times import day
from dpp.adapters.jira.values import cleaned, scrubbed
from dpp.domain.events import SprintFact

STATES = ("closed", "future", "active")
"""From the least to the most telling for the question in which sprint a ticket is."""

# Server writes its Java object down: …Sprint@1f[id=1,rapidViewId=2,state=ACTIVE,name=One, two,goal=,…].
# A name may hold commas.
_JAVA_OBJECT = re.compile(r"Sprint@[0-9a-f]+\[(?P<inside>.*)\]\s*$", re.DOTALL)
_JAVA_KEY = re.compile(
    r"(?:^|,)(id|rapidViewId|state|name|startDate|endDate|completeDate|activatedDate|sequence|goal|autoStartStop|synced"
    r"|incompleteIssuesDestinationId)="
)
_JAVA_NULL = "<null>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint:
    """A sprint as a ticket or a webhook names it; all but the id may be missing."""

    id: str
    name: str | None = None
    state: str | None = None
    start: date | None = None
    end: date | None = None
    goal: str | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Orders sprints by how well they answer where a ticket is now: active, else future, else the last."""
        state = STATES.index(self.state) if self.state else -1
        return (state, int(self.id) if self.id.isascii() and self.id.isdigit() else -1)

    def fact(self, at: datetime) -> SprintFact | None:
        """Return what is said of the sprint at that time; None without a name or a state."""
        if self.name is None or self.state is None:
            return None
        return SprintFact(
            event_timestamp=at,
            jira_sprint_id=self.id,
            name=self.name,
            state=self.state,
            start_date=self.start,
            end_date=self.end,
            goal=self.goal,
        )


def sprints(value: object) -> tuple[Sprint, ...]:
    """Return the sprints of a sprint field: objects, Server's texts, bare ids, one or many; empty for anything else."""
    values = value if isinstance(value, list) else [value]
    return tuple(found for found in map(sprint, values) if found)


def sprint(value: object) -> Sprint | None:
    """Return one sprint, or None when the value names none."""
    found = described(value)
    return found[0] if found else None


def described(value: object) -> tuple[Sprint, Mapping[str, object]] | None:
    """Return one sprint with all that is said of it by name, or None when the value names none."""
    said: Mapping[str, object] = {}
    if isinstance(value, dict):
        said = value
    elif isinstance(value, str) and (java := _JAVA_OBJECT.search(value)):
        said = _java_fields(java["inside"])
    else:
        said = {"id": value}
    found = _of_object(said)
    return (found, said) if found else None


def latest(found: tuple[Sprint, ...]) -> Sprint | None:
    """Return the sprint that a ticket is in: the active one, else the future one, else its last."""
    return max(found, key=lambda one: one.rank, default=None)


def _identity(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    text = str(value).strip() if isinstance(value, int | str) else ""
    return text if text.isascii() and text.isdigit() else None


def _of_object(value: Mapping[str, object]) -> Sprint | None:
    identity = _identity(value.get("id"))
    if identity is None:
        return None
    state = (cleaned(value.get("state")) or "").lower()
    return Sprint(
        id=identity,
        name=scrubbed(value.get("name")),
        state=state if state in STATES else None,
        start=day(value.get("startDate")),
        end=day(value.get("endDate")),
        goal=scrubbed(value.get("goal")),
    )


def _java_fields(inside: str) -> dict[str, str]:
    _, *parts = _JAVA_KEY.split(inside)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {key: text for key, text in pairs if text != _JAVA_NULL}
