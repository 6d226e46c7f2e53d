import asyncio
import socket

import pytest
import pytest_socket


def test_a_unit_test_cannot_open_a_network_socket() -> None:
    """A network socket is refused in a unit test."""
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def test_an_event_loop_still_runs() -> None:
    """An event loop works although sockets are refused."""

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert 42 == asyncio.run(answer())
