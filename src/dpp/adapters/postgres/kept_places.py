"""Where tickets were while they had the same streams, as kept rows: unfinished stays by when they ended, done ones by
when they began.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from dpp.adapters.postgres.kept_rows import KeptRows, KeptTable, Rows
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.views import View
from dpp.domain.calendar import to_micros

# Tickets are told apart by a number of 64 bits made of what they are called: that two among a million have the same one
# is less likely than one in ten million.
NUMBER = "hashtextextended(issue_id, 0)"

_GROUPS = ("delivery_stream_id", "tech_stream_ids", "stage", "is_active_work")
_SELECT = f"""
SELECT {NUMBER} AS item, stayed_from, entered_at, left_at, {", ".join(_GROUPS)} FROM work_item_places
"""  # noqa: S608 - constants
_COLUMNS = Unpacker(item=Kind.NUMBER, stayed_from=Kind.INSTANT, entered_at=Kind.INSTANT, left_at=Kind.INSTANT)

UNFINISHED = KeptTable(
    name="unfinished places",
    by="left_at",
    columns=_COLUMNS,
    groups=_GROUPS,
    source=f"{_SELECT} WHERE left_at >= start_at AND left_at <= end_at AND stage <> 'done'",
)
DONE = KeptTable(
    name="done places",
    by="stayed_from",
    columns=_COLUMNS,
    groups=_GROUPS,
    source=f"{_SELECT} WHERE stayed_from >= start_at AND stayed_from <= end_at AND stage = 'done'",
)


async def unfinished_at(kept: KeptRows, view: View) -> Rows:
    """Return the unfinished stays that a view shows at its moment."""
    rows = await kept.between(UNFINISHED, view.as_of, begun=("entered_at", view.as_of))
    return _shown(rows.only(rows.columns["left_at"] > to_micros(view.as_of)), view)


async def held_since(kept: KeptRows, view: View, start: datetime) -> Rows:
    """Return the stays that a view shows, begun up to its moment: unfinished ones that had not ended at the start, and
    done ones that began since then.
    """
    since, begun = to_micros(start), ("entered_at", view.as_of)
    unfinished = await kept.between(UNFINISHED, start, begun=begun)
    done = await kept.between(DONE, start, view.as_of, begun=begun)
    began = done.columns["stayed_from"]
    done = done.only((began >= since) & (began <= to_micros(view.as_of)))
    unfinished = unfinished.only(unfinished.columns["left_at"] >= since)
    return _shown(unfinished.with_others(done), view)


def _shown(rows: Rows, view: View) -> Rows:
    def shows(delivery_stream_id: UUID | None, tech_stream_ids: tuple[UUID, ...], *_: object) -> bool:
        return view.shows(delivery_stream_id=delivery_stream_id, tech_stream_ids=tech_stream_ids)

    return rows.in_groups(shows)
