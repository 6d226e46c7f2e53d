"""What these tests share: a PostgreSQL server, a database of it for each test, and the stores of both families."""

from collections.abc import AsyncIterator

import pytest

from dpp.adapters.postgres.engine import Database
from tests.contracts.stores import Platform, memory_platform, postgres_platform
from tests.support.postgres import database_url, empty_database_url, postgres_server

__all__ = ["database_url", "empty_database_url", "postgres_server"]


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(params=["memory", "postgres"])
def family(request: pytest.FixtureRequest) -> str:
    """The family of adapters that a test asks."""
    return str(request.param)


@pytest.fixture
async def platform(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Platform]:
    """The stores of one family, over a database of their own."""
    if family == "memory":
        yield memory_platform()
        return
    async with Database(request.getfixturevalue("database_url"), application_name="contract tests") as database:
        stores = postgres_platform(database)
        yield stores
        await stores.feed.close()
