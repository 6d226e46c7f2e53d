"""Which database a process uses and by which account: that of the settings, or the embedded one."""

from __future__ import annotations

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from dpp.domain.errors import Unavailable
from dpp.entrypoints.bootstrap.settings import InvalidSetting, Settings


class NoPlatformRuns(Unavailable):
    """No database is named, and none runs in the data directory."""

    code = "no_platform_runs"


def dsn_of(settings: Settings) -> str:
    """Return the URL of the database, by the account of the running processes.

    Raises:
        NoPlatformRuns: ``DPP_DATABASE_URL`` is not set and no ``dpp up`` runs in the data directory.
    """
    if settings.database_url is not None:
        return settings.database_url
    return _embedded(settings)[1]


def owner_dsn_of(settings: Settings) -> str:
    """Return the URL of the same database by the account that owns the tables.

    Raises:
        NoPlatformRuns: see ``dsn_of``.
        InvalidSetting: only the URL of the owner is set, so that the running processes have none.
    """
    if settings.database_owner_url is not None:
        if settings.database_url is None:
            raise InvalidSetting(
                "DPP_DATABASE_OWNER_URL is set without DPP_DATABASE_URL", field="DPP_DATABASE_OWNER_URL"
            )
        return settings.database_owner_url
    return settings.database_url if settings.database_url is not None else _embedded(settings)[0]


def service_of(settings: Settings) -> str | None:
    """Return the name of the account of the running processes; None where it is the one that owns the tables.

    Raises:
        NoPlatformRuns: see ``dsn_of``.
        InvalidSetting: a URL names no user, or cannot be read.
    """
    service, owner = dsn_of(settings), owner_dsn_of(settings)
    if service == owner:
        return None
    names = [_user(url, field) for url, field in ((service, "DPP_DATABASE_URL"), (owner, "DPP_DATABASE_OWNER_URL"))]
    return names[0] if names[0] != names[1] else None


def _user(url: str, field: str) -> str:
    try:
        user = conninfo_to_dict(url).get("user")
    except ProgrammingError:
        user = None
    if not user:
        raise InvalidSetting(f"{field} must name a user, since there are two accounts", field=field)
    return str(user)


def _embedded(settings: Settings) -> tuple[str, str]:
    # Only here: the launcher needs a system that has processes as POSIX knows them.
    from dpp.adapters.postgres.embedded import EmbeddedPostgres

    owner = EmbeddedPostgres.running_dsn(settings.postgres_dir)
    service = EmbeddedPostgres.running_service_dsn(settings.postgres_dir)
    if owner is None or service is None:
        raise NoPlatformRuns(
            f"No platform runs in {settings.data_dir}: start `dpp up`, name its directory with --data-dir, "
            "or set DPP_DATABASE_URL"
        )
    return owner, service
