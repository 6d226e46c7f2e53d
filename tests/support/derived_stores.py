"""The stores of derivation, memory and PostgreSQL, behind one face that tests can compare rows through."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.derivations import MemoryDerivationStore
from dpp.adapters.memory.events import MemoryEventStore
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.derivations import PostgresDerivationStore
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.events import PostgresEventStore
from dpp.adapters.postgres.feed import PostgresChangeFeed
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.derivation import DerivationStore, Derive
from dpp.application.ports import Batch, ConfigurationStore, EventStore
from dpp.application.resolving import EVENT_TABLES
from dpp.domain.configuration import Configuration
from dpp.domain.histories import FOREVER
from tests.support.derivation import CONFIGURATION, DERIVE, START

Tables = Mapping[str, Sequence[Mapping[str, Any]]]

TABLES = (
    *("work_items", "work_item_stays", "work_item_attributions", "work_item_cycles", "superseded_cycles"),
    *("pull_requests", "pr_cycles"),
    *("deployment_records", "change_ledger", "incidents", "incident_restores", "incident_blames"),
)


class Stores(ABC):
    """Everything that derivation touches."""

    events: EventStore
    configurations: ConfigurationStore
    derivations: DerivationStore
    feed: PostgresChangeFeed | MemoryChangeFeed

    async def configure(self, configuration: Configuration = CONFIGURATION) -> Configuration:
        """Make a configuration the current one."""
        version = (await self.configurations.load()).version
        return await self.configurations.save(configuration, expected_version=version, actor="test", at=START)

    async def append(self, deliveries: Sequence[AcceptedDelivery]) -> None:
        """Append deliveries in one batch."""
        await self.events.append(Batch(deliveries=deliveries))

    async def drain(self, derive: Derive = DERIVE, *, limit: int = 500) -> int:
        """Derive until nothing is left, and return in how many transactions; more than 500 would be no end."""
        for number in range(500):
            result = await self.derivations.derive_stale(derive, limit=limit)
            assert not result.failed
            if not result.entries:
                return number
        raise AssertionError("derivation does not come to rest")

    @abstractmethod
    async def rows(self) -> Tables:
        """Return every derived row by table, as mappings, in an order that depends on the rows alone."""

    @abstractmethod
    async def forget_events(self) -> None:
        """Delete every event, as retention does one day."""


class MemoryStores(Stores):
    """In memory."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.feed = MemoryChangeFeed()
        self.configurations = MemoryConfigurationStore(database=self.database, feed=self.feed)
        self.events = MemoryEventStore(database=self.database, feed=self.feed)
        self.tables = MemoryDerivedTables()
        self.derivations = MemoryDerivationStore(database=self.database, tables=self.tables, feed=self.feed)

    async def rows(self) -> Tables:
        """Return the rows."""
        tables = self.tables
        cycles = [row._asdict() for rows in tables.cycles.values() for row in rows]
        found: dict[str, list[dict[str, Any]]] = {
            "work_items": [row._asdict() for row in tables.work_items.values()],
            "work_item_stays": [row._asdict() for rows in tables.stays.values() for row in rows],
            "work_item_attributions": [row._asdict() for rows in tables.attributions.values() for row in rows],
            "work_item_cycles": [
                {name: cell for name, cell in row.items() if name != "reopened_at"}
                for row in cycles
                if row["reopened_at"] == FOREVER
            ],
            "superseded_cycles": [row for row in cycles if row["reopened_at"] != FOREVER],
            "pull_requests": [row._asdict() for row in tables.pull_requests.values()],
            "pr_cycles": [row._asdict() for row in tables.pull_request_cycles.values()],
            "deployment_records": [row._asdict() for row in tables.deployments.values()],
            "change_ledger": [row._asdict() for row in tables.changes.values()],
            "incidents": [row._asdict() for rows in tables.incidents.values() for row in rows],
            "incident_restores": [row._asdict() for rows in tables.restores.values() for row in rows],
            "incident_blames": [row._asdict() for rows in tables.blames.values() for row in rows],
        }
        return {name: sorted(rows, key=_order) for name, rows in found.items()}

    async def forget_events(self) -> None:
        """Delete every event."""
        for rows in self.database.events.values():
            rows.clear()


class PostgresStores(Stores):
    """On PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feed = PostgresChangeFeed(database=database)
        self.configurations = PostgresConfigurationStore(database=database)
        self.events = PostgresEventStore(database=database, configuration=self.configurations.load)
        self.derivations = PostgresDerivationStore(database=database)

    async def rows(self) -> Tables:
        """Return the rows, instants as microseconds."""
        async with self.database.transaction() as connection:
            return {name: await _rows(connection, name) for name in TABLES}

    async def forget_events(self) -> None:
        """Delete every event, past the trigger that forbids it."""
        async with self.database.transaction() as connection:
            for table in EVENT_TABLES:
                await connection.execute(
                    sql.SQL("ALTER TABLE {0} DISABLE TRIGGER USER; DELETE FROM {0}").format(sql.Identifier(table))
                )


async def _rows(connection: psycopg.AsyncConnection[Any], table: str) -> list[Mapping[str, Any]]:
    cursor = await connection.execute(
        """
        SELECT column_name::text, data_type::text FROM information_schema.columns
        WHERE table_name = %s AND table_schema = current_schema() AND is_generated = 'NEVER'
        ORDER BY ordinal_position
        """,
        [table],
    )
    columns = [
        sql.SQL(
            "CASE {0} WHEN 'infinity' THEN {1} ELSE (extract(epoch FROM {0}) * 1000000)::bigint END AS {0}"
            if kind.startswith("timestamp")
            else "{0}::float8 AS {0}"
            if kind == "numeric"
            else "{0}"
        ).format(sql.Identifier(name), sql.Literal(FOREVER))
        for name, kind in await cursor.fetchall()
    ]
    cursor = await connection.execute(
        sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(columns), sql.Identifier(table))
    )
    names = [column.name for column in cursor.description or ()]
    rows = [
        {name: tuple(cell) if isinstance(cell, list) else cell for name, cell in zip(names, row, strict=True)}
        for row in await cursor.fetchall()
    ]
    return sorted(rows, key=_order)


def _order(row: Mapping[str, Any]) -> str:
    return repr(sorted(row.items()))


@asynccontextmanager
async def stores(url: str | None) -> AsyncIterator[Stores]:
    """Yield stores on a database, in memory without one, with the configuration of these tests."""
    if url is None:
        found = MemoryStores()
        await found.configure()
        yield found
        return
    async with Database(url, max_size=4) as database:
        kept = PostgresStores(database)
        try:
            await kept.configure()
            yield kept
        finally:
            await kept.feed.close()


def with_mappings(configuration: Configuration, **changes: Any) -> Configuration:
    """Return a configuration with some parts replaced."""
    return dataclasses.replace(configuration, **changes)
