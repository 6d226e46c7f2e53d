"""The queue of jobs in PostgreSQL: procrastinate's tables, in a schema of their own, on the platform's connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from dpp.adapters.postgres.engine import Connection, Database
from dpp.application.jobs import Arguments, Jobs, TaskState

SCHEMA = "procrastinate"

# What a job locks it locks twice: against a second one that waits, and against a second one that runs. Every task has a
# queue of its own, so that a worker takes only the jobs whose task it knows.
_DEFER = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
VALUES (%(name)s, %(name)s, %(key)s, %(key)s, %(arguments)s, %(at)s)
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
_STATES = """
SELECT task_name AS name,
    count(DISTINCT job.id) FILTER (WHERE status = 'todo') AS waiting,
    count(DISTINCT job.id) FILTER (WHERE status = 'doing') AS running,
    count(DISTINCT job.id) FILTER (WHERE status = 'failed') AS failed,
    max(event.at) FILTER (WHERE event.type = 'started') AS last_started,
    max(event.at) FILTER (WHERE event.type = 'succeeded') AS last_succeeded,
    max(event.at) FILTER (WHERE event.type = 'failed') AS last_failed
FROM procrastinate_jobs AS job LEFT JOIN procrastinate_events AS event ON event.job_id = job.id
GROUP BY task_name ORDER BY task_name COLLATE "C"
"""
_FORGET = """
DELETE FROM procrastinate_jobs AS job
WHERE status NOT IN ('todo', 'doing')
    AND NOT EXISTS (SELECT FROM procrastinate_events WHERE job_id = job.id AND at >= %(before)s)
"""


class PostgresJobs(Jobs):
    """Queues jobs and tells how they stand."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def defer(
        self, name: str, *, key: str | None = None, arguments: Arguments | None = None, at: datetime | None = None
    ) -> bool:
        """Queue a job unless one with its key waits."""
        values = {"name": name, "key": key, "arguments": Jsonb(arguments or {}), "at": at}
        async with self._transaction() as connection:
            return (await connection.execute(_DEFER, values)).rowcount == 1

    async def states(self) -> Sequence[TaskState]:
        """Return a row for each task that has jobs, by name."""
        async with self._transaction() as connection:
            cursor = connection.cursor(binary=True, row_factory=class_row(TaskState))
            await cursor.execute(_STATES)
            return await cursor.fetchall()

    async def forget_finished(self, *, before: datetime) -> int:
        """Remove the jobs to which nothing has happened since they ended before a moment."""
        async with self._transaction() as connection:
            return (await connection.execute(_FORGET, {"before": before})).rowcount

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with self._database.transaction() as connection:
            # The functions behind the tables name no schema.
            await connection.execute(f"SET LOCAL search_path TO {SCHEMA}".encode())
            yield connection
