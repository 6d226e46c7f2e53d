"""The schema of the database that a process uses."""

from __future__ import annotations

from dpp.adapters.postgres import migrations
from dpp.entrypoints.bootstrap.database import dsn_of, owner_dsn_of, service_of
from dpp.entrypoints.bootstrap.settings import Settings


def migrate(settings: Settings) -> tuple[str, ...]:
    """Bring the database to the present schema and return the steps that it lacked.

    Where the running processes have an account of their own, it may do what they need from then on, and nothing else.
    """
    dsn, service = owner_dsn_of(settings), service_of(settings)
    lacking = migrations.pending(dsn)
    if lacking or service is not None:
        migrations.upgrade(dsn, service=service)
    return lacking


def lacking(settings: Settings) -> tuple[str, ...]:
    """Return the steps that the database lacks."""
    return migrations.pending(dsn_of(settings))
