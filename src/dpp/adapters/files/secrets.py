"""Secrets in a directory, one file each: what every vault's mount or agent, systemd, Docker and Kubernetes provide."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from secrets import token_urlsafe
from time import monotonic

from dpp.adapters.files.durable import create_synced, make_directory
from dpp.application.secrets import GENERATABLE, SecretMissing, Secrets, check_generatable, check_name

GENERATED_BYTES = 32

_Version = tuple[int, int, int]
_NOTHING: tuple[float, tuple[bytes, ...]] = (0.0, ())


class DirectorySecrets(Secrets):
    """Reads ``directory/NAME``, and ``directory/NAME.previous`` for a value that is being rotated out.

    A look-up asks the file system whether the file is still the same one, and reads it again when it is not.

    Args:
        directory: holds the files.
        trusted_seconds: the candidates for a name are what they were at the last look-up, if that was so short a time
            ago. A busy door asks thousands of times a second, and each question lets go of Python's lock.
        elapsed: seconds since some moment.
    """

    def __init__(
        self, directory: Path, *, trusted_seconds: float = 0.0, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._directory = directory
        self._root = str(directory)
        self._trusted_seconds = trusted_seconds
        self._elapsed = elapsed
        self._seen: dict[str, tuple[_Version, bytes]] = {}
        self._trusted: dict[str, tuple[float, tuple[bytes, ...]]] = {}

    def __repr__(self) -> str:
        return f"DirectorySecrets({str(self._directory)!r})"

    def get(self, name: str) -> bytes:
        """Return the current value."""
        check_name(name)
        value = self._value(name)
        if not value:
            path = self._directory / name
            why = "does not exist" if value is None else "is empty"
            raise SecretMissing(f"the secret {name} is not set: {path} {why}; write the value into that file")
        return value

    def candidates(self, name: str) -> tuple[bytes, ...]:
        """Return the current value, then the previous one when its file is there."""
        now = self._elapsed()
        until, trusted = self._trusted.get(name, _NOTHING)
        if now < until:
            return trusted
        current = self.get(name)
        previous = self._value(f"{name}.previous")
        found = (current, previous) if previous else (current,)
        self._trusted[name] = now + self._trusted_seconds, found
        return found

    def create_missing(self, names: Iterable[str] = GENERATABLE) -> list[str]:
        """Make up a random value for each name that has no file, and return the names of those made.

        A value is 32 random bytes in URL-safe Base64; a directory created here has mode 0700, a file 0600. Of two
        processes that do this at once one makes the file and both read it.

        Raises:
            InvalidInput: a name is not one of ``GENERATABLE``.
            OSError: a file could not be written.
        """
        wanted = list(names)
        for name in wanted:
            check_generatable(name)
        make_directory(self._directory)
        return [name for name in wanted if self._create(name)]

    def exposed(self) -> list[Path]:
        """Return the files that every user of this machine can read; empty when all is well."""
        if not self._directory.is_dir() or not self._directory.stat().st_mode & stat.S_IXOTH:
            return []
        files = (path for path in self._directory.iterdir() if path.is_file())
        return sorted(path for path in files if path.stat().st_mode & stat.S_IROTH)

    def _create(self, name: str) -> bool:
        path = self._directory / name
        if path.exists():
            return False
        try:
            create_synced(path, token_urlsafe(GENERATED_BYTES).encode() + b"\n")
        except FileExistsError:
            return False
        return True

    def _value(self, file_name: str) -> bytes | None:
        """Return what a file holds without one trailing newline; None when there is no file."""
        path = f"{self._root}{os.sep}{file_name}"
        try:
            seen = self._seen.get(file_name)
            if seen is not None and seen[0] == _version(os.stat(path)):
                return seen[1]
            return self._read(path, file_name)
        except (FileNotFoundError, NotADirectoryError):
            self._seen.pop(file_name, None)
            return None
        except OSError as error:
            raise SecretMissing(
                f"the secret in {path} cannot be read: {error.strerror}; check its permissions"
            ) from error

    def _read(self, path: str, file_name: str) -> bytes:
        with open(path, "rb") as file:
            version = _version(os.fstat(file.fileno()))
            value = file.read().removesuffix(b"\n")
        self._seen[file_name] = (version, value)
        return value


def _version(status: os.stat_result) -> _Version:
    return status.st_mtime_ns, status.st_ino, status.st_size
