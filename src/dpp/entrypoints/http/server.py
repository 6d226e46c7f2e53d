"""The web server in this process's own event loop."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

from dpp.domain.errors import Unavailable
from dpp.entrypoints.http.live import ending_of

log = structlog.get_logger(__name__)

#: Requests under way get this long to end when the process does.
GRACE_SECONDS = 10.0

#: New objects until the garbage collector looks for cycles, and how often it looks at older ones.
COLLECT_AFTER = (20_000, 20, 50)


class PortTaken(Unavailable):
    """Something else listens on the address."""

    code = "port_taken"


@asynccontextmanager
async def serving(app: Litestar, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve an application for the length of the block; at port 0 on any free one, which the log tells.

    Raises:
        PortTaken: something else listens there.
    """
    port = check_free(host, port)
    server = Server(
        app, address=host, port=port, interface=Interfaces.ASGI, websockets=False, log_enabled=False, backlog=1024
    )
    task = asyncio.create_task(server.serve(), name="http")
    log.info("serving", host=host, port=port)
    # What is here now stays: collecting it again and again costs a tenth of the time of each delivery.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        yield
    finally:
        ending_of(app).set()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            await asyncio.wait_for(task, GRACE_SECONDS)


def check_free(host: str, port: int) -> int:
    """Ask before the server does: what it says of a taken port does not reach the user.

    Returns:
        The port; for 0 one that is free.

    Raises:
        PortTaken: something else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Cannot listen on {host}:{port} ({error.strerror}); choose another with --port or --host"
            ) from error
        free: int = probe.getsockname()[1]
        return free
