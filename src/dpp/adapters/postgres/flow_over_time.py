"""Where tickets are and were, from the derived tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

import numpy as np

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_places import NUMBER, held_since, unfinished_at
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_streams import ATTRIBUTIONS, TicketStreams
from dpp.adapters.postgres.kept_tables import Wanted
from dpp.adapters.postgres.row_groups import Codes
from dpp.adapters.postgres.rows import Rows, joined
from dpp.adapters.postgres.selections import condition, values
from dpp.application.flow_reader import POSITIONS, FlowReader, HeldStays, UnfinishedRow
from dpp.application.views import View, Window
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.folded import Stays
from dpp.domain.histories import UNTOLD

_KEYS = """
SELECT DISTINCT ON (issue_id) issue_id, ticket_id FROM work_item_places
WHERE issue_id = ANY (%(items)s) AND entered_at <= %(as_of)s{shown}
ORDER BY issue_id, entered_at DESC
"""

_NAMES = f"""
SELECT {NUMBER}, issue_id FROM work_item_places
WHERE left_at >= %(start)s AND entered_at <= %(as_of)s AND stage <> 'done'{{shown}}
UNION
SELECT {NUMBER}, issue_id FROM work_item_places
WHERE stayed_from >= %(start)s AND stayed_from <= %(as_of)s AND entered_at <= %(as_of)s AND stage = 'done'{{shown}}
"""  # noqa: S608 - constants
_NUMBERS = f"SELECT {NUMBER}, issue_id FROM unnest(%(naming)s::text[]) AS one (issue_id)"  # noqa: S608 - constants

#: Numbers of tickets that are not named lie here and beyond.
_UNNAMED = 1 << 62


class PostgresFlowReader(FlowReader):
    """Reads the derived tables; every method is one statement."""

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = kept

    async def unfinished(self, view: View) -> Sequence[UnfinishedRow]:
        """Return the unfinished tickets."""
        rows = await unfinished_at(self._kept, view)
        (attributions,) = await self._kept.read(Wanted(ATTRIBUTIONS))
        streams = TicketStreams(joined(attributions), view=view, kept=self._kept)
        places = streams.places_of(rows.columns["item"])
        # What came between the two readings is not known yet.
        rows, places = rows.only(places >= 0), places[places >= 0]
        names = (streams.named(column, places) for column in ("issue_id", "ticket_id"))
        begun = rows.columns["first_in_progress"].tolist()
        moment = to_micros(view.as_of)
        found = [
            UnfinishedRow(issue_id, ticket_id, delivery, stage, active, first if first <= moment else None)
            for issue_id, ticket_id, first, (delivery, _, stage, active) in zip(
                *names, begun, map(rows.groups.values, rows.group.tolist()), strict=True
            )
        ]
        return sorted(found, key=itemgetter(1, 0))

    async def keys(self, view: View, items: Collection[str]) -> Mapping[str, str]:
        """Return what tickets were called."""
        return dict(await self._rows(_KEYS, view, items=list(items))) if items else {}

    async def held(self, view: View, *, window: Window, naming: Collection[str] | None = None) -> HeldStays:
        """Return where tickets were since the window began."""
        names: dict[int, str] = {}
        if naming is None:
            names = dict(await self._rows(_NAMES, view, start=window.start))
        elif naming:
            names = dict(await self._rows(_NUMBERS, view, naming=list(naming)))
        held = _held(await held_since(self._kept, view, window.start), names, self._kept)
        # What came between the two readings has no name.
        return _ordered(held.only(held.stays.item < _UNNAMED)) if naming is None else held

    async def _rows(self, query: str, view: View, **more: Any) -> list[tuple[Any, ...]]:
        async with self._database.reading() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), values(view) | more)
            return await cursor.fetchall()


def _held(rows: Rows, names: Mapping[int, str], kept: KeptRows) -> HeldStays:
    return HeldStays(
        items=tuple(sorted(names.values())),
        stays=Stays(
            item=_items(rows.columns["item"], names, kept.codes),
            entered=rows.columns["entered_at"],
            left=rows.columns["left_at"],
            position=rows.told(_position, dtype=np.int8),
            status_code=np.full(len(rows.group), UNTOLD, dtype=np.int32),
        ),
        stream_of=rows.told(kept.streams, dtype=np.int64),
        delivery_streams=tuple(kept.streams.known),
    )


def _position(_delivery: UUID | None, _tech: Sequence[UUID], stage: str, active: bool) -> int:
    return POSITIONS[stage, active]


def _items(items: IntArray, names: Mapping[int, str], codes: Codes) -> IntArray:
    """Return the place of each named ticket in the order of the names, and a number beyond for every other one."""
    named = codes.of(np.array(list(names), dtype=np.int64))
    places = {name: place for place, name in enumerate(sorted(names.values()))}
    place_of = np.arange(_UNNAMED, _UNNAMED + len(codes))
    place_of[named] = [places[name] for name in names.values()]
    found: IntArray = place_of[items]
    return found


def _ordered(held: HeldStays) -> HeldStays:
    return held.only(np.lexsort((held.stays.entered, held.stays.item)))
