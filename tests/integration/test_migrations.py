"""The migrations: where they end, and that any number of processes may run them at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import make_url

from dpp.adapters.postgres.migrations import current, pending, upgrade
from dpp.adapters.postgres.tables import metadata
from dpp.domain.errors import Unavailable

#: What of a schema the comparison of alembic does not look at: constraints of every kind, indexes, defaults, comments.
CATALOGUE = {
    "columns": """
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,
            pg_get_expr(adbin, adrelid)
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
            AND attnum > 0
        """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), condeferrable
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "comments": """
        SELECT oid::regclass::text, obj_description(oid, 'pg_class')
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        """,
}


def _catalogue(url: str) -> dict[str, set[tuple[Any, ...]]]:
    with psycopg.connect(url) as connection:
        return {
            name: {row for row in connection.execute(query.encode()) if row[0] != "alembic_version"}
            for name, query in CATALOGUE.items()
        }


def test_migrations_end_at_the_declared_tables(database_url: str) -> None:
    """After all migrations alembic finds nothing to add, change or take away."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert [] == compare_metadata(context, metadata)


def test_migrations_and_declaration_make_the_same_schema(database_url: str, empty_database_url: str) -> None:
    """A migrated database and one made from the declaration have the same columns, constraints, indexes, comments."""
    engine = create_engine(make_url(empty_database_url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    metadata.create_all(engine)
    declared, migrated = _catalogue(empty_database_url), _catalogue(database_url)
    assert declared.keys() == migrated.keys()
    for name, rows in declared.items():
        assert rows
        assert rows == migrated[name], name


def test_an_empty_database_lacks_every_step(empty_database_url: str) -> None:
    """An empty database is at no step; after the upgrade none is missing, and another upgrade does nothing."""
    assert None is current(empty_database_url)
    steps = pending(empty_database_url)
    assert "0001" == steps[0]
    upgrade(empty_database_url)
    assert steps[-1] == current(empty_database_url)
    assert () == pending(empty_database_url)
    upgrade(empty_database_url)
    assert steps[-1] == current(empty_database_url)


def test_many_processes_may_upgrade_at_once(empty_database_url: str) -> None:
    """Upgrades that run side by side all succeed, and the database is at the last step."""
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(upgrade, empty_database_url) for _ in range(4)]:
            done.result()
    assert () == pending(empty_database_url)


def test_an_absent_database_is_unavailable() -> None:
    """Where nothing listens, the refusal is the platform's own error."""
    with pytest.raises(Unavailable):
        upgrade("postgresql://nobody@127.0.0.1:1/none")
