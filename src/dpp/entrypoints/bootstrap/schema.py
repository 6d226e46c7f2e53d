"""The schema of the database that a process uses."""

from __future__ import annotations

from dpp.adapters.postgres import migrations
from dpp.entrypoints.bootstrap.database import dsn_of
from dpp.entrypoints.bootstrap.settings import Settings


def migrate(settings: Settings) -> tuple[str, ...]:
    """Bring the database to the present schema and return the steps that it lacked."""
    dsn = dsn_of(settings)
    lacking = migrations.pending(dsn)
    if lacking:
        migrations.upgrade(dsn)
    return lacking


def lacking(settings: Settings) -> tuple[str, ...]:
    """Return the steps that the database lacks."""
    return migrations.pending(dsn_of(settings))
