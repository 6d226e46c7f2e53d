"""Tickets: replaces their derived rows, and finds out what else that makes stale."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from dpp.adapters.postgres import derived_contributions, quality_spans
from dpp.adapters.postgres.derived_tables import DerivedTables, lock_links
from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.histories import Histories, linked_to
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.tables import derived
from dpp.application.derivation import (
    Derive,
    News,
)
from dpp.application.derived_rows import (
    AttributionRow,
    CycleRow,
    StayRow,
    TicketRows,
    WorkItemRow,
)
from dpp.application.stale import StaleKey, StaleKind, pull_request_key
from dpp.domain.configuration import Configuration

_WORK_ITEMS = Packer(derived.work_items, WorkItemRow._fields)
_STAYS = Packer(derived.work_item_stays, StayRow._fields)
_ATTRIBUTIONS = Packer(derived.work_item_attributions, AttributionRow._fields)
_CYCLES = Packer(derived.work_item_cycles, [name for name in CycleRow._fields if name != "reopened_at"])
_SUPERSEDED = Packer(derived.superseded_cycles, CycleRow._fields)
_TICKET_TABLES = ("work_items", "work_item_stays", "work_item_attributions", "work_item_cycles", "superseded_cycles")

# One statement, so that a single ticket costs a single round trip.
_DELETE_TICKETS = f"""
WITH {", ".join(f"of_{t} AS (DELETE FROM {t} WHERE issue_id = ANY (%(issues)s))" for t in _TICKET_TABLES)} SELECT
"""  # noqa: S608 - made of constants
_ALL_TICKETS = """
SELECT issue_id FROM work_item_events UNION SELECT issue_id FROM work_item_facts UNION SELECT issue_id FROM work_items
"""
_PLACES = """
WITH told AS (
    SELECT * FROM placed_tickets WHERE issue_id = ANY (%(issues)s)
), kept AS (
    SELECT * FROM work_item_places WHERE issue_id = ANY (%(issues)s)
), gone AS (
    DELETE FROM work_item_places AS place USING (SELECT * FROM kept EXCEPT SELECT * FROM told) AS wrong
    WHERE place.issue_id = wrong.issue_id AND place.entered_at = wrong.entered_at
)
INSERT INTO work_item_places SELECT * FROM told EXCEPT SELECT * FROM kept
"""
_KEYS = "SELECT ticket_id, issue_id FROM ticket_keys WHERE issue_id = ANY (%s)"
_TICKETS_BEFORE = """
SELECT issue_id, ticket_id, delivery_stream_id, tech_stream_ids FROM work_items WHERE issue_id = ANY (%s)
"""
_SPANS_BEFORE = """
SELECT DISTINCT issue_id, delivery_stream_id, tech_stream_ids FROM work_item_attributions WHERE issue_id = ANY (%s)
"""
_NAMING = """
SELECT repo_id, pr_number, linked_ticket_id, linked_issue_id, delivery_stream_id FROM pull_requests
WHERE linked_ticket_id = ANY (%(keys)s)
UNION
SELECT repo_id, pr_number, linked_ticket_id, linked_issue_id, delivery_stream_id FROM pull_requests
WHERE linked_issue_id = ANY (%(issues)s)
"""


class TicketTables(DerivedTables):
    """The tables of tickets."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some tickets; stale are the pull requests that name them and tell something else."""
        issue_ids = sorted(key.key for key in keys)
        cursor = await connection.execute(_KEYS, [issue_ids])
        names: dict[str, set[str]] = {}
        for ticket_id, issue_id in await cursor.fetchall():
            names.setdefault(ticket_id, set()).add(issue_id)
        await lock_links(connection, names, shared=True)
        inputs = await self._histories.tickets(connection, issue_ids)
        inputs = replace(inputs, linked=await linked_to(connection, issue_ids))
        rows = derive.tickets(inputs, configuration)
        before = await _tickets_before(connection, issue_ids, news)
        await _replace_tickets(connection, issue_ids, rows)
        await quality_spans.update_tickets(connection, issue_ids)
        await derived_contributions.update_tickets(connection, issue_ids)
        after = {row.issue_id: (row.ticket_id, row.delivery_stream_id) for row in rows.work_items}
        for row in rows.work_items:
            news.add(StaleKey(StaleKind.TICKET, row.issue_id), row.delivery_stream_id, row.tech_stream_ids)
        # The streams that a ticket once belonged to, or was taken to, have figures of that time.
        for span in rows.attributions:
            news.add(StaleKey(StaleKind.TICKET, span.issue_id), span.delivery_stream_id, span.tech_stream_ids)
        cursor = await connection.execute(_NAMING, {"keys": list(names), "issues": issue_ids})
        stale = set()
        for repo_id, number, ticket_id, issue_id, stream in await cursor.fetchall():
            concerned = names.get(ticket_id, set()) | ({issue_id} if issue_id in before or issue_id in after else set())
            if _tells_something_else(concerned, issue_id, stream, before, after):
                stale.add(StaleKey(StaleKind.PULL_REQUEST, pull_request_key(repo_id, number)))
        return stale

    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return every ticket."""
        cursor = await connection.execute(_ALL_TICKETS)
        return [StaleKey(StaleKind.TICKET, issue_id) for (issue_id,) in await cursor.fetchall()]


def _tells_something_else(
    concerned: Collection[str],
    issue_id: str | None,
    stream: UUID | None,
    before: Mapping[str, tuple[str, UUID | None]],
    after: Mapping[str, tuple[str, UUID | None]],
) -> bool:
    """Tell whether a pull request's link and stream may not follow from the tickets of its key any more."""
    if concerned != {issue_id}:
        return True
    key, now = after.get(issue_id or "", (None, None))
    former, _ = before.get(issue_id or "", (None, None))
    return stream != now or key != former


async def _tickets_before(
    connection: Connection, issue_ids: Sequence[str], news: News
) -> dict[str, tuple[str, UUID | None]]:
    cursor = await connection.execute(_TICKETS_BEFORE, [list(issue_ids)])
    before: dict[str, tuple[str, UUID | None]] = {}
    for issue_id, ticket_id, delivery_stream, tech_streams in await cursor.fetchall():
        before[issue_id] = (ticket_id, delivery_stream)
        news.add(StaleKey(StaleKind.TICKET, issue_id), delivery_stream, tech_streams)
    cursor = await connection.execute(_SPANS_BEFORE, [list(issue_ids)])
    for issue_id, delivery_stream, tech_streams in await cursor.fetchall():
        news.add(StaleKey(StaleKind.TICKET, issue_id), delivery_stream, tech_streams)
    return before


async def update_places(connection: Connection, issue_ids: Sequence[str]) -> None:
    """Follow the stays and the streams of some tickets, writing only what differs."""
    await connection.execute(_PLACES, {"issues": list(issue_ids)})


async def _replace_tickets(connection: Connection, issue_ids: Sequence[str], rows: TicketRows) -> None:
    await connection.execute(_DELETE_TICKETS, {"issues": list(issue_ids)})
    await _WORK_ITEMS.write(connection, rows.work_items)
    await _STAYS.write(connection, rows.stays)
    await _ATTRIBUTIONS.write(connection, rows.attributions)
    await _CYCLES.write(connection, [row for row in rows.cycles if row.counts])
    await _SUPERSEDED.write(connection, [row for row in rows.cycles if not row.counts])
    await update_places(connection, issue_ids)
