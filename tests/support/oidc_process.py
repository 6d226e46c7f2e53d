"""The npm package `oidc-provider`, a certified OpenID Connect provider, as a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support import node_packages

SOURCE = Path(__file__).parent / "oidc_provider"


def installed(node: str) -> Path:
    """Return a folder with the program and what it needs; raises ``NotInstallable`` as ``node_packages`` does."""
    return node_packages.installed(node, SOURCE, "provider.js")


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
