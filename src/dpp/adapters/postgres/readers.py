"""Rows for figures from the derived tables: one question, one statement (decision 0010)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_completions import completed
from dpp.adapters.postgres.kept_places import unfinished_at
from dpp.adapters.postgres.kept_quality import shares
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.selections import condition, values
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.readers import CycleRows, CycleValues, LabelRow, MetricsReader, Share, StageRow, summed_days
from dpp.application.views import View, Window
from dpp.domain.positions import LABELS
from dpp.domain.quality import QualityRate

# Looked up ticket by ticket (the limit makes the planner do that), so that the cost is that of the few tickets in
# question and not that of all there ever were: how many are open is more than the planner can know.
_HELD = """
JOIN LATERAL (
    SELECT ticket_id, delivery_stream_id, tech_stream_ids FROM work_item_attributions AS span
    WHERE span.issue_id = {of}.issue_id AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
) AS held ON true
"""

_IN_WINDOW = "completed_at >= %(start)s AND completed_at < %(end)s AND completed_at <= %(as_of)s"

# A completion's own row tells the key and the streams that its ticket has now. They are those of the moment too, unless
# the span that held then has ended since: only such tickets, at present none, are looked up. Of the completions of one
# ticket at most one holds at a moment: a later one follows the reopening of the earlier.
_COMPLETED = f"""
WITH moved AS (
    SELECT issue_id, ticket_id, delivery_stream_id, tech_stream_ids FROM work_item_attributions
    WHERE valid_to < 'infinity' AND valid_to > %(as_of)s AND valid_from <= %(as_of)s
), shown AS (
    SELECT {{columns}} FROM work_item_cycles AS cycle
    WHERE {_IN_WINDOW} AND NOT EXISTS (SELECT FROM moved WHERE moved.issue_id = cycle.issue_id){{shown}}
    UNION ALL
    SELECT {{columns}} FROM moved
    JOIN (SELECT issue_id, {{measured}} FROM work_item_cycles WHERE {_IN_WINDOW}) AS cycle USING (issue_id)
    WHERE true{{shown}}
    UNION ALL
    SELECT {{columns}}
    FROM (
        SELECT issue_id, {{measured}} FROM superseded_cycles WHERE {_IN_WINDOW} AND reopened_at > %(as_of)s
    ) AS cycle {_HELD.replace("{of}", "cycle")}
    WHERE true{{shown}}
)
"""  # noqa: S608 - constants
_TIMES = "completed_at, cycle_time_days, flow_efficiency_pct"
_MEASURED = Unpacker(completed_at=Kind.INSTANT, cycle_time_days=Kind.HOURS, flow_efficiency_pct=Kind.HOURS)


_CYCLES = f"""
{_COMPLETED.replace("{columns}", f"ticket_id, {_TIMES}").replace("{measured}", _TIMES)}
{_MEASURED.select}, array_agg(ticket_id)
FROM (SELECT * FROM shown ORDER BY completed_at, ticket_id COLLATE "C") AS one
"""  # noqa: S608 - constants


class PostgresMetricsReader(MetricsReader):
    """Reads the derived tables, or rows of them that are kept."""

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = kept

    async def wip(self, view: View) -> Sequence[StageRow]:
        """Return where the unfinished tickets are."""
        counts: Counter[tuple[str, bool]] = Counter()
        for (_, _, stage, active), tickets in (await unfinished_at(self._kept, view)).by_group():
            counts[stage, active] += tickets
        return [StageRow(stage, active, tickets) for (stage, active), tickets in counts.items()]

    async def cycles(self, view: View, *, window: Window) -> CycleRows:
        """Return the tickets completed in the window."""
        ((*cells, ticket_ids),) = await self._in_window(_CYCLES, view, window)
        found = _MEASURED.unpack(cells)
        return CycleRows(
            ticket_ids=ticket_ids or [],
            completed_at=found["completed_at"],
            cycle_days=found["cycle_time_days"],
            flow_efficiency_pct=found["flow_efficiency_pct"],
        )

    async def cycle_values(self, view: View, *, window: Window) -> CycleValues:
        """Return what was measured of them."""
        rows, _ = await completed(self._kept, view, window=window)
        return CycleValues(
            cycle_days=rows.columns["cycle_time_days"], flow_efficiency_pct=rows.columns["flow_efficiency_pct"]
        )

    async def label_times(self, view: View, *, window: Window) -> Sequence[LabelRow]:
        """Return their time by label."""
        rows, _ = await completed(self._kept, view, window=window)
        known = [column[~np.isnan(column)] for column in rows.columns["label_days"].T]
        return [
            LabelRow(label, len(found), summed_days(found))
            for label, found in zip(LABELS, known, strict=True)
            if found.size
        ]

    async def quality(self, view: View) -> Mapping[QualityRate, Share]:
        """Return the shares of §5.6; answers to surveys are not known here."""
        return await shares(self._kept, view)

    async def _in_window(self, query: str, view: View, window: Window) -> list[tuple[Any, ...]]:
        return await self._rows(query, view, start=window.start, end=window.end)

    async def _rows(self, query: str, view: View, **more: datetime) -> list[tuple[Any, ...]]:
        async with self._database.reading() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), values(view) | more)
            return await cursor.fetchall()
