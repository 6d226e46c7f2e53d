"""A database with two years of a company in it, kept from one run to the next."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from uuid import UUID

import psycopg

from benchmarks.scale import scaled
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.embedded import EmbeddedPostgres
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.migrations import upgrade
from dpp.domain.configuration import Configuration, DeliveryStream, JiraProject, TechStream
from dpp.domain.stages import Stage, StatusMapping

#: Where the databases are kept; the system's directory for temporary files without it.
VARIABLE = "DPP_BENCHMARK_DATA"
STREAMS = 8
#: Figures look back from the present, so a database is made anew after so long.
FRESH = timedelta(hours=36)

_SQL = Path(__file__).with_suffix(".sql")
_SPAN = "rate, thing, delivery_stream_id, tech_stream_ids, is_complete, valid_from, valid_to"
_STATUSES = (
    ("Open", Stage.BACKLOG, False),
    ("Doing", Stage.DEV, True),
    ("To review", Stage.CODE_REVIEW, False),
    ("In review", Stage.CODE_REVIEW, True),
    ("To QA", Stage.QA, False),
    ("In QA", Stage.QA, True),
    ("In UAT", Stage.UAT, True),
    ("Closed", Stage.DONE, False),
)
CONFIGURATION = Configuration(
    delivery_streams=tuple(
        DeliveryStream(stream_id=UUID(int=0x10 + number), name=f"d{number}", display_name=f"Delivery {number}")
        for number in range(1, STREAMS + 1)
    ),
    tech_streams=tuple(
        TechStream(
            stream_id=UUID(int=0x20 + number),
            name=f"t{number}",
            display_name=f"Technology {number}",
            github_org=f"org-{number}",
            github_install_id=str(number),
        )
        for number in range(1, STREAMS + 1)
    ),
    jira_projects=tuple(
        JiraProject(key=f"P{number}", delivery_stream=f"d{number}") for number in range(1, STREAMS + 1)
    ),
    status_mappings=tuple(
        StatusMapping(project=f"P{number}", status=status, stage=stage, active=active, order=order)
        for number in range(1, STREAMS + 1)
        for order, (status, stage, active) in enumerate(_STATUSES)
    ),
)


def sizes() -> dict[str, int]:
    """Return how many there are of what, at the scale that was asked for; a ticket has eight events."""
    return {
        "tickets": scaled(128_000, least=1_000),
        "requests": scaled(200_000, least=2_000),
        "deployments": scaled(100_000, least=1_000),
        "incidents": scaled(10_000, least=100),
    }


@contextmanager
def two_years() -> Iterator[str]:
    """Yield the URL of the database on a server of the benchmark's own; it is made when there is none yet."""
    name = sha256(json.dumps([sizes(), _SQL.read_text()]).encode()).hexdigest()[:12]
    folder = Path(os.environ.get(VARIABLE) or tempfile.gettempdir()) / f"dpp-two-years-{name}"
    made = folder / "made_at"
    if folder.exists() and not (made.exists() and datetime.now(UTC) - _told(made) < FRESH):
        rmtree(folder)
    with EmbeddedPostgres(folder, fast_for_tests=True) as server:
        upgrade(server.dsn)
        if not made.exists():
            end = datetime.now(UTC)
            _fill(server.dsn, end=end)
            made.write_text(end.isoformat())
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("ANALYZE")
        yield server.dsn


def _told(made: Path) -> datetime:
    return datetime.fromisoformat(made.read_text())


def _fill(dsn: str, *, end: datetime) -> None:
    asyncio.run(_configure(dsn, end=end))
    script = _SQL.read_text().replace(":end", f"'{end.isoformat()}'::timestamptz")
    for name, size in sizes().items():
        script = script.replace(f":{name}", str(size))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET work_mem = '256MB'")
        for statement in script.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
        for view in ("tickets", "defects", "pull_requests", "deployments"):
            connection.execute(f"INSERT INTO quality_spans SELECT {_SPAN} FROM rated_{view}".encode())  # noqa: S608
        for view in ("code", "tickets"):
            connection.execute(f"INSERT INTO contributions SELECT * FROM contributed_{view}".encode())  # noqa: S608
        connection.execute("INSERT INTO work_item_places SELECT * FROM placed_tickets ORDER BY left_at")
        connection.execute("DROP TABLE ticket, step, latest, finished, request")
        connection.execute("VACUUM ANALYZE")


async def _configure(dsn: str, *, end: datetime) -> None:
    async with Database(dsn) as database:
        store = PostgresConfigurationStore(database=database)
        await store.save(CONFIGURATION, expected_version=0, actor="benchmark", at=end - timedelta(days=730))
