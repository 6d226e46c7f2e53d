"""What else happens to a ticket while it goes its way: flags, sprints, moves, late tags, edits and comments."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dpp.adapters.simulation.calendar import working_time_after
from dpp.adapters.simulation.company import SHARED_PROJECT, Company
from dpp.adapters.simulation.lives import MILLISECOND, Life
from dpp.adapters.simulation.tickets import Change, IssueState

_LABELS = ("tech-debt", "quick-win", "customer-request", "regulatory", "needs-design", "perf")
_REMARKS = (
    "Can someone who knows the ledger have a look?", "Reproduced on staging with the attached account.",
    "Agreed with the product owner to split the rest out.", "Blocked by RFC-2119 wording, see the wiki.",
    "Pairing on this after stand-up.", "Log attached: request 7f3a, error PAYLOAD-500, UTF-8 decoding.",
)  # fmt: skip


def add_side_changes(
    life: Life, *, company: Company, first: IssueState, created_at: datetime, new_key: Callable[[str], str]
) -> None:
    """Add to a finished life what happened beside the transitions, and see that no two changes share an instant."""
    _flag(life, company)
    if first.stream_field is None and first.project == SHARED_PROJECT and life.chance(life.rates.late_tagging):
        _ride_along(life, stream_field=company.stream(life.stream.name).display_name)
    if not first.tech_field and life.chance(life.rates.late_tagging):
        names = tuple(company.tech_stream(name).display_name for name in life.stream.touches[:1])
        _ride_along(life, tech_field=names)
    if first.issue_type != "Bug" and first.project != "INS2" and life.chance(life.rates.moved):
        _move(life, company, first, new_key)
    _sprints(life, company, created_at)
    _noise(life, first, created_at)
    _spread(life, created_at)


def _flag(life: Life, company: Company) -> None:
    spans = [span for span in life.spans if span[0] not in {"todo", "done"} and span[2] - span[1] > timedelta(hours=2)]
    if not spans or not life.chance(life.rates.blocked):
        return
    _, entered, left = life.rng.choice(spans)
    raised, cleared = sorted(_between(life.rng, entered, left) for _ in range(2))
    tech = life.rng.choice([*company.tech_streams, None])
    _insert(life, raised, flagged=True, blocking=tech.display_name if tech else None)
    clear: dict[str, Any] = {"flagged": False, "blocking": None} if life.chance(0.5) else {"flagged": False}
    if life.chance(0.4):
        # Whoever moves the ticket on clears the flag in the same screen.
        _join(life, left, clear)
    elif life.chance(0.85):
        _insert(life, cleared + 2 * MILLISECOND, **clear)


def _ride_along(life: Life, **sets: Any) -> None:
    """Let a field be filled in by the person who moves the ticket on, in the same change."""
    steps = [place for place, change in enumerate(life.changes) if change.sets.get("step") in {"dev", "qa_queue"}]
    if steps:
        _join(life, life.changes[life.rng.choice(steps)].at, sets)


def _join(life: Life, at: datetime, sets: dict[str, Any]) -> None:
    """Let more fields be set by the transition of that time."""
    for place, change in enumerate(life.changes):
        if change.at == at and "step" in change.sets:
            life.changes[place] = replace(change, sets={**change.sets, **sets})


def _move(life: Life, company: Company, first: IssueState, new_key: Callable[[str], str]) -> None:
    others = [
        project.key
        for project in company.projects
        if project.key != first.project and project.workflow == company.project(first.project).workflow
    ]
    target = life.rng.choice(others)
    sets: dict[str, Any] = {"key": new_key(target), "project": target}
    if target == SHARED_PROJECT:
        sets["stream_field"] = life.stream.display_name
    steps = [place for place, change in enumerate(life.changes) if "step" in change.sets]
    if not steps:
        return
    change = life.changes[life.rng.choice(steps)]
    if life.chance(0.4):
        _join(life, change.at, sets)
    else:
        entered = next(entered for _, entered, left in life.spans if left == change.at)
        _insert(life, _between(life.rng, entered, change.at), **sets)


def _sprints(life: Life, company: Company, created_at: datetime) -> None:
    """Plan the ticket into a sprint once somebody takes it up, and carry it over while it is not done."""
    if not life.changes or life.changes[0].kind == "deleted":
        return
    sprint = company.sprint_at(life.stream.name, life.changes[0].at)
    known: tuple[int, ...] = (sprint.jira_id,)
    taken_up = life.changes[0].at
    if "step" in life.changes[0].sets and life.chance(0.5):
        _join(life, taken_up, {"sprints": known})
    else:
        _insert(life, _between(life.rng, max(created_at, taken_up - timedelta(hours=2)), taken_up), sprints=known)
    last = max(change.at for change in life.changes)
    while sprint.end < last:
        after = company.sprint_at(life.stream.name, sprint.end + timedelta(hours=6))
        known = (*known, after.jira_id)
        _insert(life, working_time_after(sprint.end, life.rng.uniform(0.1, 1.5)), sprints=known)
        sprint = after


def _noise(life: Life, first: IssueState, created_at: datetime) -> None:
    rng, rates = life.rng, life.rates
    ends = max((change.at for change in life.changes), default=created_at + timedelta(days=3))
    if life.chance(rates.edits):
        _insert(
            life, _between(rng, created_at, ends), description=first.description + "\n\nAcceptance criteria to follow."
        )
    if life.chance(rates.edits):
        _insert(life, _between(rng, created_at, ends), story_points=float(rng.choice((1, 2, 3, 5, 8, 13))))
    if life.chance(rates.edits / 2):
        _insert(life, _between(rng, created_at, ends), labels=(*first.labels, rng.choice(_LABELS)))
    if life.chance(rates.edits / 4):
        _insert(life, _between(rng, created_at, ends), rank=rng.randrange(1, 99999))
    while life.chance(rates.comments):
        author, other = rng.choice(life.stream.team), rng.choice(life.stream.team)
        text = f"{rng.choice(_REMARKS)} cc {other.name}"
        life.changes.append(Change(at=_between(rng, created_at, ends), author=author, kind="commented", text=text))
    if life.spans and life.chance(rates.same_status):
        _, entered, left = rng.choice(life.spans)
        life.changes.append(
            Change(at=_between(rng, entered, left), author=rng.choice(life.stream.team), same_status=True)
        )


def _insert(life: Life, at: datetime, **sets: Any) -> None:
    life.changes.append(Change(at=at, author=life.rng.choice(life.stream.team), sets=sets))


def _between(rng: random.Random, start: datetime, end: datetime) -> datetime:
    return start + (end - start) * rng.uniform(0.02, 0.98)


def _spread(life: Life, created_at: datetime) -> None:
    """Round every time to the millisecond and push each change after the one before; a deletion stays the last."""
    deletion = next((change.at for change in life.changes if change.kind == "deleted"), None)
    kept = [change for change in life.changes if deletion is None or change.at < deletion or change.kind == "deleted"]
    kept.sort(key=lambda change: change.at)
    last = created_at
    for place, change in enumerate(kept):
        at = change.at.replace(microsecond=change.at.microsecond // 1000 * 1000)
        last = max(at, last + MILLISECOND)
        kept[place] = replace(change, at=last)
    life.changes = kept
