"""``dpp config apply`` and ``dpp config export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from dishka import AsyncContainer

from dpp.application.configure import Applied, ConfigurationFile
from dpp.application.configure import apply as apply_text
from dpp.application.ports import Clock, ConfigurationStore
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of


def apply(
    file: Path,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    data_dir: DataDir = None,
    json: AsJson = False,
) -> int:
    """Apply a configuration file, and print what it changes. Applying it again changes nothing.

    Example: dpp config apply organisation.toml --dry-run

    Args:
        file: The configuration, in TOML.
        dry_run: Say what would change, and change nothing.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="FILE") from error

    async def question(wired: AsyncContainer) -> Applied:
        return await apply_text(
            text,
            file=await wired.get(ConfigurationFile),
            store=await wired.get(ConfigurationStore),
            actor="cli",
            now=(await wired.get(Clock)).now(),
            dry_run=dry_run,
        )

    applied = run(settings_of(data_dir), question)
    if json:
        print_json({"changes": list(applied.changes), "version": applied.configuration.version, "dry_run": dry_run})
        return 0
    for change in applied.changes:
        print(change)
    print(_summary(len(applied.changes), dry_run=dry_run))
    return 0


def _summary(changes: int, *, dry_run: bool) -> str:
    if not changes:
        return "nothing to change"
    return f"{changes} changes{' would be made' if dry_run else ' made'}"


def export(*, data_dir: DataDir = None) -> int:
    """Print the configuration as a file that `dpp config apply` takes.

    Example: dpp config export > organisation.toml
    """

    async def question(wired: AsyncContainer) -> str:
        store, file = await wired.get(ConfigurationStore), await wired.get(ConfigurationFile)
        text: str = file.render(await store.load())
        return text

    print(run(settings_of(data_dir), question), end="")
    return 0
