"""Bugs: how severe, where found and introduced, and which work they came from (§4.3.6, §5.2.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dpp.adapters.jira.payloads import IssueFields, Link, Linked, Named
from dpp.adapters.jira.values import cleaned, name, stage_name
from dpp.domain.events import Severity

BUG_TYPES = frozenset({"bug", "defect"})
"""Names of ticket types, in lower case, that are bugs."""

SEVERITIES: Mapping[str, Severity] = {
    "blocker": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "highest": Severity.CRITICAL,
    "urgent": Severity.CRITICAL,
    "p0": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "major": Severity.HIGH,
    "high": Severity.HIGH,
    "p2": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "normal": Severity.MEDIUM,
    "p3": Severity.MEDIUM,
    "minor": Severity.LOW,
    "low": Severity.LOW,
    "lowest": Severity.LOW,
    "trivial": Severity.LOW,
    "p4": Severity.LOW,
    "p5": Severity.LOW,
}
"""By the priority's name, as Jira has named its defaults over the years."""

DEFAULT_PRIORITY_IDS: Mapping[str, Severity] = {
    "1": Severity.CRITICAL,
    "2": Severity.HIGH,
    "3": Severity.MEDIUM,
    "4": Severity.LOW,
    "5": Severity.LOW,
}
"""By the id of Jira's five own priorities, which stay when their names are translated."""

CAUSING = frozenset(
    {
        "is caused by",
        "caused by",
        "is a bug of",
        "is bug of",
        "is a defect of",
        "is defect of",
        "is introduced by",
        "was introduced by",
        "introduced by",
        "is broken by",
        "was broken by",
        "is a regression of",
        "is regression of",
        "found in",
        "is found in",
        "was found in",
    }
)
"""How a link reads from a bug to the work that it came from, in lower case."""

_EPIC = "epic"


@dataclass(frozen=True, slots=True, kw_only=True)
class BugFields:
    """What a ticket says of itself as a bug; all None or False for a ticket that is none and says nothing."""

    is_bug: bool = False
    severity: Severity | None = None
    found_in_stage: str | None = None
    introduced_in_stage: str | None = None
    root_cause_category: str | None = None
    linked_work_item_id: str | None = None


def is_bug(ticket_type: str | None) -> bool:
    """Tell whether a ticket type's name is that of bugs."""
    return (ticket_type or "").strip().lower() in BUG_TYPES


def severity(priority: Named | None) -> Severity | None:
    """Return how severe a bug of this priority is: by its name, else by the id of a default; None for others."""
    if priority is None:
        return None
    found = SEVERITIES.get((cleaned(priority.name) or "").lower())
    return found or DEFAULT_PRIORITY_IDS.get(str(priority.id))


def bug_fields(fixed: IssueFields, custom: Mapping[str, object]) -> BugFields:
    """Return the bug's side of a ticket; ``custom`` has the configured fields by meaning."""
    return BugFields(
        is_bug=fixed.issuetype is not None and is_bug(fixed.issuetype.name),
        severity=severity(fixed.priority),
        found_in_stage=stage_name(name(custom.get("found_in_stage"))),
        introduced_in_stage=stage_name(name(custom.get("introduced_in_stage"))),
        root_cause_category=name(custom.get("root_cause_category")),
        linked_work_item_id=work_item(fixed),
    )


def work_item(fixed: IssueFields) -> str | None:
    """
    Return the ticket that a bug relates to: its parent, else the one to which a causing link leads.

    An epic is a heading and no piece of work, so an epic above the bug does not count; nor do links to several.
    """
    if fixed.parent and not _is_epic(fixed.parent) and (parent := cleaned(fixed.parent.key)):
        return parent
    causes = set(_causes(fixed.issuelinks or ()))
    return causes.pop() if len(causes) == 1 else None


def names_a_cause(text: str | None) -> bool:
    """Tell whether a changelog's sentence about a link ("This issue is caused by PAY-1") is about a causing one."""
    words = f" {(text or '').casefold()} "
    return any(f" {phrase} " in words for phrase in CAUSING)


def _causes(links: Iterable[Link]) -> Iterable[str]:
    for link in links:
        for end, phrase in (
            (link.inward_issue, link.type and link.type.inward),
            (link.outward_issue, link.type and link.type.outward),
        ):
            if end and (phrase or "").strip().casefold() in CAUSING and (key := cleaned(end.key)):
                yield key


def _is_epic(parent: Linked) -> bool:
    issue_type = parent.fields.issuetype if parent.fields else None
    if issue_type is None:
        return False
    if isinstance(issue_type.level, int | float) and issue_type.level >= 1:
        return True
    return (issue_type.name or "").strip().casefold() == _EPIC
