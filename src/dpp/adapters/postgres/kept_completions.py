"""Completed tickets, as kept rows: those that count, and those that a later reopening took back."""

from __future__ import annotations

import numpy as np

from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_streams import ATTRIBUTIONS, TicketStreams, ticket_of
from dpp.adapters.postgres.kept_tables import TICK, KeptTable, Wanted
from dpp.adapters.postgres.rows import Rows, joined
from dpp.adapters.postgres.shown import Shown
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.evidence_reader import Among
from dpp.application.views import View, Window
from dpp.domain.calendar import to_micros

_SELECT = f"""
SELECT {ticket_of("issue_id")} AS ticket, completed_at, cycle_time_days, flow_efficiency_pct, label_days
"""
_LIES = "completed_at >= lowest AND completed_at <= highest"

COMPLETIONS = KeptTable(
    name="completions",
    by="completed_at",
    columns=Unpacker(
        ticket=Kind.NUMBER,
        completed_at=Kind.INSTANT,
        reopened_at=Kind.INSTANT,
        cycle_time_days=Kind.HOURS,
        flow_efficiency_pct=Kind.HOURS,
        label_days=Kind.LABELLED,
    ),
    coded=("ticket",),
    groups=(),
    source=f"""
    {_SELECT}, 'infinity'::timestamptz AS reopened_at FROM work_item_cycles WHERE {_LIES}
    UNION ALL
    {_SELECT}, reopened_at FROM superseded_cycles WHERE {_LIES}
    """,
)


async def completed(
    kept: KeptRows, view: View, *, window: Window, among: Among = Among.SHOWN
) -> tuple[Rows, TicketStreams]:
    """Return the tickets completed in a window, as known at a view's moment, and the streams that they had then."""
    moment, end = to_micros(view.as_of), min(window.end - TICK, view.as_of)
    parts, attributions = await kept.read(Wanted(COMPLETIONS, window.start, end), Wanted(ATTRIBUTIONS))
    rows, streams = joined(parts), TicketStreams(joined(attributions), view=view, kept=kept)
    counts = rows.columns["reopened_at"] > moment
    shown = Shown.by(view, among)
    if shown.is_restricted:
        counts &= streams.told(rows.columns["ticket"], shown, none=False)
    return (rows if counts.all() else rows.only(np.flatnonzero(counts))), streams
