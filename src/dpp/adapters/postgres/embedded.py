"""A PostgreSQL of our own: created on the first start, child of this process, gone when this process is gone.

The directory belongs to the launcher: ``cluster/`` (the data), ``logs/`` (a week of them), ``run/`` (socket),
``password``, ``service_password``, ``port``, ``lock``, and ``binaries/`` where a copy is needed. The role ``dpp`` owns
the database ``dpp``; it is no superuser, as it would not be on a database server that somebody else runs. The running
processes have the role ``dpp_service``, which owns nothing (decision 0040).
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import LiteralString, Self

import psycopg
from psycopg import sql

from dpp.adapters.postgres.binaries import Binaries, EmbeddedPostgresError, find_binaries
from dpp.adapters.postgres.cluster import SUPERUSER, Cluster
from dpp.adapters.postgres.postmaster import (
    PidFile,
    Postmaster,
    end_orphans,
    end_stranger,
    is_server_of,
    orphans_of,
)
from dpp.adapters.postgres.unprivileged import Identity, choose_identity, reachable

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

DATABASE = ROLE = "dpp"
SERVICE_ROLE = "dpp_service"
START_TIMEOUT_SECONDS = 300.0  # recovery after a crash reads the log since the last checkpoint
STOP_TIMEOUT_SECONDS = 20.0
_POLL_SECONDS = 0.005
_PORT_ATTEMPTS = 3
_LONGEST_SOCKET_PATH = 103  # bytes; macOS's limit, Linux has 107

_FAST_FOR_TESTS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "logging_collector": "off",
}


class EmbeddedPostgres:
    """Launcher of one database directory; one process at a time may hold it.

    Use it as a context manager or call ``start`` and ``stop``. When this process dies, even by ``kill -9``, the server
    shuts down (at once on Linux; elsewhere the next ``start`` ends the one left behind). Linux and macOS.
    """

    def __init__(self, data_dir: Path, *, fast_for_tests: bool = False, major: int | None = None) -> None:
        """Touch nothing yet.

        Args:
            data_dir: the launcher's directory; created when missing, readable by its owner alone.
            fast_for_tests: give up durability for speed.
            major: the PostgreSQL version for a new cluster; an existing one keeps its own.
        """
        self.data_dir = data_dir.absolute()
        self._fast_for_tests = fast_for_tests
        self._major = major
        self._cluster = Cluster(self.data_dir)
        self._start_log = self.data_dir / "logs" / "start.log"
        self._lock: int | None = None
        self._owner_process = 0
        self._postmaster: Postmaster | None = None
        self._port = 0

    @property
    def dsn(self) -> str:
        """The owner's URL of the running database, over 127.0.0.1; EmbeddedPostgresError when it does not run."""
        self._check_alive()
        return _url(self._cluster.password(), port=self._port)

    @property
    def service_dsn(self) -> str:
        """The same for the running processes; they may do there what ``migrations.upgrade`` has granted."""
        self._check_alive()
        return _url(self._cluster.service_password() or "", port=self._port, user=SERVICE_ROLE)

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        return self._postmaster.pid if self._postmaster is not None and self.is_alive() else None

    @classmethod
    def running_dsn(cls, data_dir: Path) -> str | None:
        """Return the owner's URL of the server that runs there by whichever process; None when none is ready."""
        port = _running_port(Cluster(data_dir))
        return None if port is None else _url(Cluster(data_dir).password(), port=port)

    @classmethod
    def running_service_dsn(cls, data_dir: Path) -> str | None:
        """Return the running processes' URL of that server; None also where it has no such account yet."""
        cluster = Cluster(data_dir)
        port, password = _running_port(cluster), cluster.service_password()
        return None if port is None or password is None else _url(password, port=port, user=SERVICE_ROLE)

    def _check_alive(self) -> None:
        if not self.is_alive():
            raise EmbeddedPostgresError(f"the embedded PostgreSQL in {self.data_dir} is not running")

    def is_alive(self) -> bool:
        """Say whether the server that this object started still runs."""
        return self._postmaster is not None and not self._postmaster.exited.is_set()

    def start(self) -> str:
        """Start, creating the cluster and the database if need be; return the URL once it accepts connections.

        Nothing happens when it runs already; after the server's unexpected end it is started anew.

        Raises:
            EmbeddedPostgresError: no binaries, directory in use, wrong version, or whatever reason the server gives.
        """
        if self.is_alive():
            return self.dsn
        self._acquire()
        try:
            self._clear_remains()
            identity = choose_identity(self.data_dir)
            binaries = reachable(self._find_binaries(), identity=identity, copies=self.data_dir / "binaries")
            if self._cluster.exists():
                self._cluster.password()
                self._cluster.hand_over(identity)
            else:
                self._cluster.create(binaries, identity=identity, durable=not self._fast_for_tests)
            self._launch(binaries, identity)
            self._provide_database(identity)
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def stop(self, timeout: float = STOP_TIMEOUT_SECONDS) -> None:
        """Shut down fast, immediately after ``timeout`` seconds, and let go of the directory; harmless when stopped."""
        if os.getpid() != self._owner_process:
            return  # a forked child that exits must not stop its parent's database
        atexit.unregister(self.stop)
        if self._postmaster is not None:
            self._postmaster.stop(timeout=timeout)
            self._postmaster = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, however the block ended."""
        self.stop()

    # --- what is there already ------------------------------------------------------------------------------------

    def _acquire(self) -> None:
        """Take the lock, which the kernel gives back however this process ends."""
        if self._lock is not None:
            return
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedPostgresError(f"cannot use {self.data_dir}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            launcher, postmaster = self._last_run()
            raise EmbeddedPostgresError(
                f"{self.data_dir} is in use: process {launcher} runs PostgreSQL (pid {postmaster}) on it; "
                "stop that process first, or use its database"
            ) from error
        self._lock, self._owner_process = lock, os.getpid()

    def _last_run(self) -> tuple[int, int]:
        """Return the process ids of the last launcher and of its server, 0 where unknown."""
        try:
            launcher, postmaster = (self.data_dir / "lock").read_text().split()
            return int(launcher), int(postmaster)
        except ValueError:
            return 0, 0

    def _clear_remains(self) -> None:
        """Deal with what an earlier run left: server without launcher, backends without server, stale pid file."""
        cluster = self._cluster.path
        left = PidFile.read(cluster)
        if left is not None and is_server_of(left.pid, cluster):
            ours = left.pid == self._last_run()[1]
            if not ours or not end_stranger(left.pid, cluster, timeout=STOP_TIMEOUT_SECONDS):
                raise EmbeddedPostgresError(
                    f"PostgreSQL (pid {left.pid}) already runs on {cluster}, and not as this launcher's child: "
                    f"stop it with `kill -INT {left.pid}`"
                )
        end_orphans(cluster)
        # PostgreSQL does not start while the number in a stale file is alive: a stranger's by now (a restarted
        # container deals the same ones again) or a zombie's. Without any process of the cluster they are surely stale.
        if left is not None and not is_server_of(left.pid, cluster) and not orphans_of(cluster):
            (cluster / "postmaster.pid").unlink(missing_ok=True)
            shutil.rmtree(self.data_dir / "run", ignore_errors=True)

    def _find_binaries(self) -> Binaries:
        made_by = self._cluster.major()
        try:
            return find_binaries(major=made_by or self._major)
        except EmbeddedPostgresError as error:
            if made_by is None:
                raise
            raise EmbeddedPostgresError(
                f"{self._cluster.path} was made by PostgreSQL {made_by}: {error}; install that version, "
                "or move the directory away and rebuild it from the archive or a dump"
            ) from error

    # --- starting -------------------------------------------------------------------------------------------------

    def _launch(self, binaries: Binaries, identity: Identity) -> None:
        for name in ("logs", "run"):
            (self.data_dir / name).mkdir(exist_ok=True, mode=0o700)
        began = time.time()
        for _ in range(_PORT_ATTEMPTS):
            self._port = self._free_port()
            # What root writes in a user's directory is that user's too: next time they may start it themselves.
            self._start_log.touch()
            for path in ("logs", self._start_log, "run", "lock", "port"):
                identity.give(self.data_dir / path)
            if self._attempt(binaries, identity):
                return
            if _is_free(self._port):
                break  # else somebody took the port between our look and the server's
        raise EmbeddedPostgresError(f"PostgreSQL did not start: {self._reason(since=began)}")

    def _attempt(self, binaries: Binaries, identity: Identity) -> bool:
        """Start the server on the chosen port; False when it ended instead of becoming ready."""
        command = [binaries.program("postgres"), "-D", str(self._cluster.path), *self._options()]
        self._postmaster = Postmaster(
            # Fast shutdown, not immediate: the data is then whole without recovery.
            identity.command(command, death_signal=signal.SIGINT),
            directory=self.data_dir,
            output=self._start_log,
        )
        atexit.register(self.stop)
        try:
            pid = self._postmaster.launch()
        except OSError as error:
            raise EmbeddedPostgresError(f"cannot execute {command[0]}: {error.strerror}") from error
        (self.data_dir / "lock").write_text(f"{os.getpid()} {pid}\n")
        return self._await_ready(self._postmaster)

    def _options(self) -> Iterator[str]:
        run = self.data_dir / "run"
        socket_fits = len(os.fsencode(run / ".s.PGSQL.65535")) <= _LONGEST_SOCKET_PATH
        settings = {
            "port": str(self._port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(run) if socket_fits else "",
            "log_directory": str(self.data_dir / "logs"),
            **(_FAST_FOR_TESTS if self._fast_for_tests else {}),
        }
        for name, value in settings.items():
            yield "-c"
            yield f"{name}={value}"

    def _free_port(self) -> int:
        """Return the port used before when it is free, so that noted URLs stay good; else another one, noted."""
        note = self.data_dir / "port"
        try:
            port = int(note.read_text())
        except (FileNotFoundError, ValueError):
            port = 0
        if port == 0 or not _is_free(port):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            note.write_text(f"{port}\n")
        return port

    def _await_ready(self, postmaster: Postmaster) -> bool:
        """Wait until the server says it is ready; False when it ended instead."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not postmaster.exited.wait(_POLL_SECONDS):
            state = PidFile.read(self._cluster.path)
            if state is not None and state.ready and state.pid == postmaster.pid:
                return True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL was not ready after {START_TIMEOUT_SECONDS:.0f} s; see {self.data_dir / 'logs'}"
                )
        return False

    def _reason(self, *, since: float) -> str:
        """Return the server's last complaint of this start, for people to read, and where to read more."""
        logs = self.data_dir / "logs"
        recent = [log for log in logs.glob("*.log") if log.stat().st_mtime >= since - 1]
        for log in sorted(recent, key=lambda log: log.stat().st_mtime, reverse=True):
            lines = [line for line in log.read_text(errors="replace").splitlines() if "FATAL:" in line]
            if lines:
                return f"{lines[-1].strip()} (more in {log})"
        said = " ".join(self._start_log.read_text(errors="replace").split())
        return said or f"it gave no reason; see {logs}"

    def _provide_database(self, identity: Identity) -> None:
        """Create roles and database where missing; one by one, since a start may be cut off between them."""
        role, service, database = map(sql.Identifier, (ROLE, SERVICE_ROLE, DATABASE))
        password, service_password = self._cluster.password(), self._cluster.make_service_password(identity)
        with self._superuser() as connection:
            if not _is_there(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
                command = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
                connection.execute(command.format(role, sql.Literal(password)))
            if not _is_there(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", SERVICE_ROLE):
                connection.execute(sql.SQL("CREATE ROLE {}").format(service))
            # Even after a start that was cut off, or a lost file: the password is that of the file, and the owner may
            # end what the running processes left.
            command = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
            connection.execute(command.format(service, sql.Literal(service_password)))
            connection.execute(sql.SQL("GRANT {} TO {}").format(service, role))
            if not _is_there(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    @contextmanager
    def _superuser(self) -> Iterator[psycopg.Connection]:
        url = _url(self._cluster.password(), port=self._port, user=SUPERUSER, database="postgres")
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL refuses us: {' '.join(str(error).split())}"
            ) from error


def _running_port(cluster: Cluster) -> int | None:
    running = PidFile.read(cluster.path)
    if running is None or not running.ready or not is_server_of(running.pid, cluster.path):
        return None
    return running.port


def _is_there(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _url(password: str, *, port: int, user: str = ROLE, database: str = DATABASE) -> str:
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As PostgreSQL binds: connections that are only being forgotten do not count as a conflict.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
