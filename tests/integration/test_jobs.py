"""Jobs over a database that goes away, and by workers that are killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from structlog.testing import capture_logs

from dpp.adapters.postgres.embedded import EmbeddedPostgres
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.job_library import pool_of
from dpp.adapters.postgres.job_recovery import Recovery
from dpp.adapters.postgres.job_runner import Pace, PostgresJobRunner
from dpp.adapters.postgres.jobs import PostgresJobs
from dpp.adapters.postgres.migrations import upgrade
from dpp.adapters.system.clock import SystemClock
from dpp.application.jobs import Arguments, Retry, Task
from dpp.domain.errors import Unavailable
from dpp.entrypoints.worker.schedules import Tasks
from tests.support.running import platform

QUICK = Pace(poll_seconds=0.1, heartbeat_seconds=0.3, lease=timedelta(seconds=1.5), grace_seconds=0.5)

#: A process that runs jobs, and says on its standard output that one has begun.
HANGING = """
import asyncio, sys
from dpp.adapters.postgres.job_runner import PostgresJobRunner
from dpp.adapters.system.clock import SystemClock
from dpp.application.jobs import Task
async def hang(arguments):
    print("begun", flush=True)
    await asyncio.sleep(600)
asyncio.run(PostgresJobRunner(sys.argv[1], clock=SystemClock()).run(schedules=[], tasks=[Task(name="hang", run=hang)]))
"""


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A migrated database whose server the test may stop."""
    with EmbeddedPostgres(tmp_path / "postgres", fast_for_tests=True) as server:
        upgrade(server.dsn)
        yield server


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def end(runner: asyncio.Task[None]) -> float:
    """Cancel a runner and return how long it took to end."""
    begun = time.monotonic()
    runner.cancel()
    with suppress(asyncio.CancelledError):
        await runner
    return time.monotonic() - begun


def runner_of(dsn: str, run: Callable[[Arguments], Awaitable[int]], name: str = "note") -> asyncio.Task[None]:
    """Begin to run one task's jobs."""
    runner = PostgresJobRunner(dsn, clock=SystemClock(), pace=QUICK)
    return asyncio.create_task(runner.run(schedules=[], tasks=[Task(name=name, run=run)]))


def test_jobs_wait_for_a_database_that_is_away(embedded: EmbeddedPostgres) -> None:
    """A runner outlives its database, warns while it waits, and goes on; one may begin before there is a database."""
    ran: list[Arguments] = []

    async def note(arguments: Arguments) -> int:
        ran.append(arguments)
        return 1

    async def has_run(wanted: int) -> bool:
        return len(ran) >= wanted

    async def outage(logs: Sequence[MutableMapping[str, Any]]) -> None:
        dsn = embedded.dsn

        async def both_have_warned() -> bool:
            return len([entry for entry in logs if entry["event"] == "jobs_wait"]) >= 2

        async with Database(dsn) as database:
            jobs = PostgresJobs(database=database)
            first = runner_of(dsn, note)
            await jobs.defer("note", arguments={"number": 1})
            await until(lambda: has_run(1))
            await asyncio.to_thread(embedded.stop)
            second = runner_of(dsn, note)
            with pytest.raises(Unavailable):
                await jobs.defer("note")
            await until(both_have_warned)
            assert not first.done()
            assert not second.done()
            await asyncio.to_thread(embedded.start)

            async def queued() -> bool:
                with suppress(Unavailable):
                    return await jobs.defer("note", arguments={"number": 2})
                return False

            await until(queued)
            await until(lambda: has_run(2))
            assert max(await end(first), await end(second)) < 5

    with capture_logs() as logs:
        asyncio.run(outage(logs))
    assert [{"number": 1}, {"number": 2}] == ran
    assert {"warning"} == {entry["log_level"] for entry in logs if entry["event"] == "jobs_wait"}
    assert [] == [entry for entry in logs if entry["log_level"] in {"error", "critical"}]


def test_a_runner_ends_soon_while_the_database_is_away(embedded: EmbeddedPostgres) -> None:
    """Neither a job that goes on nor an absent database keeps a cancelled runner for 5 s."""
    begun = asyncio.Event()

    async def hang(_: Arguments) -> int:
        begun.set()
        await asyncio.sleep(600)
        return 1

    async def ending() -> float:
        async with Database(embedded.dsn) as database:
            await PostgresJobs(database=database).defer("note")
        runner = runner_of(embedded.dsn, hang)
        await asyncio.wait_for(begun.wait(), 5)
        await asyncio.to_thread(embedded.stop)
        return await end(runner)

    assert asyncio.run(ending()) < 5


def test_a_job_runs_within_a_second_of_the_start(database_url: str) -> None:
    """A runner that starts where a job waits runs it at once."""
    begun = asyncio.Event()

    async def note(_: Arguments) -> int:
        begun.set()
        return 1

    async def start() -> float:
        async with Database(database_url) as database:
            await PostgresJobs(database=database).defer("note")
        started = time.monotonic()
        runner = runner_of(database_url, note)
        await asyncio.wait_for(begun.wait(), 5)
        taken = time.monotonic() - started
        await end(runner)
        return taken

    # A second, and as much again for a machine that has other things to do.
    assert asyncio.run(start()) < 2


def test_the_job_of_a_killed_process_is_taken_by_another(database_url: str) -> None:
    """When a process is killed in the middle of a job, another one runs the job once its lease is over."""
    ran: list[Arguments] = []

    async def note(arguments: Arguments) -> int:
        ran.append(arguments)
        return 1

    async def has_run() -> bool:
        return bool(ran)

    async def kill() -> None:
        async with Database(database_url) as database:
            await PostgresJobs(database=database).defer("hang", key="k", arguments={"number": 7})
            process = subprocess.Popen([sys.executable, "-c", HANGING, database_url], stdout=subprocess.PIPE)
            assert process.stdout is not None
            assert b"begun\n" == await asyncio.to_thread(process.stdout.readline)
            process.kill()
            process.communicate()
            runner = runner_of(database_url, note, "hang")
            await until(has_run)
            await end(runner)
            (state,) = await PostgresJobs(database=database).states()
            assert (0, 0, 0) == (state.waiting, state.running, state.failed)

    asyncio.run(kill())
    assert [{"number": 7}] == ran


def test_a_job_that_its_living_worker_has_forgotten_is_found(database_url: str) -> None:
    """A job stays with the worker that runs it; when the worker could not say how it ended, it waits again."""

    async def look() -> list[str]:
        statuses = []
        async with Database(database_url) as database, pool_of(database_url, size=1) as pool:
            await PostgresJobs(database=database).defer("note")
            async with pool.connection() as connection:
                cursor = await connection.execute("SELECT worker_id FROM procrastinate_register_worker_v1()")
                (own,) = await cursor.fetchone() or (0,)
                cursor = await connection.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [own])
                (job,) = await cursor.fetchone() or (0,)
            recovery = Recovery(pool=pool, retries={"note": Retry()}, lease=timedelta(seconds=30))
            for seen_by, running in ((own, [job]), (own + 1, []), (own, []), (own, [job]), (own, []), (own, [])):
                for _ in range(1 if seen_by == own else 2):
                    await recovery.look(own=seen_by, running=running)
                (state,) = await PostgresJobs(database=database).states()
                statuses.append("waiting" if state.waiting else "running")
        return statuses

    assert ["running"] * 5 + ["waiting"] == asyncio.run(look())


def test_workers_run_the_schedules_once_and_end_when_told(tmp_path: Path, database_url: str) -> None:
    """Two worker processes run each schedule once at their start; SIGTERM ends both within 5 s.

    What is due every minute may be due again meanwhile.
    """
    with platform(tmp_path, database_url) as running:
        running.work("another")

        def jobs() -> list[tuple[str, str]]:
            with psycopg.connect(database_url) as connection:
                query = b"SELECT task_name, status::text FROM procrastinate.procrastinate_jobs ORDER BY 1"
                return connection.execute(query).fetchall()

        def seldom() -> list[tuple[str, str]]:
            return [job for job in jobs() if job[0] != "measure_days"]

        expected = sorted((name, "succeeded") for name in Tasks.__dataclass_fields__ if name != "measure_days")
        running.wait_for(lambda: expected == seldom())
        running.wait_for(lambda: ("measure_days", "succeeded") in jobs())
        time.sleep(1.5)
        assert expected == seldom()
        workers = [running.processes["worker"], running.processes["another"]]
        begun = time.monotonic()
        for worker in workers:
            os.kill(worker.pid, signal.SIGTERM)
        assert [0, 0] == [worker.wait(10) for worker in workers]
        assert time.monotonic() - begun < 5


def has_run(dsn: str, task: str) -> bool:
    """Whether a task has succeeded once."""
    with psycopg.connect(dsn) as connection:
        query = b"SELECT FROM procrastinate.procrastinate_jobs WHERE task_name = %s AND status = 'succeeded'"
        return connection.execute(query, [task]).fetchone() is not None


def test_processes_end_soon_while_the_database_is_away(tmp_path: Path, embedded: EmbeddedPostgres) -> None:
    """A server and a worker whose database is gone end when they are told to, within 10 s."""
    with platform(tmp_path / "data", embedded.dsn) as running:
        running.wait_for(lambda: has_run(embedded.dsn, "measure_days"))
        embedded.stop()
        time.sleep(1)
        processes = [running.processes["serve"], running.processes["worker"]]
        begun = time.monotonic()
        for process in processes:
            os.kill(process.pid, signal.SIGTERM)
        assert [0, 0] == [process.wait(30) for process in processes]
        assert time.monotonic() - begun < 10


def test_a_schema_made_by_an_administrator_is_used(empty_database_url: str) -> None:
    """A role that may create tables but no schema migrates into the schema that was made for it."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA procrastinate")
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("REVOKE CREATE ON DATABASE {} FROM CURRENT_USER").format(database))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE SCHEMA another")
    upgrade(empty_database_url)
    asyncio.run(_defer(empty_database_url))


def test_jobs_outlive_the_tables_of_the_platform(database_url: str) -> None:
    """When the platform's tables are dropped and made again, the jobs that waited still wait."""
    asyncio.run(_defer(database_url))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        (waiting,) = connection.execute("SELECT count(*) FROM procrastinate.procrastinate_jobs").fetchone() or (0,)
    assert 1 == waiting


def test_the_tables_of_jobs_stay_in_their_schema(database_url: str) -> None:
    """Among the platform's own tables, types and functions there is none of the library's."""
    query = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE '%procrastinate%'
    UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE '%procrastinate%'
    UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname LIKE '%procrastinate%'
    """
    with psycopg.connect(database_url) as connection:
        assert [] == connection.execute(query.encode()).fetchall()
        assert [] != connection.execute(query.replace("'public'", "'procrastinate'").encode()).fetchall()


async def _defer(database_url: str) -> None:
    async with Database(database_url) as database:
        assert await PostgresJobs(database=database).defer("note")
