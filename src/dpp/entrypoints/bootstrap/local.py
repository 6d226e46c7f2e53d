"""The platform on one machine: its directory, its secrets, its database, its processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from dpp.adapters.files.secrets import DirectorySecrets
from dpp.entrypoints.bootstrap.settings import Settings

log = structlog.get_logger(__name__)

OWNER_VARIABLE = "DPP_DATABASE_OWNER_URL"

#: How long processes have to end by themselves; the database follows, and all of it stays below 30 s.
END_SECONDS = 15.0
DATABASE_END_SECONDS = 10.0
#: A process that ends by itself is started again, at most this often a minute.
RESTARTS_A_MINUTE = 5


def prepare(settings: Settings) -> list[str]:
    """Make the data directory, readable by its owner alone, and the secrets that are missing; return their names."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return DirectorySecrets(settings.secrets_dir).create_missing()


@dataclass(frozen=True, slots=True)
class LocalDatabase:
    """The database that the platform of this machine uses.

    ``settings`` name it. ``revive`` starts an embedded one again after it has died; another one is left alone.
    """

    settings: Settings
    revive: Callable[[], None]


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[LocalDatabase]:
    """Run the embedded database for the length of the block, unless the settings name another."""
    if settings.database_url is not None:
        yield LocalDatabase(settings, lambda: None)
        return
    # Only here: the launcher needs a system that has processes as POSIX knows them.
    from dpp.adapters.postgres.embedded import EmbeddedPostgres

    embedded = EmbeddedPostgres(settings.postgres_dir)

    def revive() -> None:
        if not embedded.is_alive():
            log.warning("database_ended")
            embedded.start()

    embedded.start()
    try:
        both = replace(settings, database_url=embedded.service_dsn, database_owner_url=embedded.dsn)
        yield LocalDatabase(both, revive)
    finally:
        embedded.stop(DATABASE_END_SECONDS)


@dataclass(slots=True)
class Child:
    """One process of the platform; it ends when its standard input closes, so it cannot outlive its parent."""

    name: str
    arguments: tuple[str, ...]
    data_dir: Path
    restarts: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "dpp.entrypoints.cli", *self.arguments, "--data-dir", str(self.data_dir)]
        # Whoever serves or works knows the account of the running processes alone.
        known = {name: value for name, value in os.environ.items() if name != OWNER_VARIABLE}
        self.process = subprocess.Popen(
            [*command, "--with-parent"], stdin=subprocess.PIPE, start_new_session=True, env=known
        )
        self.started.append(time.monotonic())

    def ended(self) -> int | None:
        """Return the exit status, None while it runs."""
        return None if self.process is None else self.process.poll()

    def may_restart(self) -> bool:
        """Whether it may be started once more."""
        recent = [moment for moment in self.started if time.monotonic() - moment < 60]
        return self.restarts and len(recent) < RESTARTS_A_MINUTE

    def end(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait for its end, and force it when time is up."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process_forced_to_end", process=self.name)
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def children(wanted: list[Child]) -> Iterator[None]:
    """Run processes for the length of the block."""
    try:
        for child in wanted:
            child.start()
        yield
    finally:
        for child in wanted:
            child.end()
        deadline = time.monotonic() + END_SECONDS
        for child in wanted:
            child.wait(deadline)


def look_after(wanted: list[Child]) -> str | None:
    """Start again what has ended by itself; return the name of a process that cannot be kept alive."""
    for child in wanted:
        status = child.ended()
        if status is None or (status == 0 and not child.restarts):
            continue
        if not child.may_restart():
            if child.restarts:
                return child.name
            continue
        log.warning("process_ended", process=child.name, status=status)
        child.start()
    return None
