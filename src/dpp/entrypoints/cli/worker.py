"""``dpp worker``."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from dpp.entrypoints.bootstrap.working import working
from dpp.entrypoints.cli.common import DataDir, settings_of
from dpp.entrypoints.cli.ending import until_told_to_end


def worker(
    *,
    data_dir: DataDir = None,
    with_parent: Annotated[bool, Parameter(name="--with-parent", show=False, negative=())] = False,
) -> int:
    """Derive figures from what came in; any number of workers may run.

    Example: DPP_DATABASE_URL=postgresql://dpp@db/dpp dpp worker

    Args:
        with_parent: End when standard input closes.
    """
    settings = settings_of(data_dir)

    async def work() -> None:
        async with working(settings):
            await until_told_to_end(with_parent=with_parent)

    asyncio.run(work())
    return 0
