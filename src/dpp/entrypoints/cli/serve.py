"""``dpp serve``."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from dpp.entrypoints.bootstrap.serving import application
from dpp.entrypoints.cli.common import DataDir, settings_of
from dpp.entrypoints.cli.ending import until_told_to_end
from dpp.entrypoints.http.server import serving


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: DataDir = None,
    with_parent: Annotated[bool, Parameter(name="--with-parent", show=False, negative=())] = False,
) -> int:
    """Answer HTTP: webhooks, the API and the dashboard.

    Example: dpp serve --host 0.0.0.0 --port 8080

    Args:
        host: The address to listen on (DPP_HOST).
        port: The port to listen on (DPP_PORT).
        with_parent: End when standard input closes.
    """
    settings = settings_of(data_dir, host=host, port=port)

    async def answer() -> None:
        async with serving(application(settings), host=settings.host, port=settings.port):
            await until_told_to_end(with_parent=with_parent)

    asyncio.run(answer())
    return 0
