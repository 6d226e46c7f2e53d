"""Single changes of the configuration, as people make them on a page or by a script (§2.2, §4.2, §7.1.3).

A change is made to the values that a configuration file would hold, and those are read and judged as a file is: there
is one way of saying what can be configured, with the same limits and the same words, whoever says it.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, TypeAlias

from dpp.application.configuration_checks import Place
from dpp.domain.configuration import folded
from dpp.domain.errors import Conflict, InvalidInput, NotFound

Document: TypeAlias = dict[str, Any]
Values: TypeAlias = Mapping[str, Any]
"""Keys of a table with their values; None takes a key out, which leaves its default."""

#: The key by which the tables of a section are told apart, and what such a thing is called.
KEYS: Mapping[str, tuple[str, str]] = {
    "delivery_streams": ("name", "delivery stream"),
    "tech_streams": ("name", "technology stream"),
    "repositories": ("full_name", "repository"),
    "jira_projects": ("key", "Jira project"),
}
ANY_REVISION = "*"


class RevisionConflict(Conflict):
    """Somebody else has changed the same thing since it was read."""

    code = "configuration_changed"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"Somebody else has changed {what} since you read it, and nothing was overwritten: "
            "read it again and make your change anew"
        )


class RevisionMissing(InvalidInput):
    """A change does not say which state it was made to."""

    code = "revision_missing"

    def __init__(self) -> None:
        super().__init__(
            "If-Match is missing: give the revision of what you change, as reading it tells, or * to overwrite "
            "whatever is there",
            field="If-Match",
        )


class Taken(Conflict):
    """There is something of that name already."""

    code = "already_exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """
    Where a change was made, so that what is wrong with it can be told in the words of whoever made it.

    Attributes:
        root: of the table that was changed, or of the list.
        part: for a part of a list, the positions of its entries; told as counted from the first of them.
    """

    root: Place
    part: range | None = None

    def inside(self, place: Place) -> Place | None:
        """Return where a place is within what was changed; None when it is elsewhere."""
        if place[: len(self.root)] != self.root:
            return None
        rest = place[len(self.root) :]
        if self.part is None or not rest or not isinstance(rest[0], int):
            return rest
        return (rest[0] - self.part.start, *rest[1:]) if rest[0] in self.part else None


class Edit(Protocol):
    """A change of the values of a configuration file."""

    @abstractmethod
    def __call__(self, document: Document) -> Edited:
        """Make the change in place.

        Raises:
            NotFound: what is to be changed is not there.
            RevisionConflict: it is not as it was read.
            Taken: what is to be added is there already.
        """


def revision_of(value: object) -> str:
    """Return a short text that equal values share, for ever and everywhere, and unequal ones do not."""
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Edit):
    """Puts a new table behind those of a section."""

    section: str
    values: Values

    def __call__(self, document: Document) -> Edited:
        """Add it."""
        tables = document.setdefault(self.section, [])
        key, what = KEYS[self.section]
        name = self.values.get(key)
        if isinstance(name, str) and position_of(document, self.section, name) is not None:
            raise Taken(f"There is a {what} {name!r} already; change that one, or choose another {key}")
        tables.append(_without_none(self.values))
        return Edited(root=(self.section, len(tables) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Edit):
    """
    Changes some keys of a table.

    Attributes:
        name: what the table is called now.
        values: what is new; the other keys stay. A stream that gets another name stays the same stream.
        revision: of the table as it was read.
        if_missing: values of a table that is made when there is none; None says that there must be one.
    """

    section: str
    name: str
    values: Values
    revision: str
    if_missing: Values | None = None

    def __call__(self, document: Document) -> Edited:
        """Change it."""
        key, what = KEYS[self.section]
        index = position_of(document, self.section, self.name)
        tables = document.setdefault(self.section, [])
        if index is None:
            if self.if_missing is None:
                raise missing(self.section, self.name)
            check_revision(dict(self.if_missing), self.revision, what=f"the {what} {self.name!r}")
            tables.append(_without_none({**self.if_missing, **self.values}))
            return Edited(root=(self.section, len(tables) - 1))
        table = tables[index]
        check_revision(table, self.revision, what=f"the {what} {self.name!r}")
        former = table[key]
        changed = _without_none({**table, **self.values})
        if self.section in ("delivery_streams", "tech_streams") and changed.get(key) not in (None, former):
            changed["renamed_from"] = former
        if self.if_missing is not None and changed == dict(self.if_missing):
            del tables[index]  # nothing is said any more
            return Edited(root=(self.section, "removed"))
        tables[index] = changed
        return Edited(root=(self.section, index))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(Edit):
    """Takes a table out of a section."""

    section: str
    name: str
    revision: str

    def __call__(self, document: Document) -> Edited:
        """Take it out."""
        _, what = KEYS[self.section]
        index = position_of(document, self.section, self.name)
        if index is None:
            raise missing(self.section, self.name)
        check_revision(document[self.section][index], self.revision, what=f"the {what} {self.name!r}")
        del document[self.section][index]
        return Edited(root=(self.section, "removed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceList(Edit):
    """Replaces all tables of a section, in their order."""

    section: str
    entries: Sequence[Values]
    revision: str

    def __call__(self, document: Document) -> Edited:
        """Replace them."""
        check_revision(document.get(self.section, []), self.revision, what=f"the {self.section.replace('_', ' ')}")
        document[self.section] = [_without_none(entry) for entry in self.entries]
        return Edited(root=(self.section,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceTable(Edit):
    """Changes some keys of a section that is one table."""

    section: str
    values: Values
    revision: str

    def __call__(self, document: Document) -> Edited:
        """Change them."""
        table = document.get(self.section, {})
        check_revision(table, self.revision, what=f"the settings of {self.section!r}")
        document[self.section] = _without_none({**table, **self.values})
        return Edited(root=(self.section,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceMappings(Edit):
    """
    Replaces what the statuses of one Jira project mean (§4.2.3).

    Attributes:
        project: its key.
        entries: tables of ``status``, ``stage``, ``active`` and, if it matters, ``order``.
        revision: of the project's mappings as they were read.
    """

    project: str
    entries: Sequence[Values]
    revision: str

    def __call__(self, document: Document) -> Edited:
        """Replace them, where the first of them stands."""
        key = self.project.strip().upper()
        if position_of(document, "jira_projects", key) is None:
            raise missing("jira_projects", self.project)
        mappings = document.get("status_mappings", [])
        check_revision(mappings_of(document, key), self.revision, what=f"the status mappings of {key}")
        others_before = [row for row in mappings if not _belongs(row, key)]
        first = next((index for index, row in enumerate(mappings) if _belongs(row, key)), len(mappings))
        new = [_without_none({"project": key, **entry}) for entry in self.entries]
        document["status_mappings"] = [*others_before[:first], *new, *others_before[first:]]
        return Edited(root=("status_mappings",), part=range(first, first + len(new)))


def missing(section: str, name: str) -> NotFound:
    """Return the error that there is no table of a name, or none that the caller may know of, in the same words."""
    return NotFound(f"There is no {KEYS[section][1]} {name!r}")


def position_of(document: Document, section: str, name: str) -> int | None:
    """Return where the table of a name stands in its section; None when there is none."""
    key, _ = KEYS[section]
    tables = document.get(section, [])
    return next((index for index, table in enumerate(tables) if folded(str(table.get(key, ""))) == folded(name)), None)


def table_of(document: Document, section: str, name: str) -> dict[str, Any] | None:
    """Return the table of a name in a section; None when there is none."""
    index = position_of(document, section, name)
    return None if index is None else document[section][index]


def mappings_of(document: Document, project: str) -> list[dict[str, Any]]:
    """Return the status mappings of a Jira project, in their order."""
    return [row for row in document.get("status_mappings", []) if _belongs(row, project)]


def check_revision(value: object, revision: str, *, what: str) -> None:
    """Compare what is there with what somebody has read of it.

    Raises:
        RevisionConflict: they differ.
    """
    if revision != ANY_REVISION and revision != revision_of(value):
        raise RevisionConflict(what)


def _belongs(row: Mapping[str, Any], project: str) -> bool:
    return str(row.get("project", "")).strip().upper() == project.strip().upper()


def _without_none(values: Values) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
