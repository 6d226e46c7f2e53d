"""A private server, and databases on it with a long history of tickets."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg

from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.embedded import EmbeddedPostgres
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.migrations import upgrade
from dpp.application.derive import Derivation
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.configuration import Configuration, DeliveryStream, JiraProject
from dpp.domain.stages import Stage, StatusMapping

EVENTS_PER_TICKET = 8
PROJECTS = 8
START = datetime(2024, 1, 1, 9, tzinfo=UTC)

_STATUSES = (
    ("Open", Stage.BACKLOG, False),
    ("Doing", Stage.DEV, True),
    ("Waiting for QA", Stage.QA, False),
    ("In QA", Stage.QA, True),
    ("Closed", Stage.DONE, False),
)

CONFIGURATION = Configuration(
    delivery_streams=tuple(
        DeliveryStream(stream_id=UUID(int=number), name=f"s{number}", display_name=f"Stream {number}")
        for number in range(1, PROJECTS + 1)
    ),
    jira_projects=tuple(
        JiraProject(key=f"P{number}", delivery_stream=f"s{number}") for number in range(1, PROJECTS + 1)
    ),
    status_mappings=tuple(
        StatusMapping(project=f"P{number}", status=status, stage=stage, active=active, order=order)
        for number in range(1, PROJECTS + 1)
        for order, (status, stage, active) in enumerate(_STATUSES)
    ),
)
CALENDAR = BusinessCalendar(zone="Europe/London")
DERIVE = Derivation(calendar_of=lambda _configuration, _stream: CALENDAR)

# Every ticket is created, goes back from quality assurance once, and is closed; the events of many tickets lie side by
# side, as they come in.
_EVENTS = """
INSERT INTO work_item_events (source, received_at, event_timestamp, event_type, ticket_id, issue_id, project_key,
    source_change_id, ticket_type, to_status, story_points, labels, components, tech_stream_names, ticket_created_at,
    has_fields)
SELECT 'jira', now(), %(start)s + (ticket * 37 + hours * 3600) * interval '1 second', kind,
    'P' || 1 + ticket %% %(projects)s || '-' || ticket, ticket::text, 'P' || 1 + ticket %% %(projects)s,
    (ticket * 10 + step)::text, 'story', status, CASE WHEN ticket %% 4 = 0 AND step > 3 THEN 5 ELSE 3 END,
    '{}', '{}', '{}', %(start)s + ticket * 37 * interval '1 second', true
FROM generate_series(1, %(tickets)s) AS ticket CROSS JOIN (VALUES
    (1, 0, 'created', 'Open'), (2, 20, 'transitioned', 'Doing'), (3, 70, 'transitioned', 'Waiting for QA'),
    (4, 90, 'transitioned', 'In QA'), (5, 95, 'transitioned', 'Doing'), (6, 130, 'transitioned', 'Waiting for QA'),
    (7, 140, 'transitioned', 'In QA'), (8, 160, 'transitioned', 'Closed')
) AS steps (step, hours, kind, status)
ORDER BY ticket * 37 + hours * 3600
"""


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server of the benchmark's own."""
    with tempfile.TemporaryDirectory(prefix="dpp-benchmark-") as directory:
        embedded = EmbeddedPostgres(Path(directory), fast_for_tests=True)
        try:
            yield embedded.start()
        finally:
            embedded.stop()


def database_with_history(url: str, name: str, *, tickets: int) -> str:
    """Make a database with so many tickets of ``EVENTS_PER_TICKET`` events each, none derived; return its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    target = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    upgrade(target)
    asyncio.run(_configure(target))
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(_EVENTS, {"start": START, "tickets": tickets, "projects": PROJECTS})
        connection.execute("INSERT INTO ticket_keys SELECT DISTINCT ticket_id, issue_id FROM work_item_events")
        connection.execute("VACUUM ANALYZE")
    return target


async def _configure(url: str) -> None:
    async with Database(url) as database:
        store = PostgresConfigurationStore(database=database)
        await store.save(CONFIGURATION, expected_version=0, actor="benchmark", at=START)
