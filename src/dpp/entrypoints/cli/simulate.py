"""``dpp simulate``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter
from dishka import AsyncContainer
from rich.console import Console
from rich.progress import Progress

from dpp.application.configure import Applied, ConfigurationFile
from dpp.application.configure import apply as apply_text
from dpp.application.jobs import Jobs
from dpp.application.keys import ApiKeys
from dpp.application.ports import Clock, ConfigurationStore
from dpp.application.secrets import Secrets
from dpp.domain.access import Permission, StreamScope
from dpp.domain.errors import Unavailable
from dpp.entrypoints.bootstrap import simulated_sources, simulation
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.bootstrap.simulation import Delivery, Disorder, Memory, Plan, Proofs, Sender
from dpp.entrypoints.cli.common import DataDir, run, settings_of
from dpp.entrypoints.cli.ending import until_told_to_end

DEMO_WEEKS = 16
DEMO_SEED = 7
#: How often a demonstration notes how far it is.
NOTE_EVERY = timedelta(minutes=5)
#: By then what was told last is derived.
DERIVED_BY = timedelta(seconds=30)
KEY_DAYS = 365
#: What follows from a history, and runs daily.
REFRESHED = ("store_forecasts", "catch_up_forecasts", "correlate_streams", "aggregate_pulse")
#: What asks the sources, the register of repositories before what is found in them.
ASKED = (
    "sync_repositories",
    "snapshot_sprints",
    "backlog_state",
    "find_github_gaps",
    "find_jira_gaps",
    "close_sprints",
)


def simulate(
    *,
    target: str,
    seed: int = DEMO_SEED,
    weeks: int = DEMO_WEEKS,
    size: str = "medium",
    rate: float | None = None,
    late: float = 0.0,
    doubled: float = 0.0,
    speed: float | None = None,
    configure: Annotated[bool, Parameter(negative="--no-configure")] = True,
    data_dir: DataDir = None,
    demo: Annotated[bool, Parameter(show=False, negative=())] = False,
    with_parent: Annotated[bool, Parameter(name="--with-parent", show=False, negative=())] = False,
) -> int:
    """Let a simulated organisation send its webhooks, signed, to a running platform.

    Example: dpp simulate --target http://localhost:8080 --weeks 12 --size small --seed 3

    Args:
        target: The platform's address; its secrets are read from the data directory.
        seed: The same seed makes the same organisation.
        weeks: How many weeks of history, ending now.
        size: small, medium or large.
        rate: Deliveries a second; without it, as fast as the platform takes them.
        late: Share, 0 to 1, of deliveries that come out of order.
        doubled: Share, 0 to 1, of deliveries that come twice.
        speed: Go on after the history at this multiple of real time, until stopped.
        configure: Apply the organisation's configuration first.
    """
    settings = settings_of(data_dir)
    plan = Plan.until(datetime.now(UTC), seed=seed, weeks=weeks, size=size)
    if demo:
        return run(settings, lambda wired: _until_told(_demonstrate(wired, settings, target, plan), with_parent))
    disorder = Disorder(late=late, doubled=doubled, seed=seed)
    return run(settings, lambda wired: _simulate(wired, target, plan, disorder, rate, speed, configure=configure))


async def _until_told(work: Coroutine[object, object, None], with_parent: bool) -> int:
    told = asyncio.create_task(until_told_to_end(with_parent=with_parent))
    working = asyncio.create_task(work)
    done, _ = await asyncio.wait({told, working}, return_when=asyncio.FIRST_COMPLETED)
    for task in {told, working} - done:
        task.cancel()
    await asyncio.gather(told, working, return_exceptions=True)
    if working in done:
        working.result()
    return 0


async def _simulate(
    wired: AsyncContainer,
    target: str,
    plan: Plan,
    disorder: Disorder,
    rate: float | None,
    speed: float | None,
    *,
    configure: bool,
) -> int:
    if configure:
        await _apply(wired, plan.organisation().configuration_toml())
    organisation = plan.organisation()
    deliveries = list(disorder.applied(organisation.deliveries()))
    async with _proofs(wired) as proofs, simulation.sender(target, proofs) as sender:
        with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("deliveries", total=len(deliveries))
            await sender.send_all(deliveries, rate=rate, told=lambda _: progress.advance(task))
        print(f"sent {sender.sent} deliveries of {plan.weeks} weeks")
        if speed is not None:
            await simulation.keep_telling_at(sender, organisation.live(), speed=speed, told=lambda _: None)
    return 0


async def _demonstrate(wired: AsyncContainer, settings: Settings, target: str, plan: Plan) -> None:
    """Tell the history, then go on in real time; a second start takes up where the first has ended."""
    memory = Memory(settings.data_dir / "demo.json")
    known = memory.load()
    if known is None:
        # Noted before the first word: whatever interrupts it, the next start tells the same story.
        known = plan, plan.start
        memory.save(*known)
    plan, noted = known
    configuration = await (await wired.get(ConfigurationStore)).load()
    async with _proofs(wired) as proofs, simulation.sender(target, proofs) as sender:
        with simulated_sources.served(plan, settings, configuration) as address:
            if noted < plan.end:
                await _apply(wired, plan.organisation().configuration_toml())
                await sender.send_all(plan.organisation().deliveries(), told=lambda _: None)
                noted = plan.end
                memory.save(plan, noted)
                print(
                    f"The simulated organisation has told its {plan.weeks} weeks and goes on in real time", flush=True
                )
                await _look_again(wired, REFRESHED)
            if address is not None:
                await _connect(wired, address)
            await _keep_telling(sender, plan, noted, memory)


async def _connect(wired: AsyncContainer, address: str) -> None:
    """Have the platform ask the simulated sources; not before the history was told, or it would hear it twice."""
    if (await _apply(wired, simulated_sources.connection(address))).changes:
        await _look_again(wired, ASKED)
    print(f"Its GitHub and its Jira answer at {address}; `dpp faults --help` says how to make them fail", flush=True)


async def _keep_telling(sender: Sender, plan: Plan, noted: datetime, memory: Memory) -> None:
    def note(delivery: Delivery) -> None:
        nonlocal noted
        if delivery.at - noted > NOTE_EVERY:
            noted = delivery.at
            memory.save(plan, noted)

    await simulation.keep_telling(sender, simulation.continued(plan, noted), told=note)


async def _look_again(wired: AsyncContainer, names: Iterable[str]) -> None:
    """Have what runs by the clock run once more: nobody wants to wait for tomorrow."""
    jobs, now = await wired.get(Jobs), (await wired.get(Clock)).now()
    for name in names:
        await jobs.defer(name, key=name, at=now + DERIVED_BY)


async def _apply(wired: AsyncContainer, text: str) -> Applied:
    return await apply_text(
        text,
        file=await wired.get(ConfigurationFile),
        store=await wired.get(ConfigurationStore),
        actor="simulation",
        now=(await wired.get(Clock)).now(),
        dry_run=False,
    )


@asynccontextmanager
async def _proofs(wired: AsyncContainer) -> AsyncIterator[Proofs]:
    """Lend what the senders prove themselves with; their key is switched off afterwards."""
    secrets, keys = await wired.get(Secrets), await wired.get(ApiKeys)
    made = await keys.create(
        name="simulated pipelines",
        permissions=[Permission.EVENTS_WRITE],
        scope=StreamScope.everything(),
        actor="simulation",
        expires_after=timedelta(days=KEY_DAYS),
    )
    try:
        yield Proofs(
            github_secret=secrets.get("github_webhook_secret"),
            jira_secret=secrets.get("jira_webhook_secret"),
            api_key=made.key,
        )
    finally:
        with suppress(Unavailable):
            await keys.deactivate(made.key_id, actor="simulation")
