"""``dpp archive verify``, ``replay`` and ``cat``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict

from dishka import AsyncContainer
from rich.console import Console
from rich.progress import Progress

from dpp.application.archive import ArchiveDamaged
from dpp.application.current import CurrentConfiguration
from dpp.application.ports import Archive, DeliveryCodec, EventStore, RepairBox
from dpp.application.replay import Replayed
from dpp.application.replay import replay as replay_all
from dpp.entrypoints.bootstrap.archives import archive_of
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of


def verify(*, data_dir: DataDir = None, json: AsJson = False) -> int:
    """Check every segment of the archive, and name what is damaged. The exit status is 1 when anything is.

    Example: dpp archive verify
    """
    found = archive_of(settings_of(data_dir))
    damage, segments = found.verify(), found.segments()
    if json:
        print_json({"segments": len(segments), "damage": [asdict(row) for row in damage]})
    else:
        for row in damage:
            where = row.segment if row.record is None else f"{row.segment} record {row.record}"
            print(f"{row.kind}: {where}: {row.detail}")
        print(f"{len(segments)} segments, {len(damage) or 'no'} damage")
    return 1 if damage else 0


def cat(*, data_dir: DataDir = None) -> int:
    """Print every record of the archive, one JSON object a line.

    Example: dpp archive cat | jq .facts
    """
    found = archive_of(settings_of(data_dir))
    status = 0
    for info in found.segments():
        after: int | None = 0
        while after is not None:
            try:
                for _, record in found.read(info.segment, after=after):
                    os.write(1, record + b"\n")
                break
            except ArchiveDamaged as damage:
                print(f"dpp: {damage}", file=sys.stderr)
                after, status = damage.resume_after, 1
    return status


def replay(*, data_dir: DataDir = None, json: AsJson = False) -> int:
    """Write the archive's deliveries to the event tables again; what is there already stays as it is.

    Example: dpp archive replay
    """

    async def question(wired: AsyncContainer) -> Replayed:
        await (await wired.get(CurrentConfiguration)).refresh()
        with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("deliveries", total=None)
            return await replay_all(
                await wired.get(Archive),
                await wired.get(EventStore),
                await wired.get(DeliveryCodec),
                await wired.get(RepairBox),
                progress=lambda done: progress.update(task, completed=done.deliveries),
            )

    done = run(settings_of(data_dir), question)
    if json:
        print_json(asdict(done))
    else:
        print(
            f"replayed {done.deliveries} deliveries: {done.accepted} facts were new, {done.duplicates} known, "
            f"{done.damaged} records damaged, {done.refused} deliveries refused by the database"
        )
    return 1 if done.damaged or done.refused else 0
