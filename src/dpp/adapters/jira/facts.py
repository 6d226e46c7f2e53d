"""From a ticket and a change to facts: each thing that a delivery says is an event of its own (§5.2.3, §5.2.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from dpp.adapters.jira.changelog import Changes, Meaning, Step
from dpp.adapters.jira.defects import BugFields, is_bug
from dpp.adapters.jira.fields import Ticket
from dpp.adapters.jira.payloads import Unreadable
from dpp.adapters.jira.values import scrubbed, stage_name
from dpp.domain.configuration import folded
from dpp.domain.events import DefectEvent, DefectEventType, Facts, SprintFact, WorkItemEvent, WorkItemEventType

_KEPT = frozenset({Meaning.KEPT, Meaning.TYPE, Meaning.PARENT})
_REVISING = frozenset({Meaning.FOUND_IN_STAGE, Meaning.ROOT_CAUSE, Meaning.PARENT, Meaning.LINK})
"""What changes a bug's attribution beside the stage that it was introduced in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A ticket at the time of one change.

    ``change_id`` is Jira's id of the change, or one of our own for what happens to a ticket once.
    """

    ticket: Ticket
    at: datetime
    change_id: str | None

    def work_item(
        self,
        event_type: WorkItemEventType,
        *,
        from_status: str | None = None,
        to_status: str | None = None,
        from_ticket_id: str | None = None,
        resolution: str | None = None,
        blocked_reason: str | None = None,
    ) -> WorkItemEvent:
        """Return a work-item event with everything that the ticket says."""
        return WorkItemEvent(
            event_type=event_type,
            event_timestamp=self.at,
            ticket_id=self.ticket.key,
            project_key=self.ticket.project_key,
            issue_id=self.ticket.issue_id,
            source_change_id=self.change_id,
            from_status=from_status,
            to_status=to_status,
            from_ticket_id=from_ticket_id,
            resolution=resolution,
            blocked_reason=blocked_reason,
            fields=self.ticket.fields,
        )

    def defect(self, event_type: DefectEventType, bug: BugFields) -> DefectEvent:
        """Return a defect event."""
        return DefectEvent(
            event_type=event_type,
            event_timestamp=self.at,
            ticket_id=self.ticket.key,
            project_key=self.ticket.project_key,
            issue_id=self.ticket.issue_id,
            source_change_id=self.change_id,
            severity=bug.severity,
            found_in_stage=bug.found_in_stage,
            introduced_in_stage=bug.introduced_in_stage,
            linked_work_item_id=bug.linked_work_item_id,
            root_cause_category=bug.root_cause_category,
        )


def created(ticket: Ticket, *, at: datetime) -> Facts:
    """Return the facts of a new ticket: it exists, may be flagged from the start, and may be a bug."""
    occasion = Occasion(ticket=ticket, at=at, change_id=f"created:{ticket.identity}")
    events = [occasion.work_item(WorkItemEventType.CREATED, to_status=ticket.status)]
    if ticket.flagged:
        events.append(occasion.work_item(WorkItemEventType.BLOCKED))
    defects = _first_seen(occasion, ticket.bug) if ticket.bug.is_bug else ()
    return Facts(work_items=tuple(events), defects=tuple(defects))


def deleted(ticket: Ticket, *, at: datetime) -> Facts:
    """Return the fact that a ticket is gone."""
    occasion = Occasion(ticket=ticket, at=at, change_id=f"deleted:{ticket.identity}")
    return Facts(work_items=(occasion.work_item(WorkItemEventType.DELETED),))


def changed(occasion: Occasion, changes: Changes, *, blocked_reason: str | None) -> Facts:
    """
    Return the facts of one change; none when nothing of it matters.

    Raises:
        Unreadable: a status changed, and neither the change nor the ticket names the new one.
    """
    return Facts(
        work_items=tuple(_work_items(occasion, changes, blocked_reason)),
        defects=tuple(_defects(occasion, changes)),
    )


def sprint_facts(ticket: Ticket, *, at: datetime) -> tuple[SprintFact, ...]:
    """Return what the ticket's sprint field says of its sprints."""
    return tuple(fact for sprint in ticket.sprints if (fact := sprint.fact(at)))


def _work_items(occasion: Occasion, changes: Changes, blocked_reason: str | None) -> Iterator[WorkItemEvent]:
    if (moved := changes.get(Meaning.KEY)) and moved.old_text and moved.old_text != occasion.ticket.key:
        yield occasion.work_item(WorkItemEventType.MOVED, from_ticket_id=moved.old_text)
    if status := changes.get(Meaning.STATUS):
        yield from _transition(occasion, status)
    if (resolution := changes.get(Meaning.RESOLUTION)) and resolution.new and not resolution.old:
        yield occasion.work_item(
            WorkItemEventType.COMPLETED, resolution=resolution.new_text or occasion.ticket.resolution
        )
    if flag := changes.get(Meaning.FLAGGED):
        yield from _flag(occasion, flag, blocked_reason)
    if _is_update(changes):
        yield occasion.work_item(WorkItemEventType.UPDATED)


def _transition(occasion: Occasion, status: Step) -> Iterator[WorkItemEvent]:
    to_status = status.new_text or occasion.ticket.status
    if to_status is None:
        raise Unreadable("changelog.items: a status item without toString, and issue.fields.status is missing")
    if folded(status.old_text or "") != folded(to_status):
        yield occasion.work_item(WorkItemEventType.TRANSITIONED, from_status=status.old_text, to_status=to_status)


def _flag(occasion: Occasion, flag: Step, blocked_reason: str | None) -> Iterator[WorkItemEvent]:
    if flag.new and not flag.old:
        yield occasion.work_item(WorkItemEventType.BLOCKED, blocked_reason=blocked_reason)
    elif flag.old and not flag.new:
        yield occasion.work_item(WorkItemEventType.UNBLOCKED)


def _is_update(changes: Changes) -> bool:
    if _KEPT & changes.keys() or (Meaning.PROJECT in changes and Meaning.KEY not in changes):
        return True
    # A resolution taken back, or another one, shows in the snapshot alone: only a status re-opens (decision 0008).
    resolution = changes.get(Meaning.RESOLUTION)
    return bool(resolution and resolution.old and resolution.new != resolution.old)


def _defects(occasion: Occasion, changes: Changes) -> Iterator[DefectEvent]:
    bug = _as_changed(occasion.ticket.bug, changes)
    issue_type = changes.get(Meaning.TYPE)
    if issue_type and is_bug(issue_type.new_text) and not is_bug(issue_type.old_text):
        yield from _first_seen(occasion, bug)
    elif bug.is_bug and (event_type := _attribution(changes)):
        yield occasion.defect(event_type, bug)


def _first_seen(occasion: Occasion, bug: BugFields) -> Iterator[DefectEvent]:
    yield occasion.defect(DefectEventType.LOGGED, bug)
    if bug.introduced_in_stage:
        yield occasion.defect(DefectEventType.ATTRIBUTED, bug)


def _attribution(changes: Changes) -> DefectEventType | None:
    introduced = changes.get(Meaning.INTRODUCED_IN_STAGE)
    if introduced and introduced.new and not introduced.old:
        return DefectEventType.ATTRIBUTED
    if introduced and introduced.old and introduced.new != introduced.old:
        return DefectEventType.RECLASSIFIED
    return DefectEventType.RECLASSIFIED if _REVISING & changes.keys() else None


def _as_changed(bug: BugFields, changes: Changes) -> BugFields:
    """Return the bug as it was right after the change: the snapshot may be later, or lack a field without an id."""
    introduced, found = changes.get(Meaning.INTRODUCED_IN_STAGE), changes.get(Meaning.FOUND_IN_STAGE)
    cause = changes.get(Meaning.ROOT_CAUSE)
    return replace(
        bug,
        found_in_stage=stage_name(found.new_text) if found else bug.found_in_stage,
        introduced_in_stage=stage_name(introduced.new_text) if introduced else bug.introduced_in_stage,
        root_cause_category=scrubbed(cause.new_text) if cause else bug.root_cause_category,
    )
