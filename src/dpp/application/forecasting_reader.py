"""Flat rows for forecasts, and where forecasts are kept (§4.4.6, §6.2.2, §6.5.1).

Forecasts exist for each delivery stream and, over their union, for all: a ticket of no delivery stream takes part in
none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.views import View, Window
from dpp.domain.arrays import IntArray
from dpp.domain.forecast import Forecast

#: As many sprints that have begun as it takes to find the running one and the closed ones before it.
SPRINTS = 20


class SprintSpan(NamedTuple):
    """A sprint that has begun; both of its days are in it. ``state`` is what was last reported, and when."""

    sprint_id: UUID
    jira_sprint_id: str
    name: str
    start_date: date
    end_date: date
    state: str
    reported_at: datetime


class Remaining(NamedTuple):
    """What a sprint still holds; ``snapshot_date`` is None when its tickets were counted, else its snapshot's."""

    items: int
    snapshot_date: date | None


class PromiseRow(NamedTuple):
    """What a stored forecast said."""

    made_at: datetime
    scope_item_count: int
    p50_completion_date: date
    p70_completion_date: date
    p85_completion_date: date
    p95_completion_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredForecast:
    """
    A forecast as it was made, one for a stream and a day.

    Attributes:
        delivery_stream_id: None for all delivery streams together.
        made_at: the moment as of which it was made.
        forecast: by the Monte Carlo method; no other has dates to be judged by.
    """

    delivery_stream_id: UUID | None
    made_at: datetime
    forecast: Forecast


def sees_stored(view: View) -> bool:
    """Whether a view may show stored forecasts: those of a stream need that stream in scope, those of all need all.

    A forecast over the union of all streams must not be shown to who sees some of them.
    """
    if view.tech_stream_id is not None:
        return False
    return view.scope.is_all or view.delivery_stream_id in view.scope.delivery_streams


class ForecastReader(Protocol):
    """Rows for forecasts, filtered by a view and of tickets of delivery streams only."""

    @abstractmethod
    async def scope(self, view: View) -> int:
        """Return how many tickets are neither done nor cancelled, wherever they are: backlog and unmapped included."""

    @abstractmethod
    async def first_event(self, view: View) -> int | None:
        """Return when the streams were first heard of, microseconds since 1970; None when they never were."""

    @abstractmethod
    async def completions(self, view: View, *, window: Window) -> IntArray:
        """Return when tickets were completed in the window, as known at the view's moment: ascending microseconds."""

    @abstractmethod
    async def sprints(self, view: View, *, today: date) -> Sequence[SprintSpan]:
        """Return the view's sprints with dates that have begun by a day, the latest first, ``SPRINTS`` at most.

        A sprint belongs to the delivery stream of most of its tickets, as its list says too.
        """

    @abstractmethod
    async def remaining(self, view: View, *, sprint_id: UUID) -> Remaining:
        """Return what a sprint still holds: from its latest snapshot, or from its tickets where these tell more.

        The snapshot stands for the present until something is received of the sprint's tickets. Otherwise these are
        counted; where none is unfinished, the snapshot stands unless one of them has entered a stage since.

        Its tickets are those that the view shows, whose latest sprint field holds it, and that are neither done nor
        cancelled; as of a past moment, the latest field of the events up to then.
        """

    @abstractmethod
    async def promises(self, view: View, *, since: date) -> Sequence[PromiseRow]:
        """Return what the stored forecasts of the view's stream said that were made from a day on, oldest first.

        Those made after the view's moment are left out, and all where ``sees_stored`` denies them.
        """

    @abstractmethod
    async def stored(self, view: View, *, day: date) -> StoredForecast | None:
        """Return the forecast that was stored for a day, under the same conditions."""


class ForecastStore(Protocol):
    """Keeps forecasts as they were made."""

    @abstractmethod
    async def add(self, forecasts: Sequence[StoredForecast]) -> int:
        """Keep forecasts; one of a stream and day that has one already is dropped: the first one is judged.

        Returns:
            How many were new.

        Raises:
            Unavailable: the store does not answer; nothing was written.
        """
