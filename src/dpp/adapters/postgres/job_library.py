"""What the platform asks of procrastinate: its connections, its errors, its retries and its logs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeAlias

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from psycopg_pool import AsyncConnectionPool

from dpp.adapters.postgres.engine import (
    CONNECT_SECONDS,
    LOCK_SECONDS,
    RECONNECT_SECONDS,
    STATEMENT_SECONDS,
    WAIT_SECONDS,
    Connection,
)
from dpp.adapters.postgres.errors import translation
from dpp.adapters.postgres.jobs import SCHEMA

log = structlog.get_logger(__name__)

Pool: TypeAlias = AsyncConnectionPool[Connection]

#: Of its own ends of jobs the runner tells itself, without their arguments.
_TOLD_BY_US = frozenset({"job_error"})


def pool_of(dsn: str, *, size: int) -> Pool:
    """Make a pool, not yet open, whose connections see the tables of the jobs and no others."""
    return AsyncConnectionPool(
        dsn,
        kwargs={
            "application_name": "dpp jobs",
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
        min_size=1,
        max_size=size,
        open=False,
        configure=configure,
        check=AsyncConnectionPool.check_connection,
        timeout=WAIT_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        name="dpp jobs",
    )


async def configure(connection: Connection) -> None:
    """Prepare a new connection."""
    settings = {
        "search_path": SCHEMA,
        "timezone": "UTC",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "lock_timeout": f"{LOCK_SECONDS}s",
    }
    await connection.execute(
        "SELECT set_config(name, setting, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, setting)",
        [list(settings), list(settings.values())],
    )
    if not connection.autocommit:
        await connection.commit()


@contextmanager
def unwrapped() -> Iterator[None]:
    """Turn what the library makes of the driver's errors into the platform's; our own faults stay as they are."""
    try:
        yield
    except ConnectorException as error:
        known = translation(error.__cause__) if isinstance(error.__cause__, psycopg.Error) else None
        if known is None:
            raise
        raise known from error


class Replaced(Exception):
    """A job failed while another one with its key waits: that one is the next try."""


class Pauses(BaseRetryStrategy):
    """Says when a job that failed is tried again; one that was interrupted waits for no pause."""

    def __init__(self, pauses: dict[int, timedelta]) -> None:
        """`pauses`: by the number of failures; none for the last."""
        self._pauses = pauses

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Decide after an attempt; the job counts the earlier ones."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        pause = self._pauses.get(job.attempts + 1)
        if pause is None or isinstance(exception, Replaced):
            return None
        return RetryDecision(retry_in={"milliseconds": round(pause / timedelta(milliseconds=1))})


class _Told(logging.Handler):
    """Tells of the library's warnings and errors in our words: its own messages hold the arguments of jobs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log which event it was, and of what kind the error."""
        action = getattr(record, "action", record.funcName)
        if action in _TOLD_BY_US:
            return
        error = record.exc_info[0] if record.exc_info else None
        log.warning("jobs_library", action=action, error=error.__name__ if error else None)


def route_logs() -> None:
    """Let the library's logs come out of ours; any number of times."""
    library = logging.getLogger("procrastinate")
    library.handlers = [_Told(logging.WARNING)]
    library.setLevel(logging.WARNING)
    library.propagate = False
