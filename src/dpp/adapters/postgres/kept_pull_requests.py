"""Pull requests that were merged or closed, as kept rows, and how long each waited for its first review (§6.3.3)."""

from __future__ import annotations

from uuid import UUID

import numpy as np

from dpp.adapters.postgres.ended_pull_requests import earlier_ends
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_streams import TECH, TicketStreams, only_shown, ticket_of, wanted_for
from dpp.adapters.postgres.kept_tables import TICK, KeptTable, Wanted, number_of
from dpp.adapters.postgres.rows import Rows, joined
from dpp.adapters.postgres.shown import Shown
from dpp.adapters.postgres.unpacking import Kind, Unpacker, uuids
from dpp.application.evidence_reader import Among
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray, IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.histories import FOREVER

_MICROS_PER_HOUR = 3_600_000_000
_REQUEST = number_of("repo_id || '/' || pr_number") + " AS request"

# Whoever derives a pull request replaces its rows in both tables.
ENDED = KeptTable(
    name="ended pull requests",
    by="closed_at",
    columns=Unpacker(
        request=Kind.NUMBER,
        ticket=Kind.NUMBER,
        opened_at=Kind.INSTANT,
        closed_at=Kind.INSTANT,
        first_review_at=Kind.INSTANT,
    ),
    coded=("ticket",),
    groups=("tech_stream_ids",),
    source=f"""
    SELECT {_REQUEST}, {ticket_of("request.linked_issue_id")} AS ticket, cycle.opened_at, cycle.closed_at,
        cycle.first_review_at, {TECH.format("cycle.tech_stream_id")}
    FROM pr_cycles AS cycle JOIN pull_requests AS request USING (repo_id, pr_number)
    WHERE cycle.closed_at >= lowest AND cycle.closed_at <= highest
    """,  # noqa: S608 - constants
)
CLOSINGS = KeptTable(
    name="closings",
    by="at",
    columns=Unpacker(request=Kind.NUMBER, repo=Kind.ID, number=Kind.CODE, at=Kind.INSTANT),
    groups=(),
    source=f"""
    SELECT {_REQUEST}, repo_id AS repo, pr_number AS number, event_timestamp AS at FROM pr_events
    WHERE event_type = 'closed' AND event_timestamp >= lowest AND event_timestamp <= highest
    """,  # noqa: S608 - constants
)


async def review_hours(
    database: Database, kept: KeptRows, view: View, *, window: Window, among: Among = Among.SHOWN
) -> FloatArray:
    """Return the hours to the first review of what ended in a window, nan without one; in any order."""
    shown, moment, end = Shown.by(view, among), to_micros(view.as_of), min(window.end - TICK, view.as_of)
    ended, closings, *tickets = [
        joined(parts)
        for parts in await kept.read(
            Wanted(ENDED, window.start, end), Wanted(CLOSINGS, window.start, end), *wanted_for(shown)
        )
    ]
    streams = TicketStreams(tickets[0], view=view, kept=kept) if tickets else None
    found = only_shown(ended, shown, streams).columns
    hours = _hours(found["opened_at"], found["first_review_at"], moment=moment)
    if view.is_live:
        # About the present the derived rows know everything.
        return hours
    requests = _went_on(closings, ended)
    others = await earlier_ends(database, view, requests, window=window) if requests else []
    shown_ones = [one for one in others if shown(one.delivery_stream_id, tuple(filter(None, [one.tech_stream_id])))]
    opened = np.array([to_micros(one.opened_at) for one in shown_ones], dtype=np.int64)
    reviewed = [FOREVER if one.first_review_at is None else to_micros(one.first_review_at) for one in shown_ones]
    return np.concatenate([hours, _hours(opened, np.array(reviewed, dtype=np.int64), moment=moment)])


def _went_on(closings: Rows, ended: Rows) -> list[tuple[UUID, int]]:
    """Return what was closed and has another end by its row, be it none: repository and number."""
    others = np.flatnonzero(~np.isin(closings.columns["request"], ended.columns["request"]))
    numbers: list[int] = closings.columns["number"][others].tolist()
    return sorted(set(zip(uuids(closings.columns["repo"][others]), numbers, strict=True)))


def _hours(opened_at: IntArray, reviewed_at: IntArray, *, moment: int) -> FloatArray:
    """Return the hours of each, >= 0; nan without a review by the moment, and for one that came before the opening."""
    hours = (np.where(reviewed_at <= moment, reviewed_at, opened_at) - opened_at) / _MICROS_PER_HOUR
    return np.where((reviewed_at > moment) | (hours < 0), np.nan, hours)
