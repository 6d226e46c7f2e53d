"""``dpp faults``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from cyclopts import Parameter
from dishka import AsyncContainer

from dpp.application.jobs import Jobs
from dpp.application.ports import Clock, ConfigurationStore
from dpp.domain.errors import InvalidInput, NotFound
from dpp.entrypoints.bootstrap import simulated_sources
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.bootstrap.simulated_sources import SOURCES, TROUBLES, SimulatedSource, Standing, Trouble
from dpp.entrypoints.cli.common import DataDir, run, settings_of

MOST_MINUTES = 24 * 60
#: What asks each source, so that nobody has to wait for the clock to see what it says.
ASKED_BY: Mapping[SimulatedSource, str] = {"github": "sync_repositories", "jira": "snapshot_sprints"}
#: A source is asked again so long after its trouble has ended.
AFTERWARDS = timedelta(seconds=2)


class NoDemonstration(NotFound):
    """There is no simulated source that could fail."""

    code = "no_demonstration"


def faults(
    source: SimulatedSource | None = None,
    trouble: Trouble | Literal["none"] | None = None,
    *,
    minutes: Annotated[float, Parameter(name="--minutes")] = 5.0,
    data_dir: DataDir = None,
) -> int:
    """Let a source of a demonstration (`dpp up --demo`) fail for a while, or say what is wrong with them.

    Example: dpp faults jira down --minutes 2

    Args:
        source: github or jira; without it, what is wrong with each is printed.
        trouble: down (answers with a 5xx), silent (does not answer: it takes two minutes to give up on it), truncated,
            lying (answers something else), rate-limit, refused (status 401), forbidden (status 403), or none to end it.
        minutes: For how long.
    """
    settings = settings_of(data_dir)
    if source is None:
        run(settings, lambda wired: _show(wired, settings))
        return 0
    if trouble is None:
        raise InvalidInput(f"say what is to be wrong: {', '.join(TROUBLES)} or none")
    if not 0 < minutes <= MOST_MINUTES:
        raise InvalidInput(f"minutes is {minutes:g}; give more than 0, and at most {MOST_MINUTES}", field="minutes")
    run(settings, lambda wired: _put(wired, settings, source, trouble, timedelta(minutes=minutes)))
    return 0


async def _show(wired: AsyncContainer, settings: Settings) -> None:
    known, now = simulated_sources.faults(settings), (await wired.get(Clock)).now()
    for source in SOURCES:
        print(_said(source, known.of(source, now=now)))


async def _put(
    wired: AsyncContainer,
    settings: Settings,
    source: SimulatedSource,
    trouble: Trouble | Literal["none"],
    lasting: timedelta,
) -> None:
    """Have it fail, and be asked now and when it is over."""
    configuration = await (await wired.get(ConfigurationStore)).load()
    if not configuration.jira.base_url or not simulated_sources.is_ours(configuration):
        raise NoDemonstration(
            "No simulated sources are connected here; start `dpp up --demo` and let it tell its weeks"
        )
    now = (await wired.get(Clock)).now()
    standing = None if trouble == "none" else Standing(trouble=trouble, until=now + lasting)
    simulated_sources.faults(settings).put(source, standing)
    await _have_it_asked(await wired.get(Jobs), source, now, standing)
    print(_said(source, standing))
    print("What the platform makes of it stands at /admin/integration-health")


async def _have_it_asked(jobs: Jobs, source: SimulatedSource, now: datetime, standing: Standing | None) -> None:
    name = ASKED_BY[source]
    await jobs.defer(name, key=f"{name}:{now.isoformat()}", at=now)
    if standing is not None:
        await jobs.defer(name, key=f"{name}:{standing.until.isoformat()}", at=standing.until + AFTERWARDS)


def _said(source: str, standing: Standing | None) -> str:
    return f"{source}: {standing.trouble} until {standing.until:%H:%M:%S} UTC" if standing else f"{source}: answers"
