"""What the database counts while contributions come, change and go, against counting them one by one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

START = datetime(2023, 11, 20, tzinfo=UTC)
STREAMS = (None, UUID(int=1), UUID(int=2))
_SAVE = """
INSERT INTO contributions (thing, delivery_stream_id, tech_stream_ids, held_from, first_at, moments, people, reviews)
VALUES (%s, %s, %s, '-infinity', %s, %s, %s, %s)
ON CONFLICT (thing) DO UPDATE SET delivery_stream_id = excluded.delivery_stream_id, moments = excluded.moments,
    people = excluded.people, reviews = excluded.reviews
"""
_COUNTED = """
SELECT part, begins, delivery_stream_id, person, sum(mentions), sum(reviews)
FROM contribution_counts JOIN (SELECT DISTINCT * FROM contribution_parties) AS party USING (party)
GROUP BY part, begins, delivery_stream_id, person HAVING sum(mentions) <> 0 OR sum(reviews) <> 0
"""


class _Thing(NamedTuple):
    name: str
    stream: UUID | None
    told: Sequence[tuple[datetime, str, int]]

    def save(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        columns = [list(column) for column in zip(*self.told, strict=True)] or [[], [], []]
        connection.execute(_SAVE, (self.name, self.stream, [], START, *columns))


def _thing(number: int, draw: random.Random) -> _Thing:
    told = [
        (START + timedelta(minutes=draw.randrange(90 * 1440)), f"p{draw.randrange(5)}", draw.randrange(2))
        for _ in range(draw.randrange(6))
    ]
    return _Thing(str(number), draw.choice(STREAMS), told)


def _begins(at: datetime) -> dict[str, datetime]:
    day = at.replace(hour=0, minute=0)
    third = day.replace(day=1) + timedelta(days=10 * min(2, (at.day - 1) // 10))
    return {"month": day.replace(day=1), "third": third, "day": day, "hour": at.replace(minute=0)}


def _told(things: Sequence[_Thing]) -> set[tuple[object, ...]]:
    mentions: Counter[tuple[object, ...]] = Counter()
    reviews: Counter[tuple[object, ...]] = Counter()
    for thing in things:
        for at, person, reviewed in thing.told:
            for part, begins in _begins(at).items():
                mentions[part, begins, thing.stream, person] += 1
                reviews[part, begins, thing.stream, person] += reviewed
    return {(*key, count, reviews[key]) for key, count in mentions.items()}


@pytest.mark.parametrize("things", [40, 1_500])
def test_counts_are_those_of_the_contributions(database_url: str, things: int) -> None:
    """Added, changed, moved between streams and deleted, once with so many that counts are put together."""
    draw = random.Random(things)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        known = {number: _thing(number, draw) for number in range(things)}
        with connection.transaction():
            for thing in known.values():
                thing.save(connection)
        for number in range(0, things, 7):
            known[number] = _thing(number, draw)
            known[number].save(connection)
        gone = [str(known.pop(number).name) for number in range(3, things, 11)]
        connection.execute("DELETE FROM contributions WHERE thing = ANY (%s)", [gone])
        found = {tuple(row) for row in connection.execute(_COUNTED).fetchall()}
        fresh = connection.execute("SELECT count(*) FROM contribution_counts WHERE is_fresh").fetchone()
        connection.execute("TRUNCATE contributions")
        left = connection.execute(
            "SELECT (SELECT count(*) FROM contribution_counts) + (SELECT count(*) FROM contribution_parties)"
        ).fetchone()
    assert _told(list(known.values())) == found
    assert fresh is not None
    assert fresh[0] < 4_100
    assert (0,) == left
