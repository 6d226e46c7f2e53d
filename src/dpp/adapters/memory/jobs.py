"""The queue of jobs in memory, and its runners: what several of them share is one ``MemoryJobs``."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

import structlog

from dpp.application.jobs import Arguments, JobRunner, Jobs, Retry, Schedule, Task, TaskState
from dpp.application.ports import Clock
from dpp.domain.errors import Unavailable

log = structlog.get_logger(__name__)


class Status(Enum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True, eq=False)
class MemoryJob:
    """One job; ``lease`` is the moment up to which its runner is taken to live."""

    task: str
    key: str | None
    arguments: str
    at: datetime | None
    status: Status = Status.WAITING
    failures: int = 0
    lease: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(slots=True)
class MemoryJobs(Jobs):
    """Every job of one platform.

    Attributes:
        clock: tells when something is due.
        jobs: all that are not forgotten, in the order in which they were queued.
        due: the latest due time of each schedule that gave a job.
        available: set to False to make everything raise ``Unavailable``.
    """

    clock: Clock
    jobs: list[MemoryJob] = field(default_factory=list)
    due: dict[str, datetime] = field(default_factory=dict)
    available: bool = True

    async def defer(
        self, name: str, *, key: str | None = None, arguments: Arguments | None = None, at: datetime | None = None
    ) -> bool:
        """Queue a job unless one with its key waits."""
        self.check_available()
        if self.waits(key):
            return False
        self.jobs.append(MemoryJob(task=name, key=key, arguments=json.dumps(arguments or {}), at=at))
        return True

    async def states(self) -> Sequence[TaskState]:
        """Return a row for each task that has jobs, by name."""
        self.check_available()
        return [self._state(name) for name in sorted({job.task for job in self.jobs})]

    async def forget_finished(self, *, before: datetime) -> int:
        """Remove the jobs that ended before a moment."""
        self.check_available()
        kept = [job for job in self.jobs if job.ended_at is None or job.ended_at >= before]
        forgotten = len(self.jobs) - len(kept)
        self.jobs[:] = kept
        return forgotten

    async def defer_due(self, schedule: Schedule) -> None:
        """Queue the job of a schedule's latest due time, unless that was done."""
        due = schedule.due(now=self.clock.now())
        if due > self.due.get(schedule.name, datetime.min.replace(tzinfo=due.tzinfo)) and await self.defer(
            schedule.name, key=schedule.name
        ):
            self.due[schedule.name] = due

    def take(self, names: Sequence[str], *, lease: datetime) -> MemoryJob | None:
        """Take the first job of these tasks that may run now."""
        self.check_available()
        running = {job.key for job in self.jobs if job.status is Status.RUNNING and job.key is not None}
        now = self.clock.now()
        for job in self._of(names):
            if job.status is Status.WAITING and job.key not in running and (job.at is None or job.at <= now):
                job.status, job.lease, job.started_at = Status.RUNNING, lease, now
                return job
        return None

    def take_again(self, names: Mapping[str, Retry]) -> None:
        """Let the jobs of dead runners wait again, or fail when they were tried as often as they may be."""
        self.check_available()
        for job in self._of(names):
            if job.status is Status.RUNNING and job.lease is not None and job.lease < self.clock.now():
                self.fail(job, names[job.task], pause=timedelta(0))

    def succeed(self, job: MemoryJob) -> None:
        """End a job well."""
        job.status, job.ended_at = Status.SUCCEEDED, self.clock.now()

    def fail(self, job: MemoryJob, retry: Retry, *, pause: timedelta | None = None) -> None:
        """Let a job wait for its next attempt, or fail; ``pause`` replaces the one of ``retry``."""
        now = self.clock.now()
        job.failures += 1
        wanted = retry.pause(failures=job.failures)
        if wanted is None or self.waits(job.key):
            job.status, job.ended_at = Status.FAILED, now
        else:
            job.status, job.at = Status.WAITING, now + (wanted if pause is None else pause)

    def interrupt(self, job: MemoryJob) -> None:
        """Let a job that was not to end by itself wait again; it has not failed, unless another takes its place."""
        if self.waits(job.key):
            job.status, job.ended_at = Status.FAILED, self.clock.now()
        else:
            job.status, job.at = Status.WAITING, None

    def waits(self, key: str | None) -> bool:
        """Whether a job with a key waits."""
        return key is not None and any(job.key == key and job.status is Status.WAITING for job in self.jobs)

    def check_available(self) -> None:
        """Raise ``Unavailable`` when the queue was made unavailable."""
        if not self.available:
            raise Unavailable("the memory queue was made unavailable")

    def _of(self, names: Sequence[str] | Mapping[str, Retry]) -> Iterator[MemoryJob]:
        return (job for job in self.jobs if job.task in names)

    def _state(self, name: str) -> TaskState:
        jobs = [job for job in self.jobs if job.task == name]

        def ended(status: Status) -> datetime | None:
            return max((job.ended_at for job in jobs if job.status is status and job.ended_at), default=None)

        return TaskState(
            name=name,
            waiting=sum(job.status is Status.WAITING for job in jobs),
            running=sum(job.status is Status.RUNNING for job in jobs),
            failed=sum(job.status is Status.FAILED for job in jobs),
            last_started=max((job.started_at for job in jobs if job.started_at), default=None),
            last_succeeded=ended(Status.SUCCEEDED),
            last_failed=ended(Status.FAILED),
        )


class MemoryJobRunner(JobRunner):
    """Runs jobs of a queue in memory.

    Args:
        jobs: the queue.
        sleep: waits for so many seconds of the queue's clock.
        poll_seconds: how often it looks for jobs, and renews the lease of those that it runs.
        lease: after which a runner that says nothing is taken to be dead.
        at_once: jobs at most that it runs at the same time.
    """

    def __init__(
        self,
        *,
        jobs: MemoryJobs,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        poll_seconds: float = 1.0,
        lease: timedelta = timedelta(seconds=30),
        at_once: int = 4,
    ) -> None:
        self._jobs = jobs
        self._sleep = sleep
        self._poll_seconds = poll_seconds
        self._lease = lease
        self._at_once = at_once
        self._mine: dict[asyncio.Task[None], MemoryJob] = {}
        self._ends = False

    async def run(self, *, schedules: Sequence[Schedule], tasks: Sequence[Task] = ()) -> None:
        """Run what is due until cancelled."""
        self._ends = False
        known = {task.name: task for task in itertools.chain((it.as_task() for it in schedules), tasks)}
        try:
            while True:
                try:
                    await self._step(schedules, known)
                except Unavailable as error:
                    log.warning("jobs_wait", reason=str(error), seconds=self._poll_seconds)
                await self._sleep(self._poll_seconds)
        finally:
            await self._end()

    async def _step(self, schedules: Sequence[Schedule], known: Mapping[str, Task]) -> None:
        for schedule in schedules:
            await self._jobs.defer_due(schedule)
        lease = self._jobs.clock.now() + self._lease
        for mine in self._mine.values():
            mine.lease = lease
        self._jobs.take_again({name: task.retry for name, task in known.items()})
        while len(self._mine) < self._at_once and (job := self._jobs.take(list(known), lease=lease)) is not None:
            running = asyncio.create_task(self._attempt(job, known[job.task]), name=job.task)
            self._mine[running] = job
            running.add_done_callback(self._mine.pop)

    async def _attempt(self, job: MemoryJob, task: Task) -> None:
        try:
            done = await task.run(json.loads(job.arguments))
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and self._ends:
                self._jobs.interrupt(job)
                raise
            log.exception("job_failed", task=job.task, attempt=job.failures + 1)
            self._jobs.fail(job, task.retry)
        else:
            log.info("job_done", task=job.task, done=done)
            self._jobs.succeed(job)

    async def _end(self) -> None:
        self._ends = True
        for running in list(self._mine):
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
