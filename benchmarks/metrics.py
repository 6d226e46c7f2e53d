"""How long every metrics endpoint takes with ten clients and two years of a company: worked out anew, and kept.

Worked out anew are answers about the present and about moments of the last months, by a server that keeps none, but
rows that it has read; kept ones come from the platform as it is, asked for the same again.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice, product
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any
from urllib.parse import quote

import psycopg

from benchmarks.intake import Server
from benchmarks.intake import _started as started
from benchmarks.scale import scaled
from benchmarks.two_years import two_years
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import load

CLIENTS = 10
REQUESTS = 120
AIM_MS, AIM_KEPT_MS = 150, 10

ENDPOINTS = {
    "realtime": "metrics/realtime?",
    "diagnostic_30": "metrics/diagnostic?window=30&",
    "diagnostic_90": "metrics/diagnostic?window=90&",
    "trends_30": "metrics/trends?window=30&",
    "trends_90": "metrics/trends?window=90&",
    "forecast": "metrics/forecast?",
    "pulse": "metrics/pulse?",
    "cross_stream_30": "metrics/cross-stream?window=30&",
    "ageing_90": "metrics/ageing?window=90&",
    "cumulative_flow_30": "metrics/cumulative-flow?window=30&",
    "cumulative_flow_90": "metrics/cumulative-flow?window=90&",
    "arrivals_30": "metrics/arrivals?window=30&",
    "arrivals_90": "metrics/arrivals?window=90&",
    "blocked_90": "metrics/blocked?window=90&",
    "changes_90": "metrics/changes?window=90&",
    "blames_30": "incidents/blames?window=30&",
    "data_quality": "admin/data-quality?",
}
#: What is asked about, in turn: everything, a stream of either kind, both together.
VIEWS = ("", "stream=d1", "tech_stream=t1", "stream=d2&tech_stream=t3", "stream=d5", "tech_stream=t6")
#: Asks for what the server knows by heart, and as who: what any answer costs.
BARE = "/api/v1/streams/delivery"


def run(*, endpoints: Sequence[str] = tuple(ENDPOINTS)) -> dict[str, Any]:
    """Measure every endpoint."""
    with two_years() as dsn, tempfile.TemporaryDirectory(prefix="dpp-metrics-") as folder:
        settings = load({}, data_dir=Path(folder) / "data")
        local.prepare(settings)
        environment = {**os.environ, "DPP_DATA_DIR": str(settings.data_dir), "DPP_DATABASE_URL": dsn}
        environment["DPP_LOG_LEVEL"] = "warning"
        key = _key(environment)
        with (
            started(["-m", "benchmarks.unkept"], environment, option="--port") as unkept,
            started(["-m", "dpp.entrypoints.cli", "serve"], environment, option="--port") as platform,
        ):
            return asyncio.run(_measured(endpoints, unkept=unkept, platform=platform, key=key, dsn=dsn))


def _key(environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "dpp.entrypoints.cli", "keys", "create", "benchmark"]
    permissions = ["--permission", "metrics:read", "--permission", "admin:read"]
    return subprocess.run(
        [*command, *permissions], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


async def _measured(
    endpoints: Sequence[str], *, unkept: Server, platform: Server, key: str, dsn: str
) -> dict[str, Any]:
    size = scaled(REQUESTS, least=60)
    found: dict[str, Any] = {}
    bare: list[float] = []
    bare_ms = 0.0
    worst = worst_kept = 0.0
    with psycopg.connect(dsn, autocommit=True) as connection:
        postmaster = _parent(connection.info.backend_pid)
    for name in endpoints:
        address = "/api/v1/" + ENDPOINTS[name]
        moments = _moments()
        now, earlier, then = (
            [address + view + more for view, more in _asked(number, some)]
            for number, some in ((size, None), (2 * CLIENTS, moments), (size, moments))
        )
        # Rows are read from the database once: the first question of a kind waits for them, and says how long.
        (found[f"{name}_first_ms"],) = await _times(now[:1], unkept.port, key, clients=1)
        await _times(now[: 2 * CLIENTS] + earlier, unkept.port, key)
        for what, addresses in (("now", now), ("then", then)):
            used = _processor_ms(unkept.pid), _children_ms(postmaster)
            p50, p95 = _percentiles(await _times(addresses, unkept.port, key))
            found |= {f"{name}_{what}_p50_ms": p50, f"{name}_{what}_p95_ms": p95}
            found[f"{name}_{what}_server_ms"] = (_processor_ms(unkept.pid) - used[0]) / size
            found[f"{name}_{what}_database_ms"] = (_children_ms(postmaster) - used[1]) / size
            worst = max(worst, p95)
        await _times([address + view for view in VIEWS], platform.port, key, clients=1)
        used = _processor_ms(platform.pid), 0.0
        kept = _percentiles(await _times(now, platform.port, key))[1]
        found[f"{name}_kept_p95_ms"] = kept
        found[f"{name}_kept_server_ms"] = (_processor_ms(platform.pid) - used[0]) / size
        worst_kept = max(worst_kept, kept)
        used = _processor_ms(unkept.pid), _children_ms(postmaster)
        bare.append(_percentiles(await _times([BARE] * size, unkept.port, key))[1])
        bare_ms += (_processor_ms(unkept.pid) - used[0] + _children_ms(postmaster) - used[1]) / size
    bare_ms /= len(endpoints)
    for name, what in product(endpoints, ("now", "then")):
        spent = found[f"{name}_{what}_server_ms"] + found[f"{name}_{what}_database_ms"]
        found[f"{name}_{what}_times_bare"] = spent / bare_ms
    return {
        **found,
        "bare_request_p95_ms": median(bare),
        "bare_request_p95_highest_ms": max(bare),
        "bare_request_processor_ms": bare_ms,
        "slowest_p95_ms": worst,
        "slowest_kept_p95_ms": worst_kept,
        "within_aim": worst < AIM_MS and worst_kept < AIM_KEPT_MS,
    }


def _stat(pid: int) -> list[str]:
    """Return what ``/proc`` says of a process, from its state on (Linux only)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _processor_ms(pid: int) -> float:
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) * 1e3 / os.sysconf("SC_CLK_TCK")


def _children_ms(pid: int) -> float:
    """Return the processor time of the processes that a process has started and that run still."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_processor_ms(int(child)) for child in children)


def _asked(size: int, moments: Iterator[datetime] | None) -> Iterator[tuple[str, str]]:
    for view in islice(cycle(VIEWS), size):
        yield view, "" if moments is None else "&as_of=" + quote(next(moments).isoformat())


def _moments() -> Iterator[datetime]:
    """Yield moments of the last ten months, no two alike."""
    now = datetime.now(UTC)
    return (now - timedelta(days=1 + number * 37 % 300, milliseconds=number) for number in count())


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    return median(times), quantiles(times, n=20)[18]


async def _times(addresses: Sequence[str], port: int, key: str, *, clients: int = CLIENTS) -> list[float]:
    """Ask for every address over so many connections, each waiting for one answer before it sends the next.

    Returns:
        Milliseconds of every request.
    """
    upcoming, times = iter(addresses), list[float]()
    await asyncio.gather(*(_client(upcoming, port, key, times) for _ in range(clients)))
    return times


async def _client(upcoming: Iterator[str], port: int, key: str, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"Host: localhost\r\nAuthorization: Bearer {key}\r\nAccept-Encoding: gzip\r\n\r\n"
    try:
        for address in upcoming:
            begun = perf_counter()
            writer.write(f"GET {address} HTTP/1.1\r\n{head}".encode())
            answered = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answered[:20]:
                raise RuntimeError(f"{address} answered {answered[:200]!r}")
            length = int(answered.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            times.append((perf_counter() - begun) * 1e3)
    finally:
        writer.close()
