"""Unit tests touch no network: opening any socket but a local pipe fails the test."""

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    """Forbid sockets during the test; event loops keep the Unix socket pair that they wake themselves with."""
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
