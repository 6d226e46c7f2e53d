"""The simulated sources behind a socket of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qsl, urlsplit

from dpp.adapters.simulation.simulated_sources import SimulatedSources

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 1024 * 1024
#: A little longer than whoever asks waits.
SILENT_SECONDS = 40.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@contextmanager
def serving_sources(sources: SimulatedSources, *, port: int = 0) -> Iterator[int]:
    """Serve on the loopback interface for the length of the block, and yield the port.

    Args:
        sources: answers.
        port: to listen on; where it is taken, and for 0, any that is free.
    """
    ending = Event()
    server = _listening(_handler(sources, ending), port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True, name="simulated sources")
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        ending.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Whoever is kept waiting by a silence must not keep this process from its end.
    block_on_close = False


def _listening(handler: type[BaseHTTPRequestHandler], port: int) -> _Server:
    try:
        return _Server((LOOPBACK, port), handler)
    except OSError:
        if port == 0:
            raise
        return _Server((LOOPBACK, 0), handler)


def _handler(sources: SimulatedSources, ending: Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 60
        server_version = "simulation"
        sys_version = ""

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > MAX_BODY_BYTES:
                self.send_error(413)
                return
            self._answer(self.rfile.read(int(length)))

        def _answer(self, body: bytes) -> None:
            # A page of somewhere else that had its name point to this machine would be let in otherwise.
            if (self.headers.get("Host") or "").rpartition(":")[0] not in {LOOPBACK, "localhost"}:
                self.send_error(421)
                return
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            told = sources.answer(self.command, parts.path, query, headers=dict(self.headers.items()), body=body)
            if told.is_silent:
                ending.wait(SILENT_SECONDS)
                self.close_connection = True
                return
            self.send_response(told.status)
            for name, value in {**_HEADERS, **told.headers, "Content-Length": str(len(told.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
