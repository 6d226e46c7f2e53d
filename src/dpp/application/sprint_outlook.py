"""The running sprint of a stream, and the days of the closed ones that tell how it may end (§6.2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dpp.application.forecasting_reader import ForecastReader, Remaining, SprintSpan
from dpp.application.views import View, Window
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import BusinessCalendar, from_micros
from dpp.domain.resampling import as_sample, seed_of
from dpp.domain.sprint_confidence import SAMPLE_SPRINTS, sprint_confidence, sprint_cut
from dpp.domain.throughput import daily_throughput, sprint_days

_DAY = timedelta(days=1)

#: A sprint that claims to go on for longer is a slip of the pen, and its days are not counted to the end.
LONGEST_SPRINT = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintOutlook:
    """
    All that the confidence in a sprint follows from.

    Attributes:
        sprint: it runs.
        remaining: what it still holds.
        days_left: its working days from today on.
        sample: items done on each working day of the closed sprints before it.
        seed: of the draws; of the sprint and the day.
    """

    sprint: SprintSpan
    remaining: Remaining
    days_left: int
    sample: IntArray
    seed: int

    @property
    def confidence_pct(self) -> float | None:
        """How likely it is that what remains is done; None without a history to tell from."""
        return sprint_confidence(
            remaining=self.remaining.items, days_left=self.days_left, sample=self.sample, seed=self.seed
        )

    def cut_for(self, confidence_pct: float) -> int | None:
        """Return the smallest cut that makes it so likely; None without a history to tell from."""
        return sprint_cut(
            remaining=self.remaining.items,
            days_left=self.days_left,
            sample=self.sample,
            confidence_pct=confidence_pct,
            seed=self.seed,
        )


async def sprint_outlook(
    reader: ForecastReader, view: View, *, calendar: BusinessCalendar, today: date
) -> SprintOutlook | None:
    """Return the outlook of the view's running sprint; None when no sprint runs.

    Args:
        reader: knows sprints, tickets and completions.
        view: of one delivery stream.
        calendar: the stream's.
        today: the local day of the view's moment.
    """
    sprints = await reader.sprints(view, today=today)
    sprint = running_sprint(sprints, today=today, as_of=view.as_of)
    if sprint is None:
        return None
    return SprintOutlook(
        sprint=sprint,
        remaining=await reader.remaining(view, sprint_id=sprint.sprint_id),
        days_left=calendar.working_days(today, min(sprint.end_date, today + LONGEST_SPRINT) + _DAY),
        sample=await _sample(
            reader,
            view,
            spans=[(row.start_date, row.end_date) for row in closed_sprints(sprints, today=today, as_of=view.as_of)],
            calendar=calendar,
            today=today,
        ),
        seed=seed_of(stream=sprint.sprint_id, day=today),
    )


def running_sprint(sprints: Iterable[SprintSpan], *, today: date, as_of: datetime) -> SprintSpan | None:
    """Return the sprint that runs from its first to its last day, unless it is known to be closed; of several the one
    that comes first.
    """
    return next((row for row in sprints if not _is_closed(row, today=today, as_of=as_of)), None)


def closed_sprints(sprints: Iterable[SprintSpan], *, today: date, as_of: datetime) -> Sequence[SprintSpan]:
    """Return the closed ones, the last to end first, ``SAMPLE_SPRINTS`` at most."""
    closed = [row for row in sprints if _is_closed(row, today=today, as_of=as_of)]
    return sorted(closed, key=lambda row: row.end_date, reverse=True)[:SAMPLE_SPRINTS]


def _is_closed(row: SprintSpan, *, today: date, as_of: datetime) -> bool:
    """A sprint is over after its last day, whatever was last reported; earlier when that was reported by then."""
    return row.end_date < today or (row.state == "closed" and row.reported_at <= as_of)


async def _sample(
    reader: ForecastReader, view: View, *, spans: Sequence[tuple[date, date]], calendar: BusinessCalendar, today: date
) -> IntArray:
    first = await reader.first_event(view) if spans else None
    if first is None:
        return as_sample([])
    days = sprint_days(spans=spans, first_day=local_day(first, calendar), today=today, calendar=calendar)
    if not days.size:
        return as_sample([])
    window = Window(start=from_micros(calendar.day_start(days[0].item())), end=view.as_of)
    return daily_throughput(completed_at=await reader.completions(view, window=window), days=days, calendar=calendar)


def local_day(micros: int, calendar: BusinessCalendar) -> date:
    """Return the day that an instant falls into on the calendar's clock.

    Raises:
        TimeOutOfRange: it lies outside the years of the calendar.
    """
    day: date = calendar.local_date(as_sample([micros]))[0].item()
    return day
