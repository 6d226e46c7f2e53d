"""Where tickets are and were, from the derived tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.selections import condition, values
from dpp.adapters.postgres.unpacking import Columns, Kind, Unpacker
from dpp.application.flow_reader import POSITIONS, FlowReader, HeldStays, UnfinishedRow
from dpp.application.views import View, Window
from dpp.domain.folded import Stays
from dpp.domain.histories import UNTOLD
from dpp.domain.positions import NOWHERE, STAGES

# What there is to know of a ticket is looked up ticket by ticket (an offset or a limit makes the planner do that), so
# that the cost is that of the tickets in question and not that of all there ever were. The conditions on the stage are
# those of the indexes, word for word.
_UNFINISHED = """
SELECT issue_id, held.ticket_id, held.delivery_stream_id, stay.stage, stay.is_active_work,
    (extract(epoch FROM ticket.first_in_progress) * 1000000)::bigint
FROM work_item_stays AS stay
JOIN LATERAL (
    SELECT ticket_id, delivery_stream_id, tech_stream_ids FROM work_item_attributions AS span
    WHERE span.issue_id = stay.issue_id AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
) AS held ON true
JOIN LATERAL (
    SELECT CASE WHEN first_in_progress <= %(as_of)s THEN first_in_progress END AS first_in_progress
    FROM work_items AS item WHERE item.issue_id = stay.issue_id OFFSET 0
) AS ticket ON true
WHERE stay.left_at > %(as_of)s AND stay.entered_at <= %(as_of)s
    AND stay.stage NOT IN ('done', 'cancelled', 'deleted'){shown}
ORDER BY held.ticket_id COLLATE "C", issue_id COLLATE "C"
"""

_PARTS = Unpacker(item=Kind.CODE, stream=Kind.ID, place=Kind.CODE, entered_at=Kind.INSTANT, left_at=Kind.INSTANT)
_HELD = f"""
WITH stay AS MATERIALIZED (
    SELECT issue_id, stage, is_active_work, entered_at, left_at FROM work_item_stays
    WHERE left_at >= %(start)s AND entered_at <= %(as_of)s AND stage NOT IN ('done', 'cancelled', 'deleted')
    UNION ALL
    SELECT issue_id, stage, is_active_work, entered_at, left_at FROM work_item_stays
    WHERE entered_at >= %(start)s AND entered_at <= %(as_of)s AND stage = 'done'
), span AS MATERIALIZED (
    SELECT issue_id, delivery_stream_id, valid_from, valid_to
    FROM (SELECT DISTINCT issue_id FROM stay) AS concerned
    CROSS JOIN LATERAL (
        SELECT delivery_stream_id, tech_stream_ids, valid_from, valid_to FROM work_item_attributions AS kept
        WHERE kept.issue_id = concerned.issue_id AND valid_to >= %(start)s AND valid_from <= %(as_of)s OFFSET 0
    ) AS held
    WHERE true{{shown}}
), ticket AS MATERIALIZED (
    SELECT issue_id, (row_number() OVER (ORDER BY issue_id COLLATE "C") - 1)::int AS number
    FROM (SELECT DISTINCT issue_id FROM span) AS shown
)
{_PARTS.select}, (SELECT array_agg(issue_id ORDER BY number) FROM ticket)
FROM (
    SELECT number AS item, delivery_stream_id AS stream,
        2 * array_position(%(stages)s::text[], stage) + is_active_work::int AS place,
        greatest(entered_at, valid_from) AS entered_at, least(left_at, valid_to) AS left_at
    FROM stay JOIN ticket USING (issue_id) JOIN span USING (issue_id)
    WHERE valid_from < left_at AND valid_to > entered_at
) AS part
"""  # noqa: S608 - constants

#: The position of each place as the statement tells it; stages are counted from 1 there.
_POSITION = np.full(2 * len(STAGES) + 2, NOWHERE, dtype=np.int8)
for (_stage, _active), _code in POSITIONS.items():
    _POSITION[2 * (STAGES.index(_stage) + 1) + _active] = _code


class PostgresFlowReader(FlowReader):
    """Reads the derived tables; every method is one statement."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def unfinished(self, view: View) -> Sequence[UnfinishedRow]:
        """Return the unfinished tickets."""
        return [UnfinishedRow(*row) for row in await self._rows(_UNFINISHED, view)]

    async def held(self, view: View, *, window: Window) -> HeldStays:
        """Return where tickets were since the window began."""
        ((*cells, items),) = await self._rows(_HELD, view, start=window.start, stages=list(STAGES))
        return _held(_PARTS.unpack(cells), items or [])

    async def _rows(self, query: str, view: View, **more: Any) -> list[tuple[Any, ...]]:
        async with self._database.transaction() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), values(view) | more)
            return await cursor.fetchall()


def _held(parts: Columns, items: Sequence[str]) -> HeldStays:
    order = np.lexsort((parts["entered_at"], parts["item"]))
    numbers, item = np.unique(parts["item"][order], return_inverse=True)
    streams, stream_of = np.unique(parts["stream"][order], return_inverse=True)
    return HeldStays(
        items=tuple(items[number] for number in numbers.tolist()),
        stays=Stays(
            item=item.astype(np.int64),
            entered=parts["entered_at"][order],
            left=parts["left_at"][order],
            position=_POSITION[parts["place"][order]],
            status_code=np.full(len(order), UNTOLD, dtype=np.int32),
        ),
        # numpy has taken the zeros at the end of an id away; no id at all is empty.
        delivery_streams=tuple(UUID(bytes=stream.ljust(16, b"\0")) if stream else None for stream in streams.tolist()),
        stream_of=stream_of.astype(np.int64),
    )
