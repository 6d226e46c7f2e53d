"""The examination of an installation: what is checked, what was found, and how to mend it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg

from dpp.adapters.files.secrets import DirectorySecrets
from dpp.adapters.github.app import PRIVATE_KEY
from dpp.adapters.identity.oidc import CLIENT_SECRET
from dpp.adapters.postgres import migrations
from dpp.adapters.postgres.privileges import owned_tables
from dpp.application.secrets import GENERATABLE
from dpp.domain.errors import DppError
from dpp.entrypoints.bootstrap.archives import archive_of
from dpp.entrypoints.bootstrap.database import dsn_of
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.bootstrap.signing_in import client_of, signs_in_by_oidc
from dpp.entrypoints.bootstrap.sources import JIRA_TOKEN

GIBIBYTE = 1024**3
ENOUGH_FREE_BYTES = 2 * GIBIBYTE
OLDEST_POSTGRESQL = 150000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: whether it is well, what was found, and what to do when it is not."""

    check: str
    is_well: bool
    found: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Check the installation from the ground up; a check that cannot be made says why."""
    checks: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
        ("data directory", _data_directory),
        ("free space", _free_space),
        ("secrets", _secrets),
        ("sign-in", _sign_in),
        ("database", _database),
        ("database account", _account),
        ("schema", _schema),
        ("configuration", _configuration),
        ("connections", _connections),
        ("derivation", _derivation),
        ("archive", _archive),
    )
    for name, check in checks:
        try:
            yield check(settings)
        except (DppError, OSError, psycopg.Error) as error:
            yield Finding(
                check=name, is_well=False, found=f"cannot be checked: {error}", remedy=_REMEDIES.get(name, "")
            )


_REMEDIES = {
    "sign-in": "set what the message names; `docs/sign-in.md` tells how to register the platform",
    "data directory": "start `dpp up`, or name the directory with --data-dir",
    "database": "start `dpp up`, or set DPP_DATABASE_URL to a PostgreSQL that answers",
    "database account": "make the database answer first",
    "schema": "make the database answer first",
    "configuration": "make the database answer first",
    "connections": "make the database answer first",
    "derivation": "make the database answer first",
}


def _data_directory(settings: Settings) -> Finding:
    mode = stat.S_IMODE(settings.data_dir.stat().st_mode)
    return Finding(
        check="data directory",
        is_well=mode & 0o077 == 0,
        found=f"{settings.data_dir}, mode {mode:o}",
        remedy=f"chmod 700 {settings.data_dir}",
    )


def _free_space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    return Finding(
        check="free space",
        is_well=free >= ENOUGH_FREE_BYTES,
        found=f"{free / GIBIBYTE:.1f} GiB",
        remedy="make room: a full disk stops the archive, and then deliveries are refused",
    )


def _secrets(settings: Settings) -> Finding:
    secrets = DirectorySecrets(settings.secrets_dir)
    missing = [name for name in GENERATABLE if not (settings.secrets_dir / name).exists()]
    exposed = [path.name for path in secrets.exposed()]
    problems = [f"missing: {', '.join(missing)}"] if missing else []
    problems += [f"readable by others: {', '.join(exposed)}"] if exposed else []
    return Finding(
        check="secrets",
        is_well=not problems,
        found="; ".join(problems) or f"{len(GENERATABLE)} in {settings.secrets_dir}",
        remedy="`dpp up` makes missing ones; chmod 600 those that others can read",
    )


def _sign_in(settings: Settings) -> Finding:
    if not signs_in_by_oidc(settings):
        return Finding(check="sign-in", is_well=True, found="by password")
    client = client_of(settings)
    has_secret = bool(DirectorySecrets(settings.secrets_dir).get(CLIENT_SECRET))
    return Finding(check="sign-in", is_well=has_secret, found=f"by {client.issuer}, back to {client.redirect_uri}")


def _database(settings: Settings) -> Finding:
    with psycopg.connect(dsn_of(settings), connect_timeout=3) as connection:
        version = connection.info.server_version
    return Finding(
        check="database",
        is_well=version >= OLDEST_POSTGRESQL,
        found=f"PostgreSQL {version // 10000}",
        remedy="use PostgreSQL 15 or later",
    )


def _account(settings: Settings) -> Finding:
    with psycopg.connect(dsn_of(settings), connect_timeout=3) as connection:
        owned, user = owned_tables(connection), connection.info.user
    return Finding(
        check="database account",
        is_well=not owned,
        found=f"{user} owns {owned} tables, so whoever gets hold of it may alter and empty them"
        if owned
        else f"{user} owns no table",
        remedy="give the running processes an account of their own in DPP_DATABASE_URL, the present one in "
        "DPP_DATABASE_OWNER_URL to `dpp migrate` alone, and run that (docs/settings.md)",
    )


def _schema(settings: Settings) -> Finding:
    lacking = migrations.pending(dsn_of(settings))
    return Finding(
        check="schema",
        is_well=not lacking,
        found=f"lacks {', '.join(lacking)}" if lacking else "up to date",
        remedy="run `dpp migrate`",
    )


def _configuration(settings: Settings) -> Finding:
    streams, projects, mappings = _counts(
        settings,
        "SELECT (SELECT count(*) FROM delivery_streams WHERE is_active), (SELECT count(*) FROM jira_projects), "
        "(SELECT count(*) FROM status_mappings)",
    )
    return Finding(
        check="configuration",
        is_well=bool(streams and projects and mappings),
        found=f"{streams} delivery streams, {projects} Jira projects, {mappings} status mappings",
        remedy="describe the organisation in a file and run `dpp config apply FILE` (docs/configuration.md)",
    )


def _connections(settings: Settings) -> Finding:
    """Say which secrets are missing of the sources that are configured to be asked."""
    with psycopg.connect(dsn_of(settings), connect_timeout=3) as connection:
        row = connection.execute(
            "SELECT github ->> 'app_id' IS NOT NULL, jira ->> 'base_url' IS NOT NULL FROM platform_settings"
        ).fetchone()
    asked = [name for name, is_asked in zip((PRIVATE_KEY, JIRA_TOKEN), row or (), strict=False) if is_asked]
    missing = [name for name in asked if not (settings.secrets_dir / name).exists()]
    return Finding(
        check="connections",
        is_well=not missing,
        found=f"missing: {', '.join(missing)}" if missing else f"{len(asked)} sources are asked",
        remedy=f"put what the source gave you into a file of that name in {settings.secrets_dir} (docs/sources.md)",
    )


def _derivation(settings: Settings) -> Finding:
    entries, seconds = _counts(
        settings, "SELECT count(*), coalesce(extract(epoch FROM now() - min(marked_at)), 0)::bigint FROM stale_keys"
    )
    return Finding(
        check="derivation",
        is_well=seconds < 60,
        found=f"{entries} things wait, the oldest for {seconds} s",
        remedy="start a worker (`dpp worker`), or look at its log",
    )


def _archive(settings: Settings) -> Finding:
    archive = archive_of(settings)
    damage = archive.verify()
    return Finding(
        check="archive",
        is_well=not damage,
        found=f"{len(archive.segments())} segments, {len(damage)} damaged places",
        remedy="`dpp archive verify` names them; the event tables still have what was written before",
    )


def _counts(settings: Settings, statement: str) -> tuple[int, ...]:
    with psycopg.connect(dsn_of(settings), connect_timeout=3) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return tuple(int(value) for value in row or ())
