"""Rows about defects and reviews: one question, one statement, at a cost that depends on the window.

Events of a window are found stream by stream, as the indexes of §4.3 have them, since those know no time without a
stream. What is of no stream is looked for beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dpp.adapters.postgres.engine import Database
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


def held(of: str) -> str:
    """Return the look-up of a ticket's streams at the moment; the limit makes the planner do it ticket by ticket."""
    return f"""LATERAL (
        SELECT span.issue_id, span.ticket_id, span.delivery_stream_id, span.tech_stream_ids
        FROM work_item_attributions AS span
        WHERE span.issue_id = {of} AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
    ) AS held"""  # noqa: S608 - constants


# The events of a defect are found by the keys that its ticket ever had: they are indexed, the identity is not.
_OF_DEFECT = """
    FROM ticket_keys AS key JOIN defect_events AS event ON event.ticket_id = key.ticket_id
    WHERE key.issue_id = touched.issue_id AND event.issue_id = touched.issue_id AND event.event_timestamp <= %(as_of)s
"""
_EVERY_DEFECT = f"""
WITH touched AS (
    SELECT issue_id, max(event_timestamp) AS last_at FROM (
    {in_window("defect_events", "issue_id, event_timestamp", by="tech_stream_id", streams="tech_streams")}
    ) AS event
    GROUP BY issue_id
), defect AS (
    SELECT coalesce(held.ticket_id, latest.ticket_id) AS ticket_id, touched.last_at, latest.found_in_stage,
        latest.introduced_in_stage, latest.linked_work_item_id, logged.at AS logged_at,
        CASE WHEN held.issue_id IS NULL THEN latest.delivery_stream_id ELSE held.delivery_stream_id END
            AS delivery_stream_id,
        coalesce(held.tech_stream_ids, array_remove(ARRAY[latest.tech_stream_id], NULL)) AS tech_stream_ids
    FROM touched
    CROSS JOIN LATERAL (
        SELECT event.* {_OF_DEFECT}
        ORDER BY event.event_timestamp DESC,
            array_position(ARRAY[{", ".join(f"'{word}'" for word in LAST_WORD)}], event.event_type) DESC,
            event.event_id DESC
        LIMIT 1
    ) AS latest
    CROSS JOIN LATERAL (
        SELECT coalesce(
            min(event.event_timestamp) FILTER (WHERE event.event_type = '{LAST_WORD[0]}'), min(event.event_timestamp)
        ) AS at {_OF_DEFECT}
    ) AS logged
    LEFT JOIN {held("touched.issue_id")} ON true
)
SELECT {{columns}}
FROM defect
LEFT JOIN LATERAL (
    SELECT stay.stage
    FROM (
        SELECT key.issue_id FROM ticket_keys AS key LEFT JOIN work_items AS item USING (issue_id)
        WHERE key.ticket_id = defect.linked_work_item_id
        ORDER BY item.ticket_id IS DISTINCT FROM key.ticket_id, item.ticket_id IS NULL, key.issue_id COLLATE "C" LIMIT 1
    ) AS named
    JOIN work_item_stays AS stay ON stay.issue_id = named.issue_id
    WHERE stay.entered_at <= defect.logged_at AND stay.left_at > defect.logged_at
        AND stay.stage NOT IN ('deleted', 'unmapped')
    LIMIT 1
) AS parent ON defect.found_in_stage = '{UNKNOWN_STAGE}'
WHERE true{{shown}}
"""  # noqa: S608 - constants


def every_defect(columns: str) -> str:
    """Return the statement that reads the window's defects; columns of ``defect`` and ``FOUND_AND_MADE`` are there."""
    return _EVERY_DEFECT.replace("{columns}", columns)


FOUND_AND_MADE = "coalesce(parent.stage, defect.found_in_stage), defect.introduced_in_stage"
_DEFECTS = every_defect(FOUND_AND_MADE)

_ENDED = """
    SELECT repo_id, pr_number, closed_at, first_review_at FROM pr_cycles
    WHERE closed_at >= %(start)s AND closed_at < %(end)s AND closed_at <= %(as_of)s
"""
OF_PULL_REQUEST = "event.repo_id = one.repo_id AND event.pr_number = one.pr_number"
# What was closed in the window, and has been opened, closed or merged again after the moment: its row tells of that.
_ENDED_THEN = f"""
    SELECT one.repo_id, one.pr_number, last.closed_at, (
        SELECT min(event.event_timestamp) FROM pr_events AS event
        WHERE {OF_PULL_REQUEST} AND event.event_type = 'review_submitted' AND event.event_timestamp <= %(as_of)s
            AND event.reviewer_hash <> event.author_hash AND NOT event.reviewer_is_bot
    )
    FROM (
        SELECT repo_id, pr_number FROM (
        {
    in_window(
        "pr_events", "repo_id, pr_number", by="tech_stream_id", streams="tech_streams", where="event_type = 'closed'"
    )
}
        ) AS closed
        EXCEPT SELECT repo_id, pr_number FROM ended
    ) AS one
    CROSS JOIN LATERAL (
        SELECT min(event.event_timestamp) AS closed_at FROM pr_events AS event
        WHERE {OF_PULL_REQUEST} AND event.event_type = 'closed' AND event.event_timestamp <= %(as_of)s
            AND event.event_timestamp >= coalesce((
                SELECT max(event.event_timestamp) FROM pr_events AS event
                WHERE {OF_PULL_REQUEST} AND event.event_type = 'opened' AND event.event_timestamp <= %(as_of)s
            ), '-infinity')
            AND event.event_timestamp > coalesce((
                SELECT max(event.event_timestamp) FROM pull_request_facts AS event
                WHERE {OF_PULL_REQUEST} AND event.event_type = 'reopened' AND event.event_timestamp <= %(as_of)s
            ), '-infinity')
    ) AS last
    WHERE last.closed_at >= %(start)s AND last.closed_at < %(end)s AND NOT EXISTS (
        SELECT FROM pr_events AS event
        WHERE {OF_PULL_REQUEST} AND event.event_type = 'merged' AND event.event_timestamp <= %(as_of)s
    )
"""  # noqa: S608 - constants


def every_ended(*, is_live: bool) -> str:
    """Return the expression ``every``: the pull requests that ended in the window, as known at the moment."""
    then = "" if is_live else f"UNION ALL {_ENDED_THEN}"
    return f"WITH ended AS ({_ENDED}), every AS (SELECT * FROM ended {then})"  # noqa: S608 - constants


def _review_hours(*, is_live: bool) -> str:
    return f"""
    {every_ended(is_live=is_live)}, shown AS (
        SELECT every.first_review_at, request.opened_at, held.delivery_stream_id,
            array_remove(ARRAY[request.tech_stream_id], NULL) AS tech_stream_ids
        FROM every JOIN pull_requests AS request USING (repo_id, pr_number)
        LEFT JOIN {held("request.linked_issue_id")} ON true
    )
    SELECT CASE WHEN first_review_at >= opened_at AND first_review_at <= %(as_of)s THEN
        (extract(epoch FROM first_review_at) * 1000000)::bigint - (extract(epoch FROM opened_at) * 1000000)::bigint
    END
    FROM shown WHERE true{{shown}}
    """  # noqa: S608 - constants


_REVIEW_HOURS = _review_hours(is_live=True)
_REVIEW_HOURS_THEN = _review_hours(is_live=False)

_CODE_COLUMNS = "repo_id, pr_number, event_type, author_hash, author_is_bot, reviewer_hash, reviewer_is_bot"
PEER = "event_type = 'review_submitted' AND reviewer_hash <> author_hash AND NOT reviewer_is_bot"
# People are gathered by pull request and by ticket first, so that streams are looked up once for each of these.
_CONTRIBUTIONS = f"""
WITH code AS MATERIALIZED (
    SELECT repo_id, pr_number, author, reviewer, count(reviewer) AS reviews
    FROM (
        SELECT repo_id, pr_number, CASE WHEN NOT author_is_bot THEN author_hash END AS author,
            CASE WHEN {PEER} THEN reviewer_hash END AS reviewer
        FROM ({in_window("pr_events", _CODE_COLUMNS, by="tech_stream_id", streams="tech_streams")}) AS event
    ) AS told
    GROUP BY repo_id, pr_number, author, reviewer
), assigned AS MATERIALIZED (
    SELECT DISTINCT issue_id, assignee_hash FROM (
    {in_window(
        "work_item_events", "issue_id, assignee_hash", by="delivery_stream_id", streams="delivery_streams",
        where="assignee_hash IS NOT NULL",
    )}
    ) AS event
), request AS MATERIALIZED (
    SELECT repo_id, pr_number, delivery_stream_id, tech_stream_ids
    FROM (
        SELECT repo_id, pr_number, held.delivery_stream_id,
            array_remove(ARRAY[pull_requests.tech_stream_id], NULL) AS tech_stream_ids
        FROM (SELECT DISTINCT repo_id, pr_number FROM code) AS one JOIN pull_requests USING (repo_id, pr_number)
        LEFT JOIN {held("pull_requests.linked_issue_id")} ON true
    ) AS every
    WHERE true{{shown}}
), ticket AS MATERIALIZED (
    SELECT issue_id, delivery_stream_id, tech_stream_ids
    FROM (
        SELECT held.* FROM (SELECT DISTINCT issue_id FROM assigned) AS one CROSS JOIN {held("one.issue_id")}
    ) AS every
    WHERE true{{shown}}
)
SELECT delivery_stream_id, tech_stream_ids, person, sum(reviews)::bigint
FROM (
    SELECT delivery_stream_id, tech_stream_ids, role.person, role.reviews
    FROM code JOIN request USING (repo_id, pr_number)
    CROSS JOIN LATERAL (VALUES (author, 0), (reviewer, code.reviews)) AS role (person, reviews)
    WHERE role.person IS NOT NULL
    UNION ALL
    SELECT delivery_stream_id, tech_stream_ids, assignee_hash, 0 FROM assigned JOIN ticket USING (issue_id)
) AS contribution
GROUP BY delivery_stream_id, tech_stream_ids, person
"""  # fmt: skip  # noqa: S608 - constants

_MICROS_PER_HOUR = 3_600_000_000


class PostgresDiagnosticsReader(DiagnosticsReader):
    """Reads events through the derived tables."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def defects(self, view: View, *, window: Window) -> Sequence[FoundDefect]:
        """Return every defect with an event in the window."""
        return [FoundDefect(*row) for row in await self._rows(_DEFECTS, view, window)]

    async def review_hours(self, view: View, *, window: Window) -> FloatArray:
        """Return the hours to the first review; about the present the derived rows know everything."""
        rows = await self._rows(_REVIEW_HOURS if view.is_live else _REVIEW_HOURS_THEN, view, window)
        # numpy makes nan of None.
        return np.array([row[0] for row in rows], dtype=np.float64) / _MICROS_PER_HOUR

    async def contributions(self, view: View, *, window: Window) -> Sequence[Contribution]:
        """Return who contributed in the window."""
        rows = await self._rows(_CONTRIBUTIONS, view, window)
        return [Contribution(delivery, tuple(tech), person, reviews) for delivery, tech, person, reviews in rows]

    async def _rows(self, query: str, view: View, window: Window) -> list[tuple[Any, ...]]:
        parameters = values(view) | {"start": window.start, "end": window.end}
        async with self._database.transaction() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), parameters)
            return await cursor.fetchall()
