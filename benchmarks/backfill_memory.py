"""How much memory reading 100 thousand pull requests from a GitHub takes above what the process needs anyway.

The real command, ``dpp backfill``, against a made-up GitHub behind a real socket and a database of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.history import server
from benchmarks.scale import scaled
from dpp.adapters.postgres.migrations import upgrade
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import load

PULL_REQUESTS = 100_000
AIM_MEBIBYTES = 64.0
START = datetime(2020, 1, 1, tzinfo=UTC)
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_CONFIGURATION = """
[[tech_streams]]
name = "core"
display_name = "Core"
github_org = "acme"
github_install_id = "1001"

[github]
api_url = "{address}"
app_id = "1"
"""


def _node(number: int) -> dict[str, Any]:
    """One merged pull request with a review, a text of two kilobytes, and people that differ."""
    opened = START + timedelta(minutes=20 * number)
    times = [(opened + timedelta(hours=hours)).strftime(_FORMAT) for hours in (0, 5, 9)]
    who = {"__typename": "User", "login": f"p{number % 300}", "databaseId": 1000 + number % 300}
    commit = {"oid": f"{number:040x}"}
    review = {"fullDatabaseId": str(10**9 + number), "state": "APPROVED", "submittedAt": times[1], "commit": commit}
    return {
        "fullDatabaseId": str(2 * 10**9 + number), "number": number, "title": f"PAY-{number}: a change",
        "body": "Why and how. " * 150, "isDraft": False, "merged": True, "createdAt": times[0], "updatedAt": times[2],
        "closedAt": times[2], "mergedAt": times[2], "additions": 10, "deletions": 2, "changedFiles": 1,
        "totalCommentsCount": 1, "headRefName": f"feature/PAY-{number}", "headRefOid": commit["oid"],
        "baseRefName": "main", "mergeCommit": commit, "author": who,
        "reviews": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [review | {"author": who}]},
        "timelineItems": {"nodes": [{"__typename": "ClosedEvent", "createdAt": times[2]}]},
    }  # fmt: skip


def _answer(path: str, asked: bytes, size: int) -> object:
    if path.endswith("/access_tokens"):
        return {"token": "a-token", "expires_at": "2099-01-01T00:00:00Z"}
    if path == "/installation/repositories":
        return {"repositories": [{"id": 7, "name": "payments", "full_name": "acme/payments"}]}
    if path == "/graphql":
        query = json.loads(asked)
        if "issueCount" in query["query"]:
            return {"data": {"search": {"issueCount": size}}}
        start = int(query["variables"]["after"] or 0)
        end = min(size, start + query["variables"]["first"])
        page = {"pageInfo": {"hasNextPage": end < size, "endCursor": str(end)}}
        nodes = [_node(number + 1) for number in range(start, end)]
        return {"data": {"repository": {"pullRequests": page | {"nodes": nodes}}}}
    return {"workflow_runs": []} if path.endswith("/actions/runs") else []


@contextmanager
def _github(size: int) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told = json.dumps(_answer(urlsplit(self.path).path, body, size)).encode()
            self.send_response(201 if self.path.endswith("/access_tokens") else 200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{found.server_port}", asked
    finally:
        found.shutdown()
        found.server_close()


def run() -> dict[str, Any]:
    """Measure the resident memory of the command over 2000 pages of 50 pull requests."""
    size = scaled(PULL_REQUESTS, least=500)
    with server() as url, tempfile.TemporaryDirectory() as directory, _github(size) as (address, asked):
        return _measured(Path(directory), _database(url), address, asked, size)


def _measured(directory: Path, url: str, address: str, asked: list[str], size: int) -> dict[str, Any]:
    local.prepare(load({}, data_dir=directory))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "secrets" / "github_app_private_key").write_bytes(pem)
    file = directory / "organisation.toml"
    file.write_text(_CONFIGURATION.format(address=address), encoding="utf-8")
    environment = os.environ | {"DPP_DATA_DIR": str(directory), "DPP_DATABASE_URL": url, "DPP_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "dpp.entrypoints.cli"]
    subprocess.run([*command, "config", "apply", str(file)], env=environment, check=True, stdout=subprocess.DEVNULL)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*command, "backfill", "github", "acme", "--json"], env=environment, stdout=subprocess.PIPE
    )
    idle = peak = 0
    while process.poll() is None:
        resident = _resident(process.pid)
        # Idle is a process that has loaded everything and has asked for nothing but the list of repositories.
        idle = resident if len(asked) <= 3 else idle
        peak = max(peak, resident)
        time.sleep(0.01)
    seconds = time.perf_counter() - begin
    done = json.loads(process.communicate()[0])
    above = (peak - idle) / 1024
    return {
        "pull_requests": done["things"],
        "events": done["accepted"],
        "all_read_once": done["things"] == size and done["accepted"] == 4 * size and not done["unreadable"],
        "seconds": seconds,
        "idle_mebibytes": idle / 1024,
        "above_idle_mebibytes": above,
        "aim": AIM_MEBIBYTES,
        "within_aim": above <= AIM_MEBIBYTES and done["things"] == size,
    }


def _resident(pid: int) -> int:
    """Return the kibibytes of memory that a process holds; 0 once it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")), 0)


def _database(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE backfill_memory")
    found = urlunsplit(urlsplit(url)._replace(path="/backfill_memory"))
    upgrade(found)
    return found
