"""``dpp migrate``."""

from __future__ import annotations

from dpp.entrypoints.bootstrap.schema import migrate as bring_up
from dpp.entrypoints.cli.common import DataDir, settings_of


def migrate(*, data_dir: DataDir = None) -> int:
    """Bring the database to the present schema.

    Example: DPP_DATABASE_URL=postgresql://dpp@db/dpp dpp migrate

    With DPP_DATABASE_OWNER_URL the tables belong to its account; that of DPP_DATABASE_URL may do what the running
    processes do, and nothing else.
    """
    for step in bring_up(settings_of(data_dir)):
        print(f"applied {step}")
    print("the schema is up to date")
    return 0
