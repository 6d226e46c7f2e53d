"""What the queue of jobs and its runners promise, in memory and in PostgreSQL."""

import asyncio
import io
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from dpp.adapters.memory.jobs import MemoryJobRunner, MemoryJobs
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.job_runner import Pace, PostgresJobRunner
from dpp.adapters.postgres.jobs import PostgresJobs
from dpp.application.jobs import Arguments, JobRunner, Jobs, Retry, Schedule, Task, TaskState
from dpp.application.ports import Clock

pytestmark = pytest.mark.anyio

POLL_SECONDS, HEARTBEAT_SECONDS, LEASE = 0.05, 0.1, timedelta(seconds=0.5)
HOUR = timedelta(hours=1)


class Time(Clock):
    """A clock that stands until it is told; whoever sleeps by it wakes when it has come so far."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until it has moved on."""
        until = self._now + timedelta(seconds=seconds)
        while self._now < until:
            await self._moved.wait()

    async def move(self, by: timedelta) -> None:
        """Move on, and let everybody who has waited for it do something."""
        self._now += by
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        for _ in range(20):
            await asyncio.sleep(0)


class Setting(ABC):
    """A queue and runners of one family; ``time`` decides when schedules are due."""

    jobs: Jobs
    time: Time

    @abstractmethod
    def runner(self) -> JobRunner:
        """Return another runner of the same queue."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the moment of the queue's own clock."""

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Let so much time of the queue's clock pass."""

    @abstractmethod
    async def lose(self, name: str) -> None:
        """Take the next job of a task as a runner that then dies without a word."""

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for a condition; it must hold within seconds."""
        for _ in range(400):
            if await condition():
                return
            await self.wait(POLL_SECONDS / 2)
        raise AssertionError(await self.jobs.states())

    async def until_done(self, done: Sequence[object], wanted: int) -> None:
        """Wait until so many things were done and the queue knows of it."""

        async def is_done() -> bool:
            return len(done) >= wanted and not any(state.running for state in await self.jobs.states())

        await self.until(is_done)

    async def until_state(self, name: str, **wanted: int) -> TaskState:
        """Wait until a task has so many jobs waiting, running or failed."""

        async def holds() -> bool:
            found = await self.state(name)
            return all(count == getattr(found, field) for field, count in wanted.items())

        await self.until(holds)
        return await self.state(name)

    async def state(self, name: str) -> TaskState:
        """Return how the jobs of a task stand."""
        found = {state.name: state for state in await self.jobs.states()}
        return found.get(name, TaskState(name, 0, 0, 0, None, None, None))

    @asynccontextmanager
    async def running(
        self, *tasks: Task, schedules: Sequence[Schedule] = (), runners: int = 1
    ) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
        """Run jobs for the length of the block."""
        parts = [asyncio.create_task(self.runner().run(schedules=schedules, tasks=tasks)) for _ in range(runners)]
        try:
            yield parts
        finally:
            for part in parts:
                part.cancel()
            for part in parts:
                with suppress(asyncio.CancelledError):
                    await part


class InMemory(Setting):
    """Everything by one clock that stands."""

    def __init__(self) -> None:
        self.time = Time()
        self.jobs = self._jobs = MemoryJobs(self.time)

    def runner(self) -> JobRunner:
        return MemoryJobRunner(jobs=self._jobs, sleep=self.time.sleep, poll_seconds=POLL_SECONDS, lease=LEASE)

    def now(self) -> datetime:
        return self.time.now()

    async def wait(self, seconds: float) -> None:
        # A step must not take a runner longer than its lease.
        for _ in range(round(seconds / (POLL_SECONDS / 2))):
            await self.time.move(timedelta(seconds=POLL_SECONDS / 2))

    async def lose(self, name: str) -> None:
        assert self._jobs.take([name], lease=self.now() - timedelta(seconds=1)) is not None


class InPostgres(Setting):
    """Schedules by a clock that stands; what waits and what is lost by the database's own."""

    def __init__(self, url: str, database: Database) -> None:
        self.time = Time()
        self.jobs = PostgresJobs(database=database)
        self._url = url
        self._database = database

    def runner(self) -> JobRunner:
        pace = Pace(poll_seconds=POLL_SECONDS, heartbeat_seconds=HEARTBEAT_SECONDS, lease=LEASE, grace_seconds=0.2)
        return PostgresJobRunner(self._url, clock=self.time, pace=pace)

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def lose(self, name: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL search_path TO procrastinate")
            cursor = await connection.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
            )
            (worker,) = await cursor.fetchone() or (None,)
            await connection.execute("SELECT procrastinate_fetch_job_v2(%s::varchar[], %s)", [[name], worker])
        assert 1 == (await self.state(name)).running


@pytest.fixture
async def setting(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Setting]:
    """An empty queue of one family."""
    if family == "memory":
        yield InMemory()
        return
    url = request.getfixturevalue("database_url")
    async with Database(url, application_name="contract tests") as database:
        yield InPostgres(url, database)


class Noting:
    """A task that notes its arguments, and fails as often as it is told."""

    def __init__(self, setting: Setting, *, failures: int = 0, **retry: object) -> None:
        self.ran: list[Arguments] = []
        self.at: list[datetime] = []
        self._setting = setting
        self._failures = failures
        self.task = Task(name="note", run=self._run, retry=Retry(**retry))  # type: ignore[arg-type]

    async def _run(self, arguments: Arguments) -> int:
        self.ran.append(arguments)
        self.at.append(self._setting.now())
        if len(self.ran) <= self._failures:
            raise ValueError("a fault of ours")
        return 1

    def schedule(self) -> Schedule:
        """Return the same as something hourly."""
        return Schedule(name="note", every=HOUR, task=lambda: self._run({}), retry=self.task.retry)


class Blocked:
    """A task that begins, and ends when it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.at_once = 0
        self.most_at_once = 0
        self.let_go = asyncio.Event()
        self.task = Task(name="block", run=self._run, retry=Retry())

    async def _run(self, _: Arguments) -> int:
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.let_go.wait()
        finally:
            self.at_once -= 1
        self.ended += 1
        return 1

    async def has_begun(self) -> bool:
        """Whether a job runs."""
        return self.begun > 0


async def test_an_empty_queue_has_no_states(setting: Setting) -> None:
    """Where nothing was ever queued there is no task to tell of, and nothing to forget."""
    assert [] == list(await setting.jobs.states())
    assert 0 == await setting.jobs.forget_finished(before=setting.now())


async def test_what_was_queued_while_nobody_ran_is_run_later(setting: Setting) -> None:
    """A job waits for a runner, and its task gets its arguments as they were."""
    arguments: Arguments = {"repository": "acme/ledger", "pages": [1, 2.5, None, True], "context": {"deep": "ü%s"}}
    assert await setting.jobs.defer("note", arguments=arguments)
    assert TaskState("note", 1, 0, 0, None, None, None) == await setting.state("note")
    noting = Noting(setting)
    async with setting.running(noting.task):
        await setting.until_done(noting.ran, 1)
    assert [arguments] == noting.ran
    state = await setting.state("note")
    assert (0, 0, 0, None) == (state.waiting, state.running, state.failed, state.last_failed)
    assert state.last_started is not None
    assert state.last_succeeded is not None
    assert state.last_started <= state.last_succeeded <= setting.now()


async def test_a_job_queued_while_somebody_runs_is_run(setting: Setting) -> None:
    """A runner that has found nothing to do hears of new jobs."""
    noting = Noting(setting)
    async with setting.running(noting.task):
        await setting.wait(0.2)
        await setting.jobs.defer("note")
        await setting.until_done(noting.ran, 1)
    assert [{}] == noting.ran


async def test_two_runners_do_every_job_once(setting: Setting) -> None:
    """Thirty jobs between two runners are done thirty times."""
    for number in range(30):
        await setting.jobs.defer("note", arguments={"number": number})
    noting = Noting(setting)
    async with setting.running(noting.task, runners=2):
        await setting.until_done(noting.ran, 30)
        await setting.wait(0.2)
    assert list(range(30)) == sorted(arguments["number"] for arguments in noting.ran)  # type: ignore[type-var]


async def test_a_job_that_fails_is_tried_again_ever_later_and_then_has_failed(setting: Setting) -> None:
    """Of three attempts the second comes after one pause, the third after two, and there is no fourth."""
    await setting.jobs.defer("note", key="k")
    noting = Noting(setting, failures=9, attempts=3, first_pause=timedelta(seconds=0.2))
    async with setting.running(noting.task):
        state = await setting.until_state("note", failed=1)
        await setting.wait(0.5)
    assert 3 == len(noting.ran)
    pauses = [(later - earlier).total_seconds() for earlier, later in zip(noting.at, noting.at[1:], strict=False)]
    assert 0.2 <= pauses[0]
    assert 0.4 <= pauses[1]
    assert (0, 0, None) == (state.waiting, state.running, state.last_succeeded)
    assert state.last_failed is not None


async def test_a_job_may_succeed_at_its_second_attempt(setting: Setting) -> None:
    """A failure that passes leaves no failed job."""
    await setting.jobs.defer("note")
    noting = Noting(setting, failures=1, attempts=2, first_pause=timedelta(seconds=0.1))
    async with setting.running(noting.task):
        await setting.until_done(noting.ran, 2)
    state = await setting.state("note")
    assert (0, 0, 0) == (state.waiting, state.running, state.failed)
    assert state.last_succeeded is not None


async def test_a_schedule_runs_once_for_each_due_time(setting: Setting) -> None:
    """Two runners, and a third that comes later, run an hourly task at the start and once for the next hour."""
    noting = Noting(setting)
    async with setting.running(schedules=[noting.schedule()], runners=2):
        await setting.until_done(noting.ran, 1)
        await setting.wait(0.3)
        assert 1 == len(noting.ran)
        await setting.time.move(HOUR)
        await setting.until_done(noting.ran, 2)
        async with setting.running(schedules=[noting.schedule()]):
            await setting.wait(0.3)
    async with setting.running(schedules=[noting.schedule()]):
        await setting.wait(0.3)
    assert 2 == len(noting.ran)


async def test_missed_due_times_are_made_up_for_by_one_run(setting: Setting) -> None:
    """After nine hours without a runner an hourly task runs once."""
    noting = Noting(setting)
    async with setting.running(schedules=[noting.schedule()]):
        await setting.until_done(noting.ran, 1)
    await setting.time.move(9 * HOUR)
    async with setting.running(schedules=[noting.schedule()], runners=2):
        await setting.until_done(noting.ran, 2)
        await setting.wait(0.3)
    assert 2 == len(noting.ran)


async def test_a_due_time_does_not_queue_up_behind_a_run_that_waits(setting: Setting) -> None:
    """While a failed run waits for its next attempt, the next hour adds none."""
    noting = Noting(setting, failures=1, first_pause=9 * HOUR, longest_pause=9 * HOUR)
    async with setting.running(schedules=[noting.schedule()]):
        await setting.until_state("note", waiting=1, running=0)
        await setting.time.move(HOUR)
        await setting.wait(0.3)
        assert 1 == (await setting.state("note")).waiting
    assert 1 == len(noting.ran)


async def test_a_schedule_can_be_run_out_of_turn(setting: Setting) -> None:
    """A job of a schedule's name is run like one that is due."""
    noting = Noting(setting)
    async with setting.running(schedules=[noting.schedule()]):
        await setting.until_done(noting.ran, 1)
        assert await setting.jobs.defer("note", key="note")
        await setting.until_done(noting.ran, 2)
    assert 2 == len(noting.ran)


async def test_the_job_of_a_dead_runner_is_taken_again(setting: Setting) -> None:
    """A job whose runner says nothing any more is run by another, once."""
    await setting.jobs.defer("note", key="k")
    await setting.lose("note")
    noting = Noting(setting)
    async with setting.running(noting.task, runners=2):
        await setting.until_done(noting.ran, 1)
        await setting.wait(0.5)
    assert 1 == len(noting.ran)
    assert (0, 0) == ((await setting.state("note")).waiting, (await setting.state("note")).failed)


async def test_a_job_is_lost_only_as_often_as_it_may_be_tried(setting: Setting) -> None:
    """A job that may be tried once and whose runner died has failed: it may be what killed it."""
    await setting.jobs.defer("note")
    await setting.lose("note")
    noting = Noting(setting, attempts=1)
    async with setting.running(noting.task):
        await setting.until_state("note", failed=1, running=0)
    assert [] == noting.ran


async def test_a_lost_job_whose_key_waits_is_not_run_besides(setting: Setting) -> None:
    """The job that waits with the same key is the next attempt of the one that was lost."""
    await setting.jobs.defer("note", key="k", arguments={"number": 1})
    await setting.lose("note")
    assert await setting.jobs.defer("note", key="k", arguments={"number": 2})
    noting = Noting(setting)
    async with setting.running(noting.task):
        await setting.until_state("note", failed=1, waiting=0, running=0)
    assert [{"number": 2}] == noting.ran


async def test_a_job_that_outlasts_the_lease_is_not_doubled(setting: Setting) -> None:
    """A job that runs for three leases, while its runner lives, is begun once."""
    await setting.jobs.defer("block", key="k")
    blocked = Blocked()
    async with setting.running(blocked.task, runners=2):
        await setting.until(blocked.has_begun)
        await setting.wait(3 * LEASE.total_seconds())
        blocked.let_go.set()
        await setting.until_state("block", running=0)
        await setting.wait(0.3)
    assert (1, 1) == (blocked.begun, blocked.ended)


async def test_of_a_key_one_job_waits(setting: Setting) -> None:
    """A second job with a key is refused while the first waits; other keys, and none, are free."""
    assert await setting.jobs.defer("note", key="k")
    assert not await setting.jobs.defer("note", key="k", arguments={"other": 1})
    assert await setting.jobs.defer("note", key="l")
    assert await setting.jobs.defer("note")
    assert await setting.jobs.defer("note")
    assert 4 == (await setting.state("note")).waiting


async def test_of_a_key_one_job_runs(setting: Setting) -> None:
    """While a job runs, another with its key may wait, and runs when the first has ended."""
    blocked = Blocked()
    await setting.jobs.defer("block", key="k")
    async with setting.running(blocked.task, runners=2):
        await setting.until(blocked.has_begun)
        assert await setting.jobs.defer("block", key="k")
        assert not await setting.jobs.defer("block", key="k")
        await setting.wait(0.3)
        assert (1, 1) == ((await setting.state("block")).running, (await setting.state("block")).waiting)
        blocked.let_go.set()
        await setting.until_state("block", running=0, waiting=0)
    assert (2, 2, 1) == (blocked.begun, blocked.ended, blocked.most_at_once)


async def test_a_failed_job_whose_key_waits_is_not_tried_again(setting: Setting) -> None:
    """When a job fails while another with its key waits, the other is the next attempt."""
    ran: list[Arguments] = []

    async def fail_first(arguments: Arguments) -> int:
        ran.append(arguments)
        if len(ran) == 1:
            assert await setting.jobs.defer("fail", key="k", arguments={"number": 2})
            raise ValueError("a fault of ours")
        return 1

    await setting.jobs.defer("fail", key="k", arguments={"number": 1})
    async with setting.running(Task(name="fail", run=fail_first, retry=Retry(first_pause=timedelta(0)))):
        await setting.until_state("fail", failed=1, waiting=0, running=0)
        await setting.wait(0.3)
    assert [{"number": 1}, {"number": 2}] == ran


async def test_a_job_for_later_waits(setting: Setting) -> None:
    """A job that is not to run before a moment is run after it, and others meanwhile."""
    at = setting.now() + timedelta(seconds=0.6)
    await setting.jobs.defer("note", arguments={"number": 1}, at=at)
    await setting.jobs.defer("note", arguments={"number": 2})
    noting = Noting(setting)
    async with setting.running(noting.task):
        await setting.until_done(noting.ran, 2)
    assert [{"number": 2}, {"number": 1}] == noting.ran
    assert noting.at[0] < at <= noting.at[1]


async def test_jobs_of_unknown_tasks_wait(setting: Setting) -> None:
    """A runner leaves alone what it does not know: another version may."""
    await setting.jobs.defer("note")
    await setting.jobs.defer("block")
    noting = Noting(setting)
    async with setting.running(noting.task):
        await setting.until_done(noting.ran, 1)
        await setting.wait(0.2)
    assert (1, 0) == ((await setting.state("block")).waiting, (await setting.state("block")).failed)
    assert ["block", "note"] == [state.name for state in await setting.jobs.states()]


async def test_an_interrupted_job_is_run_by_the_next_runner(setting: Setting) -> None:
    """A runner that is cancelled cancels what does not end, and that waits again, however often it was tried."""
    await setting.jobs.defer("block", key="k")
    blocked = Blocked()
    for _ in range(3):
        blocked.begun = 0
        async with setting.running(blocked.task):
            await setting.until(blocked.has_begun)
        await setting.until_state("block", waiting=1, running=0, failed=0)
    blocked.let_go.set()
    async with setting.running(blocked.task):
        await setting.until_state("block", waiting=0, running=0, failed=0)
    assert 1 == blocked.ended


async def test_a_task_that_cancels_itself_has_failed(setting: Setting) -> None:
    """Being cancelled without anybody having ended the runner is a failure like others."""
    ran: list[Arguments] = []

    async def cancel(arguments: Arguments) -> int:
        ran.append(arguments)
        raise asyncio.CancelledError

    await setting.jobs.defer("cancel")
    retry = Retry(attempts=2, first_pause=timedelta(0))
    async with setting.running(Task(name="cancel", run=cancel, retry=retry)):
        await setting.until_state("cancel", failed=1, running=0)
    assert 2 == len(ran)


async def test_finished_jobs_are_forgotten_when_they_are_old(setting: Setting) -> None:
    """Jobs that ended before a moment go, successes and failures; what waits and what ended later stays."""
    noting = Noting(setting, failures=1, attempts=1)
    await setting.jobs.defer("note")
    await setting.jobs.defer("note")
    await setting.jobs.defer("block")
    async with setting.running(noting.task):
        await setting.until_done(noting.ran, 2)
    assert 0 == await setting.jobs.forget_finished(before=setting.now() - HOUR)
    assert 1 == (await setting.state("note")).failed
    await setting.wait(0.05)
    assert 2 == await setting.jobs.forget_finished(before=setting.now())
    assert ["block"] == [state.name for state in await setting.jobs.states()]


async def test_a_forgotten_run_of_a_schedule_is_not_made_up_for(setting: Setting) -> None:
    """When the job of a due time is forgotten, its due time is not."""
    noting = Noting(setting)
    async with setting.running(schedules=[noting.schedule()]):
        await setting.until_done(noting.ran, 1)
    await setting.wait(0.05)
    assert 1 == await setting.jobs.forget_finished(before=setting.now())
    async with setting.running(schedules=[noting.schedule()]):
        await setting.wait(0.3)
    assert 1 == len(noting.ran)


async def test_logs_tell_of_jobs_but_not_of_their_arguments(setting: Setting) -> None:
    """What jobs are told stays out of the logs, ours and the library's, whether they succeed or fail."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    noting = Noting(setting, failures=2, attempts=2, first_pause=timedelta(0))
    try:
        with capture_logs() as logs:
            await setting.jobs.defer("note", arguments={"ticket": "PAY-4711"})
            async with setting.running(noting.task):
                await setting.until_state("note", failed=1)
                await setting.jobs.defer("note", arguments={"ticket": "PAY-4711"})
                await setting.until_done(noting.ran, 3)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert {"job_failed", "job_done"} <= {entry["event"] for entry in logs}
    assert "4711" not in repr(logs) + stream.getvalue()
