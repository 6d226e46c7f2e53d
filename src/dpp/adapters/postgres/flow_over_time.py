"""Where tickets are and were, from the derived tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.selections import condition, values
from dpp.adapters.postgres.unpacking import Columns, Kind, Unpacker
from dpp.application.flow_reader import POSITIONS, FlowReader, HeldStays, UnfinishedRow
from dpp.application.views import View, Window
from dpp.domain.arrays import IntArray
from dpp.domain.folded import Stays
from dpp.domain.histories import UNTOLD

# The conditions on the stage are those of the indexes, word for word.
_UNFINISHED = """
SELECT issue_id, ticket_id, delivery_stream_id, stage, is_active_work,
    CASE WHEN first_in_progress <= %(as_of)s THEN (extract(epoch FROM first_in_progress) * 1000000)::bigint END
FROM work_item_places
WHERE left_at > %(as_of)s AND entered_at <= %(as_of)s AND stage <> 'done'{shown}
ORDER BY ticket_id COLLATE "C", issue_id COLLATE "C"
"""

_KEYS = """
SELECT DISTINCT ON (issue_id) issue_id, ticket_id FROM work_item_places
WHERE issue_id = ANY (%(items)s) AND entered_at <= %(as_of)s{shown}
ORDER BY issue_id, entered_at DESC
"""

# Tickets are told apart by a number of 64 bits made of what they are called: that two among a million have the same one
# is less likely than one in ten million.
_PARTS = Unpacker(item=Kind.NUMBER, entered_at=Kind.INSTANT, left_at=Kind.INSTANT)
_NUMBER = "hashtextextended(issue_id, 0)"
_HELD = f"""
{_PARTS.select}, delivery_stream_id, stage, is_active_work, {{names}}
FROM (
    SELECT issue_id, {_NUMBER} AS item, delivery_stream_id, stage, is_active_work, entered_at, left_at
    FROM work_item_places
    WHERE left_at >= %(start)s AND entered_at <= %(as_of)s AND stage <> 'done'{{shown}}
    UNION ALL
    SELECT issue_id, {_NUMBER}, delivery_stream_id, 'done', is_active_work, entered_at, left_at
    FROM work_item_places
    WHERE stayed_from >= %(start)s AND stayed_from <= %(as_of)s AND entered_at <= %(as_of)s AND stage = 'done'{{shown}}
) AS place GROUP BY delivery_stream_id, stage, is_active_work
"""  # noqa: S608 - constants
_NUMBERS = f"SELECT {_NUMBER}, issue_id FROM unnest(%(naming)s::text[]) AS one (issue_id)"  # noqa: S608 - constants

#: Numbers of tickets that are not named lie here and beyond.
_UNNAMED = 1 << 62


class PostgresFlowReader(FlowReader):
    """Reads the derived tables; every method is one statement."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def unfinished(self, view: View) -> Sequence[UnfinishedRow]:
        """Return the unfinished tickets."""
        return [UnfinishedRow(*row) for row in await self._rows(_UNFINISHED, view)]

    async def keys(self, view: View, items: Collection[str]) -> Mapping[str, str]:
        """Return what tickets were called."""
        return dict(await self._rows(_KEYS, view, items=list(items))) if items else {}

    async def held(self, view: View, *, window: Window, naming: Collection[str] | None = None) -> HeldStays:
        """Return where tickets were since the window began."""
        query = _HELD.replace("{names}", "array_agg(issue_id)" if naming is None else "NULL")
        rows = await self._rows(query, view, start=window.start)
        groups = [_Group(_PARTS.unpack(row[:3]), *row[3:6]) for row in rows]
        if naming is None:
            told = zip(groups, (row[6] for row in rows), strict=True)
            names = {number: name for group, ids in told for number, name in zip(group.numbers, ids, strict=True)}
            return _ordered(_held(groups, names))
        return _held(groups, dict(await self._rows(_NUMBERS, view, naming=list(naming))) if naming else {})

    async def _rows(self, query: str, view: View, **more: Any) -> list[tuple[Any, ...]]:
        async with self._database.transaction() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), values(view) | more)
            return await cursor.fetchall()


class _Group(NamedTuple):
    """Stays of one delivery stream in one position."""

    parts: Columns
    delivery_stream_id: UUID | None
    stage: str
    active: bool

    @property
    def numbers(self) -> list[int]:
        """The number of each stay's ticket."""
        numbers: list[int] = self.parts["item"].tolist()
        return numbers


def _held(groups: Sequence[_Group], names: Mapping[int, str]) -> HeldStays:
    streams = sorted({group.delivery_stream_id for group in groups}, key=str)
    sizes = [len(group.parts["item"]) for group in groups]
    position = np.repeat([POSITIONS[group.stage, group.active] for group in groups], sizes).astype(np.int8)
    return HeldStays(
        items=tuple(sorted(names.values())),
        stays=Stays(
            item=_items(_together(groups, "item"), names),
            entered=_together(groups, "entered_at"),
            left=_together(groups, "left_at"),
            position=position,
            status_code=np.full(len(position), UNTOLD, dtype=np.int32),
        ),
        delivery_streams=tuple(streams),
        stream_of=np.repeat([streams.index(group.delivery_stream_id) for group in groups], sizes).astype(np.int64),
    )


def _together(groups: Sequence[_Group], name: str) -> IntArray:
    return np.concatenate([np.empty(0, dtype=np.int64), *(group.parts[name] for group in groups)])


def _items(numbers: IntArray, names: Mapping[int, str]) -> IntArray:
    """Return the place of each named ticket in the order of the names, and a number beyond for every other one."""
    unnamed = numbers & (_UNNAMED - 1) | _UNNAMED
    if not names:
        return unnamed
    known = np.array(sorted(names), dtype=np.int64)
    places = {name: place for place, name in enumerate(sorted(names.values()))}
    place_of = np.array([places[names[number]] for number in known.tolist()], dtype=np.int64)
    at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[at] == numbers, place_of[at], unnamed)


def _ordered(held: HeldStays) -> HeldStays:
    return held.only(np.lexsort((held.stays.entered, held.stays.item)))
