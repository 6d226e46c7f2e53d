"""What these tests share: PostgreSQL, a database of it for each test, and a platform that has heard of weeks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dpp.adapters.simulation import SimulatedOrganisation, Size
from tests.support.postgres import TestServer, database_url, empty_database_url, postgres_server
from tests.support.running import RunningPlatform, platform

__all__ = ["database_url", "empty_database_url", "postgres_server"]

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a module together, so that no two workers set up the same platform; some share a group."""
    for item in items:
        if item.path.parent == HERE and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def told_organisation() -> SimulatedOrganisation:
    """Ten weeks, that is five sprints, across the change of clocks."""
    return SimulatedOrganisation(18, start=datetime(2026, 8, 24, tzinfo=UTC), weeks=10, size=Size.SMALL)


@pytest.fixture(scope="session")
def told(
    postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory, told_organisation: SimulatedOrganisation
) -> Iterator[RunningPlatform]:
    """A platform that has heard of all of the organisation and has measured every day.

    Its tests are of the group "told" and read only, but for the last of them, which restates days.
    """
    with (
        postgres_server.database(template=postgres_server.template) as url,
        platform(tmp_path_factory.mktemp("told"), url, configuration=told_organisation.configuration_toml()) as started,
    ):
        assert [] == started.send(told_organisation.deliveries())
        started.wait_until_settled()
        started.command("rebuild")
        yield started
