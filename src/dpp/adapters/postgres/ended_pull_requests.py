"""The pull requests that were merged or closed in a window, as known at a moment, at the cost of those that are shown.

A row tells the streams that a pull request has now. Its delivery stream was another one at an earlier moment if its
ticket has come to it since: these few are known by when that was (decision 0031).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from dpp.adapters.postgres.engine import Database
from dpp.application.views import View, Window

OF_PULL_REQUEST = "event.repo_id = one.repo_id AND event.pr_number = one.pr_number"

_IN_WINDOW = "closed_at >= %(start)s AND closed_at < %(end)s AND closed_at <= %(as_of)s"
_COLUMNS = "repo_id, pr_number, opened_at, closed_at, first_review_at, tech_stream_id"
_HELD = """LATERAL (
    SELECT span.delivery_stream_id FROM work_item_attributions AS span
    WHERE span.issue_id = {of} AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
) AS held"""

_ENDED = f"""
ended AS (
    SELECT {_COLUMNS}, delivery_stream_id FROM pr_cycles WHERE {_IN_WINDOW}{{shown}}
)
"""  # noqa: S608 - constants
_ENDED_BY_STREAM = f"""
moved AS MATERIALIZED (
    SELECT thing.repo_id, thing.pr_number, held.delivery_stream_id
    FROM contributions AS thing LEFT JOIN {_HELD.format(of="thing.issue_id")} ON true
    WHERE thing.first_at < thing.held_from AND thing.held_from > %(as_of)s AND thing.first_at <= %(as_of)s
        AND thing.repo_id IS NOT NULL
), ended AS (
    SELECT {_COLUMNS}, delivery_stream_id FROM pr_cycles AS one
    WHERE {_IN_WINDOW} AND NOT EXISTS (
        SELECT FROM moved WHERE moved.repo_id = one.repo_id AND moved.pr_number = one.pr_number
    ){{shown}}
    UNION ALL
    SELECT {_COLUMNS}, delivery_stream_id
    FROM (SELECT {_COLUMNS} FROM pr_cycles) AS one JOIN moved USING (repo_id, pr_number) WHERE {_IN_WINDOW}{{shown}}
)
"""  # noqa: S608 - constants

# What was closed in the window, and has been opened, closed or merged again after the moment: its row tells of that.
_CLOSED = """
    SELECT repo_id, pr_number FROM pr_events
    WHERE event_type = 'closed' AND event_timestamp >= %(start)s AND event_timestamp < %(end)s
        AND event_timestamp <= %(as_of)s
    EXCEPT SELECT repo_id, pr_number FROM ended
"""
_ENDED_THEN = f"""
    SELECT one.repo_id, one.pr_number, request.opened_at, last.closed_at, (
        SELECT min(event.event_timestamp) FROM pr_events AS event
        WHERE {OF_PULL_REQUEST} AND event.event_type = 'review_submitted' AND event.event_timestamp <= %(as_of)s
            AND event.reviewer_hash <> event.author_hash AND NOT event.reviewer_is_bot
    ) AS first_review_at, request.tech_stream_id, held.delivery_stream_id
    FROM ({{closed}}) AS one
    CROSS JOIN LATERAL (
        SELECT opened_at, tech_stream_id, linked_issue_id FROM pull_requests AS kept
        WHERE kept.repo_id = one.repo_id AND kept.pr_number = one.pr_number OFFSET 0
    ) AS request
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
    LEFT JOIN {_HELD.format(of="request.linked_issue_id")} ON true
    WHERE last.closed_at >= %(start)s AND last.closed_at < %(end)s AND NOT EXISTS (
        SELECT FROM pr_events AS event
        WHERE {OF_PULL_REQUEST} AND event.event_type = 'merged' AND event.event_timestamp <= %(as_of)s
    )
"""  # noqa: S608 - constants


_EARLIER = f"""
SELECT opened_at, first_review_at, delivery_stream_id, tech_stream_id
FROM ({
    _ENDED_THEN.replace(
        "{closed}", "SELECT * FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS asked (repo_id, pr_number)"
    )
}) AS earlier
"""  # noqa: S608 - constants


class EarlierEnd(NamedTuple):
    """A pull request that had ended at a moment and went on afterwards, with the streams that it had then."""

    opened_at: datetime
    first_review_at: datetime | None
    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None


async def earlier_ends(
    database: Database, view: View, requests: Sequence[tuple[UUID, int]], *, window: Window
) -> list[EarlierEnd]:
    """Return those of some pull requests that had ended in the window, as known at the view's moment, seen or not.

    Args:
        database: has the events.
        view: has the moment.
        requests: repository and number of those that were closed in the window and whose rows tell of another end.
        window: when they ended.
    """
    asked = {"repositories": [one[0] for one in requests], "numbers": [one[1] for one in requests]}
    moments = {"start": window.start, "end": window.end, "as_of": view.as_of}
    async with database.reading() as connection:
        cursor = await connection.execute(_EARLIER.encode(), asked | moments)
        return [EarlierEnd(*row) for row in await cursor.fetchall()]


def every_ended(view: View, *, shown: str) -> str:
    """Return the expression ``every``: pull requests that ended in the window, as known at the view's moment.

    Its columns are ``repo_id``, ``pr_number``, ``opened_at``, ``closed_at``, ``first_review_at``, ``tech_stream_id``
    and ``delivery_stream_id``; the last is that of the moment only for a view that restricts delivery streams.

    Args:
        view: about the present the derived rows know everything.
        shown: the condition, ``AND …``, on the two streams.
    """
    is_restricted = view.delivery_stream_id is not None or not view.scope.is_all
    ended = (_ENDED_BY_STREAM if is_restricted else _ENDED).replace("{shown}", shown)
    closed = _ENDED_THEN.replace("{closed}", _CLOSED)
    earlier = f"UNION ALL SELECT * FROM ({closed}) AS earlier WHERE true{shown}"  # noqa: S608 - constants
    then = "" if view.is_live else earlier
    columns = f"{_COLUMNS}, delivery_stream_id"
    return f"WITH {ended}, every AS (SELECT {columns} FROM ended {then})"  # noqa: S608 - constants
