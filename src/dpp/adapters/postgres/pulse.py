"""Survey answers and their aggregates on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.intake_rows import as_json
from dpp.adapters.postgres.selections import condition, values
from dpp.adapters.postgres.statements import insert
from dpp.application.pulse_ports import (
    PulseAggregateRow,
    PulseAggregates,
    PulseReader,
    PulseResponse,
    PulseRow,
)
from dpp.application.survey_retention import RawAnswers
from dpp.application.views import View
from dpp.domain.events import Source
from dpp.domain.pulse import Period, ScoreSums

_SCORES = ("pace_score", "tooling_score", "clarity_score")
_KEY = ("survey_period", "respondent_hash", "delivery_stream_id")
#: Not named in an update, the key stands fast; a free text is compared like the empty one where it is missing.
_PRECEDENCE = ", ".join(
    ("{row}.event_timestamp", *(f"{{row}}.{score}" for score in _SCORES), "coalesce({row}.free_text, '') COLLATE \"C\"")
)

_SUBMIT = insert(
    "pulse_responses",
    ("event_id", "source", "received_at", "event_timestamp", *_KEY, *_SCORES, "free_text"),
    then=f"""
    ON CONFLICT (survey_period, respondent_hash, delivery_stream_id) DO UPDATE SET
        event_timestamp = excluded.event_timestamp, received_at = excluded.received_at,
        {", ".join(f"{score} = excluded.{score}" for score in _SCORES)}, free_text = excluded.free_text
    WHERE ({_PRECEDENCE.replace("{row}", "pulse_responses")}) < ({_PRECEDENCE.replace("{row}", "excluded")})
    RETURNING event_id
    """,
)

# Periods are texts of one form, which sort by their bytes as the periods do. Where the answers themselves are gone,
# what they came to stands for them: averages are quotients of whole numbers, so their sums come back exactly.
_ANSWERS = """
WITH answered AS (
    SELECT delivery_stream_id, survey_period, 1 AS responses, pace_score AS pace, tooling_score AS tooling,
        clarity_score AS clarity
    FROM (SELECT *, ARRAY[]::uuid[] AS tech_stream_ids FROM pulse_responses) AS response
    WHERE delivery_stream_id IS NOT NULL
        AND survey_period COLLATE "C" BETWEEN %(first)s AND %(last)s
        AND (survey_period COLLATE "C" <= %(closed)s OR event_timestamp <= %(as_of)s)
        AND NOT EXISTS (
            SELECT FROM pulse_aggregates AS final
            WHERE final.is_final AND final.delivery_stream_id = response.delivery_stream_id
                AND final.survey_period = response.survey_period){shown}
    UNION ALL
    SELECT delivery_stream_id, survey_period, response_count, round(pace_avg * response_count),
        round(tooling_avg * response_count), round(clarity_avg * response_count)
    FROM (SELECT *, ARRAY[]::uuid[] AS tech_stream_ids FROM pulse_aggregates WHERE is_final) AS final
    WHERE survey_period COLLATE "C" BETWEEN %(first)s AND least(%(last)s, %(closed)s){shown}
)
SELECT delivery_stream_id, survey_period, sum(responses), sum(pace), sum(tooling), sum(clarity)
FROM answered
GROUP BY delivery_stream_id, survey_period
ORDER BY survey_period COLLATE "C", delivery_stream_id
"""

_FIELDS = PulseAggregateRow._fields
_ALL = f"""
SELECT {", ".join(_FIELDS)} FROM pulse_aggregates ORDER BY survey_period COLLATE "C", delivery_stream_id
"""  # noqa: S608 - constants
_FORGET = """
DELETE FROM pulse_aggregates AS kept
USING unnest(%s::text[]) AS period
WHERE kept.survey_period = period AND NOT kept.is_final AND NOT EXISTS (
    SELECT FROM unnest(%s::uuid[], %s::text[]) AS stays (stream_id, survey_period)
    WHERE stays.stream_id = kept.delivery_stream_id AND stays.survey_period = kept.survey_period
)
RETURNING kept.delivery_stream_id
"""
_VALUES = (*_FIELDS[2:],)
_KEEP = insert(
    "pulse_aggregates",
    (*_FIELDS, "computed_at"),
    then=f"""
    ON CONFLICT (delivery_stream_id, survey_period) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in (*_VALUES, "computed_at"))}
    WHERE NOT pulse_aggregates.is_final AND ({", ".join(f"pulse_aggregates.{name}" for name in _VALUES)})
        IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _VALUES)})
    RETURNING delivery_stream_id
    """,
)


async def write_answers(connection: Connection, answers: Sequence[PulseResponse]) -> list[PulseResponse]:
    """Write answers, each in the place of an earlier one of the same person, period and stream.

    Args:
        connection: in a transaction.
        answers: one for each key, in the order of their keys, so that two processes with overlapping batches do not
            wait for each other.

    Returns:
        Those that are new or took the place of another one.
    """
    if not answers:
        return []
    cursor = await connection.execute(_SUBMIT, [as_json(map(_row, answers))])
    written = {event_id for (event_id,) in await cursor.fetchall()}
    return [answer for answer in answers if answer.event_id in written]


class PostgresPulse(PulseReader, PulseAggregates, RawAnswers):
    """Reads answers, keeps aggregates, and takes answers away when their time is over."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def answers(self, view: View, *, first: Period, last: Period, closed: Period) -> Sequence[PulseRow]:
        """Return sums of answers."""
        parameters = values(view) | {"first": str(first), "last": str(last), "closed": str(closed)}
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_ANSWERS.replace("{shown}", condition(view)).encode(), parameters)
            return [
                PulseRow(stream, Period.parse(period), ScoreSums(*map(int, sums)))
                for stream, period, *sums in await cursor.fetchall()
            ]

    async def replace(
        self, rows: Sequence[PulseAggregateRow], *, periods: Collection[Period], at: datetime
    ) -> frozenset[UUID]:
        """Make these rows all that there is of some periods."""
        streams, texts = [row.delivery_stream_id for row in rows], [str(row.survey_period) for row in rows]
        kept = [row._asdict() | {"survey_period": str(row.survey_period), "computed_at": at} for row in rows]
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_FORGET, [sorted(map(str, periods)), streams, texts])
            changed = await cursor.fetchall()
            cursor = await connection.execute(_KEEP, [as_json(kept)])
            changed += await cursor.fetchall()
        return frozenset(stream for (stream,) in changed)

    async def expire_answers(self, *, before: datetime) -> int:
        """Delete answers that are old enough, and let their aggregates stand for them."""
        async with self._database.transaction() as connection:
            row = await (await connection.execute("SELECT dpp_expire_answers(%s)", [before])).fetchone()
            return int(row[0]) if row is not None else 0

    async def all(self) -> Sequence[PulseAggregateRow]:
        """Return every row."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_ALL.encode())
            return [
                PulseAggregateRow(*row)._replace(survey_period=Period.parse(row[1])) for row in await cursor.fetchall()
            ]


def _row(response: PulseResponse) -> dict[str, Any]:
    scores = {name: getattr(response, name) for name in _SCORES}
    return scores | {
        "event_id": response.event_id,
        "source": Source.SURVEY,
        "received_at": response.received_at or response.answered_at,
        "event_timestamp": response.answered_at,
        "survey_period": str(response.survey_period),
        "respondent_hash": response.respondent_hash,
        "delivery_stream_id": response.delivery_stream_id,
        "free_text": response.free_text,
    }
