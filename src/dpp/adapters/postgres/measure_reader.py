"""Columns for figures by day: one question, one statement, at a cost that depends on the span and not on the history.

What is of one stream is looked up ticket by ticket (the fences make the planner do that): the stays, completions and
deployments of a span are found by their times, the streams of their tickets by the tickets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from numpy.typing import NDArray
from psycopg.rows import TupleRow

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.parent_stage import stage_of
from dpp.adapters.postgres.unpacking import Kind, Unpacker
from dpp.application.measure_columns import (
    Belonging,
    DefectStep,
    PullRequestStep,
    defect_history,
    known_reviews,
    review_spans,
)
from dpp.application.measure_reader import CycleHistory, DefectHistory, MeasureReader
from dpp.application.measures import StreamKey
from dpp.application.views import Window
from dpp.domain.arrays import IntArray
from dpp.domain.by_day import Known, Lasting
from dpp.domain.calendar import to_micros
from dpp.domain.defects import ESCAPED_TO, LAST_WORD, UNKNOWN_STAGE
from dpp.domain.events import DefectEventType, PullRequestEventType
from dpp.domain.histories import FOREVER
from dpp.domain.metric import Dimension
from dpp.domain.stages import WIP_STAGES

_MICROS = "(extract(epoch FROM {}) * 1000000)::bigint"
_SPAN_ENDS = f"CASE WHEN {{0}} = 'infinity' THEN {FOREVER} ELSE {_MICROS.format('{0}')} END"

#: Whether a span of a ticket's life was the stream's.
_OURS = {
    Dimension.DELIVERY: "coalesce(span.delivery_stream_id = %(stream)s, false)",
    Dimension.TECH: "%(stream)s = ANY (span.tech_stream_ids)",
}
_HELD = """
CROSS JOIN LATERAL (
    SELECT span.valid_from, span.valid_to FROM work_item_attributions AS span
    WHERE span.issue_id = {of}.issue_id AND {ours} OFFSET 0
) AS held
"""

_SPANS = Unpacker(valid_from=Kind.INSTANT, valid_to=Kind.INSTANT)
_WIP = f"""
{_SPANS.select}
FROM (
    SELECT greatest(stay.entered_at, held.valid_from) AS valid_from, least(stay.left_at, held.valid_to) AS valid_to
    FROM work_item_stays AS stay {_HELD.replace("{of}", "stay")}
    WHERE stay.left_at > %(start)s AND stay.entered_at <= %(end)s
        AND stay.stage NOT IN ('done', 'cancelled', 'deleted')
        AND stay.stage IN ({", ".join(f"'{stage.value}'" for stage in WIP_STAGES)})
        AND held.valid_from < stay.left_at AND held.valid_to > stay.entered_at
) AS place
"""  # noqa: S608 - constants

_CYCLES = Unpacker(
    completed_at=Kind.INSTANT,
    cycle_time_days=Kind.HOURS,
    flow_efficiency_pct=Kind.HOURS,
    valid_from=Kind.INSTANT,
    valid_to=Kind.INSTANT,
)
_COMPLETED = f"""
{_CYCLES.select}
FROM (
    SELECT cycle.completed_at, cycle.cycle_time_days, cycle.flow_efficiency_pct,
        greatest(cycle.completed_at, held.valid_from) AS valid_from, least(cycle.reopened_at, held.valid_to) AS valid_to
    FROM (
        SELECT issue_id, completed_at, cycle_time_days, flow_efficiency_pct, 'infinity'::timestamptz AS reopened_at
        FROM work_item_cycles WHERE completed_at >= %(start)s AND completed_at < %(end)s
        UNION ALL
        SELECT issue_id, completed_at, cycle_time_days, flow_efficiency_pct, reopened_at
        FROM superseded_cycles WHERE completed_at >= %(start)s AND completed_at < %(end)s
    ) AS cycle {_HELD.replace("{of}", "cycle")}
) AS completed
"""  # noqa: S608 - constants


def _in_span(table: str, columns: str, where: str = "true") -> str:
    """Return the statement that reads the events of the span through the index on a technology stream and the time."""
    when = "event_timestamp >= %(start)s AND event_timestamp < %(end)s"
    return f"""
    SELECT {columns} FROM {table} WHERE tech_stream_id IS NULL AND {when} AND {where}
    UNION ALL
    SELECT {columns} FROM {table}
    WHERE tech_stream_id = ANY (ARRAY(SELECT stream_id FROM tech_streams)) AND {when} AND {where}
    """  # noqa: S608 - constants


_PEER = "event_type = 'review_submitted' AND reviewer_hash <> author_hash AND NOT reviewer_is_bot"
_OF_REQUEST = "event.repo_id = request.repo_id AND event.pr_number = request.pr_number"
_REQUESTS_OF = {
    Dimension.DELIVERY: f"""EXISTS (
        SELECT FROM work_item_attributions AS span
        WHERE span.issue_id = request.linked_issue_id AND {_OURS[Dimension.DELIVERY]}
    )""",
    Dimension.TECH: "request.tech_stream_id = %(stream)s",
}
# A pull request that was closed, opened and closed again ended in the span by either closing.
_REVIEWED = f"""
WITH ended AS (
    SELECT repo_id, pr_number FROM pr_cycles WHERE closed_at >= %(start)s AND closed_at < %(end)s
    UNION
    SELECT repo_id, pr_number FROM ({_in_span("pr_events", "repo_id, pr_number", "event_type = 'closed'")}) AS closed
)
SELECT request.linked_issue_id, {_MICROS.format("request.opened_at")}, {_MICROS.format("review.first_at")},
    step.times, step.kinds
FROM ended JOIN pull_requests AS request USING (repo_id, pr_number)
CROSS JOIN LATERAL (
    SELECT min(event_timestamp) AS first_at FROM pr_events AS event WHERE {_OF_REQUEST} AND {_PEER}
) AS review
CROSS JOIN LATERAL (
    SELECT array_agg({_MICROS.format("event_timestamp")}) AS times, array_agg(event_type) AS kinds FROM (
        SELECT event_timestamp, event_type FROM pr_events AS event
        WHERE {_OF_REQUEST} AND event_type IN ('opened', 'closed', 'merged')
        UNION ALL
        SELECT event_timestamp, event_type FROM pull_request_facts AS event
        WHERE {_OF_REQUEST} AND event_type = 'reopened'
    ) AS life
) AS step
WHERE review.first_at >= request.opened_at AND step.times IS NOT NULL AND {{of_stream}}
"""  # noqa: S608 - constants

_BELONGING = f"""
SELECT issue_id, {_MICROS.format("valid_from")}, {_SPAN_ENDS.format("valid_to")}, {{ours}}
FROM work_item_attributions AS span WHERE issue_id = ANY (%(issues)s) ORDER BY issue_id, valid_from
"""  # noqa: S608 - constants

# The events of a defect are found by the keys that its ticket ever had: they are indexed, the identity is not.
_OF_DEFECT = """
    FROM ticket_keys AS key JOIN defect_events AS event ON event.ticket_id = key.ticket_id
    WHERE key.issue_id = touched.issue_id AND event.issue_id = touched.issue_id
"""
_DEFECT_STEPS = f"""
WITH touched AS (
    SELECT DISTINCT issue_id FROM ({_in_span("defect_events", "issue_id")}) AS event
)
SELECT touched.issue_id, {_MICROS.format("step.event_timestamp")}, step.event_type, step.event_id,
    coalesce(parent.stage, step.found_in_stage), step.delivery_stream_id, step.tech_stream_id
FROM touched
CROSS JOIN LATERAL (SELECT event.* {_OF_DEFECT} AND event.event_timestamp <= %(end)s) AS step
CROSS JOIN LATERAL (
    SELECT coalesce(
        min(event.event_timestamp) FILTER (WHERE event.event_type = '{LAST_WORD[0]}'), min(event.event_timestamp)
    ) AS at {_OF_DEFECT} AND event.event_timestamp <= step.event_timestamp
) AS logged
LEFT JOIN LATERAL ({stage_of("step.linked_work_item_id", at="logged.at")}) AS parent
    ON step.found_in_stage = '{UNKNOWN_STAGE}'
"""  # noqa: S608 - constants

_MOVED = f"""
CROSS JOIN LATERAL (
    SELECT move.at FROM work_item_attributions AS span, unnest(ARRAY[span.valid_from, span.valid_to]) AS move (at)
    WHERE span.issue_id = deployment.linked_issue_id AND {_OURS[Dimension.DELIVERY]}
) AS move
"""  # noqa: S608 - constants
_RESOLVED = """
incident_restores AS restore JOIN incident_blames AS blame USING (incident_id)
"""
_IN_SPAN = "restore.resolved_at >= %(start)s AND restore.resolved_at < %(end)s"
_TURN = Unpacker(at=Kind.INSTANT)
_TURNS = f"""
{_TURN.select}
FROM (
    SELECT move.at FROM deployment_records AS deployment {_MOVED}
    WHERE deployment.environment = 'production' AND deployment.deployed_at >= %(start)s
        AND deployment.deployed_at < %(end)s AND move.at > deployment.deployed_at
    UNION
    SELECT change.at FROM {_RESOLVED}
    CROSS JOIN LATERAL (VALUES (blame.valid_from), (blame.valid_to)) AS change (at)
    WHERE {_IN_SPAN} AND change.at > restore.resolved_at
    UNION
    SELECT move.at FROM {_RESOLVED} JOIN deployment_records AS deployment USING (record_id) {_MOVED}
    WHERE {_IN_SPAN} AND move.at > restore.resolved_at
) AS turn
WHERE at <= %(end)s
"""  # noqa: S608 - constants

_FIRST = {
    Dimension.DELIVERY: "SELECT min(valid_from) FROM work_item_attributions WHERE delivery_stream_id = %(stream)s",
    Dimension.TECH: """
    SELECT least(
        (SELECT min(valid_from) FROM work_item_attributions AS span WHERE %(stream)s = ANY (tech_stream_ids)),
        (SELECT min(opened_at) FROM pull_requests WHERE tech_stream_id = %(stream)s),
        (SELECT min(deployed_at) FROM deployment_records WHERE tech_stream_id = %(stream)s),
        (SELECT min(started_at) FROM incidents WHERE tech_stream_id = %(stream)s)
    )
    """,
}


class PostgresMeasureReader(MeasureReader):
    """Reads the derived tables, and events where a past state takes them."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def first_event(self, stream: StreamKey) -> datetime | None:
        """Return when the first thing of a stream happened."""
        rows = await self._rows(_FIRST[stream.dimension], stream=stream.stream_id)
        found: datetime | None = rows[0][0]
        return found

    async def wip(self, stream: StreamKey, *, span: Window) -> Lasting:
        """Return when tickets were work in progress of the stream."""
        found = await self._columns(_SPANS, _WIP, stream, span)
        return Lasting(valid_from=found["valid_from"], valid_to=found["valid_to"])

    async def cycles(self, stream: StreamKey, *, span: Window) -> CycleHistory:
        """Return the tickets completed in the span."""
        found = await self._columns(_CYCLES, _COMPLETED, stream, span)
        return CycleHistory(
            cycle_days=_known(found, "cycle_time_days"), flow_efficiency_pct=_known(found, "flow_efficiency_pct")
        )

    async def reviews(self, stream: StreamKey, *, span: Window) -> Known:
        """Return the hours to the first review of the pull requests that ended in the span."""
        query = _REVIEWED.replace("{of_stream}", _REQUESTS_OF[stream.dimension])
        rows = await self._rows(query, stream=stream.stream_id, start=span.start, end=span.end)
        always = [Belonging(-FOREVER, FOREVER, is_ours=True)]
        belonging: Mapping[str, Sequence[Belonging]] = {}
        if stream.dimension is Dimension.DELIVERY:
            belonging = await self._belonging(stream, [row[0] for row in rows])
        start, end = to_micros(span.start), to_micros(span.end)
        return known_reviews(
            found
            for issue_id, opened_at, reviewed_at, times, kinds in rows
            for found in review_spans(
                map(PullRequestStep, times, map(PullRequestEventType, kinds)),
                opened_at=opened_at,
                reviewed_at=reviewed_at,
                belonging=always if stream.dimension is Dimension.TECH else belonging.get(issue_id, ()),
            )
            if start <= found.ended_at < end
        )

    async def defects(self, stream: StreamKey, *, span: Window, days: int) -> DefectHistory:
        """Return the defects with an event in the span."""
        rows = await self._rows(_DEFECT_STEPS, start=span.start, end=span.end)
        of_event = 5 if stream.dimension is Dimension.DELIVERY else 6
        return defect_history(
            (
                DefectStep(
                    issue_id=row[0],
                    at=row[1],
                    kind=DefectEventType(row[2]),
                    event_id=row[3],
                    has_escaped=row[4] in ESCAPED_TO,
                    is_ours=row[of_event] == stream.stream_id,
                )
                for row in rows
            ),
            belonging=await self._belonging(stream, [row[0] for row in rows]),
            days=days,
        )

    async def turns(self, stream: StreamKey, *, span: Window) -> IntArray:
        """Return the instants at which something deployed or resolved came to a delivery stream, or left it."""
        found: IntArray = (await self._columns(_TURN, _TURNS, stream, span))["at"]
        return found

    async def _belonging(self, stream: StreamKey, issues: Sequence[str]) -> Mapping[str, Sequence[Belonging]]:
        query = _BELONGING.replace("{ours}", _OURS[stream.dimension])
        found: dict[str, list[Belonging]] = {}
        for issue_id, *span in await self._rows(query, stream=stream.stream_id, issues=sorted(set(issues))):
            found.setdefault(issue_id, []).append(Belonging(*span))
        return found

    async def _columns(
        self, columns: Unpacker, query: str, stream: StreamKey, span: Window
    ) -> Mapping[str, NDArray[Any]]:
        query = query.replace("{ours}", _OURS[stream.dimension])
        rows = await self._rows(query, stream=stream.stream_id, start=span.start, end=span.end)
        return columns.unpack(rows[0])

    async def _rows(self, query: str, **parameters: UUID | datetime | Sequence[str]) -> list[TupleRow]:
        async with self._database.transaction() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.encode(), parameters)
            return await cursor.fetchall()


def _known(found: Mapping[str, NDArray[Any]], values: str) -> Known:
    return Known.in_order(
        ended_at=found["completed_at"],
        values=found[values],
        valid_from=found["valid_from"],
        valid_to=found["valid_to"],
    )
