"""The life of one ticket, drawn by chance: which steps it takes, how long each lasts, and how it ends."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dpp.adapters.simulation.calendar import some_time_after
from dpp.adapters.simulation.company import CANCELLED_RESOLUTIONS, ZONE, DeliveryStream
from dpp.adapters.simulation.people import Person
from dpp.adapters.simulation.rates import Rates
from dpp.adapters.simulation.tickets import Change

MILLISECOND = timedelta(milliseconds=1)

# Office hours that a step lasts on average.
_HOURS = {
    "todo": 20.0, "analysis": 6.0, "dev_queue": 9.0, "dev": 13.0, "review": 5.0, "qa_queue": 7.0, "qa": 5.0,
    "uat_queue": 9.0, "uat": 4.0, "done": 18.0, "parked": 20.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DevPass:
    """One time through development and review; pull requests belong to it. ``ended`` is when review was left."""

    developer: Person
    started: datetime
    review: datetime
    ended: datetime
    abandoned: bool = False


@dataclass(slots=True, kw_only=True)
class Life:
    """The steps taken so far. ``at`` is the time of the latest; ``spans`` lists (step, entered, left) of those over."""

    rng: random.Random
    rates: Rates
    stream: DeliveryStream
    at: datetime
    step: str
    changes: list[Change] = field(default_factory=list)
    spans: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    passes: list[DevPass] = field(default_factory=list)
    developer: Person | None = None
    resolution: str | None = None
    ended: bool = False

    def chance(self, rate: float) -> bool:
        """Whether something of that probability happens."""
        return self.rng.random() < rate

    def later(self, scale: float = 1.0) -> datetime:
        """When the current step is left."""
        hours = _HOURS[self.step] * scale
        return some_time_after(self.at, hours, self.rng, off_hours=self.rates.off_hours)

    def change(self, at: datetime, author: Person, **sets: Any) -> None:
        """Record a change, at least a millisecond after the one before."""
        at = max(at.replace(microsecond=at.microsecond // 1000 * 1000), self.at + MILLISECOND)
        self.changes.append(Change(at=at, author=author, sets=sets))
        if "step" in sets:
            self.spans.append((self.step, self.at, at))
            self.step = sets["step"]
            self.at = at

    def to(self, step: str, *, scale: float = 1.0, **sets: Any) -> None:
        """Leave the current step for another after its time is up."""
        person = self.rng.choice(self.stream.team)
        if step == "dev":
            self.developer = person
            sets["assignee"] = person
        self.change(self.later(scale), person, step=step, **sets)


def live(life: Life, *, kind: str) -> None:
    """Take a ticket of a kind (story, task, spike, bug) from its first step to its end or as far as it gets."""
    fate = _fate(life, kind)
    if fate == "backlog":
        return
    if fate == "deleted":
        _go_away(life, delete=True)
    elif fate == "unstarted":
        life.to("done", scale=1.5, resolution="Done")
    elif fate == "cancelled" and life.chance(0.4):
        _go_away(life, delete=False)
    else:
        _work(life, kind=kind, cancel=fate == "cancelled")


def work_the_weekend(life: Life) -> None:
    """Do the whole job on the Saturday after, so that no business time passes."""
    day = life.at.astimezone(ZONE)
    saturday = (day + timedelta(days=(5 - day.weekday()) % 7)).replace(hour=11, minute=life.rng.randrange(60))
    at = saturday.astimezone(UTC)
    for step, minutes in (("dev", 0), ("review", 95), ("done", 140)):
        person = life.rng.choice(life.stream.team)
        extra: dict[str, Any] = {"resolution": "Done"} if step == "done" else {"assignee": person}
        life.developer = person
        life.change(at + timedelta(minutes=minutes + life.rng.random()), person, step=step, **extra)
    (_, _, started), (_, _, review), (_, _, ended) = life.spans[-3:]
    life.passes.append(DevPass(developer=life.developer or person, started=started, review=review, ended=ended))


def _fate(life: Life, kind: str) -> str:
    rates = life.rates
    draw = life.rng.random()
    for fate, rate in (
        ("backlog", rates.stays_in_backlog),
        ("unstarted", rates.done_unstarted),
        ("cancelled", rates.cancelled),
        # What a deleted bug counts as is nobody's business to guess; bugs are cancelled instead.
        ("deleted", 0.0 if kind == "bug" else rates.deleted),
    ):
        if draw < rate:
            return fate if life.step == "todo" else "normal"
        draw -= rate
    return "normal"


def _go_away(life: Life, *, delete: bool) -> None:
    """Leave before any pull request exists: deleted, or cancelled by status or by resolution."""
    if life.chance(0.5):
        life.to("analysis")
    if delete:
        at = life.later().replace(microsecond=1000)
        life.changes.append(Change(at=at, author=life.rng.choice(life.stream.team), kind="deleted"))
        life.ended = True
        return
    _cancel(life)


def _cancel(life: Life) -> None:
    life.to(life.rng.choice(("cancelled", "done")), resolution=life.rng.choice(CANCELLED_RESOLUTIONS))


def _work(life: Life, *, kind: str, cancel: bool) -> None:
    if kind == "story" and life.step == "todo" and life.chance(0.75):
        life.to("analysis")
    if life.step == "analysis":
        life.to("dev_queue")
    _develop(life, abandon=cancel)
    if cancel:
        _cancel(life)
        return
    for _ in range(3):
        if not _test(life, kind=kind):
            break
        _develop(life)
    if kind == "story" and life.chance(0.75):
        life.to("uat_queue")
        life.to("uat")
    _finish(life)
    if life.chance(life.rates.reopened):
        stale = life.chance(life.rates.stale_resolution)
        _develop(life, clear_resolution=not stale and life.resolution is not None)
        _finish(life)


def _develop(life: Life, *, abandon: bool = False, clear_resolution: bool = False) -> None:
    """Development and review, with an occasional return to the backlog or wait for somebody else's part."""
    if clear_resolution:
        life.resolution = None
        life.to("dev", resolution=None)
    elif life.step != "dev":
        life.to("dev")
    if life.chance(life.rates.back_to_backlog):
        life.to("todo", scale=0.3)
        life.to("dev")
    if life.chance(life.rates.parked):
        life.to("parked", scale=0.5)
        life.to("dev")
    started, developer = life.at, life.developer or life.rng.choice(life.stream.team)
    life.to("review")
    review = life.at
    if abandon:
        ended = some_time_after(life.at, 3, life.rng, off_hours=0)
    else:
        life.to("qa_queue")
        ended = life.at
    life.passes.append(DevPass(developer=developer, started=started, review=review, ended=ended, abandoned=abandon))


def _test(life: Life, *, kind: str) -> bool:
    """Pass through QA; True when it sends the ticket back to development."""
    if kind == "spike":
        return False
    life.to("qa")
    return life.chance(life.rates.rework)


def _finish(life: Life) -> None:
    """Close the ticket in one of the orders in which people press the buttons."""
    if life.resolution is not None:
        life.to("done")
        return
    rates, person = life.rates, life.rng.choice(life.stream.team)
    draw = life.rng.random()
    pause = timedelta(milliseconds=life.rng.randrange(900, 400_000))
    if draw < rates.resolution_never:
        life.to("done")
        return
    life.resolution = "Done"
    if draw < rates.resolution_never + rates.resolution_first:
        at = life.later()
        life.change(at, person, resolution="Done")
        life.change(at + pause, person, step="done")
    elif draw < rates.resolution_never + rates.resolution_first + rates.resolution_later:
        life.to("done")
        life.change(life.at + pause, person, resolution="Done")
    else:
        life.to("done", resolution="Done")
