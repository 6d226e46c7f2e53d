"""What holds at a moment, and what a view shows of it, in memory."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.derived_rows import AttributionRow, PullRequestRow
from dpp.application.views import View
from dpp.domain.calendar import to_micros


def attribution(tables: MemoryDerivedTables, issue_id: str, *, moment: int) -> AttributionRow | None:
    """Return the key and the streams that a ticket had at a moment; None before its first event."""
    rows = tables.attributions.get(issue_id, ())
    return next((row for row in rows if row.valid_from <= moment < row.valid_to), None)


def shown_tickets(tables: MemoryDerivedTables, view: View) -> dict[str, AttributionRow]:
    """Return the tickets that a view shows, each with its key and streams at the view's moment."""
    moment = to_micros(view.as_of)
    held = {issue_id: attribution(tables, issue_id, moment=moment) for issue_id in tables.attributions}
    return {
        issue_id: row
        for issue_id, row in held.items()
        if row is not None
        and view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=row.tech_stream_ids)
    }


def shown_pull_requests(rows: Iterable[PullRequestRow], view: View) -> list[PullRequestRow]:
    """Return the pull requests that a view shows and that were there at its moment."""
    moment = to_micros(view.as_of)
    return [
        row
        for row in rows
        if row.opened_at <= moment
        and view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=only(row.tech_stream_id))
    ]


def only(stream: UUID | None) -> tuple[UUID, ...]:
    """Return the streams of a thing that has one at most."""
    return () if stream is None else (stream,)
