"""What runs by the clock, and how often: one table.

Every entry may run in several processes at once and any number of times; each is a statement that removes what is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from dpp.application.access_ports import SessionStore
from dpp.application.ports import Clock, EventStore
from dpp.domain.errors import Unavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One task: what it is called, how often it runs, and what it does; it returns how much it did."""

    name: str
    every: timedelta
    task: Callable[[], Awaitable[int]]


def table(*, events: EventStore, sessions: SessionStore, clock: Clock) -> Sequence[Schedule]:
    """Return everything that runs by the clock."""
    return (
        Schedule(
            name="expire_unread_payloads",
            every=timedelta(hours=1),
            task=lambda: events.expire_dead_letters(now=clock.now()),
        ),
        Schedule(
            name="forget_ended_sessions",
            every=timedelta(hours=1),
            task=lambda: sessions.delete_expired_sessions(before=clock.now()),
        ),
    )


class Schedules:
    """Runs a table of schedules until cancelled; each starts with its first run."""

    def __init__(
        self, schedules: Sequence[Schedule], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._schedules = schedules
        self._sleep = sleep

    async def run(self) -> None:
        """Run all of them; one that fails is logged and tried again at its next time."""
        async with asyncio.TaskGroup() as group:
            for schedule in self._schedules:
                group.create_task(self._keep(schedule), name=schedule.name)

    async def _keep(self, schedule: Schedule) -> None:
        while True:
            try:
                done = await schedule.task()
                log.info("schedule_ran", schedule=schedule.name, done=done)
            except Unavailable as error:
                log.warning("schedule_waits", schedule=schedule.name, reason=str(error))
            except Exception:
                log.exception("schedule_failed", schedule=schedule.name)
            await self._sleep(schedule.every.total_seconds())
