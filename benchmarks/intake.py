"""Signed deliveries a second, archived and committed, as a share of what the same server does that only verifies and
decodes; and how soon a delivery shows in the derived rows.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple
from urllib.request import urlopen

import psycopg

from benchmarks.load import requests, send
from benchmarks.scale import scaled
from dpp.adapters.postgres.embedded import EmbeddedPostgres
from dpp.adapters.postgres.migrations import upgrade
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import load

SIZE_BYTES = 27_000
REQUESTS = 8_000
ROUNDS = 7
#: Each waits for its answer before it sends the next. Where there are few the server idles while they wait together.
CONNECTIONS = (64, 256)
AIM_SHARE = 0.7

RATE = 200
PACED_SECONDS = 10
AIM_LATENCY_MS = 250
PATH = "/api/v1/webhooks/github"


class Server(NamedTuple):
    """A process of ours: the port that it listens on, 0 for none, and its id."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        """Return the processor time that it has used, all threads together (``/proc``, Linux only)."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def run() -> dict[str, Any]:
    """Measure both."""
    with tempfile.TemporaryDirectory(prefix="dpp-intake-") as folder, EmbeddedPostgres(Path(folder) / "pg") as server:
        upgrade(server.dsn)
        settings = load({}, data_dir=Path(folder) / "data")
        local.prepare(settings)
        secret = (settings.secrets_dir / "github_webhook_secret").read_bytes().strip()
        environment = {**os.environ, "DPP_DATA_DIR": str(settings.data_dir), "DPP_DATABASE_URL": server.dsn}
        environment["DPP_LOG_LEVEL"] = "warning"
        numbers = count(1)
        with _started(["-m", "dpp.entrypoints.cli", "serve"], environment, option="--port") as platform:
            with _started(["-m", "benchmarks.verify_only"], environment, after=(secret.decode(),)) as baseline:
                share = {
                    f"{name}_{connections}": value
                    for connections in CONNECTIONS
                    for name, value in _share(platform, baseline, numbers, secret, connections).items()
                }
            with _started(["-m", "dpp.entrypoints.cli", "worker"], environment, port=False):
                latency = _latency(platform.port, numbers, secret, server.dsn)
    within = share["share_256"] >= AIM_SHARE and latency["latency_p99_ms"] < AIM_LATENCY_MS
    return {**share, **latency, "within_aim": within}


def _share(
    platform: Server, baseline: Server, numbers: Iterator[int], secret: bytes, connections: int
) -> dict[str, float]:
    """Alternate the two, so that both meet the same machine."""
    size = scaled(REQUESTS, least=100)
    rates: dict[str, list[float]] = {"stored": [], "verified": []}
    costs: dict[str, list[float]] = {"stored": [], "verified": []}
    for number in range(ROUNDS + 1):
        for name, server in (("verified", baseline), ("stored", platform)):
            prepared = requests(size, first=next(numbers) * 1_000_000, secret=secret, path=PATH, size=SIZE_BYTES)
            before = server.processor_seconds()
            rate = asyncio.run(send(prepared, port=server.port, connections=connections)).rate
            if number:  # the first round warms up
                rates[name].append(rate)
                costs[name].append((server.processor_seconds() - before) / size * 1e6)
    shares = [stored / verified for stored, verified in zip(rates["stored"], rates["verified"], strict=True)]
    return {
        "verified_and_decoded_per_second": median(rates["verified"]),
        "archived_and_committed_per_second": median(rates["stored"]),
        "share": median(shares),
        "share_lowest": min(shares),
        "share_highest": max(shares),
        # What neighbours on the machine disturb less than rates.
        "server_us_verified": median(costs["verified"]),
        "server_us_stored": median(costs["stored"]),
    }


def _latency(platform: int, numbers: Iterator[int], secret: bytes, dsn: str) -> dict[str, Any]:
    """Send at a steady pace, and look for the derived row of each delivery after its acknowledgement."""
    size = scaled(RATE * PACED_SECONDS, least=RATE)
    first = next(numbers) * 1_000_000
    _wait_until_derived(dsn)
    prepared = requests(size, first=first, secret=secret, path=PATH, size=SIZE_BYTES)
    milliseconds = asyncio.run(_paced(prepared, first, platform, dsn))
    return {
        "latency_deliveries": len(milliseconds),
        "latency_median_ms": median(milliseconds),
        "latency_p99_ms": quantiles(milliseconds, n=100)[98],
    }


async def _paced(prepared: list[bytes], first: int, port: int, dsn: str) -> list[float]:
    acknowledged: dict[int, float] = {}
    seen: dict[int, float] = {}
    watcher = asyncio.create_task(_watch(dsn, first, len(prepared), seen))
    begun = perf_counter()

    async def one(number: int) -> None:
        await asyncio.sleep(max(0.0, begun + number / RATE - perf_counter()))
        await send(prepared[number : number + 1], port=port, connections=1)
        acknowledged[first + number] = perf_counter()

    await asyncio.gather(*(one(number) for number in range(len(prepared))))
    await watcher
    return [max(0.0, seen[number] - moment) * 1000 for number, moment in acknowledged.items()]


async def _watch(dsn: str, first: int, size: int, seen: dict[int, float]) -> None:
    """Note when each row appears, looking every few milliseconds."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        newest = first - 1
        pending: set[int] = set(range(first, first + size))
        while pending:
            cursor = await connection.execute(
                "SELECT pr_number FROM pull_requests WHERE pr_number = ANY(%s)", [sorted(pending)[:600]]
            )
            moment = perf_counter()
            for (number,) in await cursor.fetchall():
                seen[number] = moment
                pending.discard(number)
                newest = max(newest, number)
            await asyncio.sleep(0.01)


def _wait_until_derived(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            row = connection.execute("SELECT count(*) FROM stale_keys").fetchone()
            if row == (0,):
                return
            time.sleep(0.2)
    raise TimeoutError("the worker did not derive what the first part sent")


@contextmanager
def _process(arguments: list[str], environment: dict[str, str], *, option: str) -> Iterator[int]:
    """Run a server of ours for the length of the block; yield the port that it listens on."""
    with _started(arguments, environment, option=option) as server:
        yield server.port


@contextmanager
def _started(
    arguments: list[str],
    environment: dict[str, str],
    *,
    port: bool = True,
    option: str | None = None,
    after: tuple[str, ...] = (),
) -> Iterator[Server]:
    """Run a process of ours for the length of the block."""
    number = _free_port() if port else 0
    where = [*([option] if option else []), *([str(number)] if port else [])]
    process = subprocess.Popen([sys.executable, *arguments, *where, *after], env=environment)
    try:
        if port:
            _wait_until_open(number, ready=option is not None)
        yield Server(number, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def _wait_until_open(number: int, *, ready: bool) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if not ready:
                socket.create_connection(("127.0.0.1", number), 1).close()
                return
            with urlopen(f"http://127.0.0.1:{number}/health/ready", timeout=1) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {number}")
