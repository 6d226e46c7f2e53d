"""``dpp rebuild``."""

from __future__ import annotations

import sys

from dishka import AsyncContainer
from rich.console import Console
from rich.progress import Progress

from dpp.application.derivation import DerivationStore
from dpp.application.derive import Derivation
from dpp.application.rebuild import Progress as Told
from dpp.application.rebuild import Rebuilt
from dpp.application.rebuild import rebuild as rebuild_all
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of


def rebuild(*, data_dir: DataDir = None, json: AsJson = False) -> int:
    """Make the derived tables anew from the events, while intake goes on.

    Example: dpp rebuild
    """

    async def question(wired: AsyncContainer) -> Rebuilt:
        store, derivation = await wired.get(DerivationStore), await wired.get(Derivation)
        with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("derived", total=None)

            def told(news: Told) -> None:
                progress.update(task, completed=news.derived, total=news.total)

            return await rebuild_all(store, derivation, progress=told)

    done = run(settings_of(data_dir), question)
    failed = {f"{key.kind} {key.key}": reason for key, reason in done.failed.items()}
    if json:
        print_json({"derived": done.derived, "failed": failed})
    else:
        print(f"derived {done.derived} tickets and pull requests")
        for key, reason in failed.items():
            print(f"failed: {key}: {reason}", file=sys.stderr)
    return 1 if failed else 0
