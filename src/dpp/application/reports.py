"""Two reports of one change: which of them stands for it (decision 0030).

A source may tell of one change by two ways (a webhook, and the history that is asked for later) with other times, and
with more or less told. The event table holds one of the reports, whichever order they came in: the one that tells more;
of two that tell as much, the one with the earlier time, since what tells of a change later dates it later; and of two
with one time, the one whose content comes first in an order that means nothing else. The others are kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from dpp.application.event_rows import COLUMNS, row_of
from dpp.application.resolving import ResolvedEvent
from dpp.domain.defects import UNKNOWN_STAGE

#: Columns that follow from the configuration of the moment, from others, or from the way that a report came.
_RESOLVED = frozenset(
    {
        *("event_id", "received_at", "delivery_stream_id", "tech_stream_id", "from_stage", "to_stage", "to_active"),
        *("sprint_id", "blocking_tech_stream_id", "linked_ticket_id", "link_method", "environment"),
    }
)

#: Of these it counts only whether the report tells them: what they hold is the platform's own id.
PRESENCE = frozenset({"repo_id"})

#: What reports say, by table: two reports that agree in these columns are one.
CONTENT: Mapping[str, tuple[str, ...]] = {
    table: tuple(name for name in columns if name not in _RESOLVED) for table, columns in COLUMNS.items()
}

#: Columns of a ticket's fields: an empty one says that the field is empty, so that it tells as much as a full one.
_FIELDS = frozenset(
    {
        *("ticket_type", "assignee_hash", "story_points", "priority", "labels", "components", "resolution"),
        *("parent_ticket_id", "delivery_stream_name", "tech_stream_names", "jira_sprint_id"),
        *("blocking_tech_stream_name", "ticket_created_at"),
    }
)
#: What a column holds when its report did not tell, beside NULL.
_UNTOLD = {"found_in_stage": UNKNOWN_STAGE, "has_fields": False}

Content = Sequence[object]


class Standing(NamedTuple):
    """Where a report stands among those of one change: the least one stands for the change."""

    untold: int
    at: datetime
    text: str


def content_of(resolved: ResolvedEvent) -> Content:
    """Return what a report says, in the order of ``CONTENT``."""
    row = row_of(resolved)
    return [row.get(name) is not None if name in PRESENCE else row.get(name) for name in CONTENT[resolved.table]]


def standing(table: str, content: Content) -> Standing:
    """Return where a report stands.

    Args:
        table: the event table that it is of.
        content: what it says, in the order of ``CONTENT``, as Python's values whatever they were stored as.
    """
    told = dict(zip(CONTENT[table], content, strict=True))
    untold = sum(
        (not value) if name in PRESENCE else value is None or value == _UNTOLD.get(name)
        for name, value in told.items()
        if name not in _FIELDS
    )
    at = told["event_timestamp"]
    assert isinstance(at, datetime)
    return Standing(untold, at, "\x1f".join(map(_text, content)))


def _text(value: object) -> str:
    """Write a value out, the same for equal ones of different types."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case int() | float() | Decimal():
            return repr(float(value))
        case str():
            return f"={value!s}"
        case list() | tuple():
            return "\x1e".join(["[", *map(_text, value), "]"])
        case _:
            return "" if value is None else str(value)
