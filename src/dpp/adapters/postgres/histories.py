"""Reads what derived rows depend on: the facts of many tickets as columns, those of pull requests as events.

The history of tickets comes as one row of arrays, one array a column, whose elements have a fixed width: numpy takes
them as they are. Texts come as hashes; what a hash means is looked up once in the life of the process, and only those
rows come in full at which a ticket's key, project or attributes change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.packing import EPOCH_MICROS
from dpp.application.derivation import PullRequestInputs, TicketInputs
from dpp.application.identities import PullRequestId
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.events import (
    PullRequestEvent,
    PullRequestEventType,
    RepositoryRef,
    TicketFields,
    WorkItemEvent,
    WorkItemEventType,
)
from dpp.domain.histories import FOREVER, NEVER, ROWS, UNTOLD, ResolutionKey, StatusKey, TicketColumns

K = TypeVar("K", StatusKey, ResolutionKey)

_TYPES = tuple(WorkItemEventType)
_KIND = np.array([ROWS[kind][0] if kind in ROWS else -1 for kind in _TYPES], dtype=np.int8)
_RANK = np.array([ROWS[kind][1] if kind in ROWS else -1 for kind in _TYPES], dtype=np.int8)

#: Meanings of hashes that are kept; beyond that the process begins to forget.
_MEANINGS = 100_000

_TYPE_CASES = " ".join(f"WHEN '{kind}' THEN {code}" for code, kind in enumerate(_TYPES))
_COLUMNS = f"""
    w.place,
    e.event_timestamp,
    CASE e.event_type {_TYPE_CASES} END AS code,
    CASE WHEN e.source_change_id ~ '^[0-9]{{1,18}}$' THEN e.source_change_id::bigint ELSE 0 END AS change,
    hash_record_extended(ROW(e.project_key, e.to_status, e.to_stage, e.to_active), 0) AS status,
    hash_record_extended(ROW(e.project_key, coalesce(e.set_resolution, e.resolution)), 0) AS resolution,
    (e.has_fields OR e.set_resolution IS NOT NULL)::int AS tells_resolution,
    CASE WHEN e.has_fields THEN coalesce(e.ticket_created_at, '-infinity') ELSE '-infinity' END AS created,
    CASE WHEN e.has_fields THEN hash_record_extended(ROW(
        e.ticket_id, e.project_key, e.ticket_type, e.priority, e.story_points, e.labels, e.components,
        e.parent_ticket_id, e.delivery_stream_name, e.tech_stream_names, e.jira_sprint_id), 0)
    ELSE hash_record_extended(ROW(e.ticket_id, e.project_key), 1) END AS attributes,
    e.event_id
"""
_HISTORY = f"""
SELECT array_agg(place), array_agg(event_timestamp), array_agg(code), array_agg(change), array_agg(status),
    array_agg(resolution), array_agg(tells_resolution), array_agg(created), array_agg(attributes), array_agg(event_id)
FROM (
    SELECT {_COLUMNS} FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS w (issue_id, place)
    JOIN work_item_events e USING (issue_id)
    UNION ALL
    SELECT {_COLUMNS} FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS w (issue_id, place)
    JOIN work_item_facts e USING (issue_id)
) AS history
"""  # noqa: S608 - made of constants
_WIDTHS = (">i8", ">i8", ">i4", ">i8", ">i8", ">i8", ">i4", ">i8", ">i8", "V16")

_DETAIL_COLUMNS = """
    event_id, event_type, event_timestamp, ticket_id, project_key, issue_id, source_change_id, has_fields, ticket_type,
    priority, story_points::float8, labels, components, parent_ticket_id, delivery_stream_name, tech_stream_names,
    jira_sprint_id
"""
_DETAILS = f"""
SELECT {_DETAIL_COLUMNS} FROM work_item_events WHERE event_id = ANY(%(ids)s)
UNION ALL
SELECT {_DETAIL_COLUMNS} FROM work_item_facts WHERE event_id = ANY(%(ids)s)
"""  # noqa: S608 - made of constants

_MEANING_COLUMNS = """
    event_id, project_key, to_status, to_stage, to_active, coalesce(set_resolution, resolution)
"""
_MEANINGS_OF = f"""
SELECT {_MEANING_COLUMNS} FROM work_item_events WHERE event_id = ANY(%(ids)s)
UNION ALL
SELECT {_MEANING_COLUMNS} FROM work_item_facts WHERE event_id = ANY(%(ids)s)
"""  # noqa: S608 - made of constants

_LINKED = """
SELECT linked_issue_id, opened_at, tech_stream_id FROM pull_requests
WHERE linked_issue_id = ANY(%s) AND opened_at IS NOT NULL AND tech_stream_id IS NOT NULL
"""

_PULL_REQUEST_COLUMNS = """
    e.repo_id, e.pr_number, e.event_type, e.event_timestamp, e.github_org, e.github_repo, r.github_repo_id,
    e.source_change_id, e.author_hash, e.author_is_bot, e.branch_name, e.base_branch, e.opened_at, e.is_draft,
    e.title_keys, e.body_keys, e.lines_added, e.lines_removed, e.files_changed, e.head_sha, e.merge_sha,
    e.reviewer_hash, e.reviewer_is_bot, e.review_state, e.comments_count, r.tech_stream_id
"""
_PULL_REQUESTS = f"""
SELECT {_PULL_REQUEST_COLUMNS} FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN pr_events e USING (repo_id, pr_number) JOIN repositories r USING (repo_id)
UNION ALL
SELECT {_PULL_REQUEST_COLUMNS} FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN pull_request_facts e USING (repo_id, pr_number) JOIN repositories r USING (repo_id)
"""  # noqa: S608 - made of constants

_BY_HAND = """
SELECT DISTINCT ON (repo_id, pr_number) repo_id, pr_number, ticket_id
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN manual_links USING (repo_id, pr_number)
ORDER BY repo_id, pr_number, linked_at DESC, link_id DESC
"""


class _History(NamedTuple):
    """Every fact of some tickets; arrays of one shape."""

    place: IntArray
    time: IntArray
    code: IntArray
    change: IntArray
    status: IntArray
    resolution: IntArray
    tells_resolution: BoolArray
    created: IntArray
    attributes: IntArray
    event_id: NDArray[np.void]


class Histories:
    """Reads inputs of derivation; keeps the meanings of the hashes that it has met."""

    def __init__(self) -> None:
        self._statuses: dict[int, StatusKey] = {}
        self._resolutions: dict[int, ResolutionKey] = {}

    async def tickets(self, connection: Connection, issue_ids: Sequence[str]) -> TicketInputs:
        """Return the inputs of those of some tickets that have any event; ``linked`` is left to be filled in."""
        ordered = sorted(issue_ids)
        history = await _history(connection, ordered)
        present, item = np.unique(history.place, return_inverse=True)
        items = tuple(ordered[place] for place in present.tolist())
        rows = np.flatnonzero(_KIND[history.code] >= 0)
        status_code, statuses = await self._coded(
            connection, history, rows, history.status, _KIND[history.code] == 0, self._statuses, _status_of
        )
        resolution_code, resolutions = await self._coded(
            connection, history, rows, history.resolution, history.tells_resolution, self._resolutions, _resolution_of
        )
        columns = TicketColumns(
            items=items,
            told_created_at=_told_created_at(history, item, len(items)),
            item=item[rows].astype(np.int64),
            time=history.time[rows],
            kind=_KIND[history.code[rows]],
            rank=_RANK[history.code[rows]],
            change=history.change[rows],
            status_code=status_code,
            resolution_code=resolution_code,
            statuses=statuses,
            resolutions=resolutions,
        )
        return TicketInputs(columns=columns, changes=await _changes(connection, history))

    async def _coded(
        self,
        connection: Connection,
        history: _History,
        rows: IntArray,
        hashes: IntArray,
        is_told: BoolArray,
        known: dict[int, K],
        meaning_of: Callable[[Sequence[Any]], K],
    ) -> tuple[NDArray[np.int32], tuple[K, ...]]:
        """Return the hashes of rows as codes, ``UNTOLD`` where nothing is told, and what the codes mean."""
        told = rows[is_told[rows]]
        distinct, first, inverse = np.unique(hashes[told], return_index=True, return_inverse=True)
        unknown = [place for place, value in enumerate(distinct.tolist()) if value not in known]
        if unknown:
            if len(known) + len(unknown) > _MEANINGS:
                known.clear()
                unknown = list(range(len(distinct)))
            examples = _uuids(history.event_id[told[first[unknown]]])
            cursor = await connection.execute(_MEANINGS_OF, {"ids": examples})
            meanings = {row[0]: meaning_of(row) for row in await cursor.fetchall()}
            known.update(
                (int(distinct[place]), meanings[event]) for place, event in zip(unknown, examples, strict=True)
            )
        codes = np.full(len(rows), UNTOLD, dtype=np.int32)
        codes[is_told[rows]] = inverse
        return codes, tuple(known[value] for value in distinct.tolist())


async def _history(connection: Connection, keys: Sequence[str]) -> _History:
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_HISTORY, {"keys": list(keys)})
        result = cursor.pgresult
        assert result is not None
        cells = [_elements(result.get_value(0, place), width) for place, width in enumerate(_WIDTHS)]
    numbers = [cell.astype(np.int64) for cell in cells[:-1]]
    numbers[0] -= 1
    numbers[1] += EPOCH_MICROS
    numbers[6] = numbers[6].astype(np.bool_)
    return _History._make((*numbers, cells[-1]))


def _elements(array: bytes | None, width: str) -> NDArray[Any]:
    """Return the elements of an array as PostgreSQL sends it: none of them NULL, all of one width."""
    if array is None:
        return np.empty(0, dtype=width)
    # Behind the head (dimensions, NULLs, type, length, first index) each element has its size before it.
    return np.frombuffer(array, dtype=[("size", ">i4"), ("value", width)], offset=20)["value"]


def _uuids(ids: NDArray[np.void]) -> list[UUID]:
    return [UUID(bytes=bytes(value)) for value in ids]


def _status_of(row: Sequence[Any]) -> StatusKey:
    return StatusKey(*row[1:5])


def _resolution_of(row: Sequence[Any]) -> ResolutionKey:
    return ResolutionKey(row[1], row[5])


def _told_created_at(history: _History, item: IntArray, count: int) -> IntArray:
    told = np.full(count, FOREVER, dtype=np.int64)
    tells = history.created != np.iinfo(np.int64).min
    np.minimum.at(told, item[tells], history.created[tells] + EPOCH_MICROS)
    return np.where(told == FOREVER, NEVER, told)


def change_rows(*, place: IntArray, time: IntArray, attributes: IntArray) -> IntArray:
    """
    Return the rows at which a ticket's attributes differ from those before.

    What happened in one instant has an order that is decided elsewhere: where attributes differ within an instant, all
    of its rows are returned, and the next one as well.

    Args:
        place: shape (n,), the ticket of each row; rows in any order.
        time: shape (n,), microseconds.
        attributes: shape (n,), a hash of them.
    """
    order = np.lexsort((attributes, time, place))
    of, at, what = place[order], time[order], attributes[order]
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = of[1:] != of[:-1]
    begins = is_first.copy()
    begins[1:] |= at[1:] != at[:-1]
    differs = np.zeros(len(order), dtype=np.bool_)
    differs[1:] = what[1:] != what[:-1]
    instant = np.cumsum(begins) - 1
    is_mixed = np.zeros(len(order), dtype=np.bool_)
    is_mixed[instant[differs & ~begins]] = True
    mixed = is_mixed[instant]
    after_mixed = np.zeros(len(order), dtype=np.bool_)
    after_mixed[1:] = mixed[:-1]
    rows: IntArray = order[is_first | differs | mixed | after_mixed]
    return rows


async def _changes(connection: Connection, history: _History) -> dict[str, list[WorkItemEvent]]:
    rows = change_rows(place=history.place, time=history.time, attributes=history.attributes)
    changes: dict[str, list[WorkItemEvent]] = {}
    cursor = await connection.execute(_DETAILS, {"ids": _uuids(history.event_id[rows])})
    for row in await cursor.fetchall():
        changes.setdefault(row[5], []).append(_change(row))
    return changes


def _change(row: Sequence[Any]) -> WorkItemEvent:
    return WorkItemEvent(
        event_type=WorkItemEventType(row[1]),
        event_timestamp=row[2],
        ticket_id=row[3],
        project_key=row[4],
        issue_id=row[5],
        source_change_id=row[6],
        fields=TicketFields(
            ticket_type=row[8],
            priority=row[9],
            story_points=row[10],
            labels=tuple(row[11] or ()),
            components=tuple(row[12] or ()),
            parent_ticket_id=row[13],
            delivery_stream=row[14],
            tech_streams=tuple(row[15] or ()),
            jira_sprint_id=row[16],
        )
        if row[7]
        else None,
    )


async def pull_request_inputs(connection: Connection, ids: Sequence[PullRequestId]) -> PullRequestInputs:
    """Return the inputs of those of some pull requests that have any event."""
    events: dict[PullRequestId, list[PullRequestEvent]] = {}
    streams: dict[UUID, UUID | None] = {}
    wanted = {"repositories": [one.repo_id for one in ids], "numbers": [one.pr_number for one in ids]}
    cursor = await connection.execute(_PULL_REQUESTS, wanted)
    for row in await cursor.fetchall():
        events.setdefault(PullRequestId(row[0], row[1]), []).append(_pull_request_event(row))
        streams[row[0]] = row[25]
    cursor = await connection.execute(_BY_HAND, wanted)
    by_hand = {PullRequestId(row[0], row[1]): row[2] for row in await cursor.fetchall()}
    return PullRequestInputs(events=events, tech_streams=streams, by_hand=by_hand)


def _pull_request_event(row: Sequence[Any]) -> PullRequestEvent:
    return PullRequestEvent(
        event_type=PullRequestEventType(row[2]),
        event_timestamp=row[3],
        repository=RepositoryRef(org=row[4], name=row[5], github_id=row[6]),
        pr_number=row[1],
        source_change_id=row[7],
        author_hash=row[8],
        author_is_bot=row[9],
        branch_name=row[10],
        base_branch=row[11],
        opened_at=row[12],
        is_draft=row[13],
        title_keys=tuple(row[14]),
        body_keys=tuple(row[15]),
        lines_added=row[16],
        lines_removed=row[17],
        files_changed=row[18],
        head_sha=row[19],
        merge_sha=row[20],
        reviewer_hash=row[21],
        reviewer_is_bot=row[22],
        review_state=row[23],
        comments_count=row[24],
    )


async def linked_to(connection: Connection, issue_ids: Sequence[str]) -> dict[str, list[tuple[datetime, UUID]]]:
    """Return the pull requests that are linked to each of some tickets: when opened, and their technology stream."""
    linked: dict[str, list[tuple[datetime, UUID]]] = {}
    cursor = await connection.execute(_LINKED, [list(issue_ids)])
    for issue_id, opened_at, stream in await cursor.fetchall():
        linked.setdefault(issue_id, []).append((opened_at, stream))
    return linked
