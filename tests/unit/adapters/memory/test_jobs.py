"""The queue in memory where it is unlike a database: it can be made unavailable at will."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from dpp.adapters.memory.jobs import MemoryJobRunner, MemoryJobs
from dpp.application.jobs import Arguments, Task
from dpp.application.ports import Clock
from dpp.domain.errors import Unavailable


class Standing(Clock):
    """A clock that stands."""

    def now(self) -> datetime:
        """Return the same moment always."""
        return datetime(2026, 3, 2, tzinfo=UTC)


class Over(Exception):
    """Ends a run."""


def test_an_unavailable_queue_refuses_everything() -> None:
    """Whoever asks is told so, and nothing is queued."""
    jobs = MemoryJobs(Standing(), available=False)
    for call in (jobs.defer("note"), jobs.states(), jobs.forget_finished(before=jobs.clock.now())):
        with pytest.raises(Unavailable):
            asyncio.run(call)
    assert [] == jobs.jobs


def test_a_runner_waits_for_its_queue() -> None:
    """While the queue is away a runner warns; when it is back the runner goes on."""
    jobs = MemoryJobs(Standing())
    ran: list[Arguments] = []
    pauses: list[float] = []

    async def note(arguments: Arguments) -> int:
        ran.append(arguments)
        return 1

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        jobs.available = len(pauses) == 2
        for _ in range(5):
            await asyncio.sleep(0)
        if len(pauses) == 4:
            raise Over

    async def story() -> None:
        await jobs.defer("note")
        jobs.available = False
        runner = MemoryJobRunner(jobs=jobs, sleep=sleep, poll_seconds=0.5, lease=timedelta(minutes=1))
        with pytest.raises(Over):
            await runner.run(schedules=[], tasks=[Task(name="note", run=note)])

    with capture_logs() as logs:
        asyncio.run(story())
    assert [{}] == ran
    assert [0.5] * 4 == pauses
    assert ["jobs_wait", "jobs_wait", "job_done", "jobs_wait"] == [entry["event"] for entry in logs]
