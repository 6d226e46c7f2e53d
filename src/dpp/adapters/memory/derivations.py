"""Derivation in memory: the same queue, calculation and consequences, for as long as the process lives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.derived_deliveries import MemoryDeliveries
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.derivation import (
    TOPICS,
    Backlog,
    DerivationStore,
    Derive,
    DeriveResult,
    LinkedTicket,
    Marked,
    News,
    PullRequestInputs,
    TicketInputs,
    attributes_of,
    chosen_ticket,
    isolate,
)
from dpp.application.derived_rows import (
    AttributionRow,
    CycleRow,
    PullRequestRow,
    StayRow,
    WorkItemRow,
)
from dpp.application.identities import PullRequestId, pull_request_of
from dpp.application.measures import Cause
from dpp.application.resolving import ResolvedEvent
from dpp.application.stale import StaleKey, StaleKind, pull_request_key
from dpp.application.stale_days import inherited, reaching, reason, stale_days
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.events import PullRequestEvent, WorkItemEvent
from dpp.domain.histories import Kind, StatusKey, TicketColumns, change_number
from dpp.domain.linking import Link

T = TypeVar("T")
K = TypeVar("K")

_WORK_ITEM_TABLES = ("work_item_events", "work_item_facts")
_PULL_REQUEST_TABLES = ("pr_events", "pull_request_facts")


class MemoryDerivationStore(DerivationStore):
    """Keeps derived rows of a memory database.

    Args:
        database: shared with the other memory stores.
        tables: where the rows go; shared with whoever reads them.
        feed: tells of changes; None when nobody listens.
    """

    def __init__(
        self,
        *,
        database: MemoryDatabase,
        tables: MemoryDerivedTables | None = None,
        feed: MemoryChangeFeed | None = None,
    ) -> None:
        self._database = database
        self.tables = tables if tables is not None else MemoryDerivedTables()
        self._deliveries = MemoryDeliveries(database, self.tables)
        self._feed = feed
        self._items = _Index(_WORK_ITEM_TABLES, _item_of)
        self._pull_requests = _Index(_PULL_REQUEST_TABLES, _pull_request_id)

    async def derive_stale(
        self, derive: Derive, *, limit: int, skip: Collection[StaleKey] = frozenset()
    ) -> DeriveResult:
        """Derive some stale things of one kind, that of the oldest; nothing else runs in between."""
        self._database.check_available()
        entries = [entry for entry in self._database.stale if entry.key not in skip][:limit]
        if not entries:
            return DeriveResult()
        kind = entries[0].key.kind
        entries = [entry for entry in entries if entry.key.kind is kind]
        news = News()

        async def attempt(some: Sequence[StaleKey]) -> Collection[StaleKey]:
            return self._replace_rows(kind, derive, some, news)

        outcome = await isolate(list(dict.fromkeys(entry.key for entry in entries)), attempt)
        done = set(outcome.done)
        settled = {entry.entry_id for entry in entries if entry.key in done}
        reasons = reaching(
            [reason(entry.key, entry.since, entry.cause) for entry in entries if entry.key in done], news
        )
        self._database.stale[:] = [entry for entry in self._database.stale if entry.entry_id not in settled]
        if reasons:
            self._mark(outcome.marked, *inherited(reasons))
            for days, streams in stale_days(reasons, news).items():
                self._database.mark_days(streams, days)
        if done and kind in TOPICS and self._feed is not None:
            await self._feed.publish(news.change(kind))
        return DeriveResult(entries=len(settled), derived=len(done), marked=len(outcome.marked), failed=outcome.failed)

    async def mark_all(self, kind: StaleKind) -> Marked:
        """Queue every thing of a kind that has events or derived rows."""
        self._database.check_available()
        keys = self._everything(kind)
        self._mark(keys, None, Cause.REBUILD)
        return Marked(len(keys), self._database.stale_marks)

    async def pending(self, *, up_to: int | None = None, skip: Collection[StaleKey] = frozenset()) -> Backlog:
        """Return how much waits; since when is not kept in memory."""
        self._database.check_available()
        waiting = [
            entry.entry_id
            for entry in self._database.stale
            if entry.key not in skip and (up_to is None or entry.entry_id <= up_to)
        ]
        return Backlog(entries=len(waiting), oldest=None, last_entry=max(waiting, default=0))

    def _replace_rows(
        self, kind: StaleKind, derive: Derive, keys: Sequence[StaleKey], news: News
    ) -> Collection[StaleKey]:
        configuration, deliveries = self._database.configuration, self._deliveries
        match kind:
            case StaleKind.TICKET:
                return self._derive_tickets(derive, keys, configuration, news)
            case StaleKind.PULL_REQUEST:
                return self._derive_pull_requests(derive, keys, configuration, news)
            case StaleKind.PUSH:
                return deliveries.pushes(keys)
            case StaleKind.DEPLOYMENT:
                return deliveries.deployments(derive, keys, configuration, news)
            case StaleKind.ROLLBACK:
                return deliveries.rollbacks(keys)
            case StaleKind.CHANGE:
                return deliveries.changes(derive, keys, configuration, news)
            case StaleKind.INCIDENT:
                return deliveries.incidents(derive, keys, configuration, news)

    def _everything(self, kind: StaleKind) -> set[StaleKey]:
        match kind:
            case StaleKind.TICKET:
                items = self._items.of(self._database).keys() | self.tables.work_items.keys()
                return {StaleKey(kind, item) for item in items}
            case StaleKind.PULL_REQUEST:
                return {
                    one.key(kind)
                    for one in self._pull_requests.of(self._database).keys() | self.tables.pull_requests.keys()
                }
            case StaleKind.DEPLOYMENT:
                return self._deliveries.all_deployments()
            case StaleKind.CHANGE:
                return self._deliveries.all_changes()
            case StaleKind.INCIDENT:
                return self._deliveries.all_incidents()
            case StaleKind.PUSH | StaleKind.ROLLBACK:
                return set()

    def _mark(self, keys: Iterable[StaleKey], since: datetime | None, cause: Cause) -> None:
        ordered = sorted(keys)
        for key in ordered:
            self._database.mark_stale(key, since=since, cause=cause)
        if ordered and self._feed is not None:
            self._feed.wake()

    # --- tickets --------------------------------------------------------------------------------------------------

    def _derive_tickets(
        self, derive: Derive, keys: Sequence[StaleKey], configuration: Configuration, news: News
    ) -> Collection[StaleKey]:
        issue_ids = {key.key for key in keys}
        rows = derive.tickets(self.ticket_inputs(issue_ids), configuration)
        tables = self.tables
        before = {item: row for item in issue_ids if (row := tables.work_items.pop(item, None)) is not None}
        spans = [span for item in issue_ids for span in tables.attributions.get(item, ())]
        for rest in (tables.stays, tables.attributions, tables.cycles):
            for item in issue_ids:
                rest.pop(item, None)
        after = {row.issue_id: row for row in rows.work_items}
        tables.work_items.update(after)
        _add_all(tables.stays, rows.stays, _issue_of)
        _add_all(tables.attributions, rows.attributions, _issue_of)
        _add_all(tables.cycles, rows.cycles, _issue_of)
        for row in (*before.values(), *after.values()):
            news.add(StaleKey(StaleKind.TICKET, row.issue_id), row.delivery_stream_id, row.tech_stream_ids)
        # The streams that a ticket once belonged to, or was taken to, have figures of that time.
        for span in (*spans, *rows.attributions):
            news.add(StaleKey(StaleKind.TICKET, span.issue_id), span.delivery_stream_id, span.tech_stream_ids)
        return self._pull_requests_of(issue_ids, before, after)

    def ticket_inputs(self, issue_ids: Iterable[str]) -> TicketInputs:
        """Return all that the rows of some tickets depend on."""
        known = self._items.of(self._database)
        events = {item: [row.event for row in known[item]] for item in sorted(issue_ids) if item in known}
        work = {item: [event for event in those if isinstance(event, WorkItemEvent)] for item, those in events.items()}
        linked = {
            item: [
                (from_micros(row.opened_at), row.tech_stream_id)
                for row in self.tables.pull_requests.values()
                if row.linked_issue_id == item and row.tech_stream_id is not None
            ]
            for item in work
        }
        return TicketInputs(
            columns=_with_stored_stages(
                TicketColumns.from_events(event for those in work.values() for event in those),
                [row for item in work for row in known[item]],
            ),
            changes={item: [attributes_of(event) for event in those] for item, those in work.items()},
            linked=linked,
        )

    def _pull_requests_of(
        self, issue_ids: Collection[str], before: Mapping[str, WorkItemRow], after: Mapping[str, WorkItemRow]
    ) -> set[StaleKey]:
        """Return the pull requests that name one of the tickets and do not follow from it any more."""
        renamed = {item for item in issue_ids if _name(before.get(item)) != _name(after.get(item))}
        stale: set[StaleKey] = set()
        for one, row in self.tables.pull_requests.items():
            candidates = self._database.ticket_keys.get(row.linked_ticket_id or "", set())
            concerned = candidates | ({row.linked_issue_id} if row.linked_issue_id else set())
            if concerned.isdisjoint(issue_ids):
                continue
            ticket = self._ticket_named(row.linked_ticket_id or "")
            follows = ticket is not None and ticket == (row.linked_issue_id, row.delivery_stream_id)
            if not follows or not renamed.isdisjoint(concerned):
                stale.add(StaleKey(StaleKind.PULL_REQUEST, pull_request_key(*one)))
        return stale

    # --- pull requests ----------------------------------------------------------------------------------------------

    def _derive_pull_requests(
        self, derive: Derive, keys: Sequence[StaleKey], configuration: Configuration, news: News
    ) -> Collection[StaleKey]:
        ids = {one for key in keys if (one := pull_request_of(key)) is not None}
        inputs = self._pull_request_inputs(ids)
        links = derive.links(inputs, configuration)
        rows = derive.pull_requests(inputs, configuration, links=links, tickets=self._tickets_of(links.values()))
        before = {one: row for one in ids if (row := self.tables.pull_requests.pop(one, None)) is not None}
        for one in ids:
            self.tables.pull_request_cycles.pop(one, None)
        after = {PullRequestId(row.repo_id, row.pr_number): row for row in rows.pull_requests}
        self.tables.pull_requests.update(after)
        self.tables.pull_request_cycles.update((PullRequestId(row.repo_id, row.pr_number), row) for row in rows.cycles)
        for row in (*before.values(), *after.values()):
            key = PullRequestId(row.repo_id, row.pr_number).key(StaleKind.PULL_REQUEST)
            news.add(key, row.delivery_stream_id, [row.tech_stream_id] if row.tech_stream_id else [])
        changed = [(before.get(one), after.get(one)) for one in ids if _link(before.get(one)) != _link(after.get(one))]
        for was, is_now in changed:
            # A ticket is of the pull request's technology from its opening on, whatever told of it later.
            told = [row for row in (was, is_now) if row is not None]
            key = PullRequestId(told[0].repo_id, told[0].pr_number).key(StaleKind.PULL_REQUEST)
            news.reach_back(key, (row.opened_at for row in told))
        linked = {row.linked_issue_id for pair in changed for row in pair if row is not None}
        stale = {StaleKey(StaleKind.TICKET, issue_id) for issue_id in linked if issue_id is not None}
        return stale | set(self._deliveries.beginnings({one.repo_id for one in ids}))

    def _pull_request_inputs(self, ids: Iterable[PullRequestId]) -> PullRequestInputs:
        known = self._pull_requests.of(self._database)
        return PullRequestInputs(
            events={
                one: [row.event for row in known[one] if isinstance(row.event, PullRequestEvent)]
                for one in sorted(ids)
                if one in known
            },
            tech_streams={item.repo_id: item.tech_stream_id for item in self._database.repositories.all},
            by_hand={
                PullRequestId(row.repo_id, row.pr_number): row.ticket_id
                for row in sorted(self._database.manual_links, key=lambda row: (row.linked_at, row.link_id))
            },
        )

    def _tickets_of(self, links: Iterable[Link]) -> dict[str, LinkedTicket]:
        found = {link.key: self._ticket_named(link.key) for link in links}
        return {key: ticket for key, ticket in found.items() if ticket is not None}

    def _ticket_named(self, key: str) -> LinkedTicket | None:
        rows = ((item, self.tables.work_items.get(item)) for item in self._database.ticket_keys.get(key, set()))
        return chosen_ticket(
            key, ((item, row and row.ticket_id, row.delivery_stream_id if row else None) for item, row in rows)
        )


class _Index(Generic[K]):
    """The events of some tables by the thing that they are about; brought up to date when it is asked for."""

    def __init__(self, tables: Sequence[str], key_of: Callable[[ResolvedEvent], K | None]) -> None:
        self._tables = tables
        self._key_of = key_of
        self._seen = dict.fromkeys(tables, 0)
        self._replaced = 0
        self._rows: dict[K, list[ResolvedEvent]] = {}

    def of(self, database: MemoryDatabase) -> Mapping[K, Sequence[ResolvedEvent]]:
        """Return the events by thing; those without events are absent."""
        has_fewer = any(len(database.events[table]) < self._seen[table] for table in self._tables)
        if has_fewer or database.replaced != self._replaced:
            # Events have gone, which is rare: begin anew.
            self._replaced = database.replaced
            self._seen = dict.fromkeys(self._tables, 0)
            self._rows = {}
        for table in self._tables:
            rows = database.events[table]
            for row in rows[self._seen[table] :]:
                if (key := self._key_of(row)) is not None:
                    self._rows.setdefault(key, []).append(row)
            self._seen[table] = len(rows)
        return self._rows


def _item_of(row: ResolvedEvent) -> str | None:
    return row.event.item if isinstance(row.event, WorkItemEvent) else None


def _pull_request_id(row: ResolvedEvent) -> PullRequestId | None:
    if row.repo_id is None or not isinstance(row.event, PullRequestEvent):
        return None
    return PullRequestId(row.repo_id, row.event.pr_number)


def _with_stored_stages(columns: TicketColumns, rows: Iterable[ResolvedEvent]) -> TicketColumns:
    """Return columns whose statuses tell the stage that they had when they were stored, for want of a later mapping."""
    stored: dict[tuple[str, int, int, StatusKey], StatusKey] = {}
    for row in rows:
        event = row.event
        if isinstance(event, WorkItemEvent) and row.tags is not None:
            plain = StatusKey(event.project_key, event.to_status)
            key = (event.item, to_micros(event.event_timestamp), change_number(event.source_change_id), plain)
            stored[key] = plain._replace(stored_stage=row.tags.to_stage, stored_active=row.tags.to_active)
    codes: dict[StatusKey, int] = {}
    status_code = columns.status_code.copy()
    for place in np.flatnonzero(columns.kind == Kind.STATUS).tolist():
        plain = columns.statuses[status_code[place]]
        key = (columns.items[columns.item[place]], int(columns.time[place]), int(columns.change[place]), plain)
        status_code[place] = codes.setdefault(stored.get(key, plain), len(codes))
    return replace(columns, status_code=status_code, statuses=tuple(codes))


def _add_all(table: dict[str, list[T]], rows: Iterable[T], key_of: Callable[[T], str]) -> None:
    for row in rows:
        table.setdefault(key_of(row), []).append(row)


def _issue_of(row: StayRow | AttributionRow | CycleRow) -> str:
    return row.issue_id


def _name(row: WorkItemRow | None) -> str | None:
    return row.ticket_id if row else None


def _link(row: PullRequestRow | None) -> tuple[str | None, UUID | None, int] | None:
    return (row.linked_issue_id, row.tech_stream_id, row.opened_at) if row else None
