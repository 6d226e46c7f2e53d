"""What differs between two configurations, in lines that a person reads before saying yes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from dpp.domain.bottlenecks import SeverityRow
from dpp.domain.configuration import (
    Configuration,
    DeliveryStream,
    EnvironmentRule,
    GroupRole,
    JiraProject,
    RepositoryOverride,
    TechStream,
    folded,
)
from dpp.domain.errors import InvalidInput
from dpp.domain.group_roles import captured_streams
from dpp.domain.stages import StatusMapping

T = TypeVar("T")

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind(Generic[T]):
    """How the things of one section are told apart, called and described."""

    key: Callable[[T], Hashable]
    name: Callable[[T], str]
    added: Callable[[T], str] = lambda _: "added"
    removed: str = "removed"


_DELIVERY: _Kind[DeliveryStream] = _Kind(key=lambda it: it.stream_id, name=lambda it: f"delivery stream {it.name}")
_TECH: _Kind[TechStream] = _Kind(key=lambda it: it.stream_id, name=lambda it: f"technology stream {it.name}")
_REPOSITORY: _Kind[RepositoryOverride] = _Kind(
    key=lambda it: folded(it.full_name), name=lambda it: f"repository {it.full_name}"
)
_PROJECT: _Kind[JiraProject] = _Kind(key=lambda it: it.key, name=lambda it: f"Jira project {it.key}")
_STATUS: _Kind[StatusMapping] = _Kind(
    key=lambda it: (it.project, folded(it.status)),
    name=lambda it: f"status {it.project}/{it.status}",
    added=lambda it: f"added as {it.stage}, {'active' if it.active else 'waiting'}",
)
_ENVIRONMENT: _Kind[EnvironmentRule] = _Kind(
    key=lambda it: it.pattern,
    name=lambda it: f"environment pattern {it.pattern}",
    added=lambda it: f"added as {it.environment}",
)
_SEVERITY: _Kind[SeverityRow] = _Kind(
    key=lambda it: (it.impacted_streams, it.confidence_below),
    name=lambda it: f"severity of {_condition(it)}",
    added=lambda it: f"added as {it.severity}",
)
_GROUP: _Kind[GroupRole] = _Kind(
    key=lambda it: it,
    name=lambda it: f"group {it.group or it.pattern}",
    added=lambda it: f"added as {_role(it)}",
)


def difference(before: Configuration, after: Configuration) -> list[str]:
    """Return what changes from one configuration to the other, a line each; empty when they mean the same.

    The order counts of environments only, where the first pattern that matches wins.
    """
    return [
        *_fields("platform", before.platform, after.platform),
        *_section(before.delivery_streams, after.delivery_streams, _DELIVERY),
        *_section(before.tech_streams, after.tech_streams, _TECH),
        *_section(before.repositories, after.repositories, _REPOSITORY),
        *_section(before.jira_projects, after.jira_projects, _PROJECT),
        *_section(before.status_mappings, after.status_mappings, _STATUS),
        *_section(before.environments, after.environments, _ENVIRONMENT),
        *_order(before.environments, after.environments),
        *_section(before.severities, after.severities, _SEVERITY),
        *_section(before.group_roles, after.group_roles, _GROUP),
        *_fields("GitHub", before.github, after.github),
        *_fields("Jira", before.jira, after.jira),
    ]


def things(before: Configuration, after: Configuration) -> Iterator[tuple[str, object | None, object | None]]:
    """Yield each thing that differs between two configurations: its name, as it was and as it is; None where it is not.

    That the order of environments differs is no difference of a thing.
    """
    for name, old, new in (
        ("platform", before.platform, after.platform),
        ("GitHub", before.github, after.github),
        ("Jira", before.jira, after.jira),
    ):
        if old != new:
            yield name, old, new
    yield from _differing(before.delivery_streams, after.delivery_streams, _DELIVERY)
    yield from _differing(before.tech_streams, after.tech_streams, _TECH)
    yield from _differing(before.repositories, after.repositories, _REPOSITORY)
    yield from _differing(before.jira_projects, after.jira_projects, _PROJECT)
    yield from _differing(before.status_mappings, after.status_mappings, _STATUS)
    yield from _differing(before.environments, after.environments, _ENVIRONMENT)
    yield from _differing(before.severities, after.severities, _SEVERITY)
    yield from _differing(before.group_roles, after.group_roles, _GROUP)


def _differing(before: Iterable[T], after: Iterable[T], kind: _Kind[T]) -> Iterator[tuple[str, T | None, T | None]]:
    """Yield what is new or different in a section, and then what is gone."""
    old, new = {kind.key(item): item for item in before}, {kind.key(item): item for item in after}
    for key, item in new.items():
        if item != old.get(key):
            yield kind.name(old.get(key, item)), old.get(key), item
    yield from ((kind.name(item), item, None) for key, item in old.items() if key not in new)


def _section(before: Iterable[T], after: Iterable[T], kind: _Kind[T]) -> Iterator[str]:
    for name, old, new in _differing(before, after, kind):
        if old is None and new is not None:
            yield f"{name}: {kind.added(new)}"
        elif new is None:
            yield f"{name}: {kind.removed}"
        else:
            yield from _fields(name, old, new)


def _order(before: Sequence[EnvironmentRule], after: Sequence[EnvironmentRule]) -> Iterator[str]:
    old, new = [rule.pattern for rule in before], [rule.pattern for rule in after]
    shared = set(old) & set(new)
    if [it for it in old if it in shared] != [it for it in new if it in shared]:
        yield f"environment patterns: order is now {', '.join(new)}"


def _fields(name: str, before: object, after: object, prefix: str = "") -> Iterator[str]:
    """Compare two values of one dataclass field by field; values inside of them as well."""
    for field in fields(before):  # type: ignore[arg-type]  # only dataclasses are passed
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old == new or field.name == "stream_id":
            continue
        if field.name == "is_active":
            yield f"{name}: {'brought back' if new else 'archived'}"
        elif is_dataclass(old) and is_dataclass(new):
            yield from _fields(name, old, new, prefix=f"{prefix}{field.name}.")
        else:
            yield f"{name}: {prefix}{field.name} {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return ", ".join(WEEKDAYS[day] for day in sorted(value)) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        parts = ((field.name, getattr(value, field.name)) for field in fields(value))
        return "(" + "; ".join(f"{name} {_shown(part)}" for name, part in parts if part) + ")"
    return str(value)


def _condition(row: SeverityRow) -> str:
    streams = f"{row.impacted_streams} or more streams"
    return streams if row.confidence_below is None else f"{streams} with confidence below {row.confidence_below:g} %"


def _captured(rule: GroupRole) -> Iterable[str]:
    """Return which streams a rule's pattern names; a change is told also of a pattern that cannot be used."""
    try:
        return captured_streams(rule)
    except InvalidInput:
        return ()


def _role(rule: GroupRole) -> str:
    streams = [name for name in (rule.delivery_stream, rule.tech_stream) if name]
    streams += [f"the {kind.replace('_', ' ')} that its name holds" for kind in _captured(rule)]
    return f"{rule.role} of {' and '.join(streams) if streams else 'all streams'}"
