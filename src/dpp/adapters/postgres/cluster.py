"""The files of the embedded database: made once, never half; who owns them; which version and password they have."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from dpp.adapters.postgres.binaries import Binaries, EmbeddedPostgresError
from dpp.adapters.postgres.postmaster import plain_environment
from dpp.adapters.postgres.unprivileged import Identity

SUPERUSER = "postgres"

# Written into postgresql.conf once; from then on it is the administrator's to change. Sized for two cores.
_SETTINGS = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_connections": "100",
    "max_parallel_workers_per_gather": "1",
    "wal_compression": "on",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgres-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    # Statements and details carry values (survey texts, account names), and a log is kept in the clear.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class Cluster:
    """One database cluster, ``cluster/`` in the launcher's directory, with the files of its passwords beside it."""

    def __init__(self, data_dir: Path) -> None:
        """Touch nothing yet."""
        self.path = data_dir / "cluster"
        self._data_dir = data_dir
        self._password_file = data_dir / "password"
        self._service_password_file = data_dir / "service_password"

    def exists(self) -> bool:
        """Say whether it has been made."""
        return self.path.exists()

    def major(self) -> int | None:
        """Return the PostgreSQL version that made it, or None when there is none yet.

        Raises:
            EmbeddedPostgresError: the directory holds something else.
        """
        if not self.exists():
            return None
        try:
            return int((self.path / "PG_VERSION").read_text())
        except (FileNotFoundError, ValueError) as error:
            raise EmbeddedPostgresError(
                f"{self.path} is not a PostgreSQL cluster (no PG_VERSION): move it away to begin anew"
            ) from error

    def password(self) -> str:
        """Return the password that the superuser and the role that owns the tables share.

        Raises:
            EmbeddedPostgresError: the file is gone.
        """
        try:
            return self._password_file.read_text(encoding="ascii").strip()
        except FileNotFoundError as error:
            raise EmbeddedPostgresError(
                f"{self._password_file} is missing: restore it, the database cannot be opened without it"
            ) from error

    def service_password(self) -> str | None:
        """Return the password of the running processes' role; None while there is none yet."""
        try:
            return self._service_password_file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None

    def make_service_password(self, identity: Identity) -> str:
        """Return that password, after making it where it is missing."""
        if self.service_password() is None:
            _write_privately(self._service_password_file, secrets.token_urlsafe(24))
        identity.give(self._service_password_file)
        return self._service_password_file.read_text(encoding="ascii").strip()

    def create(self, binaries: Binaries, *, identity: Identity, durable: bool) -> None:
        """Make it beside its place and move it there whole: a first start may be interrupted at any moment.

        Raises:
            EmbeddedPostgresError: initdb failed; the message has its reason.
        """
        unfinished = self._data_dir / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        if not self._password_file.exists():
            _write_privately(self._password_file, secrets.token_urlsafe(24))
        for path in (self._data_dir, self._password_file):
            identity.give(path)
        self._initialise(unfinished, binaries, identity=identity, durable=durable)
        with (unfinished / "postgresql.conf").open("a", encoding="ascii") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
        unfinished.rename(self.path)

    def hand_over(self, identity: Identity) -> None:
        """Give root's cluster to the user who runs it from now on, where user namespaces worked and no longer do."""
        status = self.path.stat()
        if os.geteuid() == 0 and (status.st_uid, status.st_gid) != identity.file_owner:
            identity.give_tree(self._data_dir)

    def _initialise(self, directory: Path, binaries: Binaries, *, identity: Identity, durable: bool) -> None:
        arguments = [
            binaries.program("initdb"),
            f"--pgdata={directory}",
            f"--username={SUPERUSER}",
            f"--pwfile={self._password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            *(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []),
            "--data-checksums",
            *([] if durable else ["--no-sync"]),
        ]
        outcome = subprocess.run(
            identity.command(arguments, death_signal=signal.SIGTERM),
            cwd=self._data_dir,
            env=plain_environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if outcome.returncode != 0:
            reason = " ".join(outcome.stderr.split()) or f"exit status {outcome.returncode}"
            raise EmbeddedPostgresError(f"initdb failed: {reason}")


def _write_privately(path: Path, text: str) -> None:
    """Write a new file that only its owner may read, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text + "\n")
    unfinished.rename(path)
