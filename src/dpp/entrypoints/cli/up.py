"""``dpp up``."""

from __future__ import annotations

import signal
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter
from dishka import AsyncContainer

from dpp.application.secrets import Secrets
from dpp.application.users import FIRST_ADMIN, Users
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.schema import migrate
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.cli.common import DataDir, run, settings_of
from dpp.entrypoints.http.server import check_free

ADMIN_PASSWORD = "admin_password"  # noqa: S105 - the name of a secret
READY_SECONDS = 30.0


class _Told(Exception):
    """The user, or the system, wants the platform to end."""


def up(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: DataDir = None,
    demo: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """The whole platform on this machine: database, HTTP API, dashboard and worker, until Ctrl-C.

    Example: dpp up --port 8080 --demo

    Args:
        host: The address to listen on (DPP_HOST).
        port: The port to listen on (DPP_PORT); 0 for any that is free.
        demo: Fill it with a simulated organisation that goes on working.
    """
    settings = settings_of(data_dir, host=host, port=port)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _told)
    try:
        settings = replace(settings, port=check_free(settings.host, settings.port))
        created = local.prepare(settings)
        with local.database(settings) as database:
            migrate(database.settings)
            is_first = run(database.settings, _ensure_admin)
            return _serve(database, demo=demo, announce_password=is_first or ADMIN_PASSWORD in created)
    except _Told:
        print("stopped", flush=True)
        return 0


def _told(_number: int, _frame: object) -> None:
    # A second signal while everything ends must not interrupt the ending.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise _Told


async def _ensure_admin(wired: AsyncContainer) -> bool:
    users, secrets = await wired.get(Users), await wired.get(Secrets)
    return await users.ensure_admin(password=secrets.get(ADMIN_PASSWORD).decode()) is not None


def _serve(database: local.LocalDatabase, *, demo: bool, announce_password: bool) -> int:
    settings = database.settings
    address = f"http://{settings.host}:{settings.port}"
    wanted = [
        local.Child("serve", ("serve", "--host", settings.host, "--port", str(settings.port)), settings.data_dir),
        local.Child("worker", ("worker",), settings.data_dir),
    ]
    with local.children(wanted):
        if not _is_ready(address, wanted):
            print("dpp: the platform did not start; the lines above say why", file=sys.stderr)
            return 1
        _announce(settings, address, announce_password=announce_password)
        if demo:
            simulation = local.Child("simulate", ("simulate", "--demo", "--target", address), settings.data_dir)
            simulation.restarts = False
            simulation.start()
            wanted.append(simulation)
        while True:
            database.revive()
            failing = local.look_after(wanted)
            if failing is not None:
                print(f"dpp: {failing} ends again and again; giving up", file=sys.stderr)
                return 1
            time.sleep(0.5)


def _is_ready(address: str, wanted: list[local.Child]) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if _answers(f"{address}/health/ready"):
            return True
        if any(child.ended() is not None for child in wanted):
            return False
        time.sleep(0.05)
    return False


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _announce(settings: Settings, address: str, *, announce_password: bool) -> None:
    print(f"The platform runs at {address}")
    print(f"Sign in as {FIRST_ADMIN}; the password lies in {settings.secrets_dir / ADMIN_PASSWORD}")
    if announce_password:
        print("(made on this first start; change it by adding users of your own)")
    print("Ctrl-C stops everything", flush=True)
