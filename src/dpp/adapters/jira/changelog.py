"""What the items of a changelog are about: Cloud names fields by id, Server by name, and two may share a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from enum import Enum, auto
from functools import lru_cache

from dpp.adapters.jira.defects import names_a_cause
from dpp.adapters.jira.payloads import ChangedField, Scalar
from dpp.adapters.jira.values import cleaned
from dpp.domain.configuration import JiraFields, folded


class Meaning(Enum):
    """What a changed field means to the platform; ``KEPT`` is all that only the ticket's snapshot tells."""

    STATUS = auto()
    RESOLUTION = auto()
    KEY = auto()
    PROJECT = auto()
    TYPE = auto()
    PARENT = auto()
    LINK = auto()
    FLAGGED = auto()
    FOUND_IN_STAGE = auto()
    INTRODUCED_IN_STAGE = auto()
    ROOT_CAUSE = auto()
    KEPT = auto()


# How Jira calls its own fields in changelogs, by id or by label, and the field that is meant.
_SYSTEM: Mapping[str, str] = {
    "status": "status",
    "resolution": "resolution",
    "key": "key",
    "issuekey": "key",
    "issuetype": "issuetype",
    "issue type": "issuetype",
    "parent": "parent",
    "parent issue": "parent",
    "issueparentassociation": "parent",
    "issuelinks": "issuelinks",
    "link": "issuelinks",
    "project": "project",
    "priority": "priority",
    "assignee": "assignee",
    "labels": "labels",
    "component": "components",
    "components": "components",
}
_MEANINGS: Mapping[str, Meaning] = {
    "status": Meaning.STATUS,
    "resolution": Meaning.RESOLUTION,
    "key": Meaning.KEY,
    "issuetype": Meaning.TYPE,
    "parent": Meaning.PARENT,
    "issuelinks": Meaning.LINK,
    "project": Meaning.PROJECT,
    "priority": Meaning.KEPT,
    "assignee": Meaning.KEPT,
    "labels": Meaning.KEPT,
    "components": Meaning.KEPT,
    "delivery_stream": Meaning.KEPT,
    "tech_streams": Meaning.KEPT,
    "story_points": Meaning.KEPT,
    "sprint": Meaning.KEPT,
    "blocking_tech_stream": Meaning.KEPT,
    "flagged": Meaning.FLAGGED,
    "found_in_stage": Meaning.FOUND_IN_STAGE,
    "introduced_in_stage": Meaning.INTRODUCED_IN_STAGE,
    "root_cause_category": Meaning.ROOT_CAUSE,
}
_CONFIGURED = tuple(item.name for item in dataclass_fields(JiraFields))
# What the fields are called out of the box, and in Appendix A.
_USUAL_NAMES: Mapping[str, str] = {
    "flagged": "flagged",
    "impediment": "flagged",
    "sprint": "sprint",
    "story points": "story_points",
    "story point estimate": "story_points",
    "delivery stream": "delivery_stream",
    "delivery_stream": "delivery_stream",
    "technology streams": "tech_streams",
    "tech streams": "tech_streams",
    "tech_streams": "tech_streams",
    "found in stage": "found_in_stage",
    "found_in_stage": "found_in_stage",
    "introduced in stage": "introduced_in_stage",
    "introduced_in_stage": "introduced_in_stage",
    "blocking technology": "blocking_tech_stream",
    "blocking tech stream": "blocking_tech_stream",
    "root cause": "root_cause_category",
    "root cause category": "root_cause_category",
}
_CUSTOM = "customfield_"
# "-1" is Jira's id for "unresolved"; "[]" an empty list of options.
_NO_VALUE = frozenset({"", "-1", "[]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From what to what a field went; None is empty. Texts are what people see, ids what Jira keeps."""

    old: str | None
    new: str | None
    old_text: str | None
    new_text: str | None


Changes = Mapping[Meaning, Step]


def changes(items: Iterable[ChangedField], *, configured: JiraFields) -> Changes:
    """
    Return what changed, by meaning; fields that mean nothing to the platform are left out.

    A field that occurs twice went from the first item's old value to the last one's new value.
    """
    found: dict[Meaning, Step] = {}
    for item in items:
        meaning = meaning_of(item, configured=configured)
        if meaning is not None and not _says_nothing_of_causes(meaning, item):
            found[meaning] = _joined(found.get(meaning), _step(item))
    return found


def meaning_of(item: ChangedField, *, configured: JiraFields) -> Meaning | None:
    """Return what an item's field means, or None."""
    name = field_of(item, configured=configured)
    return _MEANINGS[name] if name else None


def field_of(item: ChangedField, *, configured: JiraFields) -> str | None:
    """
    Return the field that an item is about: a name in ``JiraFields``, one of Jira's own, or None for any other.

    The id decides where there is one. A custom field's name counts only without an id, or while no field is configured
    for that meaning; and it never stands for a system field, so that a custom field "Status" is no status.
    """
    by_id = _by_id(configured)
    label = folded(item.field or "")
    id_ = folded(item.field_id or "") or (label if label.startswith(_CUSTOM) else "")
    if id_ in by_id:
        return by_id[id_]
    if not id_.startswith(_CUSTOM):
        if folded(item.field_type or "") != "custom" and (system := _SYSTEM.get(id_) or _SYSTEM.get(label)):
            return system
        return _USUAL_NAMES.get(label)
    usual = _USUAL_NAMES.get(label)
    return usual if usual and getattr(configured, usual) is None else None


@lru_cache(maxsize=256)
def _by_id(configured: JiraFields) -> Mapping[str, str]:
    return {folded(id_): name for name in _CONFIGURED if (id_ := getattr(configured, name))}


def _says_nothing_of_causes(meaning: Meaning, item: ChangedField) -> bool:
    return meaning is Meaning.LINK and not (names_a_cause(item.old_text) or names_a_cause(item.new_text))


def _step(item: ChangedField) -> Step:
    old_text, new_text = cleaned(item.old_text), cleaned(item.new_text)
    return Step(old=_value(item.old, old_text), new=_value(item.new, new_text), old_text=old_text, new_text=new_text)


def _value(id_: Scalar, text: str | None) -> str | None:
    """Return the id, else the text, of a value; None when the field is empty."""
    written = "" if id_ is None else str(id_).strip()
    if written == "-1":
        return None
    return text if written in _NO_VALUE else written


def _joined(first: Step | None, last: Step) -> Step:
    if first is None:
        return last
    return Step(old=first.old, new=last.new, old_text=first.old_text, new_text=last.new_text)
