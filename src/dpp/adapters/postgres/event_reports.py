"""Other reports of changes that are in an event table: which one stands, and the others kept (decision 0030).

Only what an append did not write comes here, and only what differs from what is there goes further. That needs a lock
that whoever does this holds, so that no two decide about one change at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import TupleRow

from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.intake_rows import as_json
from dpp.adapters.postgres.statements import EVENTS
from dpp.application.event_rows import row_of
from dpp.application.reports import CONTENT, PRESENCE, Content, Standing, standing
from dpp.application.resolving import EVENT_TABLES, ResolvedEvent
from dpp.domain.events import DefectEvent, WorkItemEvent

#: Advisory lock that whoever decides between reports holds; the number means nothing.
LOCK = 0x6470706F

_TICKET = ("ticket_id = r.ticket_id", "event_type = r.event_type")
_PULL_REQUEST = ("repo_id = r.repo_id", "pr_number = r.pr_number", "event_type = r.event_type")
_AT = ("event_timestamp = r.event_timestamp", "source_change_id IS NOT DISTINCT FROM r.source_change_id")
_CHANGE = ("source_change_id = r.source_change_id",)
_ISSUE = ("issue_id = r.issue_id", "event_type = r.event_type")

#: The keys of each table, as conditions on a fact that is there; ``r`` is what is reported.
KEYS: Mapping[str, Sequence[Sequence[str]]] = {
    "work_item_events": ((*_ISSUE, *_CHANGE), (*_TICKET, *_AT)),
    "work_item_facts": ((*_ISSUE, *_CHANGE), (*_TICKET, *_AT)),
    "defect_events": ((*_ISSUE, *_CHANGE), (*_TICKET, *_AT)),
    "pr_events": ((*_PULL_REQUEST, *_CHANGE), (*_PULL_REQUEST, *_AT)),
    "pull_request_facts": ((*_PULL_REQUEST, *_CHANGE), (*_PULL_REQUEST, *_AT)),
    "cicd_events": (
        ("pipeline_id = r.pipeline_id", "pipeline_run_id = r.pipeline_run_id", "event_type = r.event_type"),
    ),
    "incident_events": (
        ("incident_id = r.incident_id", "event_type = r.event_type", "event_timestamp = r.event_timestamp"),
    ),
    "push_events": (("repo_id = r.repo_id", "branch_name = r.branch_name", "last_commit_sha = r.last_commit_sha"),),
}
#: What a fact is about, as ``event_reports.thing`` names it.
_THINGS: Mapping[str, str] = {
    "work_item_events": "issue_id",
    "work_item_facts": "issue_id",
    "defect_events": "issue_id",
    "pr_events": "repo_id || '/' || pr_number",
    "pull_request_facts": "repo_id || '/' || pr_number",
    "cicd_events": r"pipeline_id || E'\x1f' || pipeline_run_id",
    "incident_events": "incident_id",
    "push_events": "repo_id || '/' || branch_name",
}


def content(table: str, alias: str) -> str:
    """Return the columns that say what a report tells, for comparing two of them."""
    columns = (f"{alias}.{name}" for name in CONTENT[table])
    return ", ".join(f"{name} IS NOT NULL" if name.split(".")[1] in PRESENCE else name for name in columns)


def _differing(table: str) -> bytes:
    stored, reported = content(table, "e"), content(table, "r")
    there = " UNION ALL ".join(f"SELECT * FROM {table} WHERE {' AND '.join(key)}" for key in KEYS[table])  # noqa: S608
    return f"""
    SELECT r.ordinality, e.event_id, {stored}, {reported}
    FROM ROWS FROM (json_populate_recordset(NULL::{table}, %s::json)) WITH ORDINALITY AS r
    CROSS JOIN LATERAL ({there}) AS e
    WHERE ROW({stored}) IS DISTINCT FROM ROW({reported})
    ORDER BY r.ordinality
    """.encode()  # noqa: S608 - made of constants


def _kept(table: str, source: str) -> bytes:
    return f"""
    INSERT INTO event_reports (report_id, event_table, thing, event_id, event_timestamp, received_at, report)
    SELECT dpp_report_id('{table}', to_jsonb(e)), '{table}', {_THINGS[table]}, event_id, event_timestamp, received_at,
        to_jsonb(e)
    FROM {source} ON CONFLICT DO NOTHING
    """.encode()  # noqa: S608 - made of constants


_DIFFERING = {table: _differing(table) for table in EVENT_TABLES}
_KEEP_REPORTED = {
    table: _kept(table, f"json_populate_recordset(NULL::{table}, %s::json) AS e") for table in EVENT_TABLES
}
_KEEP_STORED = {table: _kept(table, f"{table} AS e WHERE event_id = ANY (%s)") for table in EVENT_TABLES}
_GIVE_UP = "SELECT dpp_give_up(%s, %s)"


class _Report(NamedTuple):
    """What one report says, by column, and where it stands."""

    told: Mapping[str, Any]
    standing: Standing

    @property
    def ticket_keys(self) -> set[str]:
        """The keys of a ticket, present and former, that it names."""
        return {key for name in ("ticket_id", "from_ticket_id") if (key := self.told.get(name))}


@dataclass(slots=True)
class _Change:
    """The reports of one change that differ: of facts that are there, by id, and of what came, by place."""

    stored: dict[UUID, _Report] = field(default_factory=dict)
    reported: dict[int, _Report] = field(default_factory=dict)


async def settle(connection: Connection, left: Mapping[str, Sequence[ResolvedEvent]]) -> list[ResolvedEvent]:
    """Let that report of each change stand which is to, and keep the others.

    Args:
        connection: in the transaction of an append, behind the writing of what was new.
        left: what was there already under some key, by table.

    Returns:
        Facts of which something is to be derived.
    """
    differing = {table: items for table, items in left.items() if await _compared(connection, table, items)}
    if not differing:
        return []
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    concerned: list[ResolvedEvent] = []
    for table, items in differing.items():
        # Another process may have decided meanwhile.
        changes = _changes(table, await _compared(connection, table, items))
        concerned += await _decide(connection, table, items, changes)
    return concerned


async def _compared(connection: Connection, table: str, items: Sequence[ResolvedEvent]) -> list[TupleRow]:
    cursor = await connection.execute(_DIFFERING[table], [as_json(map(row_of, items))])
    return await cursor.fetchall()


def _changes(table: str, rows: Iterable[Sequence[Any]]) -> list[_Change]:
    """Put the reports of each change together; one that shares its keys with two facts says that these are one."""
    width = len(CONTENT[table])
    changes: list[_Change] = []
    for place, event_id, *content in rows:
        change = _Change({event_id: _report(table, content[:width])}, {place - 1: _report(table, content[width:])})
        for other in [one for one in changes if event_id in one.stored or place - 1 in one.reported]:
            changes.remove(other)
            change = _Change(other.stored | change.stored, other.reported | change.reported)
        changes.append(change)
    return changes


def _report(table: str, content: Content) -> _Report:
    return _Report(dict(zip(CONTENT[table], content, strict=True)), standing(table, content))


async def _decide(
    connection: Connection, table: str, items: Sequence[ResolvedEvent], changes: Iterable[_Change]
) -> list[ResolvedEvent]:
    beaten: list[UUID] = []
    winners: list[ResolvedEvent] = []
    losers: list[ResolvedEvent] = []
    concerned: list[ResolvedEvent] = []
    for change in changes:
        best = min((*change.stored.values(), *change.reported.values()), key=_standing)
        won = [place for place, one in change.reported.items() if one.standing == best.standing]
        lost = [place for place, one in change.reported.items() if one.standing != best.standing]
        gone = {event_id: one for event_id, one in change.stored.items() if one.standing != best.standing}
        winners += [items[place] for place in won[:1]]
        losers += [items[place] for place in lost]
        beaten += gone
        concerned += [items[place] for place in lost if change.reported[place].ticket_keys - best.ticket_keys]
        if gone:
            first = items[(won or lost)[0]]
            # What followed from those that go does not follow any more.
            concerned += [first, *(_as_it_was(first, one) for one in gone.values())]
    await connection.execute(_KEEP_STORED[table], [beaten])
    if beaten:
        await connection.execute(_GIVE_UP, [table, beaten])
    await connection.execute(EVENTS[table], [as_json(map(row_of, winners))])
    await connection.execute(_KEEP_REPORTED[table], [as_json(map(row_of, losers))])
    return concerned


def _standing(report: _Report) -> Standing:
    return report.standing


def _as_it_was(item: ResolvedEvent, before: _Report) -> ResolvedEvent:
    """Return a fact with what it takes from a former report to say what followed from that."""
    event = item.event
    at = before.told["event_timestamp"]
    if isinstance(event, WorkItemEvent | DefectEvent):
        return replace(item, event=replace(event, event_timestamp=at, issue_id=before.told["issue_id"]))
    return replace(item, event=replace(event, event_timestamp=at))
