"""The way of the schema from nothing to what ``tables`` declares, one file for each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from dpp.adapters.postgres.errors import translation
from dpp.adapters.postgres.privileges import grant

#: Advisory lock that whoever migrates holds; the number means nothing.
LOCK = 0x6470706D
#: A table that others hold for longer stops the migration, not the platform behind it.
LOCK_SECONDS = 10
STATEMENT_SECONDS = 3600
CONNECT_SECONDS = 5


def upgrade(dsn: str, *, service: str | None = None) -> None:
    """Bring a database to the present schema, all steps or none; any number of processes may call it at once.

    Args:
        dsn: of the account that owns the tables, or is to.
        service: the account of the running processes, which may do what these do and nothing else from then on; None
            where that is the owner itself.

    Raises:
        Unavailable: the database does not answer, or a table is held by others for too long.
    """
    with _connection(dsn) as connection, connection.begin():
        # Waits for the others without an end, so before the time limits are set.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"))
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        driver = connection.connection.driver_connection
        if service is not None and driver is not None:
            grant(driver, service)


def current(dsn: str) -> str | None:
    """Return the step that a database is at, None for an empty one.

    Raises:
        Unavailable: the database does not answer.
    """
    with _connection(dsn) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def pending(dsn: str) -> tuple[str, ...]:
    """Return the steps that a database lacks, the next one first.

    Raises:
        Unavailable: the database does not answer.
    """
    at = current(dsn)
    steps = ScriptDirectory.from_config(_configuration()).iterate_revisions("head", at or "base")
    return tuple(step.revision for step in reversed(list(steps)) if step.revision != at)


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration


@contextmanager
def _connection(dsn: str) -> Iterator[Connection]:
    url = make_url(dsn).set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "dpp migrate"},
    )
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        known = translation(error.orig) if isinstance(error.orig, psycopg.Error) else None
        if known is None:
            raise
        raise known from error
    finally:
        engine.dispose()
