"""How complete the data of a view is (§5.6), from kept counts and spans.

Whole years, whole months of the year and whole thirds of the month are counted in the database already, what came since
the last of them is counted here; what ended counts no longer. A third has ten days, the last one what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_tables import KeptTable, Wanted
from dpp.adapters.postgres.rows import Rows, joined
from dpp.adapters.postgres.shown import Shown
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.readers import Share
from dpp.application.views import View
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.quality import QualityRate

_RATES = tuple(QualityRate)
_PARTS = ("year", "month", "third")
_THING = "delivery_stream_id, tech_stream_ids, rate"

COUNTS = KeptTable(
    name="quality counts",
    by="begins",
    columns=Unpacker(begins=Kind.INSTANT, complete=Kind.NUMBER, total=Kind.NUMBER),
    groups=("delivery_stream_id", "tech_stream_ids", "rate", "part"),
    source=f"""
    SELECT begins, complete, total, {_THING}, part FROM quality_counts
    WHERE part IN ('year', 'month', 'third') AND begins >= lowest AND begins <= highest
    """,  # noqa: S608 - constants
)
_SPAN_GROUPS = ("delivery_stream_id", "tech_stream_ids", "rate", "is_complete")
BEGUN = KeptTable(
    name="quality begun",
    by="valid_from",
    columns=Unpacker(valid_from=Kind.INSTANT),
    groups=_SPAN_GROUPS,
    source=f"""
    SELECT valid_from, {_THING}, is_complete FROM quality_spans WHERE valid_from >= lowest AND valid_from <= highest
    """,  # noqa: S608 - constants
)
ENDED = KeptTable(
    name="quality ended",
    by="valid_to",
    columns=Unpacker(valid_to=Kind.INSTANT),
    groups=_SPAN_GROUPS,
    source=f"""
    SELECT valid_to, {_THING}, is_complete FROM quality_spans
    WHERE valid_to >= lowest AND valid_to <= highest AND valid_to < 'infinity'
    """,  # noqa: S608 - constants
)


async def shares(kept: KeptRows, view: View) -> Mapping[QualityRate, Share]:
    """Return the shares over everything known at a view's moment; a rate that nothing speaks of is absent."""
    year, month, third = _beginnings(view.as_of)
    counts, begun, ended = await kept.read(
        Wanted(COUNTS, end=third), Wanted(BEGUN, third, view.as_of), Wanted(ENDED, third, view.as_of)
    )
    shown = Shown.by(view)
    complete, total = _counted(joined(counts), shown, year=year, month=month, third=third)
    for way, spans in ((1, joined(begun)), (-1, joined(ended))):
        marked = np.flatnonzero(spans.told(shown))
        rates, is_complete = spans.told(_rate, dtype=np.int64)[marked], spans.told(_is_complete)[marked]
        total = total + way * np.bincount(rates, minlength=len(_RATES))
        complete = complete + way * np.bincount(rates[is_complete], minlength=len(_RATES))
    return {rate: Share(int(complete[it]), int(total[it])) for it, rate in enumerate(_RATES) if total[it] > 0}


def _counted(
    rows: Rows, shown: Shown, *, year: datetime, month: datetime, third: datetime
) -> tuple[IntArray, IntArray]:
    """Return how many were complete, and how many there were, when the third began; each of shape (rates,)."""
    part, begins = rows.told(_part, dtype=np.int64), rows.columns["begins"]
    since = np.array([0, to_micros(year), to_micros(month)])[part]
    until = np.array([to_micros(year), to_micros(month), to_micros(third)])[part]
    marked = np.flatnonzero((begins >= since) & (begins < until) & rows.told(shown))
    rates = rows.told(_rate, dtype=np.int64)[marked]
    # Sums of so many counts are exact as floats.
    complete, total = (
        np.bincount(rates, weights=rows.columns[name][marked], minlength=len(_RATES)).astype(np.int64)
        for name in ("complete", "total")
    )
    return complete, total


def _beginnings(moment: datetime) -> tuple[datetime, datetime, datetime]:
    """Return when the year, the month and the third of the month of a moment begin."""
    moment = moment.astimezone(UTC)
    month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return month.replace(month=1), month, month + timedelta(days=10 * min(2, (moment.day - 1) // 10))


def _part(_delivery: UUID | None, _tech: tuple[UUID, ...], _rate: str, part: str) -> int:
    return _PARTS.index(part)


def _rate(_delivery: UUID | None, _tech: tuple[UUID, ...], rate: str, _more: object) -> int:
    return _RATES.index(QualityRate(rate))


def _is_complete(_delivery: UUID | None, _tech: tuple[UUID, ...], _rate: str, is_complete: bool) -> bool:
    return is_complete
