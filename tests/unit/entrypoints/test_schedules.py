"""What runs by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from dpp.domain.errors import Unavailable
from dpp.entrypoints.worker.schedules import Schedule, Schedules


class Over(Exception):
    """Ends a run of schedules."""


def run(task: Callable[[], Awaitable[int]], *, times: int) -> list[float]:
    """Run one schedule some times, without waiting, and return the pauses that it wanted."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == times:
            raise Over

    schedules = Schedules([Schedule(name="task", every=timedelta(hours=1), task=task)], sleep=sleep)
    with pytest.raises(BaseExceptionGroup):
        asyncio.run(schedules.run())
    return pauses


def test_a_task_runs_at_once_and_then_at_its_pace() -> None:
    """The first run comes with the start, each further one after the pause of the table."""
    runs: list[int] = []

    async def task() -> int:
        runs.append(1)
        return len(runs)

    assert [3600.0, 3600.0, 3600.0] == run(task, times=3)
    assert 3 == len(runs)


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a fault of ours")])
def test_a_task_that_fails_is_tried_at_its_next_time(error: Exception) -> None:
    """Neither an absent database nor a fault ends the schedule."""
    runs: list[int] = []

    async def task() -> int:
        runs.append(1)
        raise error

    assert [3600.0, 3600.0] == run(task, times=2)
    assert 2 == len(runs)
