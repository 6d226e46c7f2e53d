"""Snapshots of sprints, day by day, and what closed ones came to (§4.3.7, §5.2.6, decision 0037)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.calendars import Calendars
from dpp.application.sprint_outlook import local_day
from dpp.application.views import View
from dpp.domain.calendar import BusinessCalendar, from_micros, to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.sprints import SprintCounts, SprintMember, SprintResult, sprint_counts, sprint_result

_DAY = timedelta(days=1)
REVISED_DAYS = 31
"""For so many days snapshots and closing figures follow what is still heard: from a backfill, or after an outage."""
CLOSED_DAYS = 400
"""Sprints that ended within so many days get closing figures, however late they become known."""


class KnownSprint(NamedTuple):
    """A sprint that runs or has been (§4.2.5); both of its days are in it.

    ``has_result`` says that it has closing figures already, which nothing that people said since can have changed.
    """

    sprint_id: UUID
    delivery_stream_id: UUID | None
    start_date: date
    end_date: date
    state: str
    reported_at: datetime
    has_result: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintSnapshot:
    """What a sprint held on a day, as of ``taken_at``."""

    sprint_id: UUID
    delivery_stream_id: UUID | None
    day: date
    taken_at: datetime
    counts: SprintCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedSprint:
    """What a sprint came to, as of its closing."""

    sprint_id: UUID
    delivery_stream_id: UUID | None
    closed_at: datetime
    result: SprintResult


class SprintStore(Protocol):
    """Knows sprints and their tickets, and keeps what is worked out of them. Every method may raise ``Unavailable``."""

    @abstractmethod
    async def sprints(self, *, since: date) -> Sequence[KnownSprint]:
        """Return the sprints with dates and a state that end on a day or later, oldest first."""

    @abstractmethod
    async def members(self, sprint_id: UUID) -> Sequence[SprintMember]:
        """Return every ticket whose sprint field ever held a sprint."""

    @abstractmethod
    async def keep(self, snapshots: Sequence[SprintSnapshot]) -> int:
        """Write snapshots, each in place of the one of its sprint and day; return how many are new or differ."""

    @abstractmethod
    async def keep_closed(self, closed: Sequence[ClosedSprint]) -> int:
        """Write what sprints came to, in place of what was kept; return how many are new or differ."""

    @abstractmethod
    async def snapshots(self, view: View, *, sprint_id: UUID) -> Sequence[SprintSnapshot]:
        """Return the snapshots of a sprint that the view shows, by day, as they had been taken at its moment."""

    @abstractmethod
    async def closed(self, view: View, *, sprint_id: UUID) -> ClosedSprint | None:
        """Return what a sprint came to, where the view shows it and it was closed at its moment."""


class SprintSnapshots:
    """
    Takes snapshots and closes sprints.

    Args:
        store: of sprints and snapshots.
        configuration: gives the configuration at hand.
        calendars: tell the local days.
    """

    def __init__(
        self,
        *,
        store: SprintStore,
        configuration: Callable[[], Awaitable[Configuration]],
        calendars: Calendars,
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._calendars = calendars

    async def take(self, *, now: datetime) -> int:
        """
        Take today's snapshot of each running sprint, and anew those of earlier days, each as of its day's end.

        Returns:
            How many are new or have changed.
        """
        taken: list[SprintSnapshot] = []
        for sprint in await self._store.sprints(since=now.date() - timedelta(days=REVISED_DAYS)):
            calendar = await self._calendar(sprint)
            days = _days(sprint, calendar, now)
            if days:
                members = await self._store.members(sprint.sprint_id)
                taken += [_snapshot(sprint, members, calendar, day=day, now=now) for day in days]
        return await self._store.keep(taken)

    async def close(self, *, now: datetime) -> int:
        """
        Work out what the closed sprints came to, also those whose tickets have been heard of since.

        Returns:
            How many are new or have changed.
        """
        found: list[ClosedSprint] = []
        for sprint in await self._store.sprints(since=now.date() - timedelta(days=CLOSED_DAYS)):
            if sprint.has_result and sprint.end_date < now.date() - timedelta(days=REVISED_DAYS):
                continue
            calendar = await self._calendar(sprint)
            closed_at = _closed_at(sprint, calendar, now)
            if closed_at is not None:
                members = await self._store.members(sprint.sprint_id)
                result = sprint_result(
                    members, committed_at=_end_of(sprint.start_date, calendar), closed_at=to_micros(closed_at)
                )
                found.append(
                    ClosedSprint(
                        sprint_id=sprint.sprint_id,
                        delivery_stream_id=sprint.delivery_stream_id,
                        closed_at=closed_at,
                        result=result,
                    )
                )
        return await self._store.keep_closed(found)

    async def _calendar(self, sprint: KnownSprint) -> BusinessCalendar:
        return self._calendars.of((await self._configuration()).calendar_of(sprint.delivery_stream_id))


def _days(sprint: KnownSprint, calendar: BusinessCalendar, now: datetime) -> list[date]:
    """Return the days of a sprint up to today, or to its closing, that are not too long ago."""
    today = local_day(to_micros(now), calendar)
    closed_at = _closed_at(sprint, calendar, now)
    last = min(sprint.end_date, today if closed_at is None else local_day(to_micros(closed_at), calendar))
    first = max(sprint.start_date, today - timedelta(days=REVISED_DAYS))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _snapshot(
    sprint: KnownSprint, members: Sequence[SprintMember], calendar: BusinessCalendar, *, day: date, now: datetime
) -> SprintSnapshot:
    moment = min(to_micros(now), _end_of(day, calendar))
    closed_at = _closed_at(sprint, calendar, now)
    if closed_at is not None:
        # What is left over moves on with the closing; the day's snapshot shows the sprint as it was until then.
        moment = min(moment, to_micros(closed_at))
    return SprintSnapshot(
        sprint_id=sprint.sprint_id,
        delivery_stream_id=sprint.delivery_stream_id,
        day=day,
        taken_at=from_micros(moment),
        counts=sprint_counts(members, committed_at=_end_of(sprint.start_date, calendar), at=moment),
    )


def _closed_at(sprint: KnownSprint, calendar: BusinessCalendar, now: datetime) -> datetime | None:
    """Return when a sprint was closed: when that was reported, at the latest with its last day; None while it runs."""
    end = from_micros(_end_of(sprint.end_date, calendar))
    if sprint.state == "closed" and sprint.reported_at <= now:
        return min(sprint.reported_at, end)
    return end if end <= now else None


def _end_of(day: date, calendar: BusinessCalendar) -> int:
    """Return the last microsecond of a local day."""
    return calendar.day_start(day + _DAY) - 1
