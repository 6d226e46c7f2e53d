"""What was accepted survives the database, the process, and the loss of every table."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from dpp.adapters.postgres.embedded import EmbeddedPostgres
from dpp.adapters.postgres.migrations import upgrade
from dpp.adapters.simulation import SimulatedOrganisation, Size
from tests.integration.test_true_figures import assert_true
from tests.support.running import RunningPlatform, platform

#: What an insertion or a derivation adds by itself, and differs each time.
OWN_COLUMNS = {"computed_at", "received_at", "metric_id", "entry_id"}
COMPARED = (
    "work_item_events",
    "work_item_facts",
    "defect_events",
    "pr_events",
    "pull_request_facts",
    "cicd_events",
    "incident_events",
    "push_events",
    "work_items",
    "work_item_stays",
    "work_item_attributions",
    "work_item_cycles",
    "superseded_cycles",
    "pull_requests",
    "pr_cycles",
)


@pytest.fixture
def organisation() -> SimulatedOrganisation:
    """Enough weeks for completions in every stream."""
    return SimulatedOrganisation(4, start=datetime(2026, 4, 6, tzinfo=UTC), weeks=5, size=Size.SMALL)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A database server that the test may stop."""
    with EmbeddedPostgres(tmp_path / "postgres", fast_for_tests=True) as server:
        upgrade(server.dsn)
        yield server


@pytest.fixture
def running(
    tmp_path: Path, embedded: EmbeddedPostgres, organisation: SimulatedOrganisation
) -> Iterator[RunningPlatform]:
    """A platform on that server."""
    data_dir = tmp_path / "data"
    with platform(data_dir, embedded.dsn, configuration=organisation.configuration_toml()) as started:
        yield started


def rows(database_url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every compared table, its rows in an order of their own."""
    found = {}
    with psycopg.connect(database_url) as connection:
        for table in COMPARED:
            columns = [
                name
                for (name,) in connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY 1", [table]
                )
                if name not in OWN_COLUMNS
            ]
            wanted = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns)
            query = sql.SQL("SELECT {} FROM {}").format(wanted, sql.Identifier(table))
            found[table] = sorted(connection.execute(query).fetchall(), key=repr)
    return found


def test_the_database_goes_and_comes_back(
    running: RunningPlatform, embedded: EmbeddedPostgres, organisation: SimulatedOrganisation
) -> None:
    """While the database is away every delivery is acknowledged; when it is back the figures are the true ones."""
    deliveries = list(organisation.deliveries())
    middle = len(deliveries) // 2
    assert [] == running.send(deliveries[:middle])
    embedded.stop()
    assert [] == running.send(deliveries[middle:])
    embedded.start()
    running.wait_until_ready()
    assert_true(running, organisation)


def test_another_process_writes_what_a_dead_one_left(
    running: RunningPlatform, embedded: EmbeddedPostgres, organisation: SimulatedOrganisation
) -> None:
    """What a server accepted before it was killed during an outage is written by the next one from the archive."""
    deliveries = list(organisation.deliveries())
    middle = len(deliveries) // 2
    assert [] == running.send(deliveries[:middle])
    embedded.stop()
    assert [] == running.send(deliveries[middle:])
    running.kill("serve", signal.SIGKILL)
    embedded.start()
    running.serve()
    kept = len(running.command("archive", "cat").stdout.splitlines())
    assert kept > middle // 2
    running.wait_for(lambda: kept == running.settled())
    assert_true(running, organisation)
    assert 0 == running.command("archive", "verify").returncode


def test_the_archive_and_the_configuration_are_enough(
    running: RunningPlatform, embedded: EmbeddedPostgres, organisation: SimulatedOrganisation
) -> None:
    """An emptied database, configured and replayed from the archive, holds the same rows; a rebuild changes none."""
    assert [] == running.send(organisation.deliveries())
    running.wait_until_settled()
    before = rows(embedded.dsn)
    assert all(before[table] for table in ("work_item_events", "pr_events", "work_item_cycles", "pr_cycles"))
    running.stop()
    with psycopg.connect(embedded.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    running.command("migrate")
    running.command("config", "apply", str(running.data_dir / "organisation.toml"))
    running.command("archive", "replay")
    running.command("rebuild")
    after = rows(embedded.dsn)
    assert {table: len(found) for table, found in before.items()} == {
        table: len(found) for table, found in after.items()
    }
    assert before == after
    running.command("rebuild")
    assert after == rows(embedded.dsn)
