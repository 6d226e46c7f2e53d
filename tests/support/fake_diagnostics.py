"""Fixed rows about defects and reviews, the same ones whatever the view."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.defects import FoundDefect
from dpp.domain.small_teams import Contribution

DEFECTS = (
    FoundDefect("qa", "dev"),
    FoundDefect("qa", "dev"),
    FoundDefect("uat", "ba"),
    FoundDefect("production", "dev"),
    FoundDefect("unknown", None),
)

#: Hours to the first review of five pull requests; the last was never reviewed.
HOURS = (1.0, 2.0, 4.0, 9.0, np.nan)


@dataclass
class FakeDiagnosticsReader(DiagnosticsReader):
    """Answers with what it holds.

    Attributes:
        contributed: who contributed, by how many days back from the moment asked for it was; filtered by the view.
        asked: every window of contributions that was asked for, with its view.
    """

    found: Sequence[FoundDefect] = DEFECTS
    hours: Sequence[float] = HOURS
    contributed: Sequence[tuple[float, Contribution]] = ()
    asked: list[tuple[View, Window]] = field(default_factory=list)

    async def defects(self, view: View, *, window: Window) -> Sequence[FoundDefect]:
        """Return the same defects whatever the view."""
        return self.found

    async def review_hours(self, view: View, *, window: Window) -> FloatArray:
        """Return the same hours whatever the view."""
        return np.array(self.hours, dtype=np.float64)

    async def contributions(self, view: View, *, window: Window) -> Sequence[Contribution]:
        """Return what the view shows of the window."""
        self.asked.append((view, window))
        return [
            row
            for days, row in self.contributed
            if (view.as_of - window.end).total_seconds() <= days * 86_400 < (view.as_of - window.start).total_seconds()
            and view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=row.tech_stream_ids)
        ]
