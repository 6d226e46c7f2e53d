"""A running platform: real processes against a database of the test's own."""

import asyncio
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
from dpp.application.configure import ConfigurationFile, apply
from dpp.application.keys import ApiKeys
from dpp.application.ports import Clock, ConfigurationStore
from dpp.application.scopes import named_scope
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.providers import container
from dpp.entrypoints.bootstrap.settings import Settings, load
from tests.support.postgres import restricted

READY_SECONDS = 30.0
SETTLED_SECONDS = 60.0
SENDERS = 8
#: What the platform's key is good for.
PERMISSIONS = ("events:write", "metrics:read", "admin:read")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class RunningPlatform:
    """Processes of one platform; ``serve`` and ``work`` start more of them.

    ``database_url`` is for looks into the database, by the account that owns it; the processes have another one.
    """

    data_dir: Path
    database_url: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    key: str = ""
    #: Asks the first server; to make a client anew for each question costs as much as many an answer.
    asking: httpx.Client | None = None

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
        with self.client(name) as client:
            while time.monotonic() < deadline:
                try:
                    if client.get("/health/ready").status_code == 200:
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
        if self.asking is not None:
            self.asking.close()
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        while self.processes:
            self.processes.popitem()[1].wait(20)

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
            headers={"authorization": f"Bearer {self.key}"} if self.key else {},
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
        self.asking = self.asking or self.client()
        given = {name: str(value) for name, value in query.items() if value is not None}
        answer = self.asking.get(path, params=given)
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
        return kept | {"DPP_DATA_DIR": str(self.data_dir), "DPP_DATABASE_URL": restricted(self.database_url)}


@contextmanager
def platform(data_dir: Path, database_url: str, *, configuration: str | None = None) -> Iterator[RunningPlatform]:
    """Run a server and a worker against a migrated database, configured, with a key for everything."""
    local.prepare(load({}, data_dir=data_dir))
    running = RunningPlatform(data_dir, database_url)
    if configuration is not None:
        (data_dir / "organisation.toml").write_text(configuration, encoding="utf-8")
    settings = load({"DPP_DATABASE_URL": restricted(database_url)}, data_dir=data_dir)
    # In a thread, since a browser's test has an event loop of its own.
    with ThreadPoolExecutor(1) as pool:
        running.key = pool.submit(asyncio.run, _made_ready(settings, configuration)).result()
    running.serve()
    running.work()
    try:
        yield running
    finally:
        running.stop()


async def _made_ready(settings: Settings, configuration: str | None) -> str:
    """Apply the configuration and make a key, as the command line does, without the start of a process for each."""
    wired = container(settings)
    try:
        store = await wired.get(ConfigurationStore)
        if configuration is not None:
            file, now = await wired.get(ConfigurationFile), (await wired.get(Clock)).now()
            await apply(configuration, file=file, store=store, actor="tests", now=now)
        everything = named_scope(await store.load(), delivery_streams=[], tech_streams=[])
        keys = await wired.get(ApiKeys)
        return (await keys.create(name="tests", permissions=PERMISSIONS, scope=everything, actor="tests")).key
    finally:
        await wired.close()
