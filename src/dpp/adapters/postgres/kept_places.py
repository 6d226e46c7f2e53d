"""Where tickets were while they had the same streams, as kept rows: unfinished stays by when they ended, done ones by
when they began.
"""

from __future__ import annotations

from datetime import datetime

from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_tables import TICK, KeptTable, Wanted, number_of
from dpp.adapters.postgres.rows import Rows, together
from dpp.adapters.postgres.shown import Shown
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.evidence_reader import Among
from dpp.application.views import View
from dpp.domain.arrays import BoolArray
from dpp.domain.calendar import to_micros

NUMBER = number_of("issue_id")
"""What tells tickets apart."""

_GROUPS = ("delivery_stream_id", "tech_stream_ids", "stage", "is_active_work")
_SELECT = f"""
SELECT {NUMBER} AS item, stayed_from, entered_at, left_at, first_in_progress, {", ".join(_GROUPS)} FROM work_item_places
"""  # noqa: S608 - constants

UNFINISHED = KeptTable(
    name="unfinished places",
    by="left_at",
    columns=Unpacker(item=Kind.NUMBER, entered_at=Kind.INSTANT, left_at=Kind.INSTANT, first_in_progress=Kind.INSTANT),
    coded=("item",),
    groups=_GROUPS,
    source=f"{_SELECT} WHERE left_at >= lowest AND left_at <= highest AND stage <> 'done'",
)
DONE = KeptTable(
    name="done places",
    by="stayed_from",
    columns=Unpacker(item=Kind.NUMBER, stayed_from=Kind.INSTANT, entered_at=Kind.INSTANT, left_at=Kind.INSTANT),
    coded=("item",),
    groups=_GROUPS,
    source=f"{_SELECT} WHERE stayed_from >= lowest AND stayed_from <= highest AND stage = 'done'",
)


async def unfinished_at(kept: KeptRows, view: View, *, among: Among = Among.SHOWN) -> Rows:
    """Return the unfinished stays that a view shows at its moment, or those that may be of it."""
    moment, shown = to_micros(view.as_of), Shown.by(view, among)
    (parts,) = await kept.read(Wanted(UNFINISHED, view.as_of + TICK))
    return together((part, _has_begun(part, moment, shown)) for part in parts)


async def held_since(kept: KeptRows, view: View, start: datetime) -> Rows:
    """Return the stays that a view shows, begun up to its moment: unfinished ones that had not ended at the start, and
    done ones that began since then.
    """
    moment, shown = to_micros(view.as_of), Shown.by(view)
    unfinished, done = await kept.read(Wanted(UNFINISHED, start), Wanted(DONE, start, view.as_of))
    return together((part, _has_begun(part, moment, shown)) for part in [*unfinished, *done])


def _has_begun(part: Rows, moment: int, shown: Shown) -> BoolArray:
    has_begun: BoolArray = (part.columns["entered_at"] <= moment) & part.told(shown)
    return has_begun
