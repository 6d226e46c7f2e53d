"""Runs the jobs of the queue in PostgreSQL: procrastinate's worker, begun anew whenever the database comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from dpp.adapters.postgres.engine import WAIT_SECONDS
from dpp.adapters.postgres.errors import DatabaseUnavailable
from dpp.adapters.postgres.job_library import Pauses, Replaced, configure, pool_of, route_logs, unwrapped
from dpp.adapters.postgres.job_recovery import Recovery
from dpp.application.jobs import JobRunner, Retry, Schedule, Task
from dpp.application.ports import Clock
from dpp.domain.errors import Unavailable

log = structlog.get_logger(__name__)

FIRST_BACK_OFF_SECONDS = 0.2
LONGEST_BACK_OFF_SECONDS = 5.0
#: A session that lasted so long had a database that works; the next trouble is a new one.
STEADY_SECONDS = 10.0

#: After a cancellation everything has ended by then; what has not is cancelled once more. Meanwhile nobody waits long
#: for a connection: where the database is away, there is nothing to be saved.
END_SECONDS = 3.5
ENDING_WAIT_SECONDS = 0.5
FORCED_END_SECONDS = 0.5
POOL_END_SECONDS = 0.5

CONNECTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a runner does what.

    Attributes:
        poll_seconds: looks for jobs that became due; of new ones it is told at once.
        heartbeat_seconds: says that it lives, and looks for jobs of those that do not.
        lease: after which one that says nothing may be dead.
        grace_seconds: running jobs have to end by themselves, after a cancellation.
        at_once: jobs at most that run at the same time.
    """

    poll_seconds: float = 1.0
    heartbeat_seconds: float = 10.0
    lease: timedelta = timedelta(seconds=30)
    grace_seconds: float = 2.0
    at_once: int = 4


class PostgresJobRunner(JobRunner):
    """Runs jobs over connections of its own.

    Args:
        dsn: URL or key words that libpq understands; it is never logged.
        clock: tells when schedules are due.
        pace: how often it does what.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        dsn: str,
        *,
        clock: Clock,
        pace: Pace | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dsn = dsn
        self._clock = clock
        self._pace = pace or Pace()
        self._sleep = sleep

    async def run(self, *, schedules: Sequence[Schedule], tasks: Sequence[Task] = ()) -> None:
        """Run what is due until cancelled; a database that is away is waited for."""
        route_logs()
        pool = pool_of(self._dsn, size=CONNECTIONS)
        try:
            await pool.open(wait=False)
            connector = PsycopgConnector(configure=configure)
            await connector.open_async(pool)
            known = [*(schedule.as_task() for schedule in schedules), *tasks]
            retries = {task.name: task.retry for task in known}
            recovery = Recovery(pool=pool, retries=retries, lease=self._pace.lease)
            session = _Session(connector, known, schedules, recovery=recovery, clock=self._clock, pace=self._pace)
            await self._keep(session)
        finally:
            await pool.close(POOL_END_SECONDS)

    async def _keep(self, session: _Session) -> NoReturn:
        pause = FIRST_BACK_OFF_SECONDS
        while True:
            begun = time.monotonic()
            try:
                await session.run()
            except Unavailable as error:
                reason = str(error)
            except Exception as error:
                log.exception("jobs_failed")
                reason = type(error).__name__
            if time.monotonic() - begun >= STEADY_SECONDS:
                pause = FIRST_BACK_OFF_SECONDS
            log.warning("jobs_wait", reason=reason, seconds=pause)
            await self._sleep(pause)
            pause = min(2 * pause, LONGEST_BACK_OFF_SECONDS)


class _Session:
    """The time between two losses of the database, several times."""

    def __init__(
        self,
        connector: PsycopgConnector,
        tasks: Sequence[Task],
        schedules: Sequence[Schedule],
        *,
        recovery: Recovery,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._schedules = schedules
        self._recovery = recovery
        self._clock = clock
        self._pace = pace
        self._running: set[int] = set()
        self._app = App(connector=connector)
        for task in tasks:
            pauses = Pauses(_pauses(task.retry))
            self._app.task(name=task.name, queue=task.name, retry=pauses, pass_context=True)(self._attempt_of(task))
        self._names = [task.name for task in tasks]

    async def run(self) -> NoReturn:
        """Run until cancelled or until the database is lost.

        Raises:
            Unavailable: the database does not answer.
        """
        worker = Worker(
            self._app,
            queues=self._names,
            concurrency=self._pace.at_once,
            fetch_job_polling_interval=self._pace.poll_seconds,
            shutdown_graceful_timeout=self._pace.grace_seconds,
            install_signal_handlers=False,
            update_heartbeat_interval=self._pace.heartbeat_seconds,
            stalled_worker_timeout=self._pace.lease.total_seconds(),
        )
        parts = [
            asyncio.create_task(worker.run(), name="jobs"),  # type: ignore[no-untyped-call]
            asyncio.create_task(self._keep_schedules(), name="schedules"),
            asyncio.create_task(self._keep_looking(worker), name="lost jobs"),
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._ended(parts)
        with unwrapped():
            for part in parts:
                if not part.cancelled() and (error := part.exception()) is not None:
                    raise error
        # The worker stops without an error when a connection on which it listens or says that it lives is lost.
        raise DatabaseUnavailable("the connection of the jobs was lost")

    async def _ended(self, parts: Collection[asyncio.Task[Any]]) -> None:
        pool = self._recovery.pool
        pool.timeout = ENDING_WAIT_SECONDS
        ending = asyncio.create_task(_end(parts), name="jobs end")
        try:
            # Whoever cancels while all of this ends already does not stop it from ending.
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending
            raise
        finally:
            pool.timeout = WAIT_SECONDS

    async def _keep_schedules(self) -> NoReturn:
        done: dict[str, datetime] = {}
        while True:
            now = self._clock.now()
            for schedule in self._schedules:
                due = schedule.due(now=now)
                if done.get(schedule.name) != due:
                    await self._defer_due(schedule.name, int(due.timestamp()))
                    done[schedule.name] = due
            await asyncio.sleep(self._pace.poll_seconds)

    async def _defer_due(self, name: str, due: int) -> None:
        job = Job(queue=name, task_name=name, lock=name, queueing_lock=name, task_kwargs={"timestamp": due})
        try:
            await self._app.job_manager.defer_periodic_job(job, periodic_id="", defer_timestamp=due)
        except AlreadyEnqueued:
            log.info("schedule_waits", task=name)

    async def _keep_looking(self, worker: Worker) -> NoReturn:
        while True:
            await self._recovery.look(own=worker.worker_id, running=self._running)
            await asyncio.sleep(self._pace.heartbeat_seconds)

    def _attempt_of(self, task: Task) -> Callable[..., Awaitable[int]]:
        async def attempt(context: JobContext, /, **_: object) -> int:
            job = context.job
            assert job.id is not None
            self._running.add(job.id)
            try:
                return await self._attempt(task, context)
            except asyncio.CancelledError:
                log.info("job_interrupted", task=task.name, job=job.id)
                raise
            finally:
                self._running.discard(job.id)

        return attempt

    async def _attempt(self, task: Task, context: JobContext) -> int:
        begun, job = time.monotonic(), context.job
        try:
            done = await _outcome(task, context)
        except Exception as error:
            pause = task.retry.pause(failures=job.attempts + 1)
            if pause is None:
                log.exception("job_failed", task=task.name, job=job.id, attempt=job.attempts + 1)
                raise
            if job.queueing_lock is not None and await self._recovery.waits(job.queueing_lock):
                log.exception("job_replaced", task=task.name, job=job.id, attempt=job.attempts + 1)
                raise Replaced from error
            retry = {"attempt": job.attempts + 1, "seconds": pause.total_seconds()}
            log.warning("job_retries", task=task.name, job=job.id, error=repr(error), **retry)
            raise
        log.info("job_done", task=task.name, job=job.id, done=done, seconds=round(time.monotonic() - begun, 3))
        return done


def _pauses(retry: Retry) -> dict[int, timedelta]:
    found = {failures: retry.pause(failures=failures) for failures in range(1, retry.attempts)}
    return {failures: pause for failures, pause in found.items() if pause is not None}


async def _outcome(task: Task, context: JobContext) -> int:
    try:
        return await task.run(context.job.task_kwargs)
    except asyncio.CancelledError as error:
        if context.abort_reason() is None:
            # Nobody has interrupted it: as a failure it is tried only so often.
            raise RuntimeError(f"{task.name} cancelled itself") from error
        raise


async def _end(parts: Collection[asyncio.Task[Any]]) -> None:
    """End tasks; the worker takes the first cancellation as a wish, the second as an order."""
    for seconds in (END_SECONDS, FORCED_END_SECONDS):
        for part in parts:
            part.cancel()
        _done, pending = await asyncio.wait(parts, timeout=seconds)
        if not pending:
            return
    log.warning("jobs_forced_to_end")
