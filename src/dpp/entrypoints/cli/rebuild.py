"""``dpp rebuild``."""

from __future__ import annotations

import sys

from dishka import AsyncContainer
from rich.console import Console
from rich.progress import Progress

from dpp.application.derivation import DerivationStore
from dpp.application.derive import Derivation
from dpp.application.measure import Measurer
from dpp.application.measures import Cause
from dpp.application.rebuild import Progress as Told
from dpp.application.rebuild import Rebuilt
from dpp.application.rebuild import rebuild as rebuild_all
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of


def rebuild(*, data_dir: DataDir = None, json: AsJson = False) -> int:
    """Make the derived tables and the figures of every day anew from the events, while intake goes on.

    Example: dpp rebuild
    """

    async def question(wired: AsyncContainer) -> tuple[Rebuilt, int]:
        store, derivation = await wired.get(DerivationStore), await wired.get(Derivation)
        measurer = await wired.get(Measurer)
        with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("derived", total=None)
            days = progress.add_task("streams measured", total=None)

            def told(news: Told) -> None:
                progress.update(task, completed=news.derived, total=news.total)

            done = await rebuild_all(store, derivation, progress=told)
            progress.update(days, total=await measurer.mark_all(Cause.REBUILD))
            return done, await measurer.measure_stale(progress=lambda _: progress.advance(days), is_patient=False)

    done, measured = run(settings_of(data_dir), question)
    failed = {f"{key.kind} {key.key}": reason for key, reason in done.failed.items()}
    if json:
        print_json({"derived": done.derived, "measured": measured, "failed": failed})
    else:
        print(f"derived {done.derived} tickets and pull requests; {measured} figures of days are new")
        for key, reason in failed.items():
            print(f"failed: {key}: {reason}", file=sys.stderr)
    return 1 if failed else 0
