"""How soon somebody with a cold browser sees the dashboard whose answers are kept, and how much that transfers.

The same page and files are served from memory as well, by a server that does nothing else: the ratio of the two is what
the platform adds to the browser's own time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, NamedTuple

import httpx
from playwright.sync_api import Browser, sync_playwright

from benchmarks.intake import _started as started
from benchmarks.scale import scaled
from dpp.adapters.postgres.embedded import EmbeddedPostgres
from dpp.adapters.postgres.migrations import upgrade
from dpp.adapters.simulation import SimulatedOrganisation, Size, signed
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import Settings, load

WEEKS = 12
ROUNDS = 15
AIM_MS, AIM_BYTES = 1_000, 300_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
EMAIL, PASSWORD = "lead@acme.example", "a long enough password"
PATH = "/?stream=payments"
#: Milliseconds from the request until the page was loaded, and until every chart in sight was drawn.
WATCH = """
new MutationObserver((_, watching) => {
  const all = [...document.querySelectorAll(".chart")];
  const inSight = all.filter((one) => one.getBoundingClientRect().top < innerHeight);
  if (!inSight.length || inSight.some((one) => !one.querySelector("svg"))) return;
  window.drawn = performance.now();
  watching.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


class Answer(NamedTuple):
    """A recorded answer, as it was transferred."""

    headers: Mapping[str, str]
    body: bytes


class Times(NamedTuple):
    """Milliseconds from the request on."""

    loaded: float
    drawn: float


def run() -> dict[str, Any]:
    """Measure both, in turn."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        raise FileNotFoundError(f"this needs a browser: {', '.join(BROWSERS)}")
    with (
        tempfile.TemporaryDirectory(prefix="dpp-first-page-") as folder,
        EmbeddedPostgres(Path(folder) / "pg") as server,
        _platform(Path(folder) / "data", server.dsn) as address,
        sync_playwright() as playwright,
    ):
        session = _sign_in(address)
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        recorded = _record(browser, address, session)
        with _replaying(recorded) as replay:
            live, alone = [], []
            for number in range(scaled(ROUNDS, least=3) + 1):
                found = _open(browser, address, session), _open(browser, replay, session)
                if number:  # the first round warms up
                    live.append(found[0])
                    alone.append(found[1])
        browser.close()
    transferred = sum(len(answer.body) for answer in recorded.values())
    drawn = [times.drawn for times in live]
    return {
        "drawn_median_ms": median(drawn),
        "drawn_least_ms": min(drawn),
        "loaded_median_ms": median(times.loaded for times in live),
        "from_memory_drawn_median_ms": median(times.drawn for times in alone),
        "ratio": median(one.drawn / other.drawn for one, other in zip(live, alone, strict=True)),
        "transferred_bytes": transferred,
        "files": len(recorded),
        "within_aim": median(drawn) < AIM_MS and transferred < AIM_BYTES,
    }


def _open(browser: Browser, address: str, session: str) -> Times:
    """Open the page in a browser that has kept nothing."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(WATCH)
        context.add_cookies([{"name": "dpp_session", "value": session, "url": address}])
        page = context.new_page()
        page.goto(address + PATH, wait_until="load")
        deadline = monotonic() + 30
        while (drawn := page.evaluate("window.drawn ?? null")) is None:
            if monotonic() > deadline:
                raise TimeoutError("the charts were not drawn")
            sleep(0.02)
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        return Times(loaded=loaded, drawn=drawn)


def _record(browser: Browser, address: str, session: str) -> dict[str, Answer]:
    """Return what the page fetches, but for the stream of news, as it is transferred."""
    asked: list[str] = []
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_cookies([{"name": "dpp_session", "value": session, "url": address}])
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + PATH, wait_until="load")
        page.wait_for_timeout(1_000)
    paths = [url.removeprefix(address) for url in dict.fromkeys(asked) if not url.endswith("/api/v1/live")]
    with httpx.Client(base_url=address, cookies={"dpp_session": session}, trust_env=False) as client:
        return {path: _answer(client, path) for path in paths}


def _answer(client: httpx.Client, path: str) -> Answer:
    with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as response:
        response.raise_for_status()
        kept = ("content-type", "content-encoding", "content-security-policy", "cache-control")
        headers = {name: response.headers[name] for name in kept if name in response.headers}
        return Answer(headers, b"".join(response.iter_raw()))


@contextmanager
def _replaying(recorded: Mapping[str, Answer]) -> Iterator[str]:
    """Serve recorded answers from memory; gives the address."""
    ending = Event()

    class Replay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = recorded.get(self.path)
            self.send_response(200)
            if answer is None:  # the stream of news, on which nothing happens
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b"event: hello\ndata: connected\n\n")
                self.wfile.flush()
                ending.wait()
                return
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        ending.set()
        server.shutdown()


@contextmanager
def _platform(data_dir: Path, dsn: str) -> Iterator[str]:
    """Run a platform with some weeks behind it; gives the address."""
    upgrade(dsn)
    settings = load({}, data_dir=data_dir)
    local.prepare(settings)
    environment = {**os.environ, "DPP_DATA_DIR": str(data_dir), "DPP_DATABASE_URL": dsn, "DPP_LOG_LEVEL": "warning"}
    now = datetime.now(tz=UTC).replace(minute=0, second=0, microsecond=0)
    weeks = scaled(WEEKS, least=2)
    told = SimulatedOrganisation(8, start=now - timedelta(weeks=weeks), weeks=weeks, size=Size.SMALL)
    file = data_dir / "organisation.toml"
    file.write_text(told.configuration_toml(), encoding="utf-8")
    _command(environment, "config", "apply", str(file))
    _command(environment, "users", "add", EMAIL, "--role", "stream_lead", "--password", PASSWORD)
    key = _command(environment, "keys", "create", "b", "--permission=events:write", "--permission=admin:read")
    cli = ["-m", "dpp.entrypoints.cli"]
    with (
        started([*cli, "serve"], environment, option="--port") as server,
        started([*cli, "worker"], environment, port=False),
    ):
        address = f"http://127.0.0.1:{server.port}"
        _tell(told, address, settings, key=key.strip())
        yield address


def _tell(told: SimulatedOrganisation, address: str, settings: Settings, *, key: str) -> None:
    secrets = {
        name: (settings.secrets_dir / f"{name}_webhook_secret").read_bytes().strip() for name in ("github", "jira")
    }
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client, ThreadPoolExecutor(8) as pool:

        def post(delivery: Any) -> None:
            proved = signed(delivery, github_secret=secrets["github"], jira_secret=secrets["jira"], api_key=key)
            client.post(proved.path, content=proved.body, headers=proved.headers).raise_for_status()

        list(pool.map(post, told.deliveries()))
        health, authorization = "/api/v1/admin/integration-health", {"authorization": f"Bearer {key}"}
        deadline = monotonic() + 120
        while client.get(health, headers=authorization).json()["data"]["pending"]:
            if monotonic() > deadline:
                raise TimeoutError("deliveries are still pending")
            sleep(0.2)


def _sign_in(address: str) -> str:
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
        if token is None:
            raise LookupError("the form has no token")
        sent = {"email": EMAIL, "password": PASSWORD, "next": "/", "csrf_token": token[1]}
        client.post("/sign-in", data=sent)
        return client.cookies["dpp_session"]


def _command(environment: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "dpp.entrypoints.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
