"""A ticket as it was before a change: its fields with the old values of the changelog put back.

A webhook carries the ticket as it was at the time; the API gives the ticket as it is and the list of its changes. Taken
back one by one, from the last to the first, they give what each webhook would have carried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from dpp.adapters.jira.changelog import field_of
from dpp.adapters.jira.payloads import ChangedField
from dpp.adapters.jira.sprint_times import Sprints, sprint_lives
from dpp.adapters.jira.values import cleaned
from dpp.domain.configuration import Configuration, JiraFields

Json = dict[str, Any]

SYSTEM_FIELDS = (
    *("issuetype", "project", "status", "priority", "resolution", "assignee", "parent", "labels", "components"),
    *("issuelinks", "created"),
)
"""The ids of Jira's own fields that are read."""

_LINKED = re.compile(r"^this (?:issue|work item) (?P<phrase>.+?) (?P<key>[A-Z][A-Z0-9_]+-\d+)$", re.IGNORECASE)
_CASCADE = re.compile(r"Level \d+ values?: (?P<choice>.*?)\(\d+\)")


@dataclass(slots=True, kw_only=True)
class Rewound:
    """
    A ticket that is taken back in time.

    Attributes:
        issue_id: Jira's number of the ticket.
        key: at the time.
        values: fields by id, at the time, save for sprints.
        sprints: numbers of its sprints at the time, oldest first.
        sprint_field: id of the field that holds them; None where none is configured.
    """

    issue_id: str | None
    key: str
    values: Json
    sprints: tuple[str, ...] = ()
    sprint_field: str | None = None
    known: Sprints = field(default_factory=dict)

    @property
    def project_key(self) -> str:
        """The key of the project that the ticket was in."""
        project = self.values.get("project")
        named = project.get("key") if isinstance(project, dict) else None
        return cleaned(named) or self.key.rpartition("-")[0] or self.key

    def written(self, at: datetime) -> Raw:
        """Return ``issue`` as a webhook of that moment would have carried it."""
        fields = dict(self.values)
        if self.sprint_field is not None:
            fields[self.sprint_field] = [self._sprint(number, at) for number in self.sprints] or None
        return Raw(msgspec.json.encode({"id": self.issue_id, "key": self.key, "fields": fields}))

    def take_back(self, items: Iterable[ChangedField], *, configuration: Configuration) -> None:
        """Undo one change. What the platform does not read is left alone."""
        configured = configuration.project(self.project_key).fields
        for item in reversed(tuple(items)):
            name = field_of(item, configured=configured)
            if name is not None:
                self._undo(name, item, configured)

    def _undo(self, name: str, item: ChangedField, configured: JiraFields) -> None:
        if name == "key":
            self._undo_move(item)
        elif name == "sprint":
            self.sprints = tuple(re.findall(r"\d+", str(item.old or "")))
        elif name == "components":
            self.values[name] = _without(self.values.get(name), item.new_text, key="name")
            if old := cleaned(item.old_text):
                self.values[name].append({"name": old})
        elif name == "issuelinks":
            self.values[name] = _links_before(self.values.get(name), item)
        elif name in _OLD:
            id_ = name if name in SYSTEM_FIELDS else getattr(configured, name)
            if id_ is not None:
                self.values[id_] = _OLD[name](item)

    def _undo_move(self, item: ChangedField) -> None:
        if former := cleaned(item.old_text):
            self.key = former
            self.values["project"] = {"key": former.rpartition("-")[0]}

    def _sprint(self, number: str, at: datetime) -> Json:
        life = self.known.get(number)
        return life.written(at) if life else {"id": int(number)}


def as_it_is(
    *, issue_id: str | None, key: str, fields: Json, sprints: Sprints, configuration: Configuration
) -> Rewound:
    """Return a ticket as the API shows it now; ``sprints`` are known beside those that its own field describes."""
    found = Rewound(
        issue_id=issue_id, key=key, values={id_: value for id_, value in fields.items() if value is not None}
    )
    found.sprint_field = configuration.project(found.project_key).fields.sprint
    described = sprint_lives(found.values.pop(found.sprint_field, None)) if found.sprint_field else {}
    found.sprints = tuple(described)
    # What the Agile API says of a sprint is more than a bare number in the field.
    found.known = {**{id_: life for id_, life in described.items() if life.sprint.state}, **sprints}
    return found


def _option(item: ChangedField) -> Json | None:
    text = cleaned(item.old_text)
    chosen = [cleaned(found["choice"]) for found in _CASCADE.finditer(text or "")]
    return {"value": chosen[-1] if chosen else text} if text else None


def _options(item: ChangedField) -> list[Json] | None:
    texts = (cleaned(text) for text in (item.old_text or "").split(","))
    return [{"value": text} for text in texts if text] or None


def _named(item: ChangedField) -> Json | None:
    text = cleaned(item.old_text)
    return {"id": None if item.old is None else str(item.old), "name": text} if text else None


def _person(item: ChangedField) -> Json | None:
    # Whatever the id is called in this Jira, it is the most stable one, and people are known by that.
    return {"accountId": str(item.old)} if item.old not in (None, "") else None


def _parent(item: ChangedField) -> Json | None:
    key = cleaned(item.old_text)
    return {"key": key} if key else None


_OLD: Mapping[str, Callable[[ChangedField], object]] = {
    "status": _named,
    "resolution": _named,
    "issuetype": _named,
    "priority": _named,
    "assignee": _person,
    "parent": _parent,
    "labels": lambda item: (item.old_text or "").split(),
    "flagged": _options,
    "tech_streams": _options,
    "delivery_stream": _option,
    "blocking_tech_stream": _option,
    "found_in_stage": _option,
    "introduced_in_stage": _option,
    "root_cause_category": _option,
    "story_points": lambda item: cleaned(item.old_text),
}


def _without(values: object, text: str | None, *, key: str) -> list[Any]:
    kept = values if isinstance(values, list) else []
    return [one for one in kept if not (text and isinstance(one, dict) and one.get(key) == text)]


def _links_before(links: object, item: ChangedField) -> list[Any]:
    """Return the links without the one that was added, or with the one that was taken away."""
    kept = [link for link in (links if isinstance(links, list) else []) if not _is_link(link, item.new_text)]
    if gone := _LINKED.match(cleaned(item.old_text) or ""):
        kept.append({"type": {"inward": gone["phrase"]}, "inwardIssue": {"key": gone["key"]}})
    return kept


def _is_link(link: object, text: str | None) -> bool:
    said = _LINKED.match(cleaned(text) or "")
    if said is None or not isinstance(link, dict):
        return False
    names = link.get("type") or {}
    ends = ((link.get("inwardIssue"), names.get("inward")), (link.get("outwardIssue"), names.get("outward")))
    return any(
        end and end.get("key") == said["key"] and str(phrase).casefold() == said["phrase"].casefold()
        for end, phrase in ends
    )
