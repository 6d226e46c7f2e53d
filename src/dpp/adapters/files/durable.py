"""Putting bytes and names on the disk so that they survive a power cut."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

TEMPORARY = ".new"


def write_at(fd: int, data: bytes, offset: int) -> None:
    """Write all of the data at an offset; a disk that takes a part of it fails at the rest."""
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view, offset = view[count:], offset + count


def create_synced(path: Path, data: bytes) -> None:
    """Create a file, for its owner alone, that is there completely or not at all and survives a power cut.

    Raises:
        FileExistsError: there is such a file.
        OSError: it could not be stored; nothing is left behind.
    """
    _put(path, data, os.link)  # unlike a rename a link never replaces anything
    try:
        sync_directory(path.parent)
    except OSError:
        path.unlink()
        raise


def replace_synced(path: Path, data: bytes) -> None:
    """Create or replace a file as ``create_synced`` creates one.

    Raises:
        OSError: it could not be stored; a file that was there before is still there.
    """
    _put(path, data, os.replace)
    sync_directory(path.parent)


def _put(path: Path, data: bytes, place: Callable[[str, Path], None]) -> None:
    fd, new = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=TEMPORARY)
    try:
        try:
            write_at(fd, data, 0)
            os.fsync(fd)
        finally:
            os.close(fd)
        place(new, path)
    finally:
        Path(new).unlink(missing_ok=True)


def make_directory(directory: Path) -> None:
    """Create a directory, for its owner alone, with those above it, so that its name survives a power cut.

    Raises:
        OSError: it could not be created.
    """
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
