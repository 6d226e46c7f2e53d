"""Rows for forecasts, and forecasts as they were made, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import numpy as np

from dpp.adapters.postgres import event_order
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_completions import completed
from dpp.adapters.postgres.kept_places import unfinished_at
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.selections import condition, values
from dpp.application.forecasting_reader import (
    SPRINTS,
    ForecastReader,
    ForecastStore,
    PromiseRow,
    Remaining,
    SprintSpan,
    StoredForecast,
    sees_stored,
)
from dpp.application.views import View, Window
from dpp.domain.arrays import IntArray
from dpp.domain.forecast import PERCENTS, Forecast, Method

# Looked up ticket by ticket, as for the other figures: the limit makes the planner do that.
_HELD = """
JOIN LATERAL (
    SELECT delivery_stream_id, tech_stream_ids FROM work_item_attributions AS span
    WHERE span.issue_id = {of}.issue_id AND span.valid_from <= %(as_of)s AND span.valid_to > %(as_of)s LIMIT 1
) AS held ON true
"""
# The condition on the stage is that of the index of unfinished stays, word for word.
_UNFINISHED = """stay.left_at > %(as_of)s AND stay.entered_at <= %(as_of)s
    AND stay.stage NOT IN ('done', 'cancelled', 'deleted')"""
_SHOWN = "delivery_stream_id IS NOT NULL{shown}"

# One look into the index for each stream, however long its history is.
_FIRST_EVENT = f"""
SELECT (extract(epoch FROM min(begun.valid_from)) * 1000000)::bigint
FROM delivery_streams AS stream CROSS JOIN LATERAL (
    SELECT valid_from FROM work_item_attributions
    WHERE delivery_stream_id = stream.stream_id AND valid_from <= %(as_of)s AND {_SHOWN}
    ORDER BY valid_from LIMIT 1
) AS begun
"""  # noqa: S608 - constants

# From the latest on, until there are enough of the streams in question; which tickets a sprint has is looked at closely
# only where one of them is of these streams.
_SPRINTS = f"""
SELECT sprint_id, jira_sprint_id, name, start_date, end_date, state, reported_at
FROM (
    SELECT sprint_id, jira_sprint_id, name, start_date, end_date, state, reported_at, given_stream_id
    FROM corrected_sprints AS known
    WHERE reported_at IS NOT NULL AND end_date IS NOT NULL AND start_date <= %(today)s AND (
        given_stream_id IS NOT NULL OR EXISTS (
            SELECT FROM work_items
            WHERE work_items.sprint_id = known.sprint_id AND NOT is_deleted AND work_items.{_SHOWN}
        )
    )
    ORDER BY start_date DESC, end_date DESC, jira_sprint_id COLLATE "C" DESC
) AS sprint CROSS JOIN LATERAL (
    SELECT coalesce(sprint.given_stream_id, mode() WITHIN GROUP (ORDER BY delivery_stream_id)) AS delivery_stream_id,
        '{{}}'::uuid[] AS tech_stream_ids
    FROM work_items WHERE work_items.sprint_id = sprint.sprint_id AND NOT is_deleted
) AS belonging
WHERE {_SHOWN}
LIMIT {SPRINTS}
"""  # noqa: S608 - constants

_LATEST = """
SELECT remaining_count, snapshot_date FROM sprint_snapshots
WHERE sprint_id = %(sprint)s AND event_timestamp <= %(as_of)s AND NOT EXISTS ({since})
ORDER BY snapshot_date DESC LIMIT 1
"""
_HEARD = " UNION ALL ".join(
    f"""
    SELECT FROM work_items JOIN {table} AS told USING (issue_id)
    WHERE work_items.sprint_id = %(sprint)s AND told.received_at > sprint_snapshots.received_at
    """
    for table in ("work_item_events", "work_item_facts")
)
_MOVED = """
    SELECT FROM work_items JOIN work_item_stays AS stay USING (issue_id)
    WHERE work_items.sprint_id = %(sprint)s
        AND stay.entered_at > sprint_snapshots.event_timestamp AND stay.entered_at <= %(as_of)s
"""
# A snapshot stands for the present until something is heard of the sprint's tickets; then tickets are counted. Where
# these say that nothing is left, it still stands unless one of them has moved since (decision 0037).
_UNTIL_HEARD, _UNTIL_MOVED = _LATEST.replace("{since}", _HEARD), _LATEST.replace("{since}", _MOVED)
_REMAINING = f"""
SELECT count(*)
FROM (SELECT issue_id FROM work_items WHERE sprint_id = %(sprint)s) AS ticket
JOIN work_item_stays AS stay USING (issue_id)
{_HELD.replace("{of}", "ticket")}
WHERE {_UNFINISHED} AND {_SHOWN}
"""  # noqa: S608 - constants
# What the latest event up to then that tells a ticket's fields says of its sprint.
_REMAINED = f"""
SELECT count(*)
FROM work_item_stays AS stay {_HELD.replace("{of}", "stay")}
CROSS JOIN LATERAL (
    SELECT sprint_id FROM (
        SELECT sprint_id, {event_order.COLUMNS} FROM work_item_events
        WHERE issue_id = stay.issue_id AND has_fields AND event_timestamp <= %(as_of)s
        UNION ALL
        SELECT sprint_id, {event_order.COLUMNS} FROM work_item_facts
        WHERE issue_id = stay.issue_id AND has_fields AND event_timestamp <= %(as_of)s
    ) AS told ORDER BY {event_order.LATEST_FIRST} LIMIT 1
) AS field
WHERE {_UNFINISHED} AND field.sprint_id = %(sprint)s AND {_SHOWN}
"""  # noqa: S608 - constants

_KEPT = """
FROM forecast_snapshots
WHERE delivery_stream_id IS NOT DISTINCT FROM %(delivery)s::uuid AND computed_at <= %(as_of)s
"""
_PROMISES = f"""
SELECT computed_at, scope_item_count, p50_completion_date, p70_completion_date, p85_completion_date,
    p95_completion_date
{_KEPT} AND forecast_date >= %(since)s ORDER BY forecast_date
"""
_STORED = f"""
SELECT computed_at, forecast_date, scope_item_count, sample, seed, simulation_runs, cut_runs, distribution_data::text
{_KEPT} AND forecast_date = %(day)s
"""
_ADD = """
INSERT INTO forecast_snapshots (
    delivery_stream_id, forecast_date, scope_item_count, throughput_samples, simulation_runs, p50_completion_date,
    p70_completion_date, p85_completion_date, p95_completion_date, distribution_data, computed_at, method, seed,
    sample, cut_runs
) VALUES (
    %(stream)s, %(day)s, %(scope)s, %(weeks)s, %(runs)s, %(p50)s, %(p70)s, %(p85)s, %(p95)s, %(distribution)s::jsonb,
    %(made_at)s, %(method)s, %(seed)s, %(sample)s, %(cut)s
) ON CONFLICT (delivery_stream_id, forecast_date) DO NOTHING
"""


class _Bar(msgspec.Struct, frozen=True):
    """One bar of the histogram as it is stored."""

    date: date
    runs: int


_bars = msgspec.json.Decoder(list[_Bar])


class PostgresForecastReader(ForecastReader):
    """Reads the derived tables, or rows of them that are kept, sprints and stored forecasts."""

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = kept

    async def scope(self, view: View) -> int:
        """Return how many tickets are unfinished."""
        rows = await unfinished_at(self._kept, view)
        return sum(tickets for (delivery, *_), tickets in rows.by_group() if delivery is not None)

    async def first_event(self, view: View) -> int | None:
        """Return when the streams were first heard of."""
        first = (await self._rows(_FIRST_EVENT, view))[0][0]
        return None if first is None else int(first)

    async def completions(self, view: View, *, window: Window) -> IntArray:
        """Return when tickets were completed in the window."""
        rows, streams = await completed(self._kept, view, window=window)
        of_delivery = streams.told(rows.columns["ticket"], _has_delivery, none=False)
        return np.sort(rows.columns["completed_at"][of_delivery])

    async def sprints(self, view: View, *, today: date) -> Sequence[SprintSpan]:
        """Return the view's sprints that have begun, the latest first."""
        return [SprintSpan(*row) for row in await self._rows(_SPRINTS, view, {"today": today})]

    async def remaining(self, view: View, *, sprint_id: UUID) -> Remaining:
        """Return what a sprint still holds."""
        sprint = {"sprint": sprint_id}
        if view.is_live and (snapshots := await self._rows(_UNTIL_HEARD, view, sprint)):
            return Remaining(*snapshots[0])
        counted = int((await self._rows(_REMAINING if view.is_live else _REMAINED, view, sprint))[0][0])
        snapshots = [] if counted else await self._rows(_UNTIL_MOVED, view, sprint)
        return Remaining(*snapshots[0]) if snapshots else Remaining(counted, None)

    async def promises(self, view: View, *, since: date) -> Sequence[PromiseRow]:
        """Return what stored forecasts said."""
        if not sees_stored(view):
            return []
        return [PromiseRow(*row) for row in await self._rows(_PROMISES, view, {"since": since})]

    async def stored(self, view: View, *, day: date) -> StoredForecast | None:
        """Return the forecast that was stored for a day."""
        rows = await self._rows(_STORED, view, {"day": day}) if sees_stored(view) else []
        return _read(view.delivery_stream_id, *rows[0]) if rows else None

    async def _rows(self, query: str, view: View, more: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        parameters = values(view) | dict(more or {})
        async with self._database.reading() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query.replace("{shown}", condition(view)).encode(), parameters)
            return await cursor.fetchall()


class PostgresForecastStore(ForecastStore):
    """Keeps forecasts."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add(self, forecasts: Sequence[StoredForecast]) -> int:
        """Keep forecasts in one transaction; the first one of a stream and day stays."""
        if not forecasts:
            return 0
        async with self._database.transaction() as connection, connection.cursor() as cursor:
            await cursor.executemany(_ADD, [_written(row) for row in forecasts])
            return cursor.rowcount


def _has_delivery(delivery_stream_id: UUID | None, *_: object) -> bool:
    return delivery_stream_id is not None


def _written(row: StoredForecast) -> dict[str, Any]:
    made = row.forecast
    bars = [_Bar(bar.completion_date, bar.runs) for bar in made.distribution]
    return {
        "stream": row.delivery_stream_id,
        "day": made.made_on,
        "scope": made.scope,
        "weeks": len(made.sample),
        "runs": made.runs,
        **{f"p{percent}": made.completion_date(percent) for percent in PERCENTS},
        "distribution": msgspec.json.encode(bars).decode(),
        "made_at": row.made_at,
        "method": made.method.value,
        "seed": made.seed,
        "sample": list(made.sample),
        "cut": made.cut_runs,
    }


def _read(stream: UUID | None, *row: Any) -> StoredForecast:
    made_at, made_on, scope, sample, seed, runs, cut_runs, distribution = row
    bars = {(bar.date - made_on).days // 7: bar.runs for bar in _bars.decode(distribution)}
    return StoredForecast(
        delivery_stream_id=stream,
        made_at=made_at,
        forecast=Forecast(
            method=Method.MONTE_CARLO,
            made_on=made_on,
            scope=scope,
            sample=tuple(sample),
            seed=seed,
            runs=runs,
            finished=tuple(bars.get(week, 0) for week in range(1, max(bars, default=0) + 1)),
            cut_runs=cut_runs,
        ),
    )
