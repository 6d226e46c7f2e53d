"""What the tables of each kind of thing offer to derivation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from zlib import crc32

from dpp.adapters.postgres.engine import Connection
from dpp.application.derivation import Derive, News
from dpp.application.stale import StaleKey
from dpp.domain.configuration import Configuration

#: First number of the advisory locks that keep tickets and pull requests of one key from passing each other unseen.
LINKS = 0x6470706C
BUCKETS = 64

#: Keeps whoever derives deployments, changes, incidents and pushes apart from each other and from pull requests. Each
#: finds out what it makes stale by reading the others' rows: at once, neither would see the other's new ones.
DELIVERIES = 0x64707064656C6976


class DerivedTables(ABC):
    """The tables of one kind of thing."""

    @abstractmethod
    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some things and return what that makes stale; an error may leave them half replaced.

        Args:
            connection: in a transaction that is given up after an error.
            derive: calculates the rows.
            keys: of one kind, distinct.
            configuration: the current one.
            news: takes in the streams of the rows before and after.
        """

    @abstractmethod
    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return every thing of the kind that has events or derived rows."""


async def lock_deliveries(connection: Connection, *, shared: bool = False) -> None:
    """Wait for whoever derives something that reads, or is read by, what the caller derives."""
    lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    await connection.execute(f"SELECT {lock}(%s)", [DELIVERIES])


async def lock_links(connection: Connection, ticket_keys: Iterable[str], *, shared: bool) -> None:
    """Wait for whoever derives the other kind of thing under one of these keys, and keep them waiting.

    A ticket and a pull request that are derived at once do not see each other's new rows; one after the other, the
    second sees the first's.
    """
    buckets = sorted({crc32(key.encode()) % BUCKETS for key in ticket_keys})
    lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    await connection.execute(
        f"SELECT {lock}(%s, bucket) FROM unnest(%s::int[]) AS bucket",  # noqa: S608 - one of two constants
        [LINKS, buckets],
    )
