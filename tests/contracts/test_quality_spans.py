"""What the database counts while spans of §5.6 come and go, against counting them one by one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.quality import QualityRate

pytestmark = pytest.mark.anyio

START = datetime(2023, 11, 20, tzinfo=UTC)
DAYS = 500
RATES = (QualityRate.TICKET_STREAM_TAGGING, QualityRate.DEPLOYMENT_TRACEABILITY)
STREAMS = (None, UUID(int=1), UUID(int=2))
TECH = UUID(int=3)
_INSERT = "INSERT INTO quality_spans VALUES (%s, %s, %s, %s, %s, %s, %s)"
_NAIVE = """
SELECT rate, count(*) FILTER (WHERE is_complete), count(*) FROM quality_spans
WHERE valid_from <= %(at)s AND valid_to > %(at)s
    AND (%(delivery)s::uuid IS NULL OR delivery_stream_id = %(delivery)s)
    AND (%(tech)s::uuid IS NULL OR %(tech)s = ANY (tech_stream_ids))
GROUP BY rate
"""


def _spans(count: int, *, seed: int) -> list[tuple[object, ...]]:
    draw = random.Random(seed)
    spans: list[tuple[object, ...]] = []
    for thing in range(count):
        begun = START + timedelta(minutes=draw.randrange(DAYS * 1440))
        ended = begun + timedelta(minutes=draw.randrange(1, 90 * 1440))
        streams = draw.choice(STREAMS), draw.choice(([], [TECH]))
        spans.append((draw.choice(RATES).value, str(thing), *streams, draw.random() < 0.5, begun, ended))
    # Half of them have not ended; one began before all counting, on the first instant of a month and of a year.
    spans = [(*span[:6], "infinity") if draw.random() < 0.5 else span for span in spans]
    new_year = datetime(2024, 1, 1, tzinfo=UTC)
    return [
        *spans,
        (RATES[0].value, "early", None, [], True, "-infinity", new_year),
        (*spans[0][:5], new_year, "infinity"),
    ]


def _moments() -> list[datetime]:
    edges = [datetime(2024, month, day, tzinfo=UTC) for month in (1, 2, 3) for day in (1, 11, 21, 29)]
    return [START - timedelta(days=1), START, *edges, *(edge - timedelta(microseconds=1) for edge in edges)]


async def _check(url: str) -> int:
    """Compare every view at every moment; return how many shares there were."""
    found = 0
    async with Database(url) as database:
        reader = PostgresMetricsReader(kept=KeptRows(database=database))
        with psycopg.connect(url) as connection:
            for at in [*_moments(), START + timedelta(days=DAYS // 2, hours=7), START + timedelta(days=2 * DAYS)]:
                for delivery, tech in ((None, None), (STREAMS[1], None), (STREAMS[2], TECH)):
                    asked = {"at": at, "delivery": delivery, "tech": tech}
                    told = {row[0]: row[1:] for row in connection.execute(_NAIVE, asked).fetchall()}
                    view = View(
                        scope=StreamScope.everything(), as_of=at, delivery_stream_id=delivery, tech_stream_id=tech
                    )
                    assert told == {rate.value: tuple(share) for rate, share in (await reader.quality(view)).items()}
                    found += len(told)
    return found


@pytest.mark.parametrize("batch", [1, 40])
async def test_counts_are_those_of_the_spans(database_url: str, batch: int) -> None:
    """However many spans come and go at a time, every view at every moment has the shares that counting them gives."""
    spans = _spans(300, seed=batch)
    with psycopg.connect(database_url) as connection:
        for first in range(0, len(spans), batch):
            with connection.transaction():
                connection.cursor().executemany(_INSERT, spans[first : first + batch])
        connection.execute("DELETE FROM quality_spans WHERE thing LIKE '%%7' OR thing = 'early'", [])
    assert 0 < await _check(database_url)


async def test_what_is_counted_is_put_together(database_url: str) -> None:
    """After many changes there are no more counts than groups and a thousand; all of them go with the spans."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for span in _spans(500, seed=3):
            connection.execute(_INSERT, span)
        counts, groups, fresh = connection.execute(
            "SELECT count(*), count(DISTINCT (rate, part, begins, delivery_stream_id, tech_stream_ids)),"
            " count(*) FILTER (WHERE is_fresh) FROM quality_counts"
        ).fetchone() or (0, 0, 0)
        assert counts <= groups + 1_000 + 6
        assert fresh < 1_006
        connection.execute("TRUNCATE quality_spans")
        assert (0,) == connection.execute("SELECT count(*) FROM quality_counts").fetchone()
