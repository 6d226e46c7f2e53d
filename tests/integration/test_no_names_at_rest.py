"""Nothing that identifies a person is written to disk (§4.6)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import zstandard
from psycopg import sql

from dpp.adapters.simulation import SimulatedOrganisation, Size
from tests.support.running import RunningPlatform, platform

#: Shorter ones would be found by chance in hashes and numbers.
SHORTEST = 5


@pytest.fixture
def organisation() -> SimulatedOrganisation:
    """A few weeks of people at work."""
    return SimulatedOrganisation(9, start=datetime(2026, 3, 2, tzinfo=UTC), weeks=3, size=Size.SMALL)


@pytest.fixture
def running(tmp_path: Path, database_url: str, organisation: SimulatedOrganisation) -> Iterator[RunningPlatform]:
    """A platform that those people's work was reported to."""
    with platform(tmp_path, database_url, configuration=organisation.configuration_toml()) as started:
        assert [] == started.send(organisation.deliveries())
        started.wait_until_settled()
        yield started


def contents(path: Path) -> bytes:
    """Return what a file says, decompressed."""
    data = path.read_bytes()
    return zstandard.ZstdDecompressor().stream_reader(data).read() if path.suffix == ".zst" else data


def rows_of_every_table(database_url: str) -> Iterator[tuple[str, str]]:
    """Yield every table's name with all of its rows as text."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT coalesce(string_agg(row::text, E'\\n'), '') FROM {} AS row")
            (text,) = connection.execute(query.format(sql.Identifier(table))).fetchone() or ("",)
            yield table, text


def test_no_name_in_any_file_or_table(
    running: RunningPlatform, organisation: SimulatedOrganisation, database_url: str
) -> None:
    """No name, login, address or account id of anybody is in a file below the data directory or in a table."""
    running.stop()  # closes the archive's segment, and ends the logs
    identifiers = {name for person in organisation.people for name in person.identifiers if len(name) >= SHORTEST}
    assert len(identifiers) > 20
    files = {
        str(path.relative_to(running.data_dir)): contents(path)
        for path in running.data_dir.rglob("*")
        if path.is_file() and "secrets" not in path.parts
    }
    assert any(name.startswith("archive/") and data for name, data in files.items())
    found = [(name, place) for place, data in files.items() for name in identifiers if name.encode() in data]
    tables = dict(rows_of_every_table(database_url))
    assert "PAY-" in tables["work_item_events"]
    found += [(name, table) for table, text in tables.items() for name in identifiers if name in text]
    assert [] == found
