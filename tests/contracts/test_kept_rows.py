"""Rows that are kept are those that the database has, whatever happens to it in the meantime."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import numpy as np
import psycopg
import pytest

from dpp.adapters.postgres import kept_rows
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_completions import COMPLETIONS
from dpp.adapters.postgres.kept_defects import DEFECTS
from dpp.adapters.postgres.kept_delivery_tables import BLAMES, CHANGES, DEPLOYMENTS, INCIDENTS, RESTORES
from dpp.adapters.postgres.kept_places import DONE, UNFINISHED
from dpp.adapters.postgres.kept_pull_requests import CLOSINGS, ENDED
from dpp.adapters.postgres.kept_quality import BEGUN, COUNTS
from dpp.adapters.postgres.kept_quality import ENDED as SPANS_ENDED
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_streams import ATTRIBUTIONS
from dpp.adapters.postgres.kept_tables import KeptTable, Wanted
from dpp.adapters.postgres.rows import joined

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[tuple[Any, ...]]

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 40
TABLES = (
    *(UNFINISHED, DONE, ATTRIBUTIONS, COMPLETIONS, DEFECTS, ENDED, CLOSINGS, DEPLOYMENTS, CHANGES, INCIDENTS),
    *(BLAMES, RESTORES, COUNTS, BEGUN, SPANS_ENDED),
)
_RESTORE = """
INSERT INTO incident_restores
    (incident_id, source_incident_id, started_at, resolved_at, time_to_restore_min, valid_from)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_LATER = """
UPDATE incident_restores SET resolved_at = resolved_at + interval '1 day'
WHERE incident_id = ANY (ARRAY(SELECT incident_id FROM incident_restores LIMIT 1 FOR UPDATE SKIP LOCKED))
"""
_PLACE = """
INSERT INTO work_item_places
    (issue_id, ticket_id, tech_stream_ids, stage, is_active_work, stayed_from, entered_at, left_at)
VALUES (%s, %s, '{}', %s, true, %s, %s, %s)
"""
_MINUTES = "SELECT time_to_restore_min FROM incident_restores WHERE resolved_at >= %s ORDER BY 1"
_ENTERED = """
SELECT (extract(epoch FROM entered_at) * 1000000)::bigint FROM work_item_places
WHERE stage <> 'done' AND left_at >= %s ORDER BY 1
"""


class _World:
    """Connections that write, some of them in the midst of a transaction, beside what is kept."""

    def __init__(self, url: str, draw: random.Random, stack: ExitStack) -> None:
        self.draw = draw
        self.writers: list[Connection] = [stack.enter_context(psycopg.connect(url)) for _ in range(3)]
        self.reader: Connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        self.things = 0

    def step(self) -> None:
        """Let one of the writers do something, or end its transaction."""
        writer = self.draw.choice(self.writers)
        match self.draw.randrange(8):
            case 0 | 1 | 2:
                self._add(writer)
            case 3:
                writer.execute(_LATER)
            case 4:
                for table in ("incident_restores", "work_item_places"):
                    writer.execute(
                        f"DELETE FROM {table} WHERE ctid = ANY (ARRAY("  # noqa: S608
                        f"SELECT ctid FROM {table} ORDER BY random() LIMIT 2 FOR UPDATE SKIP LOCKED))"
                    )
            case 5:
                writer.rollback()
            case _:
                writer.commit()

    def _add(self, writer: Connection) -> None:
        self.things += 1
        name, at = f"thing {self.things}", START + timedelta(hours=self.draw.randrange(DAYS * 24))
        writer.execute(_RESTORE, (name, name, at - timedelta(hours=1), at, float(self.things), at))
        left = self.draw.choice([at.isoformat(), "infinity"])
        stage = self.draw.choice(["dev", "qa", "done"])
        writer.execute(_PLACE, (name, name, stage, at, at - timedelta(minutes=self.things), left))


@pytest.fixture
async def kept(database_url: str) -> Any:
    """Rows that are kept of a database of the test's own."""
    async with Database(database_url) as database:
        yield KeptRows(database=database)


async def _check(kept: KeptRows, world: _World) -> None:
    since = START + timedelta(days=world.draw.randrange(DAYS))
    restores, places = map(joined, await kept.read(Wanted(RESTORES, since), Wanted(UNFINISHED, since)))
    minutes = [row[0] for row in world.reader.execute(_MINUTES, [since]).fetchall()]
    entered = [row[0] for row in world.reader.execute(_ENTERED, [since]).fetchall()]
    assert np.sort(restores.columns["minutes"]).tolist() == minutes
    assert np.sort(places.columns["entered_at"]).tolist() == entered


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_kept_is_what_is_there(database_url: str, kept: KeptRows, seed: int) -> None:
    """In whichever order transactions begin, write, read and end, rows are those that are committed at the question."""
    with ExitStack() as stack:
        world = _World(database_url, random.Random(seed), stack)
        for _ in range(120):
            world.step()
            await _check(kept, world)


async def test_what_began_before_a_question_and_ends_after_it_is_seen(database_url: str, kept: KeptRows) -> None:
    """A transaction that began before one that is known already, and ends after the question, is seen by the next."""
    with psycopg.connect(database_url) as early, psycopg.connect(database_url) as late:
        early.execute(_RESTORE, ("early", "early", START, START, 1.0, START))
        late.execute(_RESTORE, ("late", "late", START, START, 2.0, START))
        late.commit()
        (before,) = await kept.read(Wanted(RESTORES, START))
        early.commit()
        (after,) = await kept.read(Wanted(RESTORES, START))
    assert joined(before).columns["minutes"].tolist() == [2.0]
    assert sorted(joined(after).columns["minutes"].tolist()) == [1.0, 2.0]


async def test_who_was_away_for_long_reads_anew(
    database_url: str, kept: KeptRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks are forgotten some day: who has not asked for so long does not rely on them."""
    await kept.read(Wanted(RESTORES, START))
    with psycopg.connect(database_url) as connection:
        connection.execute(_RESTORE, ("one", "one", START, START, 1.0, START))
        connection.execute("DELETE FROM kept_changes")
    later = monotonic() + kept_rows.TRUSTED_SECONDS + 1
    monkeypatch.setattr(f"{kept_rows.__name__}.monotonic", lambda: later)
    (rows,) = await kept.read(Wanted(RESTORES, START))
    assert joined(rows).columns["minutes"].tolist() == [1.0]


async def test_days_that_nobody_asks_for_are_dropped_and_read_again(
    database_url: str, kept: KeptRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for once is not kept for ever, and is there when it is asked for again."""
    with psycopg.connect(database_url) as connection:
        for day in range(3):
            at = START + timedelta(days=day)
            connection.execute(_RESTORE, (f"{day}", f"{day}", at, at, float(day), at))
    now = [monotonic()]
    monkeypatch.setattr(f"{kept_rows.__name__}.monotonic", lambda: now[0])
    await kept.read(Wanted(RESTORES, START))
    assert kept.size == 3
    # Rows of the last day alone are asked for, every minute and for three hours.
    for _ in range(180):
        now[0] += 60
        await kept.read(Wanted(RESTORES, START + timedelta(days=2)))
    assert kept.size == 1
    (rows,) = await kept.read(Wanted(RESTORES, START))
    assert sorted(joined(rows).columns["minutes"].tolist()) == [0.0, 1.0, 2.0]


async def test_what_is_older_than_any_window_is_read_and_not_kept(database_url: str, kept: KeptRows) -> None:
    """A question about a time long ago is answered, and fills no memory."""
    long_ago = START - timedelta(days=5 * 365)
    with psycopg.connect(database_url) as connection:
        connection.execute(_RESTORE, ("old", "old", long_ago, long_ago, 1.0, long_ago))
        connection.execute(_RESTORE, ("new", "new", START, START, 2.0, START))
    (then,) = await kept.read(Wanted(RESTORES, long_ago - timedelta(days=1), long_ago + timedelta(days=1)))
    (since,) = await kept.read(Wanted(RESTORES, long_ago))
    assert joined(then).columns["minutes"].tolist() == [1.0]
    assert sorted(joined(since).columns["minutes"].tolist()) == [1.0, 2.0]
    assert kept.size == 0


async def test_another_database_behind_the_address_is_read_anew(database_url: str, kept: KeptRows) -> None:
    """After a return to an earlier state of the database nothing is known of what was done since."""
    await kept.read(Wanted(RESTORES, START))
    with psycopg.connect(database_url) as connection:
        connection.execute(_RESTORE, ("one", "one", START, START, 1.0, START))
        connection.execute("DELETE FROM kept_changes")
    kept._snapshot = "900000000:900000001:"  # as of a database in which more had happened
    (rows,) = await kept.read(Wanted(RESTORES, START))
    assert joined(rows).columns["minutes"].tolist() == [1.0]


def _triggered(url: str) -> Iterator[tuple[str, str]]:
    query = """
    SELECT event_object_table, event_manipulation FROM information_schema.triggers WHERE trigger_name LIKE 'note_%'
    """
    with psycopg.connect(url) as connection:
        yield from connection.execute(query).fetchall()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_whatever_is_kept_is_watched(database_url: str, kept: KeptRows, table: KeptTable) -> None:
    """Each kept table can be read, and whatever changes the table behind it notes that under its name."""
    watched = set(_triggered(database_url))
    (parts,) = await kept.read(Wanted(table))
    assert joined(parts).group.size == 0
    behind = {name for name, _ in watched if f"FROM {name}" in table.source or f"JOIN {name}" in table.source}
    assert behind or table is CLOSINGS
    for name in behind:
        assert {(name, event) for event in ("INSERT", "UPDATE", "DELETE")} <= watched
    with psycopg.connect(database_url) as connection:
        functions = connection.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE 'dpp_note%'").fetchall()
    assert any(f"'{table.name}'" in source for (source,) in functions)


async def test_old_marks_are_forgotten(database_url: str) -> None:
    """Marks of more than ten minutes do not pile up while others come."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO kept_changes SELECT 'restores', 1, 1, now() - interval '11 minutes' "
            "FROM generate_series(1, 500)"
        )
        for number in range(1500):
            connection.execute(_RESTORE, (f"{number}", f"{number}", START, START, 1.0, START))
        (old,) = connection.execute(
            "SELECT count(*) FROM kept_changes WHERE noted_at < now() - interval '10 minutes'"
        ).fetchone() or (None,)
    # One in a hundred who note changes forgets old ones: that none of 1500 does is as likely as 1 in 3 million.
    assert old == 0
