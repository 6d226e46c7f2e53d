"""What is told of defects, as kept rows, and each one's latest attribution as of a view's moment (§6.3.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import numpy as np

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_streams import ATTRIBUTIONS, TECH, TicketStreams
from dpp.adapters.postgres.kept_tables import SHARES, KeptTable, Wanted, number_of
from dpp.adapters.postgres.parent_stage import stage_of
from dpp.adapters.postgres.row_groups import Codes
from dpp.adapters.postgres.rows import Rows, joined
from dpp.adapters.postgres.shown import Shown
from dpp.adapters.postgres.unpacking import Kind, Unpacker, uuids
from dpp.application.evidence_reader import Among
from dpp.application.views import View, Window
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.defects import LAST_WORD, UNKNOWN_STAGE, FoundDefect
from dpp.domain.events import DefectEventType
from dpp.domain.histories import FOREVER

_NUMBER = number_of("issue_id")
DEFECTS = KeptTable(
    name="defects",
    by="item",
    columns=Unpacker(item=Kind.NUMBER, ticket=Kind.NUMBER, told_at=Kind.INSTANT, event_id=Kind.ID),
    coded=("ticket",),
    groups=("delivery_stream_id", "tech_stream_ids", "found_in_stage", "introduced_in_stage", "event_type"),
    source=f"""
    SELECT {_NUMBER} AS item, {_NUMBER} AS ticket, event_timestamp AS told_at, event_id, delivery_stream_id,
        {TECH.format("tech_stream_id")}, found_in_stage, introduced_in_stage, event_type
    FROM defect_events WHERE {_NUMBER} >= lowest AND {_NUMBER} <= highest
    """,  # noqa: S608 - constants
    places=SHARES,
)

_PARENTS = f"""
SELECT wanted.place, parent.stage
FROM unnest(%(places)s::bigint[], %(events)s::uuid[], %(logged)s::timestamptz[]) AS wanted (place, event_id, logged_at)
JOIN defect_events AS defect USING (event_id)
CROSS JOIN LATERAL ({stage_of("defect.linked_work_item_id", at="wanted.logged_at")}) AS parent
"""  # noqa: S608 - constants


async def found_defects(
    database: Database, kept: KeptRows, view: View, *, window: Window, among: Among = Among.SHOWN
) -> list[FoundDefect]:
    """Return the defects of a view with an event in a window, in any order."""
    parts, attributions = await kept.read(Wanted(DEFECTS), Wanted(ATTRIBUTIONS))
    streams = TicketStreams(joined(attributions), view=view, kept=kept)
    latest = _latest(kept.made(_ordered, joined(parts)), view, window)
    is_shown = _shown(latest.rows, streams, Shown.by(view, among))
    latest = _Latest(latest.rows.only(np.flatnonzero(is_shown)), latest.logged_at[is_shown])
    unknown = latest.rows.told(_is_unknown)
    told = [
        FoundDefect(found, introduced)
        for (_, _, found, introduced, _), count in latest.rows.only(np.flatnonzero(~unknown)).by_group()
        for _ in range(count)
    ]
    return told + [one async for one in _by_parents(database, latest, np.flatnonzero(unknown))]


class _Ordered(NamedTuple):
    """What is told, by defect and time, and where that of each defect begins."""

    rows: Rows
    starts: IntArray


class _Latest(NamedTuple):
    """The latest attribution of each defect, and when it was logged."""

    rows: Rows
    logged_at: IntArray


def _ordered(rows: Rows, _codes: Codes) -> _Ordered:
    columns = rows.columns
    order = np.lexsort((columns["event_id"], rows.told(_word, dtype=np.int64), columns["told_at"], columns["ticket"]))
    ordered = rows.only(order)
    tickets = ordered.columns["ticket"]
    begins = np.ones(tickets.size, dtype=np.bool_)
    begins[1:] = tickets[1:] != tickets[:-1]
    return _Ordered(ordered, np.flatnonzero(begins))


def _latest(ordered: _Ordered, view: View, window: Window) -> _Latest:
    rows, starts = ordered
    told_at, moment = rows.columns["told_at"], to_micros(view.as_of)
    if not starts.size:
        return _Latest(rows, told_at)
    is_told = told_at <= moment
    in_window = is_told & (told_at >= to_micros(window.start)) & (told_at < to_micros(window.end))
    touched = np.add.reduceat(in_window, starts, dtype=np.int64) > 0
    last = starts + np.add.reduceat(is_told, starts, dtype=np.int64) - 1
    logged = np.minimum.reduceat(np.where(is_told & rows.told(_is_logged), told_at, FOREVER), starts)
    logged = np.where(logged == FOREVER, told_at[starts], logged)
    return _Latest(rows.only(last[touched]), logged[touched])


def _shown(rows: Rows, streams: TicketStreams, shown: Shown) -> BoolArray:
    """Mark those that are shown: before its ticket has any streams, a defect is of those of its latest event."""
    if not shown.is_restricted:
        return np.ones(len(rows.group), dtype=np.bool_)
    return streams.told(rows.columns["ticket"], shown, none=rows.told(shown))


async def _by_parents(database: Database, latest: _Latest, unknown: IntArray) -> AsyncIterator[FoundDefect]:
    if not unknown.size:
        return
    rows = latest.rows.only(unknown)
    asked = {
        "places": list(range(unknown.size)),
        "events": uuids(rows.columns["event_id"]),
        "logged": [from_micros(at) for at in latest.logged_at[unknown].tolist()],
    }
    async with database.reading() as connection:
        stages: dict[int, str] = dict(await (await connection.execute(_PARENTS.encode(), asked)).fetchall())
    for place, group in enumerate(rows.group.tolist()):
        introduced: Any = rows.groups.values(group)[3]
        yield FoundDefect(stages.get(place, UNKNOWN_STAGE), introduced)


def _word(*group: Any) -> int:
    return LAST_WORD.index(DefectEventType(group[4]))


def _is_logged(*group: Any) -> bool:
    return bool(group[4] == LAST_WORD[0])


def _is_unknown(*group: Any) -> bool:
    return bool(group[2] == UNKNOWN_STAGE)
