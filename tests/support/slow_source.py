"""A simulated source behind a real socket, slow on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from dpp.adapters.simulation.github_api import SimulatedGitHub
from dpp.adapters.simulation.jira_api import SimulatedJira


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Told(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def of_jira(jira: SimulatedJira) -> Callable[[Asked], Told]:
    """Answer as a Jira does."""

    def answer(asked: Asked) -> Told:
        found = jira.answer(asked.path, asked.query, headers=asked.headers)
        return Told(found.status, found.headers, found.body)

    return answer


def of_github(github: SimulatedGitHub) -> Callable[[Asked], Told]:
    """Answer as an Enterprise Server does, whose GraphQL lies beside its REST API."""

    def answer(asked: Asked) -> Told:
        path = asked.path.removeprefix("/api").removeprefix("/v3")
        found = github.answer(asked.method, path, asked.query, headers=asked.headers, body=asked.body)
        return Told(found.status, found.headers, found.body)

    return answer


@contextmanager
def serving(answer: Callable[[Asked], Told], *, seconds: float = 0.0) -> Iterator[str]:
    """Serve a source for the length of the block, and yield its address; each answer takes so many seconds."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def _answer(self, body: bytes) -> None:
            time.sleep(seconds)
            parts = urlsplit(self.path)
            query, headers = dict(parse_qsl(parts.query)), dict(self.headers.items())
            told = answer(Asked(self.command, parts.path, query, headers, body))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
