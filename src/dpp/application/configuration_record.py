"""What goes on record of a change of the configuration (§8.4): by whom, what it was before, and what it is after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from dpp.application.access_ports import AuditEntry
from dpp.application.configuration_changes import difference, things
from dpp.domain.configuration import Configuration

ACTION = "configuration.changed"
#: A first configuration can have thousands of things; every version is kept as a whole beside the record.
MAX_LISTED = 200


def change_entry(before: Configuration, after: Configuration, *, actor: str, at: datetime) -> AuditEntry:
    """
    Return the entry of the audit log for a change.

    Its details have ``changes``, a line each as a person reads them; ``before`` and ``after`` with the version and,
    by the name of each thing, the values that differ (of a thing that is new or gone, all of them); and ``left_out``,
    how many things are not listed because there are too many.

    Args:
        before: as it was.
        after: as it is, with its new version.
        actor: who changed it.
        at: when.
    """
    changed = list(things(before, after))
    listed = [_values(old, new) for _, old, new in changed[:MAX_LISTED]]
    names = [name for name, _, _ in changed[:MAX_LISTED]]
    return AuditEntry(
        occurred_at=at,
        actor=actor,
        action=ACTION,
        subject=f"configuration:{after.version}",
        details={
            "changes": difference(before, after)[:MAX_LISTED],
            "before": {"version": before.version, **_told(names, [old for old, _ in listed])},
            "after": {"version": after.version, **_told(names, [new for _, new in listed])},
            "left_out": max(0, len(changed) - MAX_LISTED),
        },
    )


def _told(names: list[str], values: list[dict[str, Any] | None]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _values(old: object | None, new: object | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return what differs between two things of one kind; of one that stands alone, everything that is said of it."""
    if old is None or new is None:
        return (None if old is None else dict(_plain_fields(old))), (None if new is None else dict(_plain_fields(new)))
    before, after = dict(_plain_fields(old)), dict(_plain_fields(new))
    differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: before.get(key) for key in differing}, {key: after.get(key) for key in differing}


def _plain_fields(value: Any) -> Iterator[tuple[str, Any]]:
    for one in fields(value):
        if (plain := _plain(getattr(value, one.name))) is not None:
            yield one.name, plain


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        return dict(_plain_fields(value))
    if isinstance(value, frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date | UUID):
        return str(value)
    return value
