"""Jobs that nobody runs any more, though they seem to be running: their worker died, or could not say how they ended.

A worker says every few seconds that it lives. One that has not for the length of the lease may be dead, or its machine
was asleep: therefore a job is taken away only when it is found lost twice in a row, so that a worker that wakes up has
the time to say so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import structlog
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from dpp.adapters.postgres.errors import translated
from dpp.adapters.postgres.job_library import Pool
from dpp.application.jobs import Retry

log = structlog.get_logger(__name__)

_LOST = """
SELECT id, task_name, attempts, worker_id FROM procrastinate_jobs AS job
WHERE status = 'doing' AND queue_name = ANY(%(names)s) AND id <> ALL(%(running)s) AND (
    worker_id = %(own)s
    OR NOT EXISTS (
        SELECT FROM procrastinate_workers AS worker
        WHERE worker.id = job.worker_id AND last_heartbeat >= now() - make_interval(secs => %(lease)s)
    )
)
"""
# Worker and attempts are those of one taking: whoever else has taken the job away meanwhile has changed one of them.
_TAKE_AWAY = """
UPDATE procrastinate_jobs AS job
SET status = (
        CASE WHEN %(again)s AND NOT EXISTS (
            SELECT FROM procrastinate_jobs AS other
            WHERE other.queueing_lock = job.queueing_lock AND other.status = 'todo'
        ) THEN 'todo' ELSE 'failed' END
    )::procrastinate_job_status,
    attempts = attempts + 1, scheduled_at = NULL, worker_id = NULL, abort_requested = false
WHERE id = %(id)s AND status = 'doing' AND attempts = %(attempts)s AND worker_id IS NOT DISTINCT FROM %(worker)s
RETURNING status::text
"""
_WAITS = "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = %(key)s AND status = 'todo')"


class LostJob(NamedTuple):
    """One taking of a job, whose taker is gone."""

    id: int
    task_name: str
    attempts: int
    worker_id: int | None


@dataclass(slots=True)
class Recovery:
    """Looks for lost jobs, again and again.

    Attributes:
        pool: connections that see the tables of the jobs.
        retries: of the tasks whose jobs are looked for, by name.
        lease: after which a worker that says nothing may be dead.
        seen: what was lost the last time.
    """

    pool: Pool
    retries: Mapping[str, Retry]
    lease: timedelta
    seen: frozenset[LostJob] = frozenset()

    async def look(self, *, own: int | None, running: Collection[int]) -> None:
        """Let jobs that are lost for the second time wait again, or fail when they may not be tried again.

        Args:
            own: number of this process's worker.
            running: the jobs that it truly runs.

        Raises:
            Unavailable: the database does not answer.
        """
        with translated():
            found = frozenset(await self._lost(own, running))
            for job in found & self.seen:
                await self._take_away(job)
            self.seen = found

    async def waits(self, key: str) -> bool:
        """Whether a job with a key waits.

        Raises:
            Unavailable: the database does not answer.
        """
        with translated():
            async with self.pool.connection() as connection:
                row = await (await connection.execute(_WAITS, {"key": key})).fetchone()
                return row is not None and bool(row[0])

    async def _lost(self, own: int | None, running: Collection[int]) -> Sequence[LostJob]:
        values = {
            "names": list(self.retries),
            "running": list(running),
            "own": own,
            "lease": self.lease.total_seconds(),
        }
        async with self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(LostJob))
            await cursor.execute(_LOST, values)
            return await cursor.fetchall()

    async def _take_away(self, job: LostJob) -> None:
        again = self.retries[job.task_name].pause(failures=job.attempts + 1) is not None
        values = {"id": job.id, "attempts": job.attempts, "worker": job.worker_id, "again": again}
        try:
            async with self.pool.connection() as connection:
                row = await (await connection.execute(_TAKE_AWAY, values)).fetchone()
        except UniqueViolation:
            # Another one with its key has begun to wait in this moment; the next look sees it.
            return
        if row is not None:
            log.warning("job_lost", task=job.task_name, job=job.id, attempt=job.attempts + 1, now=row[0])
