"""The worker of a process, wired, with what runs by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from dishka import AsyncContainer, Provider

from dpp.adapters.postgres.feed import PostgresChangeFeed
from dpp.application.access_ports import AccessStore
from dpp.application.correlation import Correlation
from dpp.application.current import CurrentConfiguration
from dpp.application.derivation import DerivationStore
from dpp.application.derive import Derivation
from dpp.application.forecasts import Forecasts
from dpp.application.jobs import JobRunner, Jobs
from dpp.application.measure import Measurer
from dpp.application.ports import Clock, EventStore
from dpp.application.pulse import PulseAggregation
from dpp.application.survey_retention import SurveyRetention
from dpp.entrypoints.bootstrap.providers import container
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.bootstrap.sources import Asking
from dpp.entrypoints.worker.main import Worker
from dpp.entrypoints.worker.schedules import FINISHED_JOBS_KEPT, Tasks, table


async def scheduled(wired: AsyncContainer) -> Tasks:
    """Return what the schedules do in this process."""
    clock, jobs = await wired.get(Clock), await wired.get(Jobs)
    events, sessions = await wired.get(EventStore), await wired.get(AccessStore)
    forecasts, current = await wired.get(Forecasts), await wired.get(CurrentConfiguration)
    correlation, aggregation = await wired.get(Correlation), await wired.get(PulseAggregation)
    retention = await wired.get(SurveyRetention)
    measurer, asking = await wired.get(Measurer), await wired.get(Asking)
    return Tasks(
        expire_unread_payloads=lambda: events.expire_dead_letters(now=clock.now()),
        forget_ended_sessions=lambda: sessions.delete_expired_sessions(before=clock.now()),
        forget_finished_jobs=lambda: jobs.forget_finished(before=clock.now() - FINISHED_JOBS_KEPT),
        store_forecasts=lambda: forecasts.store_forecasts(at=clock.now()),
        catch_up_forecasts=lambda: forecasts.catch_up_forecasts(at=clock.now()),
        correlate_streams=lambda: correlation.correlate(now=clock.now(), configuration=current.value),
        aggregate_pulse=lambda: aggregation.aggregate(now=clock.now(), configuration=current.value),
        expire_survey_answers=lambda: retention.expire(now=clock.now(), configuration=current.value),
        measure_days=measurer.measure_stale,
        close_days=measurer.close_days,
        snapshot_sprints=asking.snapshot_sprints,
        close_sprints=asking.close_sprints,
        backlog_state=asking.backlog_state,
        find_jira_gaps=asking.find_jira_gaps,
        enrich_pull_requests=asking.enrich_pull_requests,
        sync_repositories=asking.sync_repositories,
        find_github_gaps=asking.find_github_gaps,
        run_backfills=asking.run_backfills,
    )


@asynccontextmanager
async def working(settings: Settings, *overrides: Provider) -> AsyncIterator[Worker]:
    """Derive and keep the schedules for the length of the block."""
    wired = container(settings, *overrides)
    current = await wired.get(CurrentConfiguration)
    clock = await wired.get(Clock)
    worker = Worker(
        store=await wired.get(DerivationStore),
        derive=await wired.get(Derivation),
        signal=await wired.get(PostgresChangeFeed),
        clock=clock,
    )
    runner, schedules = await wired.get(JobRunner), table(await scheduled(wired))
    await current.start()
    tasks = [
        asyncio.create_task(worker.run(), name="worker"),
        asyncio.create_task(runner.run(schedules=schedules), name="jobs"),
    ]
    try:
        yield worker
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await current.stop()
        await wired.close()
