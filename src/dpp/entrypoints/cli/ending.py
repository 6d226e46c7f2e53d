"""How a long-running process learns that it is to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys


async def until_told_to_end(*, with_parent: bool = False) -> None:
    """Wait for SIGINT or SIGTERM; with ``with_parent`` also for the end of standard input.

    The parent holds the other end of that pipe, so that it closes however the parent ends.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    if with_parent:
        standard_input = sys.stdin.fileno()

        def read() -> None:
            if not os.read(standard_input, 4096):
                loop.remove_reader(standard_input)
                told.set()

        loop.add_reader(standard_input, read)
    await told.wait()
