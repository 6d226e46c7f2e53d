"""Incidents blamed on a deployment of long ago, whose ticket the rows of the time asked about do not have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.application.delivery_reader import BLAMED_BEFORE
from dpp.application.views import View
from dpp.domain.access import StreamScope

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)
LONG_AGO = SINCE - BLAMED_BEFORE - timedelta(days=100)
OURS, OTHERS = UUID(int=1), UUID(int=2)
_RECORD = """
INSERT INTO deployment_records (record_id, pipeline_id, pipeline_run_id, environment, started_at, deployed_at, status,
    is_config_only, linked_issue_id)
VALUES (%s, 'deploy', %s, 'production', %s, %s, 'success', false, %s)
"""
_STREAM = """
INSERT INTO work_item_attributions (issue_id, ticket_id, delivery_stream_id, tech_stream_ids, valid_from)
VALUES (%s, %s, %s, '{}', %s)
"""
_BLAME = """
INSERT INTO incident_blames (incident_id, source_incident_id, record_id, standing, valid_from)
VALUES (%s, %s, %s, 'confirmed', %s)
"""
_RESTORE = """
INSERT INTO incident_restores
    (incident_id, source_incident_id, started_at, resolved_at, time_to_restore_min, valid_from)
VALUES (%s, %s, %s, %s, %s, %s)
"""


@pytest.fixture
def told(database_url: str) -> str:
    """A database with an incident of this month for a deployment of long ago, of a stream each; its URL."""
    at = SINCE + timedelta(days=3)
    with psycopg.connect(database_url) as connection:
        for number, stream in ((1, OURS), (2, OTHERS)):
            name, record = f"thing {number}", UUID(int=0x100 * number)
            connection.execute(_STREAM, (name, name, stream, LONG_AGO))
            connection.execute(_RECORD, (record, name, LONG_AGO, LONG_AGO, name))
            connection.execute(_BLAME, (name, name, record, at))
            connection.execute(_RESTORE, (name, name, at - timedelta(hours=1), at, 60.0 * number, at))
    return database_url


@pytest.mark.parametrize(("stream", "minutes"), [(OURS, [60.0]), (OTHERS, [120.0]), (None, [60.0, 120.0])])
async def test_its_ticket_gives_the_incident_its_stream(told: str, stream: UUID | None, minutes: list[float]) -> None:
    """However long ago a deployment was, an incident that it is blamed for is of the stream of its ticket."""
    view = View(scope=StreamScope.everything(), as_of=NOW, delivery_stream_id=stream)
    async with Database(told) as database:
        reader = PostgresDeliveryReader(database=database, kept=KeptRows(database=database))
        found = await reader.restores(view, since=SINCE)
    assert sorted(found.minutes.tolist()) == minutes


async def test_whose_scope_has_neither_stream_sees_neither(told: str) -> None:
    """Who may see one stream alone sees the incident of that stream and no other."""
    view = View(scope=StreamScope(delivery_streams=frozenset({OTHERS})), as_of=NOW)
    async with Database(told) as database:
        reader = PostgresDeliveryReader(database=database, kept=KeptRows(database=database))
        found = await reader.restores(view, since=SINCE)
    assert found.minutes.tolist() == [120.0]
