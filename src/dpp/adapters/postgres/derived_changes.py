"""Changes on their way to users: merged pull requests, and the deployment that first carried each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from dpp.adapters.postgres.derived_deployments import FIRST_PUSH
from dpp.adapters.postgres.derived_tables import DerivedTables, lock_deliveries
from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.tables import deliveries
from dpp.application.delivery_derivation import LONGEST_WAY, Carrier, ChangeInputs, MergedPullRequest
from dpp.application.delivery_rows import ChangeRow
from dpp.application.derivation import Derive, News
from dpp.application.identities import PullRequestId, RunId, pull_request_of, push_of
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import from_micros
from dpp.domain.configuration import Configuration

_ROWS = Packer(deliveries.change_ledger, ChangeRow._fields)


_EVERYTHING = """
SELECT repo_id, pr_number FROM pull_requests WHERE state = 'merged' UNION SELECT repo_id, pr_number FROM change_ledger
"""
_WANTED = "unnest(%(repositories)s::uuid[], %(numbers)s::int[])"
_MERGED = f"""
SELECT p.repo_id, p.pr_number, p.tech_stream_id, p.delivery_stream_id, p.linked_ticket_id, p.linked_issue_id,
    p.base_branch, (extract(epoch FROM pushed.first_pushed_at) * 1000000)::bigint,
    (extract(epoch FROM p.opened_at) * 1000000)::bigint,
    (extract(epoch FROM cycle.first_review_at) * 1000000)::bigint,
    (extract(epoch FROM p.closed_at) * 1000000)::bigint
FROM {_WANTED} AS w (repo_id, pr_number)
JOIN pull_requests AS p USING (repo_id, pr_number)
JOIN repositories AS r ON r.repo_id = p.repo_id AND r.is_deployable
LEFT JOIN pr_cycles AS cycle ON cycle.repo_id = p.repo_id AND cycle.pr_number = p.pr_number
{FIRST_PUSH}
WHERE p.state = 'merged'
"""  # noqa: S608 - made of constants
_RELEASE = "environment = 'production' AND status <> 'failed' AND NOT is_config_only"
# A change goes with the branch that it was merged into, and on with each later merge of that branch into another one.
_CARRIERS = f"""
WITH RECURSIVE way AS (
    SELECT p.repo_id, p.pr_number, p.base_branch AS branch, p.closed_at AS at, 0 AS merges
    FROM {_WANTED} AS w (repo_id, pr_number) JOIN pull_requests AS p USING (repo_id, pr_number)
    WHERE p.state = 'merged' AND p.base_branch IS NOT NULL
    UNION
    SELECT way.repo_id, way.pr_number, onward.base_branch, onward.closed_at, way.merges + 1
    FROM way CROSS JOIN LATERAL (
        SELECT DISTINCT ON (base_branch) base_branch, closed_at FROM pull_requests AS q
        WHERE q.repo_id = way.repo_id AND q.branch_name = way.branch AND q.state = 'merged' AND q.closed_at >= way.at
            AND q.base_branch <> way.branch
        ORDER BY base_branch, closed_at
    ) AS onward
    WHERE way.merges < {LONGEST_WAY}
), carried AS (
    SELECT way.repo_id, way.pr_number, found.* FROM way CROSS JOIN LATERAL (
        SELECT record_id, deployed_at FROM deployment_records
        WHERE repo_id = way.repo_id AND {_RELEASE} AND branch = way.branch AND started_at >= way.at
        ORDER BY started_at, deployed_at, record_id LIMIT 1
    ) AS found
    UNION ALL
    SELECT p.repo_id, p.pr_number, found.* FROM {_WANTED} AS w (repo_id, pr_number)
    JOIN pull_requests AS p USING (repo_id, pr_number) CROSS JOIN LATERAL (
        SELECT record_id, deployed_at FROM deployment_records
        WHERE repo_id = p.repo_id AND {_RELEASE} AND linked_pr_number = p.pr_number AND started_at >= p.closed_at
        ORDER BY started_at, deployed_at, record_id LIMIT 1
    ) AS found
    WHERE p.state = 'merged'
)
SELECT DISTINCT ON (carried.repo_id, carried.pr_number) carried.repo_id, carried.pr_number, carried.record_id,
    (extract(epoch FROM carried.deployed_at) * 1000000)::bigint,
    NOT EXISTS (
        SELECT FROM deployment_records AS earlier
        WHERE earlier.repo_id = carried.repo_id AND {_RELEASE}
            AND (earlier.started_at, earlier.record_id) < (own.started_at, own.record_id)
    ),
    own.linked_pr_number IS NOT DISTINCT FROM carried.pr_number
FROM carried JOIN deployment_records AS own USING (record_id)
ORDER BY carried.repo_id, carried.pr_number, carried.deployed_at, carried.record_id
"""  # noqa: S608 - made of constants
_BEFORE = f"""
SELECT repo_id, pr_number, tech_stream_id, delivery_stream_id, record_id, change_ledger::text
FROM change_ledger JOIN {_WANTED} AS w (repo_id, pr_number) USING (repo_id, pr_number)
"""  # noqa: S608 - made of constants
_DELETE = f"""
DELETE FROM change_ledger USING {_WANTED} AS w (repo_id, pr_number)
WHERE (change_ledger.repo_id, change_ledger.pr_number) = (w.repo_id, w.pr_number)
"""  # noqa: S608 - made of constants
#: What was merged into the branch that a merged pull request took on, since the one before it on that branch.
_TAKEN_ON = f"""
SELECT DISTINCT p.repo_id, p.pr_number
FROM {_WANTED} AS w (repo_id, pr_number) JOIN pull_requests AS onward USING (repo_id, pr_number)
LEFT JOIN LATERAL (
    SELECT closed_at FROM pull_requests AS earlier
    WHERE earlier.repo_id = onward.repo_id AND earlier.branch_name = onward.branch_name AND earlier.state = 'merged'
        AND earlier.base_branch = onward.base_branch AND earlier.pr_number < onward.pr_number
    ORDER BY earlier.pr_number DESC LIMIT 1
) AS previous ON true
JOIN pull_requests AS p ON p.repo_id = onward.repo_id AND p.base_branch = onward.branch_name AND p.state = 'merged'
    AND p.closed_at > coalesce(previous.closed_at, '-infinity')
    AND p.closed_at <= coalesce(onward.closed_at, 'infinity')
"""  # noqa: S608 - made of constants
_PUSHED_FOR = """
SELECT DISTINCT p.repo_id, p.pr_number
FROM unnest(%(repositories)s::uuid[], %(branches)s::text[], %(times)s::timestamptz[]) AS w (repo_id, branch_name, at)
CROSS JOIN LATERAL (
    SELECT repo_id, pr_number FROM pull_requests AS p
    WHERE p.repo_id = w.repo_id AND p.branch_name = w.branch_name AND (p.closed_at IS NULL OR p.closed_at >= w.at)
    ORDER BY p.pr_number LIMIT 1
) AS p
"""
_NAMED_BY = f"""
SELECT DISTINCT pipeline_id, pipeline_run_id
FROM deployment_records AS d JOIN {_WANTED} AS w (repo_id, pr_number)
    ON d.repo_id = w.repo_id AND d.linked_pr_number = w.pr_number
"""  # noqa: S608 - made of constants


class ChangeTables(DerivedTables):
    """The change ledger."""

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some changes; stale are those that were taken on together with one of them."""
        await lock_deliveries(connection)
        ids = _ids(keys)
        rows = derive.changes(await _inputs(connection, ids))
        before = {PullRequestId(*row[:2]): _State(*row[2:]) for row in await fetch(connection, _BEFORE, ids)}
        await connection.execute(_DELETE, wanted(ids))
        await _ROWS.write(connection, rows)
        after = {PullRequestId(*row[:2]): _State(*row[2:]) for row in await fetch(connection, _BEFORE, ids)}
        for one, state in (*before.items(), *after.items()):
            # What was derived again for something else, and came out the same, is no news of its streams.
            if before.get(one) != after.get(one):
                tech_streams = [state.tech_stream_id] if state.tech_stream_id else []
                news.add(one.key(StaleKind.CHANGE), state.delivery_stream_id, tech_streams)
        changed = [one for one in ids if _carrier(before.get(one)) != _carrier(after.get(one))]
        return await taken_on(connection, changed)

    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return every merged pull request."""
        cursor = await connection.execute(_EVERYTHING)
        return [PullRequestId(*row).key(StaleKind.CHANGE) for row in await cursor.fetchall()]


class _State(NamedTuple):
    """What is known of a change: whose it is, what carries it, and all of it as text."""

    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    record_id: UUID | None
    whole: str


class Pushes(DerivedTables):
    """Pushes have no rows: they tell when the work on a pull request began."""

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Return the changes, and the deployments that name them, whose branches the pushes went to."""
        await lock_deliveries(connection)
        pushes = [push_of(key) for key in keys]
        found = {
            "repositories": [one.repo_id for one in pushes],
            "branches": [one.branch_name for one in pushes],
            "times": [from_micros(one.at) for one in pushes],
        }
        cursor = await connection.execute(_PUSHED_FOR, found)
        return await changed_beginnings(connection, [PullRequestId(*row) for row in await cursor.fetchall()])

    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return nothing: who derives a change reads the pushes."""
        return []


async def changed_beginnings(connection: Connection, ids: Sequence[PullRequestId]) -> set[StaleKey]:
    """Return what reads when the work on some pull requests began: the changes, and the deployments that name them."""
    named_by = {RunId(*row).key(StaleKind.DEPLOYMENT) for row in await fetch(connection, _NAMED_BY, ids)}
    return named_by | {one.key(StaleKind.CHANGE) for one in ids}


async def taken_on(connection: Connection, ids: Sequence[PullRequestId]) -> set[StaleKey]:
    """Return the changes that go where some merged pull requests go: those merged into their branches before them."""
    return {PullRequestId(*row).key(StaleKind.CHANGE) for row in await fetch(connection, _TAKEN_ON, ids)}


async def fetch(connection: Connection, query: str, ids: Sequence[PullRequestId]) -> list[tuple[Any, ...]]:
    """Ask something about some pull requests; nothing about none."""
    return await (await connection.execute(query, wanted(ids))).fetchall() if ids else []


def wanted(ids: Iterable[PullRequestId]) -> dict[str, list[Any]]:
    """Return pull requests as a query takes them."""
    ids = list(ids)
    return {"repositories": [one.repo_id for one in ids], "numbers": [one.pr_number for one in ids]}


def _ids(keys: Iterable[StaleKey]) -> list[PullRequestId]:
    return sorted({one for key in keys if (one := pull_request_of(key)) is not None})


def _carrier(state: _State | None) -> tuple[UUID | None] | None:
    """Tell apart a change without a carrier and none at all."""
    return (state.record_id,) if state else None


async def _inputs(connection: Connection, ids: Sequence[PullRequestId]) -> ChangeInputs:
    merged = await fetch(connection, _MERGED, ids)
    carriers = await fetch(connection, _CARRIERS, ids)
    return ChangeInputs(
        merged={PullRequestId(row[0], row[1]): MergedPullRequest(*row[2:]) for row in merged},
        carriers={PullRequestId(row[0], row[1]): Carrier(*row[2:]) for row in carriers},
    )
