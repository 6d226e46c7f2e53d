"""The simulated GitHub and Jira of a demonstration: their secrets, their address, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dpp.adapters.files.durable import create_synced, make_directory
from dpp.adapters.github.app import PRIVATE_KEY
from dpp.adapters.simulation.simulated_sources import GITHUB_PATH, Credentials, SimulatedSources
from dpp.adapters.simulation.source_server import LOOPBACK, serving_sources
from dpp.adapters.simulation.standing_faults import (
    SOURCES,
    TROUBLES,
    SimulatedSource,
    Standing,
    StandingFaults,
    Trouble,
)
from dpp.domain.configuration import Configuration
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.bootstrap.simulation import Plan
from dpp.entrypoints.bootstrap.sources import JIRA_TOKEN

__all__ = ["SOURCES", "TROUBLES", "SimulatedSource", "Standing", "Trouble", "connection", "faults", "is_ours", "served"]

log = structlog.get_logger(__name__)

APP_ID = "12345"
JIRA_USER = "delivery-figures@acme.example"
KEY_BITS = 2048
TOKEN_BYTES = 24


@contextmanager
def served(plan: Plan, settings: Settings, configuration: Configuration) -> Iterator[str | None]:
    """Serve the sources of an organisation for the length of the block, where the configuration looks for them.

    Yields:
        Their address; None where they are not served since the configuration names other ones, which are real.

    Raises:
        OSError: a secret could not be written.
    """
    if not is_ours(configuration):
        log.info("simulated_sources_not_served", reason="the configuration names other ones")
        yield None
        return
    sources = SimulatedSources(
        organisation=plan.organisation(),
        clock=lambda: datetime.now(UTC),
        credentials=_credentials(settings.secrets_dir),
        faults=faults(settings),
    )
    with serving_sources(sources, port=urlsplit(configuration.jira.base_url or "").port or 0) as port:
        yield f"http://{LOOPBACK}:{port}"


def faults(settings: Settings) -> StandingFaults:
    """Return what is wrong with the simulated sources of a data directory."""
    return StandingFaults(settings.data_dir / "demo-faults.json")


def is_ours(configuration: Configuration) -> bool:
    """Whether the simulated sources may be, or are, those that a configuration names."""
    jira, github = configuration.jira, configuration.github
    return (jira.base_url is None or _is_loopback(jira.base_url)) and (
        github.app_id is None or _is_loopback(github.api_url)
    )


def connection(address: str) -> str:
    """Return the part of a configuration file that names the simulated sources."""
    return (
        f'[github]\napi_url = "{address}{GITHUB_PATH}"\napp_id = "{APP_ID}"\n\n'
        f'[jira]\nbase_url = "{address}"\nuser = "{JIRA_USER}"\n'
    )


def _is_loopback(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname == LOOPBACK


def _credentials(directory: Path) -> Credentials:
    """Return what the platform will show, as its secrets are now; those that are missing are made."""
    make_directory(directory)
    return Credentials(
        app_id=APP_ID,
        private_key=_kept(directory / PRIVATE_KEY) or _made(directory / PRIVATE_KEY, _private_key()),
        jira_user=JIRA_USER,
        jira_token=_kept(directory / JIRA_TOKEN) or _made(directory / JIRA_TOKEN, token_urlsafe(TOKEN_BYTES).encode()),
    )


def _kept(path: Path) -> bytes | None:
    return path.read_bytes().removesuffix(b"\n") if path.exists() else None


def _made(path: Path, value: bytes) -> bytes:
    create_synced(path, value + b"\n")
    return value


def _private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).removesuffix(b"\n")
