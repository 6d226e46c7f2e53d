"""A running platform: real processes against a database of the test's own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from dpp.adapters.simulation import Delivery, signed
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import load

READY_SECONDS = 30.0
SETTLED_SECONDS = 60.0
SENDERS = 8


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class RunningPlatform:
    """Processes of one platform; ``serve`` and ``work`` start more of them."""

    data_dir: Path
    database_url: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    key: str = ""

    def command(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one command of the command line to its end."""
        return subprocess.run(
            [sys.executable, "-m", "dpp.entrypoints.cli", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=options.pop("check", True),
            **options,
        )

    def start(self, name: str, *arguments: str) -> None:
        """Start a process; what it logs goes to a file of its name."""
        with (self.data_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "dpp.entrypoints.cli", *arguments],
                env=self._environment(),
                stdout=log,
                stderr=log,
            )

    def serve(self, name: str = "serve") -> None:
        """Start a server and wait until it is ready; a second start of a name has the same port."""
        self.ports.setdefault(name, free_port())
        self.start(name, "serve", "--port", str(self.ports[name]))
        self.wait_until_ready(name)

    def work(self, name: str = "worker") -> None:
        """Start a worker."""
        self.start(name, "worker")

    def wait_until_ready(self, name: str = "serve") -> None:
        """Wait until a server says that it is ready."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.address(name)}/health/ready", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{name} did not become ready: {(self.data_dir / f'{name}.log').read_text()[-2000:]}")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a process by a signal."""
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(20)

    def stop(self) -> None:
        """End every process as a system would."""
        for name in list(self.processes):
            self.kill(name, signal.SIGTERM)

    def address(self, name: str = "serve") -> str:
        """Return where a server listens."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def secret(self, name: str) -> bytes:
        """Return a secret of the platform."""
        return (self.data_dir / "secrets" / name).read_bytes().strip()

    def client(self, name: str = "serve") -> httpx.Client:
        """Return a client with the platform's key."""
        return httpx.Client(
            base_url=self.address(name),
            headers={"authorization": f"Bearer {self.key}"},
            trust_env=False,
            timeout=30,
        )

    def signed(self, delivery: Delivery) -> Delivery:
        """Return a delivery with its source's proof."""
        return signed(
            delivery,
            github_secret=self.secret("github_webhook_secret"),
            jira_secret=self.secret("jira_webhook_secret"),
            api_key=self.key,
        )

    def send(self, deliveries: Iterable[Delivery], *, servers: tuple[str, ...] = ("serve",)) -> list[Delivery]:
        """Send deliveries, several at a time; return those that were not acknowledged."""
        clients = [self.client(name) for name in servers]

        def post(numbered: tuple[int, Delivery]) -> Delivery | None:
            number, delivery = numbered
            proved = self.signed(delivery)
            try:
                answer = clients[number % len(clients)].post(proved.path, content=proved.body, headers=proved.headers)
            except httpx.TransportError:
                return delivery
            assert answer.status_code in (202, 503), answer.text
            return None if answer.status_code == 202 else delivery

        with ThreadPoolExecutor(SENDERS) as pool:
            lost = [delivery for delivery in pool.map(post, enumerate(deliveries)) if delivery is not None]
        for client in clients:
            client.close()
        return lost

    def ask(self, path: str, **query: object) -> Any:
        """Return the data of an answer."""
        with self.client() as client:
            answer = client.get(path, params={name: str(value) for name, value in query.items() if value is not None})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def settled(self) -> int:
        """Return how many records of the archive are in the event tables."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SELECT coalesce(sum(record), 0) FROM archive_positions").fetchone()
        return int(row[0]) if row else 0

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.1)

    def wait_until_settled(self) -> None:
        """Wait until everything that was accepted shows in the figures."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while time.monotonic() < deadline:
            if self.ask("/api/v1/admin/integration-health")["pending"] == 0:
                return
            time.sleep(0.1)
        raise AssertionError("deliveries are still pending")

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {"DPP_DATA_DIR": str(self.data_dir), "DPP_DATABASE_URL": self.database_url}


@contextmanager
def platform(data_dir: Path, database_url: str, *, configuration: str | None = None) -> Iterator[RunningPlatform]:
    """Run a server and a worker against a migrated database, configured, with a key for everything."""
    local.prepare(load({}, data_dir=data_dir))
    running = RunningPlatform(data_dir, database_url)
    if configuration is not None:
        file = data_dir / "organisation.toml"
        file.write_text(configuration, encoding="utf-8")
        running.command("config", "apply", str(file))
    permissions = ("events:write", "metrics:read", "admin:read")
    made = running.command("keys", "create", "tests", *(f"--permission={name}" for name in permissions))
    running.key = made.stdout.strip()
    running.serve()
    running.work()
    try:
        yield running
    finally:
        running.stop()
