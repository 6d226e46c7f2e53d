"""A real PostgreSQL for tests: one server a test process, and for each test a database, cloned from a template.

Tests look into a database by the account that owns it; the platform that they look at has the account of the running
processes (``restricted``), which may do there what the migrations granted it.

`DPP_TEST_POSTGRES_MAJOR=15` runs the suite on another version than the newest one found.
"""

import atexit
import functools
import importlib
import importlib.util
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from dpp.adapters.postgres.embedded import SERVICE_ROLE, EmbeddedPostgres

MIGRATIONS = "dpp.adapters.postgres.migrations"
TEMPLATE = "template_migrated"
MEMORY = "/dev/shm"
MEMORY_FOR_A_SERVER = 2 << 30


class TestServer:
    """A running server that hands out databases; its role may create them but is no superuser."""

    __test__ = False  # the name begins like a test's

    def __init__(self, url: str, *, service_url: str) -> None:
        """`url`: of a role that may create databases; `service_url`: of the one that the platform is to have."""
        self._url = url
        self._service_url = service_url
        self._numbers = itertools.count(1)

    @functools.cached_property
    def template(self) -> str:
        """Name of a database to which all migrations have been applied, once."""
        self._create(TEMPLATE)
        upgrade = migrations()
        if upgrade is not None:
            upgrade(self.url_of(TEMPLATE), service=SERVICE_ROLE)
        return TEMPLATE

    def restricted(self, url: str) -> str:
        """Return the URL of one of the server's databases for the account of the running processes."""
        return urlunsplit(urlsplit(self._service_url)._replace(path=urlsplit(url).path))

    def has(self, url: str) -> bool:
        """Whether a URL is of one of the server's databases, by the account that owns it."""
        return urlsplit(self._url).netloc == urlsplit(url).netloc

    def url_of(self, database: str) -> str:
        """URL of one of the server's databases."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    @contextmanager
    def database(self, *, template: str | None = None) -> Iterator[str]:
        """Yield the URL of a new database, empty or like its template, and drop it afterwards with whoever uses it."""
        name = f"test_{next(self._numbers)}"
        self._create(name, template=template)
        try:
            yield self.url_of(name)
        finally:
            self._drop(name)

    def _create(self, name: str, *, template: str | None = None) -> None:
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            # Without fsync copying the files takes a third of the time of copying through the log.
            command += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        self._execute(command)

    def _drop(self, name: str) -> None:
        """Drop a database with whoever uses it.

        `WITH (FORCE)` fails while a superuser's autovacuum is at work there, which the plain command ends by itself.
        """
        database = sql.Identifier(name)
        # A pool would connect again meanwhile.
        self._execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database))
        users = sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pg_has_role(usesysid, 'USAGE') AND datname = {}"
        )
        self._execute(users.format(sql.Literal(name)))
        self._execute(sql.SQL("DROP DATABASE {}").format(database))

    def _execute(self, command: sql.Composed) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(command)


def migrations() -> Callable[..., None] | None:
    """Return what brings a database to the present schema; None only where that code does not exist at all."""
    if importlib.util.find_spec(MIGRATIONS) is None:
        return None
    upgrade: Callable[..., None] = importlib.import_module(MIGRATIONS).upgrade
    return upgrade


def restricted(url: str) -> str:
    """Return the URL of a database for the account of the running processes; of a foreign server's as it is."""
    server = shared_server()
    return server.restricted(url) if server.has(url) else url


def memory_directory() -> str | None:
    """Return where files are kept in memory, if there is such a place with room enough; None for the usual place.

    Hundreds of databases are made and dropped: on some machines' disks that takes several times as long.
    """
    if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_FOR_A_SERVER:
        return MEMORY
    return None


@functools.cache
def shared_server() -> TestServer:
    """Start this process's server on the first call; it ends with the process.

    Every worker of a parallel run has its own: a start takes half a second, while a shared one would need an owner that
    outlives all workers.
    """
    directory = tempfile.TemporaryDirectory(prefix="dpp-test-postgres-", dir=memory_directory())
    major = os.environ.get("DPP_TEST_POSTGRES_MAJOR")
    server = EmbeddedPostgres(Path(directory.name), fast_for_tests=True, major=int(major) if major else None)
    # Last registered, first run: the server ends before its directory goes.
    atexit.register(directory.cleanup)
    return TestServer(server.start(), service_url=server.service_dsn)


@pytest.fixture(scope="session")
def postgres_server() -> TestServer:
    """The server of this test process."""
    return shared_server()


@pytest.fixture
def database_url(postgres_server: TestServer) -> Iterator[str]:
    """URL of a migrated database that belongs to the test alone."""
    with postgres_server.database(template=postgres_server.template) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server: TestServer) -> Iterator[str]:
    """URL of a database without any table that belongs to the test alone."""
    with postgres_server.database() as url:
        yield url
