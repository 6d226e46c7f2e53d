"""Which database a process uses: the one of the settings, or the embedded one that runs in the data directory."""

from __future__ import annotations

from dpp.domain.errors import Unavailable
from dpp.entrypoints.bootstrap.settings import Settings


class NoPlatformRuns(Unavailable):
    """No database is named, and none runs in the data directory."""

    code = "no_platform_runs"


def dsn_of(settings: Settings) -> str:
    """Return the URL of the database.

    Raises:
        NoPlatformRuns: ``DPP_DATABASE_URL`` is not set and no ``dpp up`` runs in the data directory.
    """
    if settings.database_url is not None:
        return settings.database_url
    # Only here: the launcher needs a system that has processes as POSIX knows them.
    from dpp.adapters.postgres.embedded import EmbeddedPostgres

    found = EmbeddedPostgres.running_dsn(settings.postgres_dir)
    if found is None:
        raise NoPlatformRuns(
            f"No platform runs in {settings.data_dir}: start `dpp up`, name its directory with --data-dir, "
            "or set DPP_DATABASE_URL"
        )
    return found
