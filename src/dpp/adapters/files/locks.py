"""Who lives: a writer holds the lock on its own file for as long as its process runs, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from uuid import UUID

SUFFIX = ".lock"
PAUSE_SECONDS = 0.01


class WriterLock:
    """The lock that says that a writer lives."""

    def __init__(self, *, directory: Path, writer: UUID) -> None:
        self._path = directory / f"{writer}{SUFFIX}"
        self._fd: int | None = None

    def take(self, *, attempts: int = 1) -> bool:
        """Take the lock, creating its file if need be; False when another one holds it at each attempt."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not _lock(fd, fcntl.LOCK_EX):
            attempts -= 1
            if attempts <= 0:
                os.close(fd)
                return False
            time.sleep(PAUSE_SECONDS)
        self._fd = fd
        return True

    def remove(self) -> None:
        """Let go of the lock and take its file away."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go of the lock; the file stays, as a sign that this writer has been."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def is_alive(*, directory: Path, writer: UUID) -> bool:
    """Tell whether a writer's lock is held; where there is no lock file, nobody can be holding it."""
    try:
        fd = os.open(directory / f"{writer}{SUFFIX}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two processes that look at the same time do not take each other for the writer.
        return not _lock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def _lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
