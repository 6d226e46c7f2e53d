"""The register of repositories in the database, kept at hand in every process.

Whoever changes it holds a lock, reads all of it and writes what changed. That is rare: an append whose repositories are
all known costs no query.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from time import monotonic

import msgspec
from psycopg.rows import class_row

from dpp.adapters.postgres.derived_tables import lock_deliveries
from dpp.adapters.postgres.documents import current_configuration
from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.intake_rows import as_json
from dpp.adapters.postgres.statements import REPOSITORIES, REPOSITORY_COLUMNS, REPOSITORY_NAMES
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.repositories import DeployTarget, Repositories, Repository, Sighting
from dpp.application.resolving import repositories_named
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts

#: Advisory lock of whoever changes repositories; the number means nothing.
LOCK = 0x64707072

_INCIDENTS_OF = """
SELECT DISTINCT incident_id FROM incident_events WHERE tech_stream_id IS NULL AND lower(btrim(service_name)) = ANY (%s)
"""
_MARK = """
INSERT INTO stale_keys (share, kind, key) SELECT * FROM unnest(%s::smallint[], %s::text[], %s::text[])
"""

#: Another process may have learnt a new name for what is known here; after so long it is looked up.
MAX_AGE_SECONDS = 30.0


class Registry:
    """Repositories as this process knows them; one per store."""

    def __init__(self) -> None:
        self._known: Repositories | None = None
        self._read_at = 0.0

    async def covering(
        self, connection: Connection, deliveries: Sequence[AcceptedDelivery], *, configuration: Configuration
    ) -> Repositories:
        """Return a register with every repository of the deliveries in it.

        What is written for that belongs to the connection's transaction; ``keep`` the register when that is committed.
        """
        known = self._known
        if known is not None and known.configuration.version == configuration.version:
            fresh = monotonic() - self._read_at < MAX_AGE_SECONDS
            if fresh and not any(has_news(known, delivery.facts) for delivery in deliveries):
                return known
        register = await load(connection, configuration=configuration)
        if any(has_news(register, delivery.facts) for delivery in deliveries):
            register = await self._changing(connection)
            before = targets(register)
            for delivery in deliveries:
                take_in(register, delivery)
            await write(connection, register)
            await mark_incidents(connection, targets(register) - before)
        return register

    async def _changing(self, connection: Connection) -> Repositories:
        """Return the register for changing it, under the configuration of the database: the one at hand may be older,
        and what it resolves would stay until the next change of the configuration.
        """
        await lock(connection)
        return await load(connection, configuration=await current_configuration(connection))

    def keep(self, register: Repositories) -> None:
        """Know the register from now on: what it holds is committed."""
        if register is not self._known:
            self._known, self._read_at = register, monotonic()


def has_news(register: Repositories, facts: Facts) -> bool:
    """Say whether facts tell something of repositories that the register lacks."""
    return any(register.is_news(ref, at=at) for ref, at in repositories_named(facts)) or any(
        register.reports_news(fact) for fact in facts.repositories
    )


def take_in(register: Repositories, delivery: AcceptedDelivery) -> None:
    """Register what a delivery names and reports."""
    for ref, at in repositories_named(delivery.facts):
        if register.is_news(ref, at=at):
            register.see(ref, at=at)
    for fact in delivery.facts.repositories:
        if register.reports_news(fact):
            register.report(fact)


async def lock(connection: Connection) -> None:
    """Keep everybody else from changing the register until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


async def load(connection: Connection, *, configuration: Configuration) -> Repositories:
    """Read the register.

    Names come first: whoever registers a repository writes it together with its names, so that those read afterwards
    include every one that a name leads to.
    """
    columns = ", ".join(name for name in REPOSITORY_COLUMNS if name != "full_name")
    async with connection.cursor(binary=True, row_factory=class_row(Sighting)) as cursor:
        await cursor.execute("SELECT name, repo_id, github_org, github_repo_name, seen_at FROM repository_names")
        names = await cursor.fetchall()
    async with connection.cursor(binary=True, row_factory=class_row(Repository)) as repositories:
        await repositories.execute(f"SELECT {columns} FROM repositories".encode())  # noqa: S608  # our own constants
        return Repositories(await repositories.fetchall(), names, configuration=configuration)


async def write(connection: Connection, register: Repositories) -> None:
    """Write what has changed in the register."""
    changed, sightings = register.changed, register.changed_sightings
    if changed:
        # One that is merged refers to another, which may be new: references are checked at the end of the statement.
        await connection.execute(REPOSITORIES, [as_json(map(_row, changed))])
    if sightings:
        await connection.execute(REPOSITORY_NAMES, [as_json(sightings)])
    register.saved()


def targets(register: Repositories) -> frozenset[DeployTarget]:
    """Return what the repositories of a register deploy to."""
    return frozenset(
        DeployTarget(item.repo_id, item.tech_stream_id, item.deploy_target)
        for item in register.all
        if item.deploy_target is not None and item.tech_stream_id is not None
    )


async def mark_incidents(connection: Connection, found: Collection[DeployTarget]) -> None:
    """Queue the incidents of services whose repositories have only now been seen.

    Whoever derives an incident either does it before this reads, or sees the repositories.
    """
    if not found:
        return
    await lock_deliveries(connection)
    services = sorted({name for target in found for name in target.services})
    cursor = await connection.execute(_INCIDENTS_OF, [services])
    keys = [StaleKey(StaleKind.INCIDENT, incident_id) for (incident_id,) in await cursor.fetchall()]
    if keys:
        columns = [key.group for key in keys], [key.kind.value for key in keys], [key.key for key in keys]
        await connection.execute(_MARK, columns)


def _row(repository: Repository) -> dict[str, object]:
    row: dict[str, object] = msgspec.to_builtins(repository)
    return row | {"full_name": repository.full_name}
