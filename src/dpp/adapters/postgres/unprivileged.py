"""As whom PostgreSQL runs: it refuses root, and yet containers and build machines often have nobody else."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from dpp.adapters.postgres import exec_unprivileged
from dpp.adapters.postgres.binaries import PACKAGED_LIBRARIES, Binaries, EmbeddedPostgresError

NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user for the server, and whether it is one in name only.

    ``namespace`` true: root stays the owner of every file and is merely called ``uid`` inside a user namespace.
    ``namespace`` false: the process really is ``uid``, and what it reads and writes has to be that user's.
    """

    uid: int
    gid: int
    namespace: bool = False

    @property
    def file_owner(self) -> tuple[int, int]:
        """The uid and gid that own the server's files as seen from outside."""
        return (os.geteuid(), os.getegid()) if self.namespace else (self.uid, self.gid)

    def command(self, program: list[str], *, death_signal: signal.Signals | None = None) -> list[str]:
        """Return the command that runs a program so; ``death_signal`` reaches it when the *thread* starting it ends.

        The kernel ties the signal to the thread, not the process; it exists on Linux only and is left out elsewhere.
        """
        on_death = death_signal if death_signal is not None and sys.platform == "linux" else 0
        if not self.namespace and self.uid == os.geteuid() and on_death == 0:
            return program
        flags = [self.uid, self.gid, int(self.namespace), int(on_death), os.getpid()]
        return [sys.executable, "-I", "-S", exec_unprivileged.__file__, *map(str, flags), *program]

    def give(self, path: Path) -> None:
        """Make one file or directory the server's."""
        if os.geteuid() == 0:
            os.chown(path, *self.file_owner)

    def give_tree(self, root: Path) -> None:
        """Make a directory and everything in it the server's."""
        for directory, _, files in os.walk(root):
            self.give(Path(directory))
            for file in files:
                os.chown(Path(directory) / file, *self.file_owner, follow_symlinks=False)


def choose_identity(directory: Path) -> Identity:
    """Return as whom to run the server whose files lie, or will lie, in a directory.

    An ordinary user stays who they are. Root becomes the directory's owner if that is somebody else already; else a
    user in name only, where the kernel allows user namespaces; else ``nobody``.
    """
    if os.geteuid() != 0:
        return Identity(uid=os.geteuid(), gid=os.getegid())
    if directory.exists() and (owner := directory.stat()).st_uid != 0:
        return Identity(uid=owner.st_uid, gid=owner.st_gid)
    return Identity(uid=NOBODY, gid=NOBODY, namespace=namespaces_work())


def namespaces_work() -> bool:
    """Say whether the kernel and the container let root enter a user namespace."""
    if sys.platform != "linux":
        return False
    probe = Identity(uid=NOBODY, gid=NOBODY, namespace=True).command([])
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def reachable(binaries: Binaries, *, identity: Identity, copies: Path) -> Binaries:
    """Return binaries that the identity can execute: the given ones, or a copy of them below ``copies``.

    Raises:
        EmbeddedPostgresError: the identity cannot get to ``copies`` either, so the data would be out of its reach too.
    """
    refuse_unreachable(copies.parent, identity=identity)
    if _closed_directory(binaries.directory, identity) is None:
        return binaries
    return replace(binaries, directory=_copy_of(binaries.directory.parent, identity=identity, copies=copies) / "bin")


def _copy_of(installation: Path, *, identity: Identity, copies: Path) -> Path:
    """Copy an installation once for each of its builds, without what only compilers need, and return the copy."""
    build = (installation / "bin" / "postgres").stat()
    place = copies / f"{build.st_size:x}-{build.st_mtime_ns:x}"
    # The packaged programs find their libraries three levels up and their data one level up: keep that shape.
    copy = place / "package" / installation.name
    if not place.exists():
        shutil.rmtree(copies, ignore_errors=True)
        unfinished = place.with_suffix(".unfinished")
        libraries = installation.parent.parent / PACKAGED_LIBRARIES
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        shutil.copytree(
            installation,
            unfinished / "package" / installation.name,
            ignore=shutil.ignore_patterns("include", "*.a", "pgxs"),
        )
        identity.give_tree(copies)
        unfinished.rename(place)
    return copy


def refuse_unreachable(directory: Path, *, identity: Identity) -> None:
    """Raise EmbeddedPostgresError when a directory above ``directory`` is closed to the identity."""
    closed = _closed_directory(directory.parent, identity)
    if closed is not None:
        raise EmbeddedPostgresError(
            f"PostgreSQL cannot run as root, and user {identity.uid} may not enter {closed}: "
            "choose a data directory elsewhere (for instance below /var/lib), or run as an ordinary user"
        )


def _closed_directory(directory: Path, identity: Identity) -> Path | None:
    """Return the outermost directory on the way, itself included, that the identity may not pass; None if it may."""
    uid, gid = identity.file_owner
    if os.geteuid() != 0 or uid == 0:
        return None
    for step in (*reversed(directory.resolve().parents), directory.resolve()):
        status = step.stat()
        bit = stat.S_IXUSR if status.st_uid == uid else stat.S_IXGRP if status.st_gid == gid else stat.S_IXOTH
        if not status.st_mode & bit:
            return step
    return None
