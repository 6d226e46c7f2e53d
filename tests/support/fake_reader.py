"""Fixed rows for pages: a quarter of one team's tickets, the same ones every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from dpp.application.readers import CycleRows, LabelRow, MetricsReader, Share, StageRow
from dpp.application.views import View, Window
from dpp.domain.calendar import to_micros
from dpp.domain.errors import Unavailable
from dpp.domain.quality import QualityRate

NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)

STAGES = (
    StageRow("backlog", False, 34),
    StageRow("ba", True, 3),
    StageRow("ba", False, 1),
    StageRow("dev", True, 6),
    StageRow("dev", False, 2),
    StageRow("code_review", True, 2),
    StageRow("code_review", False, 4),
    StageRow("qa", True, 2),
    StageRow("qa", False, 9),
    StageRow("uat", True, 1),
    StageRow("uat", False, 3),
    StageRow("unmapped", False, 2),
)

LABELS = (
    LabelRow("backlog", 3, 2.4),
    LabelRow("ba", 31, 24.8),
    LabelRow("ba_queue", 18, 16.2),
    LabelRow("dev", 44, 83.6),
    LabelRow("dev_queue", 20, 12.0),
    LabelRow("code_review", 40, 18.0),
    LabelRow("code_review_queue", 42, 54.6),
    LabelRow("qa", 41, 32.8),
    LabelRow("qa_queue", 43, 111.8),
    LabelRow("uat", 30, 15.0),
    LabelRow("uat_queue", 33, 46.2),
)

RATES = {
    QualityRate.PR_TICKET_LINKAGE: Share(188, 200),
    QualityRate.TICKET_STREAM_TAGGING: Share(143, 200),
    QualityRate.DEFECT_ORIGIN_ATTRIBUTION: Share(15, 20),
    QualityRate.DEPLOYMENT_TRACEABILITY: Share(41, 50),
}

#: Cycle times in working days, in the order of completion, from the last day back; None for a ticket without one.
CYCLES: tuple[float | None, ...] = (
    2.1, 4.4, 3.2, 9.7, 1.4, 5.8, 2.9, 12.6, 3.8, 6.1, 0.9, 4.9, 7.3, 2.2, 18.4, 3.5, 5.2, 1.8, 8.8, 4.1, None, 2.6,
    6.7, 3.1, 10.9, 5.5, 1.1, 4.6, 3.9, 7.9, 2.4, 14.2, 5.0, 3.3, 6.4, 2.0, 4.2, 9.1, 1.6, 5.9, 3.6, 2.7, 8.1, 4.8,
)  # fmt: skip


@dataclass
class FakeReader(MetricsReader):
    """Answers with what it holds; a test may change that, or take it away."""

    stages: Sequence[StageRow] = STAGES
    labels: Sequence[LabelRow] = LABELS
    rates: Mapping[QualityRate, Share] = field(default_factory=lambda: dict(RATES))
    cycle_times: Sequence[float | None] = CYCLES
    is_away: bool = False
    views: list[View] = field(default_factory=list)

    @classmethod
    def empty(cls) -> "FakeReader":
        """Return a reader that knows nothing."""
        return cls(stages=(), labels=(), rates={}, cycle_times=())

    async def wip(self, view: View) -> Sequence[StageRow]:
        """Return the same places whatever the view."""
        self._seen(view)
        return self.stages

    async def cycles(self, view: View, *, window: Window) -> CycleRows:
        """Return the same tickets, one every 15 hours back from the end of the window."""
        self._seen(view)
        rows = [
            (f"PAY-{1200 - number}", window.end - timedelta(hours=15 * number + 2), days)
            for number, days in enumerate(self.cycle_times)
            if window.start <= window.end - timedelta(hours=15 * number + 2)
        ][::-1]
        days = np.array([np.nan if row[2] is None else row[2] for row in rows], dtype=np.float64)
        return CycleRows(
            ticket_ids=[row[0] for row in rows],
            completed_at=np.array([to_micros(row[1]) for row in rows], dtype=np.int64),
            cycle_days=days,
            flow_efficiency_pct=np.where(np.isnan(days), np.nan, 38.0 - days),
        )

    async def label_times(self, view: View, *, window: Window) -> Sequence[LabelRow]:
        """Return the same times whatever the window."""
        self._seen(view)
        return self.labels

    async def quality(self, view: View) -> Mapping[QualityRate, Share]:
        """Return the same shares whatever the view."""
        self._seen(view)
        return self.rates

    def _seen(self, view: View) -> None:
        if self.is_away:
            raise Unavailable("The database does not answer")
        self.views.append(view)
