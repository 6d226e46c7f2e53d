"""Who contributed in a window: counted months, days and hours, and the events at its edges (decision 0031).

Counts are about the streams that things have now. As of an earlier moment some had others: these are taken out of the
counts and added with what they had then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from dpp.adapters.postgres.selections import condition, values
from dpp.application.views import View, Window

PEER = "event_type = 'review_submitted' AND reviewer_hash <> author_hash AND NOT reviewer_is_bot"

_HOUR = timedelta(hours=1)
_JUST_AFTER = timedelta(microseconds=1)
_THIRD_DAYS = 10


class Part(NamedTuple):
    """Counts of whole months, thirds of months, days or hours that lie in ``[start, end)``."""

    part: str
    start: datetime
    end: datetime


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _third(moment: datetime) -> datetime:
    return _month(moment) + timedelta(days=_THIRD_DAYS * min(2, (moment.day - 1) // _THIRD_DAYS))


def _month(moment: datetime) -> datetime:
    return _day(moment).replace(day=1)


#: Each kind of part with where one begins, and a step that leads from there into the next one.
_LEVELS: tuple[tuple[str, Callable[[datetime], datetime], timedelta], ...] = (
    ("hour", _hour, _HOUR),
    ("day", _day, timedelta(days=1)),
    ("third", _third, timedelta(days=11)),
    ("month", _month, timedelta(days=31)),
)


def parts(start: datetime, end: datetime) -> Iterator[Part]:
    """Divide the time between two whole hours, in UTC, into as few parts as there can be; nothing when it is empty."""
    for (part, _, _), (_, begin, step) in pairwise(_LEVELS):
        first, last = _next(start, begin, step), begin(end)
        if first >= last:
            yield from _unless_empty(part, start, end)
            return
        yield from _unless_empty(part, start, first)
        yield from _unless_empty(part, last, end)
        start, end = first, last
    yield from _unless_empty("month", start, end)


def _next(moment: datetime, begin: Callable[[datetime], datetime], step: timedelta) -> datetime:
    """Return the first beginning that is not before a moment."""
    here = begin(moment)
    return moment if here == moment else begin(here + step)


def _unless_empty(part: str, start: datetime, end: datetime) -> Iterator[Part]:
    if start < end:
        yield Part(part, start, end)


def _events(table: str, columns: str, *, by: str, streams: str, where: str) -> str:
    """Return the statement that reads the events at the edges through the index on a stream and the time."""
    when = "event_timestamp >= edge.start_at AND event_timestamp < edge.end_at"
    return f"""
    SELECT {columns} FROM edge JOIN {table} ON {by} IS NULL AND {when} AND {where}
    UNION ALL
    SELECT {columns} FROM edge CROSS JOIN {streams} JOIN {table} ON {by} = {streams}.stream_id AND {when} AND {where}
    """  # noqa: S608 - constants


def _thing(of: str) -> str:
    """Return the look-up of a thing's streams; the offset makes the planner do it thing by thing."""
    return f"""LATERAL (
        SELECT delivery_stream_id, tech_stream_ids FROM contributions AS kept WHERE kept.thing = {of} OFFSET 0
    ) AS thing"""  # noqa: S608 - constants


_CODE = _events(
    "pr_events",
    f"repo_id, pr_number, CASE WHEN NOT author_is_bot THEN author_hash END AS author,"
    f" CASE WHEN {PEER} THEN reviewer_hash END AS reviewer",
    by="pr_events.tech_stream_id",
    streams="tech_streams",
    where="true",
)
_ASSIGNED = _events(
    "work_item_events",
    "issue_id, assignee_hash",
    by="work_item_events.delivery_stream_id",
    streams="delivery_streams",
    where="assignee_hash IS NOT NULL",
)
_CONTRIBUTIONS = f"""
WITH edge AS MATERIALIZED (
    SELECT * FROM unnest(%(edge_starts)s::timestamptz[], %(edge_ends)s::timestamptz[]) AS one (start_at, end_at)
), party AS MATERIALIZED (
    SELECT DISTINCT ON (party) party, delivery_stream_id, tech_stream_ids, person FROM contribution_parties
    WHERE true{{shown}}
), moved AS MATERIALIZED (
    SELECT issue_id, issue_id = thing AS is_ticket, delivery_stream_id, tech_stream_ids, one.person, one.mentions,
        one.reviews
    FROM contributions AS changed CROSS JOIN LATERAL (
        SELECT person, count(*) AS mentions, sum(reviews) AS reviews
        FROM unnest(moments, people, reviews) AS told (at, person, reviews)
        WHERE at >= %(start)s AND at < %(end)s GROUP BY person
    ) AS one
    WHERE first_at < held_from AND held_from > %(as_of)s AND first_at < %(end)s
), counted AS (
    SELECT delivery_stream_id, tech_stream_ids, person, mentions, reviews FROM (
        SELECT count.party, sum(count.mentions) AS mentions, sum(count.reviews) AS reviews
        FROM unnest(%(parts)s::text[], %(part_starts)s::timestamptz[], %(part_ends)s::timestamptz[])
            AS wanted (part, start_at, end_at)
        JOIN contribution_counts AS count
            ON count.part = wanted.part AND count.begins >= wanted.start_at AND count.begins < wanted.end_at
        GROUP BY count.party
    ) AS sums JOIN party USING (party)
    UNION ALL
    SELECT delivery_stream_id, tech_stream_ids, person, mentions, reviews
    FROM (
        SELECT thing.delivery_stream_id, thing.tech_stream_ids, role.person, 1 AS mentions, role.reviews
        FROM ({_CODE}) AS event
        CROSS JOIN {_thing("event.repo_id || '/' || event.pr_number")}
        CROSS JOIN LATERAL (VALUES (event.author, 0), (event.reviewer, 1)) AS role (person, reviews)
        WHERE role.person IS NOT NULL
        UNION ALL
        SELECT thing.delivery_stream_id, thing.tech_stream_ids, event.assignee_hash, 1, 0
        FROM ({_ASSIGNED}) AS event CROSS JOIN {_thing("event.issue_id")}
        UNION ALL
        SELECT delivery_stream_id, tech_stream_ids, person, -mentions, -reviews FROM moved
        UNION ALL
        SELECT held.delivery_stream_id, CASE WHEN is_ticket THEN held.tech_stream_ids ELSE moved.tech_stream_ids END,
            person, mentions, reviews
        FROM moved LEFT JOIN LATERAL (
            SELECT true AS is_known, delivery_stream_id, tech_stream_ids FROM work_item_attributions AS span
            WHERE span.issue_id = moved.issue_id AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
        ) AS held ON true
        WHERE is_known OR NOT is_ticket
    ) AS one
    WHERE true{{shown}}
)
SELECT delivery_stream_id, tech_stream_ids, array_agg(person), array_agg(reviews)
FROM (
    SELECT delivery_stream_id, tech_stream_ids, person, sum(reviews)::bigint AS reviews FROM counted
    GROUP BY delivery_stream_id, tech_stream_ids, person HAVING sum(mentions) > 0
) AS found
GROUP BY delivery_stream_id, tech_stream_ids
"""  # noqa: S608 - constants


def asked(view: View, window: Window) -> tuple[bytes, dict[str, Any]]:
    """Return the statement for a window, and its parameters.

    Its rows are of one group of streams each: the delivery stream, the technology streams, and one after the other the
    people and the numbers of their reviews.
    """
    start = window.start.astimezone(UTC)
    end = min(window.end, view.as_of + _JUST_AFTER).astimezone(UTC)
    first, last = _next(start, _hour, _HOUR), _hour(end)
    whole = list(parts(first, last)) if first < last else []
    edges = [(start, first), (last, end)] if first < last else [(start, end)]
    return _CONTRIBUTIONS.replace("{shown}", condition(view)).encode(), values(view) | {
        "start": start,
        "end": end,
        "edge_starts": [edge[0] for edge in edges if edge[0] < edge[1]],
        "edge_ends": [edge[1] for edge in edges if edge[0] < edge[1]],
        "parts": [part.part for part in whole],
        "part_starts": [part.start for part in whole],
        "part_ends": [part.end for part in whole],
    }
