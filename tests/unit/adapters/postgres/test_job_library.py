"""What is asked of the library of jobs."""

import asyncio
import logging
from datetime import timedelta
from importlib.resources import files

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.schema import SchemaManager
from structlog.testing import capture_logs

from dpp.adapters.postgres.errors import DatabaseUnavailable
from dpp.adapters.postgres.job_library import Pauses, Replaced, route_logs, unwrapped

SCHEMA_FILE = files("dpp.adapters.postgres.migrations.versions") / "0003_jobs.sql"


def job(attempts: int) -> Job:
    """Return a job with some attempts behind it."""
    return Job(queue="note", lock=None, queueing_lock=None, task_name="note", attempts=attempts)


def test_the_migration_has_the_schema_of_the_library() -> None:
    """A library with another schema needs a migration of its own; this test tells of it."""
    frozen = SCHEMA_FILE.read_text(encoding="utf-8")
    assert frozen.endswith(SchemaManager.get_schema())
    ours = frozen.removesuffix(SchemaManager.get_schema()).strip().splitlines()
    assert all(line.startswith("-- ") for line in ours)


def test_a_failure_is_followed_by_the_pause_of_its_number() -> None:
    """The job counts earlier attempts; after the last pause there is no further attempt."""
    pauses = Pauses({1: timedelta(hours=1), 2: timedelta(hours=2)})
    decisions = [pauses.get_retry_decision(exception=ValueError(), job=job(attempts)) for attempts in range(3)]
    assert decisions[0] is not None
    assert decisions[0].retry_at is not None
    assert decisions[1] is not None
    assert decisions[1].retry_at is not None
    apart = decisions[1].retry_at - decisions[0].retry_at
    assert timedelta(minutes=59) < apart < timedelta(minutes=61)
    assert decisions[2] is None


def test_an_interrupted_job_waits_for_no_pause() -> None:
    """What was cancelled is tried at once, however often it was tried; what was replaced never."""
    interrupted = Pauses({}).get_retry_decision(exception=asyncio.CancelledError(), job=job(9))
    assert interrupted is not None
    assert interrupted.retry_at is None
    assert Pauses({1: timedelta(0)}).get_retry_decision(exception=Replaced(), job=job(0)) is None


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (psycopg.OperationalError("gone"), DatabaseUnavailable),
        (psycopg.errors.AdminShutdown("ends"), DatabaseUnavailable),
        (psycopg.errors.SyntaxError("ours"), ConnectorException),
        (None, ConnectorException),
    ],
)
def test_errors_of_the_driver_are_unwrapped(cause: Exception | None, expected: type[Exception]) -> None:
    """An absent database is the platform's own error; a fault of ours stays what it was."""
    with pytest.raises(expected), unwrapped():
        raise ConnectorException from cause


def test_messages_of_the_library_are_told_in_our_words() -> None:
    """Of its warnings we tell which event they were, of its ends of jobs nothing, of its news nothing."""
    route_logs()
    library = logging.getLogger("procrastinate.worker.worker")
    with capture_logs() as logs:
        library.error("Job note[1](ticket='PAY-4711') ended", extra={"action": "job_error"})
        library.info("Deferred note[1](ticket='PAY-4711')", extra={"action": "jobs_deferred"})
        try:
            raise ValueError("PAY-4711")
        except ValueError:
            library.exception("Side task note(ticket='PAY-4711')", extra={"action": "side_task_failed"})
    assert [
        {"event": "jobs_library", "action": "side_task_failed", "error": "ValueError", "log_level": "warning"}
    ] == logs
