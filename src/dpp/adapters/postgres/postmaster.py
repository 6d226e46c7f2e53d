"""The server process: started and reaped by one thread, recognised by its pid file, stopped by signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class PidFile:
    """What a server says of itself in ``postmaster.pid``; ``port`` is None and ``ready`` False while it starts."""

    pid: int
    port: int | None
    ready: bool

    @classmethod
    def read(cls, cluster: Path) -> PidFile | None:
        """Return the pid file's content, or None when there is none or it is only half written."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
            return cls(
                pid=abs(int(lines[0])),
                port=int(lines[3]) if len(lines) > 3 else None,
                ready=len(lines) > 7 and lines[7].strip() == "ready",
            )
        except (FileNotFoundError, IndexError, ValueError):
            return None


class Postmaster(threading.Thread):
    """A server as our child, and the thread that waits for its end, so that it leaves no zombie.

    The thread starts it too: Linux sends the death signal when the *thread* that started a process ends, so a
    short-lived one (a thread pool's worker, say) would take the database with it.
    """

    def __init__(self, command: list[str], *, directory: Path, output: Path) -> None:
        """``directory``: where it runs; ``output``: the file for what it says before its log is open, truncated."""
        super().__init__(name="postmaster", daemon=True)
        self.exited = threading.Event()
        self._command, self._directory, self._output = command, directory, output
        self._spawned = threading.Event()
        self._error: OSError | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> int:
        """Start the server and return its process id; OSError when the program cannot be executed."""
        self.start()
        self._spawned.wait()
        if self.pid is None:
            raise self._error or OSError("not started")
        return self.pid

    @property
    def pid(self) -> int | None:
        """The server's process id, None before ``launch`` and when it failed."""
        return self._process.pid if self._process is not None else None

    def run(self) -> None:
        """Start the server, then wait for its end."""
        try:
            with self._output.open("wb") as output:
                # A session of its own: Ctrl-C in the terminal is for us, who then stop the database last.
                self._process = subprocess.Popen(
                    self._command,
                    cwd=self._directory,
                    env=plain_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        except OSError as error:
            self._error = error
        finally:
            self._spawned.set()
        if self._process is not None:
            self._process.wait()
        self.exited.set()

    def send(self, signal_number: signal.Signals) -> None:
        """Send a signal; nothing happens when the server has ended."""
        if self._process is not None:
            self._process.send_signal(signal_number)

    def stop(self, *, timeout: float) -> None:
        """Shut down fast (clients are cut off, data is flushed), after ``timeout`` s immediately, at last by force."""
        for signal_number, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if self.exited.is_set():
                return
            self.send(signal_number)
            self.exited.wait(patience)


def plain_environment() -> dict[str, str]:
    """Return an environment in which no PG* variable, locale or secret of ours reaches the server."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def is_server_of(pid: int, cluster: Path) -> bool:
    """Say whether a process is a live server of this cluster, and not a stranger that inherited its number.

    Servers work inside their cluster's directory, which Linux shows. Elsewhere, or where the look is refused, any live
    process counts.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if sys.platform != "linux":
        return True
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == cluster.resolve() and _is_postgres(pid)
    except PermissionError:
        return True
    except FileNotFoundError:
        return False


def _is_postgres(pid: int) -> bool:
    return os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("postgres")


def orphans_of(cluster: Path) -> list[int]:
    """Return the processes of a cluster that outlived their postmaster (Linux; elsewhere the empty list)."""
    if sys.platform != "linux":
        return []
    pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return [pid for pid in pids if _works_in(pid, cluster)]


def _works_in(pid: int, cluster: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == cluster.resolve() and _is_postgres(pid)
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False


def end_stranger(pid: int, cluster: Path, *, timeout: float) -> bool:
    """Shut down a server that is not our child, fast and then immediately; say whether it is gone."""
    for signal_number, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, 5.0)):
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            return True
        if wait_until_gone([pid], cluster, timeout=patience):
            return True
    return False


def end_orphans(cluster: Path, *, patience: float = 1.0) -> None:
    """Clear a cluster of backends without a postmaster: most end by themselves, one deep in a query must be killed.

    While one lives PostgreSQL refuses to start; killing is safe, because the next start recovers from its log anyway.
    """
    orphans = orphans_of(cluster)
    if orphans and not wait_until_gone(orphans, cluster, timeout=patience):
        for pid in orphans_of(cluster):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        wait_until_gone(orphans, cluster, timeout=patience)


def wait_until_gone(pids: list[int], cluster: Path, *, timeout: float) -> bool:
    """Wait until none of the processes serves the cluster any more; False when ``timeout`` seconds did not do."""
    deadline = time.monotonic() + timeout
    while any(is_server_of(pid, cluster) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
