"""Rows about defects and reviews: one question, one statement, at a cost that depends on the window.

Events of a window are found stream by stream, as the indexes of §4.3 have them, since those know no time without a
stream. What is of no stream is looked for beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dpp.adapters.postgres import contributions
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_defects import found_defects
from dpp.adapters.postgres.kept_pull_requests import review_hours
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.parent_stage import stage_of
from dpp.adapters.postgres.selections import condition, values
from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.defects import LAST_WORD, UNKNOWN_STAGE, FoundDefect
from dpp.domain.small_teams import Contribution

_WHEN = "event_timestamp >= %(start)s AND event_timestamp < %(end)s AND event_timestamp <= %(as_of)s"


def in_window(table: str, columns: str, *, by: str, streams: str, where: str = "true") -> str:
    """Return the statement that reads the events of the window through the index on a stream and the time."""
    return f"""
    SELECT {columns} FROM {table} WHERE {by} IS NULL AND {_WHEN} AND {where}
    UNION ALL
    SELECT {columns} FROM {table} WHERE {by} = ANY (ARRAY(SELECT stream_id FROM {streams})) AND {_WHEN} AND {where}
    """  # noqa: S608 - constants


def held(of: str, columns: str = "issue_id, ticket_id, delivery_stream_id, tech_stream_ids") -> str:
    """Return the look-up of a ticket's streams at the moment; the limit makes the planner do it ticket by ticket."""
    return f"""LATERAL (
        SELECT {columns} FROM work_item_attributions AS span
        WHERE span.issue_id = {of} AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
    ) AS held"""  # noqa: S608 - constants


# Streams come first, so that only for defects that are shown everything else is looked up. Before its ticket has any, a
# defect is of the streams that came with its latest event.
_EVERY_DEFECT = f"""
WITH touched AS MATERIALIZED (
    SELECT issue_id, max(event_timestamp) AS last_at FROM (
    {in_window("defect_events", "issue_id, event_timestamp", by="tech_stream_id", streams="tech_streams")}
    ) AS event
    GROUP BY issue_id
), known AS MATERIALIZED (
    SELECT touched.issue_id, touched.last_at, held.issue_id IS NOT NULL AS is_placed, held.ticket_id,
        held.delivery_stream_id, held.tech_stream_ids
    FROM touched LEFT JOIN {held("touched.issue_id")} ON true
), placed AS (
    SELECT * FROM known WHERE is_placed{{shown}}
    UNION ALL
    SELECT * FROM known WHERE NOT is_placed
), defect AS (
    SELECT coalesce(placed.ticket_id, latest.ticket_id) AS ticket_id, placed.last_at, latest.found_in_stage,
        latest.introduced_in_stage, latest.linked_work_item_id, latest.logged_at,
        CASE WHEN is_placed THEN placed.delivery_stream_id ELSE latest.delivery_stream_id END AS delivery_stream_id,
        CASE WHEN is_placed THEN placed.tech_stream_ids ELSE array_remove(ARRAY[latest.tech_stream_id], NULL) END
            AS tech_stream_ids
    FROM placed CROSS JOIN LATERAL (
        SELECT event.*, coalesce(
            min(event_timestamp) FILTER (WHERE event_type = '{LAST_WORD[0]}') OVER story,
            min(event_timestamp) OVER story
        ) AS logged_at
        FROM (
            SELECT ticket_id, found_in_stage, introduced_in_stage, linked_work_item_id, delivery_stream_id,
                tech_stream_id, event_timestamp, event_type, event_id
            FROM defect_events AS kept
            WHERE kept.issue_id = placed.issue_id AND kept.event_timestamp <= %(as_of)s OFFSET 0
        ) AS event
        WINDOW story AS ()
        ORDER BY event_timestamp DESC,
            array_position(ARRAY[{", ".join(f"'{word}'" for word in LAST_WORD)}], event_type) DESC, event_id DESC
        LIMIT 1
    ) AS latest
)
SELECT {{columns}}
FROM defect
LEFT JOIN LATERAL ({stage_of("defect.linked_work_item_id", at="defect.logged_at")}) AS parent
    ON defect.found_in_stage = '{UNKNOWN_STAGE}'
WHERE true{{shown}}
"""  # noqa: S608 - constants


def every_defect(columns: str) -> str:
    """Return the statement that reads the window's defects; columns of ``defect`` and ``FOUND_AND_MADE`` are there."""
    return _EVERY_DEFECT.replace("{columns}", columns)


FOUND_AND_MADE = "coalesce(parent.stage, defect.found_in_stage), defect.introduced_in_stage"


class PostgresDiagnosticsReader(DiagnosticsReader):
    """Reads events through the derived tables, or rows of both that are kept."""

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = kept

    async def defects(self, view: View, *, window: Window) -> Sequence[FoundDefect]:
        """Return every defect with an event in the window."""
        return await found_defects(self._database, self._kept, view, window=window)

    async def review_hours(self, view: View, *, window: Window) -> FloatArray:
        """Return the hours to the first review."""
        return await review_hours(self._database, self._kept, view, window=window)

    async def contributions(self, view: View, *, window: Window) -> Sequence[Contribution]:
        """Return who contributed in the window."""
        statement, parameters = contributions.asked(view, window)
        async with self._database.reading() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(statement, parameters)
            rows = await cursor.fetchall()
        return [
            Contribution(delivery, tech, person, reviews)
            for delivery, some, people, counts in rows
            for tech in (tuple(some),)
            for person, reviews in zip(people, counts, strict=True)
        ]

    async def _rows(self, query: str, view: View, window: Window) -> list[tuple[Any, ...]]:
        parameters = values(view) | {"start": window.start, "end": window.end}
        async with self._database.reading() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), parameters)
            return await cursor.fetchall()
