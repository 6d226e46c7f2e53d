"""One week's new tickets of one delivery stream, with the bugs that they breed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dpp.adapters.simulation.calendar import is_working_day
from dpp.adapters.simulation.company import SHARED_PROJECT, ZONE, Company, DeliveryStream
from dpp.adapters.simulation.lives import DevPass, Life, live, work_the_weekend
from dpp.adapters.simulation.rates import Rates
from dpp.adapters.simulation.side_changes import add_side_changes
from dpp.adapters.simulation.tickets import Change, IssueState, Ticket

_VERBS = ("Add", "Rework", "Support", "Expose", "Retire", "Speed up", "Simplify", "Validate", "Show", "Limit")
_NOUNS = (
    "retry logic", "card tokenisation", "address lookup", "consent screen", "audit trail", "refund flow",
    "statement export", "session timeout", "currency rounding", "identity check", "usage report", "event replay",
    "search filter", "rate limiting", "document upload", "ledger reconciliation",
)  # fmt: skip
_SYMPTOMS = ("fails for", "is slow with", "shows stale data in", "rejects valid", "loses", "duplicates")
_PRIORITIES = ("Highest", "High", "Medium", "Medium", "Medium", "Low", "Lowest")
_ORIGINS = ("BA", "DEV", "DEV", "DEV", "QA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A ticket and the times through development that its pull requests come from."""

    ticket: Ticket
    passes: tuple[DevPass, ...]


@dataclass(slots=True, kw_only=True)
class Numbers:
    """What Jira has handed out so far: issue ids and the last number of each project."""

    issue: int = 10_000
    keys: dict[str, int]

    def new_key(self, project: str) -> str:
        """The next free key of a project."""
        self.keys[project] += 1
        return f"{project}-{self.keys[project]}"

    def new_id(self) -> int:
        """The next issue id."""
        self.issue += 1
        return self.issue


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPlanner:
    """Draws the tickets of a week from a generator of their own."""

    rng: random.Random
    rates: Rates
    company: Company
    numbers: Numbers

    def week(self, stream: DeliveryStream, *, start: datetime, items: int) -> Iterator[Worked]:
        """Tickets created in the week that begins at ``start``, each followed by its bugs (which may come later)."""
        for _ in range(max(1, round(items * self.rng.uniform(0.7, 1.3)))):
            kind = self.rng.choices(("Story", "Task", "Spike", "Bug"), (6, 3, 0.6, 1))[0]
            found = self.rng.choice((None, "DEV", "QA", "QA", "UAT", "Production")) if kind == "Bug" else None
            worked = self._ticket(stream, kind=kind, at=self._moment(start), found=found)
            yield worked
            if kind != "Bug":
                yield from self._bugs(stream, worked)

    def _moment(self, start: datetime) -> datetime:
        """Some time in the week: mostly office hours, now and then whenever."""
        if self.rng.random() < self.rates.off_hours:
            return start + timedelta(seconds=self.rng.uniform(0, 7 * 86400 - 60))
        while True:
            day = (start + timedelta(days=self.rng.randrange(7))).astimezone(ZONE)
            at = day.replace(hour=9, minute=0) + timedelta(seconds=self.rng.uniform(0, 9 * 3600))
            if is_working_day(at.date()) and start <= at < start + timedelta(days=7):
                return at.astimezone(UTC)

    def _ticket(
        self, stream: DeliveryStream, *, kind: str, at: datetime, parent: Ticket | None = None, found: str | None = None
    ) -> Worked:
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        weekend = kind != "Bug" and self.rng.random() < self.rates.weekend_job
        first, touches = self._first(stream, kind=kind, weekend=weekend, found=found)
        life = Life(rng=self.rng, rates=self.rates, stream=stream, at=at, step=first.step)
        if weekend:
            work_the_weekend(life)
        else:
            live(life, kind=kind.lower())
        if kind == "Bug":
            _attribute(life, first)
        add_side_changes(life, company=self.company, first=first, created_at=at, new_key=self.numbers.new_key)
        ticket = Ticket(
            jira_id=self.numbers.new_id(), first=first, created_at=at, changes=life.changes, stream=stream.name,
            touches=touches, parent=parent,
        )  # fmt: skip
        ticket.replay()
        return Worked(ticket=ticket, passes=tuple(life.passes))

    def _first(
        self, stream: DeliveryStream, *, kind: str, weekend: bool, found: str | None
    ) -> tuple[IssueState, tuple[str, ...]]:
        rng, rates = self.rng, self.rates
        own = next(project.key for project in self.company.projects if project.stream == stream.name)
        project = SHARED_PROJECT if rng.random() < rates.shared_project else own
        touches = tuple(rng.sample(stream.touches, k=rng.choice((1, 1, 1, 2))))
        tech = () if rng.random() < rates.tech_field_empty else tuple(self._spelt(name) for name in touches)
        step = "todo"
        if rng.random() < rates.created_active and not weekend:
            step = rng.choice(("dev", "dev", "analysis", "dev_queue"))
        first = IssueState(
            key=self.numbers.new_key(project),
            project=project,
            issue_type=kind,
            summary=self._summary(kind),
            description="As a customer I want this to work as documented. " * rng.randrange(1, 5),
            step=step,
            priority=rng.choice(_PRIORITIES),
            reporter=rng.choice(stream.team),
            story_points=rng.choice((None, 1.0, 2.0, 3.0, 5.0, 8.0)),
            tech_field=tech,
            found_in=found,
            introduced_in=rng.choice(_ORIGINS) if kind == "Bug" and rng.random() < 0.3 else None,
            rank=rng.randrange(1, 99999),
            **(self._tags(stream) if project == SHARED_PROJECT else {}),
        )
        return first, touches

    def _summary(self, kind: str) -> str:
        noun = self.rng.choice(_NOUNS)
        if kind == "Bug":
            return f"{noun.capitalize()} {self.rng.choice(_SYMPTOMS)} some accounts"
        return f"{self.rng.choice(_VERBS)} {noun}"

    def _spelt(self, tech_stream: str) -> str:
        """A technology stream as people write it: mostly its display name, sometimes its name."""
        return tech_stream if self.rng.random() < 0.15 else self.company.tech_stream(tech_stream).display_name

    def _tags(self, stream: DeliveryStream) -> dict[str, Any]:
        """Where a ticket of the shared project says which stream it belongs to, if it does."""
        if self.rng.random() < self.rates.untagged:
            return {}
        return self.rng.choice(
            (
                {"stream_field": stream.display_name},
                {"stream_field": f"{stream.display_name.upper()} "},
                {"labels": (stream.name, "shared")},
                {"components": (stream.display_name,)},
            )
        )

    def _bugs(self, stream: DeliveryStream, worked: Worked) -> Iterator[Worked]:
        """Bugs found while the ticket was tested, accepted or used."""
        rates, ticket = self.rates, worked.ticket
        for step, rate, field in (("qa", rates.bug_in_qa, "QA"), ("uat", rates.bug_in_uat, "UAT")):
            for entered, left in _stays(ticket, step):
                if self.rng.random() < rate:
                    found = field if self.rng.random() < 0.5 else None
                    at = entered + (left - entered) * self.rng.uniform(0.3, 0.7)
                    yield self._ticket(stream, kind="Bug", at=at, parent=ticket, found=found)
        for entered, left in _stays(ticket, "done"):
            if self.rng.random() < rates.bug_in_production:
                at = entered + min(left - entered, timedelta(days=12)) * self.rng.uniform(0.1, 0.9)
                yield self._ticket(stream, kind="Bug", at=at, parent=ticket, found="Production")


def _stays(ticket: Ticket, step: str) -> Iterator[tuple[datetime, datetime]]:
    """When a ticket entered and left a step; one that it is in to the end counts as left after 20 days."""
    here, since = ticket.first.step, ticket.created_at
    for change, _, after in ticket.entries[1:]:
        if after.step != here or change.kind == "deleted":
            if here == step:
                yield since, change.at
            here, since = after.step, change.at
    if here == step:
        yield since, since + timedelta(days=20)


def _attribute(life: Life, first: IssueState) -> None:
    """Triage: say later where a bug came from, and sometimes think better of it."""
    steps = [change.at for change in life.changes if "step" in change.sets]
    chosen = [at for at in life.rng.sample(steps, k=min(len(steps), 2)) if life.chance(0.5)]
    origin = first.introduced_in
    for at in sorted(at + timedelta(minutes=life.rng.uniform(1, 50)) for at in chosen):
        origin = life.rng.choice([other for other in ("BA", "DEV", "QA") if other != origin])
        life.changes.append(Change(at=at, author=life.rng.choice(life.stream.team), sets={"introduced_in": origin}))
