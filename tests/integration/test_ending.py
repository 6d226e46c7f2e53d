"""A server ends when it is told to, whatever is open."""

import signal
import threading
from pathlib import Path

from tests.support.running import platform


def test_an_open_live_stream_does_not_keep_the_server(tmp_path: Path, database_url: str) -> None:
    """With a page listening for news, the server ends on SIGTERM, and so does the stream."""
    with platform(tmp_path, database_url) as running:
        opened = threading.Event()

        def listen() -> None:
            with running.client() as client, client.stream("GET", "/api/v1/live", timeout=60) as answer:
                for line in answer.iter_lines():
                    if line.startswith("event: hello"):
                        opened.set()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        assert opened.wait(10)
        running.kill("serve", signal.SIGTERM)
        listener.join(10)
        assert not listener.is_alive()
