"""What runs by the clock, and how often: one table.

To add a schedule: a field in ``Tasks`` (an async callable that returns how much it did), a row of the same name in
``table``, and in ``entrypoints/bootstrap/working.py`` the callable itself. However many workers there are, a schedule
has one run at a time; but a run may come twice (``application/jobs.py``), so it must not matter. Work that computes for
more than a second belongs in ``asyncio.to_thread``: the event loop also tells the others that this worker lives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dpp.application.jobs import Retry, Schedule

EVERY_MINUTE = timedelta(minutes=1)
HOURLY = timedelta(hours=1)
DAILY = timedelta(days=1)

#: What asks other systems: those that are down need some minutes, and those that refuse must not be asked all the time.
ASKED = Retry(attempts=3, first_pause=timedelta(minutes=10))

#: How long jobs that have ended can be looked at.
FINISHED_JOBS_KEPT = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """What the schedules do; each returns how much it did."""

    expire_unread_payloads: Callable[[], Awaitable[int]]
    forget_ended_sessions: Callable[[], Awaitable[int]]
    forget_finished_jobs: Callable[[], Awaitable[int]]
    store_forecasts: Callable[[], Awaitable[int]]
    catch_up_forecasts: Callable[[], Awaitable[int]]
    correlate_streams: Callable[[], Awaitable[int]]
    aggregate_pulse: Callable[[], Awaitable[int]]
    expire_survey_answers: Callable[[], Awaitable[int]]
    measure_days: Callable[[], Awaitable[int]]
    close_days: Callable[[], Awaitable[int]]
    snapshot_sprints: Callable[[], Awaitable[int]]
    close_sprints: Callable[[], Awaitable[int]]
    backlog_state: Callable[[], Awaitable[int]]
    find_jira_gaps: Callable[[], Awaitable[int]]
    enrich_pull_requests: Callable[[], Awaitable[int]]
    sync_repositories: Callable[[], Awaitable[int]]
    find_github_gaps: Callable[[], Awaitable[int]]
    run_backfills: Callable[[], Awaitable[int]]


def table(tasks: Tasks) -> Sequence[Schedule]:
    """Return everything that runs by the clock, a row for each field of ``tasks``; times are in UTC."""
    return (
        Schedule(name="expire_unread_payloads", every=HOURLY, task=tasks.expire_unread_payloads),
        Schedule(name="forget_ended_sessions", every=HOURLY, task=tasks.forget_ended_sessions),
        Schedule(name="forget_finished_jobs", every=DAILY, offset=timedelta(hours=2), task=tasks.forget_finished_jobs),
        # The refresh of §6: forecasts daily, shared bottlenecks hourly, the pulse on survey close, which comes monthly.
        Schedule(name="store_forecasts", every=DAILY, offset=timedelta(hours=3), task=tasks.store_forecasts),
        Schedule(name="catch_up_forecasts", every=DAILY, offset=timedelta(hours=4), task=tasks.catch_up_forecasts),
        Schedule(name="correlate_streams", every=HOURLY, task=tasks.correlate_streams),
        Schedule(name="aggregate_pulse", every=DAILY, offset=timedelta(hours=1), task=tasks.aggregate_pulse),
        Schedule(
            name="expire_survey_answers", every=DAILY, offset=timedelta(hours=5), task=tasks.expire_survey_answers
        ),
        Schedule(name="measure_days", every=EVERY_MINUTE, task=tasks.measure_days),
        # Midnight is at another time in every zone: hourly, and a little after the quarter that days are left open for.
        Schedule(name="close_days", every=HOURLY, offset=timedelta(minutes=16), task=tasks.close_days),
        # The polling of §5.2.6; the backlog before the day's forecasts are made of it.
        Schedule(name="snapshot_sprints", every=2 * HOURLY, task=tasks.snapshot_sprints, retry=ASKED),
        Schedule(name="close_sprints", every=DAILY, offset=timedelta(minutes=30), task=tasks.close_sprints),
        Schedule(
            name="backlog_state",
            every=DAILY,
            offset=timedelta(hours=2, minutes=20),
            task=tasks.backlog_state,
            retry=ASKED,
        ),
        Schedule(
            name="find_jira_gaps",
            every=DAILY,
            offset=timedelta(hours=1, minutes=20),
            task=tasks.find_jira_gaps,
            retry=ASKED,
        ),
        # The deferred enrichment of §5.3.6; what failed comes again with the next run.
        Schedule(name="enrich_pull_requests", every=timedelta(minutes=5), task=tasks.enrich_pull_requests),
        # Daily as §5.3.7 says, the register before what is found in its repositories.
        Schedule(name="sync_repositories", every=DAILY, offset=timedelta(minutes=40), task=tasks.sync_repositories),
        Schedule(
            name="find_github_gaps", every=DAILY, offset=timedelta(hours=1, minutes=40), task=tasks.find_github_gaps
        ),
        Schedule(name="run_backfills", every=timedelta(minutes=5), task=tasks.run_backfills),
    )
