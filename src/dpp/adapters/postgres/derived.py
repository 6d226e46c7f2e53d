"""Replaces the derived rows of some tickets or pull requests, and finds out what else that makes stale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID
from zlib import crc32

from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.histories import Histories, linked_to, pull_request_inputs
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.tables import derived
from dpp.application.derivation import (
    Derive,
    LinkedTicket,
    News,
    PullRequestId,
    chosen_ticket,
    pull_request_of,
)
from dpp.application.derived_rows import (
    AttributionRow,
    CycleRow,
    PullRequestCycleRow,
    PullRequestRow,
    PullRequestRows,
    StayRow,
    TicketRows,
    WorkItemRow,
)
from dpp.application.stale import StaleKey, StaleKind, pull_request_key
from dpp.domain.configuration import Configuration
from dpp.domain.linking import Link

#: First number of the advisory locks that keep tickets and pull requests of one key from passing each other unseen.
LINKS = 0x6470706C
BUCKETS = 64

_WORK_ITEMS = Packer(derived.work_items, WorkItemRow._fields)
_STAYS = Packer(derived.work_item_stays, StayRow._fields)
_ATTRIBUTIONS = Packer(derived.work_item_attributions, AttributionRow._fields)
_CYCLES = Packer(derived.work_item_cycles, [name for name in CycleRow._fields if name != "reopened_at"])
_SUPERSEDED = Packer(derived.superseded_cycles, CycleRow._fields)
_PULL_REQUESTS = Packer(derived.pull_requests, PullRequestRow._fields)
_PULL_REQUEST_CYCLES = Packer(derived.pr_cycles, PullRequestCycleRow._fields)

_TICKET_TABLES = ("work_items", "work_item_stays", "work_item_attributions", "work_item_cycles", "superseded_cycles")
_PULL_REQUEST_TABLES = ("pull_requests", "pr_cycles")

# One statement, so that a single ticket costs a single round trip.
_DELETE_TICKETS = f"""
WITH {", ".join(f"of_{t} AS (DELETE FROM {t} WHERE issue_id = ANY (%(issues)s))" for t in _TICKET_TABLES)} SELECT
"""  # noqa: S608 - made of constants
_DELETED_PULL_REQUESTS = (
    "of_{0} AS (DELETE FROM {0} USING wanted WHERE ({0}.repo_id, {0}.pr_number) = (wanted.repo_id, wanted.pr_number))"
)
_DELETE_PULL_REQUESTS = f"""
WITH wanted AS (SELECT * FROM unnest(%s::uuid[], %s::int[]) AS one (repo_id, pr_number)),
{", ".join(_DELETED_PULL_REQUESTS.format(table) for table in _PULL_REQUEST_TABLES)} SELECT
"""  # noqa: S608 - made of constants
_KEYS = "SELECT ticket_id, issue_id FROM ticket_keys WHERE issue_id = ANY (%s)"
_TICKETS_BEFORE = """
SELECT issue_id, ticket_id, delivery_stream_id, tech_stream_ids FROM work_items WHERE issue_id = ANY (%s)
"""
_NAMING = """
SELECT repo_id, pr_number, linked_ticket_id, linked_issue_id, delivery_stream_id FROM pull_requests
WHERE linked_ticket_id = ANY (%(keys)s)
UNION
SELECT repo_id, pr_number, linked_ticket_id, linked_issue_id, delivery_stream_id FROM pull_requests
WHERE linked_issue_id = ANY (%(issues)s)
"""
_CANDIDATES = """
SELECT k.ticket_id, k.issue_id, w.ticket_id, w.delivery_stream_id
FROM ticket_keys k LEFT JOIN work_items w USING (issue_id)
WHERE k.ticket_id = ANY (%s)
"""
_PULL_REQUESTS_BEFORE = """
SELECT repo_id, pr_number, tech_stream_id, delivery_stream_id, linked_issue_id,
    (extract(epoch FROM opened_at) * 1000000)::bigint
FROM pull_requests JOIN unnest(%s::uuid[], %s::int[]) AS w (repo_id, pr_number) USING (repo_id, pr_number)
"""


class DerivedTables(ABC):
    """The tables of one kind of thing."""

    @abstractmethod
    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some things and return what that makes stale; an error may leave them half replaced.

        Args:
            connection: in a transaction that is given up after an error.
            derive: calculates the rows.
            keys: of one kind, distinct.
            configuration: the current one.
            news: takes in the streams of the rows before and after.
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
        after = {row.issue_id: (row.ticket_id, row.delivery_stream_id) for row in rows.work_items}
        for row in rows.work_items:
            news.add(row.delivery_stream_id, row.tech_stream_ids)
        cursor = await connection.execute(_NAMING, {"keys": list(names), "issues": issue_ids})
        stale = set()
        for repo_id, number, ticket_id, issue_id, stream in await cursor.fetchall():
            concerned = names.get(ticket_id, set()) | ({issue_id} if issue_id in before or issue_id in after else set())
            if _tells_something_else(concerned, issue_id, stream, before, after):
                stale.add(StaleKey(StaleKind.PULL_REQUEST, pull_request_key(repo_id, number)))
        return stale


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


class PullRequestTables(DerivedTables):
    """The tables of pull requests."""

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some pull requests; stale are the tickets to which another link leads now."""
        ids = sorted({one for key in keys if (one := pull_request_of(key)) is not None})
        inputs = await pull_request_inputs(connection, ids)
        links = derive.links(inputs, configuration)
        await lock_links(connection, {link.key for link in links.values()}, shared=False)
        tickets = await _tickets_of(connection, links.values())
        rows = derive.pull_requests(inputs, configuration, links=links, tickets=tickets)
        before = await _pull_requests_before(connection, ids, news)
        await _replace_pull_requests(connection, ids, rows)
        after = {PullRequestId(row.repo_id, row.pr_number): _link_of(row) for row in rows.pull_requests}
        for row in rows.pull_requests:
            news.add(row.delivery_stream_id, [row.tech_stream_id] if row.tech_stream_id else [])
        changed = {one for one in ids if before.get(one) != after.get(one)}
        links_changed = [link for one in changed for link in (before.get(one), after.get(one)) if link is not None]
        return {StaleKey(StaleKind.TICKET, issue_id) for issue_id, *_ in links_changed if issue_id is not None}


_LinkState = tuple[str | None, UUID | None, int | None]


def _link_of(row: PullRequestRow) -> _LinkState:
    return (row.linked_issue_id, row.tech_stream_id, row.opened_at)


async def lock_links(connection: Connection, ticket_keys: Iterable[str], *, shared: bool) -> None:
    """Wait for whoever derives the other kind of thing under one of these keys, and keep them waiting.

    A ticket and a pull request that are derived at once do not see each other's new rows; one after the other, the
    second sees the first's.
    """
    buckets = sorted({crc32(key.encode()) % BUCKETS for key in ticket_keys})
    lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    await connection.execute(
        f"SELECT {lock}(%s, bucket) FROM unnest(%s::int[]) AS bucket",  # noqa: S608 - one of two constants
        [LINKS, buckets],
    )


async def _tickets_before(
    connection: Connection, issue_ids: Sequence[str], news: News
) -> dict[str, tuple[str, UUID | None]]:
    cursor = await connection.execute(_TICKETS_BEFORE, [list(issue_ids)])
    before: dict[str, tuple[str, UUID | None]] = {}
    for issue_id, ticket_id, delivery_stream, tech_streams in await cursor.fetchall():
        before[issue_id] = (ticket_id, delivery_stream)
        news.add(delivery_stream, tech_streams)
    return before


async def _replace_tickets(connection: Connection, issue_ids: Sequence[str], rows: TicketRows) -> None:
    await connection.execute(_DELETE_TICKETS, {"issues": list(issue_ids)})
    await _WORK_ITEMS.write(connection, rows.work_items)
    await _STAYS.write(connection, rows.stays)
    await _ATTRIBUTIONS.write(connection, rows.attributions)
    await _CYCLES.write(connection, [row for row in rows.cycles if row.counts])
    await _SUPERSEDED.write(connection, [row for row in rows.cycles if not row.counts])


async def _tickets_of(connection: Connection, links: Iterable[Link]) -> dict[str, LinkedTicket]:
    candidates: dict[str, list[tuple[str, str | None, UUID | None]]] = {}
    cursor = await connection.execute(_CANDIDATES, [sorted({link.key for link in links})])
    for key, *candidate in await cursor.fetchall():
        candidates.setdefault(key, []).append((candidate[0], candidate[1], candidate[2]))
    chosen = {key: chosen_ticket(key, those) for key, those in candidates.items()}
    return {key: ticket for key, ticket in chosen.items() if ticket is not None}


async def _pull_requests_before(
    connection: Connection, ids: Sequence[PullRequestId], news: News
) -> dict[PullRequestId, _LinkState]:
    cursor = await connection.execute(
        _PULL_REQUESTS_BEFORE, [[one.repo_id for one in ids], [one.pr_number for one in ids]]
    )
    before: dict[PullRequestId, _LinkState] = {}
    for repo_id, number, tech_stream, delivery_stream, issue_id, opened_at in await cursor.fetchall():
        before[PullRequestId(repo_id, number)] = (issue_id, tech_stream, opened_at)
        news.add(delivery_stream, [tech_stream] if tech_stream else [])
    return before


async def _replace_pull_requests(connection: Connection, ids: Sequence[PullRequestId], rows: PullRequestRows) -> None:
    await connection.execute(_DELETE_PULL_REQUESTS, [[one.repo_id for one in ids], [one.pr_number for one in ids]])
    await _PULL_REQUESTS.write(connection, rows.pull_requests)
    await _PULL_REQUEST_CYCLES.write(connection, rows.cycles)
