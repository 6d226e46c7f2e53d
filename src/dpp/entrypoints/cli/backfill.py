"""``dpp backfill``."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter
from dishka import AsyncContainer
from rich.console import Console
from rich.progress import Progress

from dpp.application.backfill import LEASE, Backfill, BackfillBusy, BackfillRun, BackfillState
from dpp.application.current import CurrentConfiguration
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of


def backfill(
    source: str,
    org: str,
    *,
    anew: Annotated[bool, Parameter(negative=())] = False,
    data_dir: DataDir = None,
    json: AsJson = False,
) -> int:
    """Read the history of one organisation of a source. It may be ended at any moment and goes on from there.

    Example: dpp backfill jira PAY

    Args:
        source: github or jira.
        org: The organisation's name on GitHub, or the key of a Jira project.
        anew: Begin at the beginning, even if it has been read before in part; what is known is not doubled.
    """

    async def question(wired: AsyncContainer) -> BackfillRun:
        current, reading = await wired.get(CurrentConfiguration), await wired.get(Backfill)
        await current.start()
        try:
            await reading.request(source, org, anew=anew)
            with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
                task = progress.add_task(f"{source} {org}", total=None)

                def told(run_: BackfillRun) -> None:
                    progress.update(task, completed=run_.things, total=run_.total)

                return await _run(reading, source, org, told)
        finally:
            await current.stop()

    done = run(settings_of(data_dir), question)
    if json:
        print_json(shown(done))
    else:
        print(
            f"read {done.things} tickets or pull requests on {done.pages} pages: {done.accepted} facts are new, "
            f"{done.duplicates} were known"
        )
        if done.unreadable:
            print(f"{done.unreadable} could not be read; the last reason: {done.reason}", file=sys.stderr)
    return 0 if done.state is BackfillState.DONE else 1


async def _run(reading: Backfill, source: str, org: str, told: Callable[[BackfillRun], None]) -> BackfillRun:
    """Read; what a dead process still holds is waited for, which is not long."""
    deadline = time.monotonic() + LEASE.total_seconds() + 5
    while True:
        try:
            return await reading.run(source, org, progress=told)
        except BackfillBusy:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


def shown(found: BackfillRun) -> dict[str, object]:
    """Return a run without what only its worker needs."""
    hidden = {"cursor", "owner", "leased_until"}
    return {name: value for name, value in asdict(found).items() if name not in hidden}
