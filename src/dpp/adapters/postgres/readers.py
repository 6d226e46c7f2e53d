"""Rows for figures from the derived tables, read once and kept (decisions 0010, 0044)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from dpp.adapters.postgres.kept_completions import completed
from dpp.adapters.postgres.kept_places import unfinished_at
from dpp.adapters.postgres.kept_quality import shares
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.application.readers import CycleRows, CycleValues, LabelRow, MetricsReader, Share, StageRow, summed_days
from dpp.application.views import View, Window
from dpp.domain.positions import LABELS
from dpp.domain.quality import QualityRate


class PostgresMetricsReader(MetricsReader):
    """Asks the rows that are kept."""

    def __init__(self, *, kept: KeptRows) -> None:
        self._kept = kept

    async def wip(self, view: View) -> Sequence[StageRow]:
        """Return where the unfinished tickets are."""
        counts: Counter[tuple[str, bool]] = Counter()
        for (_, _, stage, active), tickets in (await unfinished_at(self._kept, view)).by_group():
            counts[stage, active] += tickets
        return [StageRow(stage, active, tickets) for (stage, active), tickets in counts.items()]

    async def cycles(self, view: View, *, window: Window) -> CycleRows:
        """Return the tickets completed in the window."""
        rows, streams = await completed(self._kept, view, window=window)
        places = streams.places_of(rows.columns["ticket"])
        rows, places = rows.only(places >= 0), places[places >= 0]
        keys, times = streams.named("ticket_id", places), rows.columns["completed_at"].tolist()
        order = sorted(range(len(keys)), key=lambda place: (times[place], keys[place]))
        ordered = rows.only(np.array(order, dtype=np.int64)).columns
        return CycleRows(
            ticket_ids=[keys[place] for place in order],
            completed_at=ordered["completed_at"],
            cycle_days=ordered["cycle_time_days"],
            flow_efficiency_pct=ordered["flow_efficiency_pct"],
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
