"""Whether a fact is there already, told just the same: standing for its change, or as another report of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.event_reports import KEYS, content
from dpp.adapters.postgres.intake_rows import as_json
from dpp.application.event_rows import row_of
from dpp.application.resolving import EVENT_TABLES, ResolvedEvent


def _held(table: str) -> bytes:
    stored, reported = content(table, "e"), content(table, "r")
    same = f"ROW({stored}) IS NOT DISTINCT FROM ROW({reported})"
    there = " OR ".join(
        f"EXISTS (SELECT FROM {table} AS e WHERE {' AND '.join(key)} AND {same})" for key in KEYS[table]
    )
    return f"""
    SELECT {there} OR EXISTS (SELECT FROM event_reports WHERE report_id = dpp_report_id('{table}', to_jsonb(r)))
    FROM json_populate_recordset(NULL::{table}, %s::json) AS r
    """.encode()  # noqa: S608 - made of constants


_HELD: Mapping[str, bytes] = {table: _held(table) for table in EVENT_TABLES}


async def held(connection: Connection, resolved: Sequence[ResolvedEvent]) -> tuple[bool, ...]:
    """Say of each fact whether it is there, told the same; one statement a table."""
    found = [False] * len(resolved)
    for table in EVENT_TABLES:
        places = [place for place, item in enumerate(resolved) if item.table == table]
        if places:
            cursor = await connection.execute(_HELD[table], [as_json(row_of(resolved[place]) for place in places)])
            for place, (is_held,) in zip(places, await cursor.fetchall(), strict=True):
                found[place] = is_held
    return tuple(found)
