"""What the delivery trends of a month cost when no answer is kept, and whether the history behind the month matters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from statistics import median, quantiles
from time import perf_counter
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.history import CONFIGURATION, PROJECTS, database_with_history, server
from benchmarks.scale import scaled
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.calendars import Calendars
from dpp.application.trends import Trends
from dpp.application.views import View
from dpp.domain.access import StreamScope

DEPLOYMENTS = 100_000
#: Of so many deployments one is followed by an incident: ten thousand of them.
PER_INCIDENT = 10
TICKETS = 125_000
#: Deployments come as often in a short history as in a long one of three years.
SECONDS_BETWEEN = 3 * 365 * 86_400 // DEPLOYMENTS
ROUNDS = 60
AIM_MS = 150.0
AIM_RATIO = 1.3

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STREAM = UUID(int=1)

_TECH_STREAMS = """
INSERT INTO tech_streams (stream_id, name, display_name, github_org, github_install_id)
SELECT md5('tech' || n)::uuid, 't' || n, 'T' || n, 'o' || n, n::text FROM generate_series(1, %(streams)s) AS n
"""
_TICKETS = """
INSERT INTO work_item_attributions (issue_id, ticket_id, delivery_stream_id, tech_stream_ids, valid_from)
SELECT 'i' || n, 'P-' || n, lpad(to_hex(1 + n %% %(streams)s), 32, '0')::uuid, '{}', '2020-01-01'
FROM generate_series(1, %(tickets)s) AS n
"""
_DEPLOYMENTS = """
INSERT INTO deployment_records (record_id, pipeline_id, pipeline_run_id, tech_stream_id, environment, started_at,
    deployed_at, status, linked_ticket_id, linked_issue_id, lead_time_hrs, is_config_only, rollback_at)
SELECT md5('d' || n)::uuid, 'deploy', n::text, md5('tech' || 1 + n %% %(streams)s)::uuid, 'production',
    at - interval '4 minutes', at, CASE WHEN n %% 40 = 0 THEN 'failed' ELSE 'success' END,
    'P-' || 1 + n %% %(tickets)s, 'i' || 1 + n %% %(tickets)s, n %% 97, n %% 20 = 0,
    CASE WHEN n %% 30 = 7 THEN at + interval '1 hour' END
FROM generate_series(1, %(deployments)s) AS n, LATERAL (SELECT %(now)s - n * %(every)s * interval '1 second' AS at) AS t
"""
_CHANGES = """
INSERT INTO change_ledger (repo_id, pr_number, tech_stream_id, linked_issue_id, record_id, opened_at, first_review_at,
    merged_at, deployed_at, lead_time_hrs, pickup_hrs, review_hrs, deploy_hrs)
SELECT md5('repository')::uuid, 2 * n + half, tech_stream_id, linked_issue_id, CASE WHEN n > 500 THEN record_id END,
    deployed_at - interval '30 hours', deployed_at - interval '20 hours', deployed_at - interval '5 hours',
    CASE WHEN n > 500 THEN deployed_at END, 30, 10, 15, 5
FROM deployment_records, LATERAL (SELECT pipeline_run_id::integer AS n) AS run, generate_series(0, 1) AS half
"""
_INCIDENTS = """
INSERT INTO incidents (incident_id, source_incident_id, service_name, tech_stream_id, started_at, resolved_at,
    time_to_restore_min)
SELECT 'I' || pipeline_run_id, 'I' || pipeline_run_id, 'service', tech_stream_id, deployed_at + interval '9 minutes',
    deployed_at + interval '69 minutes', 60
FROM deployment_records WHERE pipeline_run_id::integer %% %(per_incident)s = 0
"""
_RESTORES = """
INSERT INTO incident_restores
SELECT incident_id, source_incident_id, tech_stream_id, started_at, resolved_at, time_to_restore_min, resolved_at,
    'infinity' FROM incidents
"""
_BLAMES = """
INSERT INTO incident_blames
SELECT incident_id, source_incident_id, md5('d' || n + earlier)::uuid,
    CASE earlier WHEN 0 THEN 'blamed' ELSE 'candidate' END, started_at, 'infinity'
FROM incidents, LATERAL (SELECT substr(incident_id, 2)::integer AS n) AS run, generate_series(0, 2) AS earlier
"""


def run() -> dict[str, Any]:
    """Measure with a tenth of the deployments and with all of them, in turns."""
    many = scaled(DEPLOYMENTS, least=10_000)
    with server() as url:
        few = max(many // 10, 8_000)
        few_url, many_url = (_filled(url, name, size) for name, size in (("few", few), ("many", many)))
        return asyncio.run(_measured(few_url, many_url)) | {"deployments": many, "incidents": many // PER_INCIDENT}


def _filled(url: str, name: str, deployments: int) -> str:
    target = database_with_history(url, name, tickets=1)
    values = {
        "streams": PROJECTS,
        "tickets": TICKETS,
        "deployments": deployments,
        "per_incident": PER_INCIDENT,
        "now": NOW,
        "every": SECONDS_BETWEEN,
    }
    with psycopg.connect(target, autocommit=True) as connection:
        for statement in (_TECH_STREAMS, _TICKETS, _DEPLOYMENTS, _CHANGES, _INCIDENTS, _RESTORES, _BLAMES):
            connection.execute(statement.encode(), values)
        connection.execute("VACUUM ANALYZE")
    return target


async def _measured(few_url: str, many_url: str) -> dict[str, Any]:
    async with Database(few_url) as few, Database(many_url) as many:
        for _ in range(10):
            for view in _VIEWS.values():
                await _asked(few, view)()
                await _asked(many, view)()
        figures: dict[str, Any] = {}
        for name, view in _VIEWS.items():
            times = await _in_turns(_asked(few, view), _asked(many, view))
            figures |= {
                f"{name}_p95_ms": quantiles(times[1], n=20)[-1] * 1e3,
                f"{name}_median_ms": median(times[1]) * 1e3,
                f"{name}_ratio": median(times[1]) / median(times[0]),
            }
        figures["ten_clients_p95_ms"] = await _ten_clients(many)
    is_fast = all(value <= AIM_MS for name, value in figures.items() if name.endswith("p95_ms"))
    is_level = all(value <= AIM_RATIO for name, value in figures.items() if name.endswith("_ratio"))
    return figures | {"aim_ms": AIM_MS, "aim_ratio": AIM_RATIO, "within_aim": is_fast and is_level}


_VIEWS = {
    "everything": View(scope=StreamScope.everything(), as_of=NOW),
    "stream": View(scope=StreamScope.everything(), as_of=NOW, delivery_stream_id=STREAM),
    "scoped": View(scope=StreamScope(delivery_streams=frozenset({STREAM})), as_of=NOW),
}


def _asked(database: Database, view: View) -> Callable[[], Awaitable[object]]:
    reader = PostgresDeliveryReader(database=database, kept=KeptRows(database=database))
    # The rates of §5.6 are measured over everything known and kept apart: here they come from an empty store.
    rates = MemoryMetricsReader(database=MemoryDatabase(), tables=MemoryDerivedTables())
    trends = Trends(reader=reader, metrics=rates, calendars=Calendars(LibraryHolidays()))
    return lambda: trends.trends(view, window_days=30, configuration=CONFIGURATION)


async def _in_turns(*tasks: Callable[[], Awaitable[object]]) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in tasks]
    for _ in range(ROUNDS):
        for task, taken in zip(tasks, times, strict=True):
            begun = perf_counter()
            await task()
            taken.append(perf_counter() - begun)
    return times


async def _ten_clients(database: Database) -> float:
    times: list[float] = []

    async def client(ask: Callable[[], Awaitable[object]]) -> None:
        for _ in range(ROUNDS // 3):
            begun = perf_counter()
            await ask()
            times.append(perf_counter() - begun)

    views = list(_VIEWS.values())
    await asyncio.gather(*(client(_asked(database, views[number % len(views)])) for number in range(10)))
    return quantiles(times, n=20)[-1] * 1e3
