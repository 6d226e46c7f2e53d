"""Rows about defects and reviews from the events and derived rows in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import numpy as np

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.selections import attribution, only
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.derivation import chosen_ticket
from dpp.application.derived_rows import PullRequestRow
from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.identities import PullRequestId
from dpp.application.resolving import ResolvedEvent
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.calendar import to_micros
from dpp.domain.defects import UNKNOWN_STAGE, FoundDefect, latest_attribution
from dpp.domain.events import DefectEvent, DefectEventType, PullRequestEvent, WorkItemEvent
from dpp.domain.positions import DELETED
from dpp.domain.reviews import is_peer_review, pull_request_cycle
from dpp.domain.small_teams import Contribution
from dpp.domain.stages import UNMAPPED

MICROS_PER_HOUR = 3_600_000_000

_NO_STAGE = frozenset({DELETED, UNMAPPED})

#: A thing's delivery stream and technology streams.
Streams = tuple[UUID | None, tuple[UUID, ...]]


class MemoryDiagnosticsReader(DiagnosticsReader):
    """Reads a memory database.

    Args:
        database: has the events.
        tables: has the derived rows.
    """

    def __init__(self, *, database: MemoryDatabase, tables: MemoryDerivedTables) -> None:
        self._database = database
        self._tables = tables

    async def defects(self, view: View, *, window: Window) -> Sequence[FoundDefect]:
        """Return every defect with an event in the window."""
        self._database.check_available()
        return [
            self.found(rows)
            for rows in self._defects(view).values()
            if any(window.start <= row.event.event_timestamp < window.end for row in rows)
            and _is_shown(self._streams_of_defect(rows, view), view)
        ]

    def _defects(self, view: View) -> Mapping[str, Sequence[ResolvedEvent]]:
        """Return the events of every defect that were known at the view's moment."""
        known: dict[str, list[ResolvedEvent]] = {}
        for row in self._database.events["defect_events"]:
            if isinstance(row.event, DefectEvent) and row.event.event_timestamp <= view.as_of:
                known.setdefault(row.event.item, []).append(row)
        return known

    def _streams_of_defect(self, rows: Sequence[ResolvedEvent], view: View) -> Streams:
        """Return the ticket's streams; before the ticket itself is known, those that came with the latest event."""
        latest = latest_attribution(map(_defect, rows))
        held = attribution(self._tables, latest.item, moment=to_micros(view.as_of))
        if held is not None:
            return held.delivery_stream_id, held.tech_stream_ids
        row = next(row for row in rows if row.event == latest)
        return row.delivery_stream_id, only(row.tech_stream_id)

    def found(self, rows: Sequence[ResolvedEvent]) -> FoundDefect:
        """Return where a defect was found and made, by its events up to a moment."""
        events = [_defect(row) for row in rows]
        latest = latest_attribution(events)
        found = latest.found_in_stage or UNKNOWN_STAGE
        if found == UNKNOWN_STAGE:
            found = self._stage_of_parent(latest.linked_work_item_id, events) or UNKNOWN_STAGE
        return FoundDefect(found, latest.introduced_in_stage)

    def _stage_of_parent(self, key: str | None, events: Sequence[DefectEvent]) -> str | None:
        parent = self._ticket_named(key) if key else None
        if parent is None:
            return None
        logged = [event for event in events if event.event_type is DefectEventType.LOGGED] or events
        moment = to_micros(min(event.event_timestamp for event in logged))
        stays = self._tables.stays.get(parent, ())
        stages = (stay.stage for stay in stays if stay.entered_at <= moment < stay.left_at)
        return next((stage for stage in stages if stage not in _NO_STAGE), None)

    def _ticket_named(self, key: str) -> str | None:
        rows = ((item, self._tables.work_items.get(item)) for item in self._database.ticket_keys.get(key, set()))
        chosen = chosen_ticket(key, ((item, row and row.ticket_id, None) for item, row in rows))
        return chosen.issue_id if chosen else None

    async def review_hours(self, view: View, *, window: Window) -> FloatArray:
        """Return the hours to the first review of every pull request that ended in the window."""
        self._database.check_available()
        hours = []
        for one, events in self._pull_requests(view, "pr_events", "pull_request_facts").items():
            state, row = pull_request_cycle(events), self._tables.pull_requests.get(one)
            ended_at = state.ended_at
            if ended_at is None or row is None or not window.start <= ended_at < window.end:
                continue
            if _is_shown(self._streams_of(row, view), view):
                hours.append(_hours(row.opened_at, state.first_review_at))
        return np.array(hours, dtype=np.float64)

    def _pull_requests(self, view: View, *tables: str) -> Mapping[PullRequestId, Sequence[PullRequestEvent]]:
        """Return the events of every pull request that were known at the view's moment."""
        known: dict[PullRequestId, list[PullRequestEvent]] = {}
        for row in (row for table in tables for row in self._database.events[table]):
            event = row.event
            if isinstance(event, PullRequestEvent) and row.repo_id and event.event_timestamp <= view.as_of:
                known.setdefault(PullRequestId(row.repo_id, event.pr_number), []).append(event)
        return known

    def _streams_of(self, row: PullRequestRow, view: View) -> Streams:
        issue_id = row.linked_issue_id
        held = attribution(self._tables, issue_id, moment=to_micros(view.as_of)) if issue_id else None
        return held.delivery_stream_id if held else None, only(row.tech_stream_id)

    async def contributions(self, view: View, *, window: Window) -> Sequence[Contribution]:
        """Return who contributed in the window."""
        self._database.check_available()
        reviews: Counter[tuple[Streams, str]] = Counter()
        for streams, person, count in (*self._code(view, window), *self._tickets(view, window)):
            if _is_shown(streams, view):
                reviews[streams, person] += count
        return [Contribution(*streams, person, count) for (streams, person), count in reviews.items()]

    def _code(self, view: View, window: Window) -> Iterator[tuple[Streams, str, int]]:
        for one, events in self._pull_requests(view, "pr_events").items():
            row = self._tables.pull_requests.get(one)
            if row is None:
                continue
            streams = self._streams_of(row, view)
            for event in events:
                if window.start <= event.event_timestamp < window.end:
                    if not event.author_is_bot:
                        yield streams, event.author_hash, 0
                    if is_peer_review(event) and event.reviewer_hash:
                        yield streams, event.reviewer_hash, 1

    def _tickets(self, view: View, window: Window) -> Iterator[tuple[Streams, str, int]]:
        for row in self._database.events["work_item_events"]:
            event = row.event
            if not isinstance(event, WorkItemEvent) or event.fields is None or not event.fields.assignee_hash:
                continue
            held = attribution(self._tables, event.item, moment=to_micros(view.as_of))
            if held and window.start <= event.event_timestamp < window.end and event.event_timestamp <= view.as_of:
                yield (held.delivery_stream_id, held.tech_stream_ids), event.fields.assignee_hash, 0


def _hours(opened_at: int, reviewed_at: datetime | None) -> float:
    """Return the time until a review; nan without one, and for one that came before the opening."""
    hours = (to_micros(reviewed_at) - opened_at) / MICROS_PER_HOUR if reviewed_at else np.nan
    return hours if hours >= 0 else np.nan


def _defect(row: ResolvedEvent) -> DefectEvent:
    assert isinstance(row.event, DefectEvent)
    return row.event


def _is_shown(streams: Streams, view: View) -> bool:
    delivery, tech = streams
    return view.shows(delivery_stream_id=delivery, tech_stream_ids=tech)
