"""``dpp fields``."""

from __future__ import annotations

from dishka import AsyncContainer

from dpp.application.current import CurrentConfiguration
from dpp.entrypoints.bootstrap.sources import ProposedFields, proposed_fields
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of


def fields(*, data_dir: DataDir = None, json: AsJson = False) -> int:
    """Ask the configured Jira for its custom fields, and propose which of them the platform should read.

    Example: dpp fields

    Prints a table for a project of the configuration file; look at the comments before you take it over.
    """

    async def question(wired: AsyncContainer) -> ProposedFields:
        current = await wired.get(CurrentConfiguration)
        await current.start()
        try:
            return await proposed_fields(wired)
        finally:
            await current.stop()

    found = run(settings_of(data_dir), question)
    if json:
        print_json(found.fields)
    else:
        print(found.toml, end="")
    return 0
