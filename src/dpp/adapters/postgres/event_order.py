"""In which order the events of a ticket happened, for SQL: as ``dpp.domain.histories`` has it."""

from __future__ import annotations

from dpp.domain.events import WorkItemEventType
from dpp.domain.histories import ROWS, Rank, phase

_RANKS = {kind: ROWS[kind][1] if kind in ROWS else Rank.TRANSITIONED for kind in WorkItemEventType}


def _case(values: dict[WorkItemEventType, int]) -> str:
    whens = " ".join(f"WHEN '{kind}' THEN {value}" for kind, value in values.items())
    return f"CASE event_type {whens} END"


#: What an event is sorted by, from the first to the last; the columns are those of the event tables.
KEYS = (
    "event_timestamp",
    _case({kind: phase(rank) for kind, rank in _RANKS.items()}),
    "CASE WHEN source_change_id ~ '^[0-9]{1,18}$' THEN source_change_id::bigint ELSE 0 END",
    _case({kind: int(rank) for kind, rank in _RANKS.items()}),
    'event_type COLLATE "C"',
    "event_id",
)
AS_HAPPENED = ", ".join(KEYS)
LATEST_FIRST = ", ".join(f"{key} DESC" for key in KEYS)
#: The columns that these need.
COLUMNS = "event_timestamp, event_type, source_change_id, event_id"
