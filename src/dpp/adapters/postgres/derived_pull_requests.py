"""Pull requests: replaces their derived rows, and finds out what else that makes stale."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from dpp.adapters.postgres import derived_contributions, quality_spans
from dpp.adapters.postgres.derived_changes import changed_beginnings, fetch, taken_on, wanted
from dpp.adapters.postgres.derived_tables import DerivedTables, lock_deliveries, lock_links
from dpp.adapters.postgres.engine import Connection
from dpp.adapters.postgres.histories import pull_request_inputs
from dpp.adapters.postgres.packing import Packer
from dpp.adapters.postgres.tables import derived
from dpp.application.derivation import Derive, LinkedTicket, News, PullRequestInputs, chosen_ticket
from dpp.application.derived_rows import PullRequestCycleRow, PullRequestRow, PullRequestRows
from dpp.application.identities import PullRequestId, RunId, pull_request_of
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.configuration import Configuration
from dpp.domain.linking import Link

_PULL_REQUESTS = Packer(derived.pull_requests, PullRequestRow._fields)
_PULL_REQUEST_CYCLES = Packer(derived.pr_cycles, PullRequestCycleRow._fields)

_PULL_REQUEST_TABLES = ("pull_requests", "pr_cycles")
_DELETED_PULL_REQUESTS = (
    "of_{0} AS (DELETE FROM {0} USING wanted WHERE ({0}.repo_id, {0}.pr_number) = (wanted.repo_id, wanted.pr_number))"
)
_DELETE_PULL_REQUESTS = f"""
WITH wanted AS (SELECT * FROM unnest(%s::uuid[], %s::int[]) AS one (repo_id, pr_number)),
{", ".join(_DELETED_PULL_REQUESTS.format(table) for table in _PULL_REQUEST_TABLES)} SELECT
"""  # noqa: S608 - made of constants
_ALL_PULL_REQUESTS = """
SELECT repo_id, pr_number FROM pr_events WHERE repo_id IS NOT NULL
UNION SELECT repo_id, pr_number FROM pull_request_facts WHERE repo_id IS NOT NULL
UNION SELECT repo_id, pr_number FROM pull_requests
"""
_CANDIDATES = """
SELECT k.ticket_id, k.issue_id, w.ticket_id, w.delivery_stream_id
FROM ticket_keys k LEFT JOIN work_items w USING (issue_id)
WHERE k.ticket_id = ANY (%s)
"""
_BEFORE = """
SELECT p.repo_id, p.pr_number, p.tech_stream_id, p.delivery_stream_id, p.linked_ticket_id, p.linked_issue_id, p.state,
    p.branch_name, p.base_branch, (extract(epoch FROM p.opened_at) * 1000000)::bigint,
    (extract(epoch FROM p.closed_at) * 1000000)::bigint,
    (extract(epoch FROM cycle.first_review_at) * 1000000)::bigint
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN pull_requests AS p USING (repo_id, pr_number)
LEFT JOIN pr_cycles AS cycle ON cycle.repo_id = p.repo_id AND cycle.pr_number = p.pr_number
"""
# Deployments name a pull request by its number, or by one of its commits; while that of the number is unknown, another
# one, of the commit, may have its place.
_NAMED_BY_NUMBER = """
SELECT d.pipeline_id, d.pipeline_run_id
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN deployment_records AS d ON d.repo_id = w.repo_id AND d.linked_pr_number = w.pr_number
UNION
SELECT e.pipeline_id, e.pipeline_run_id
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN cicd_events AS e ON e.repo_id = w.repo_id AND e.linked_pr_number = w.pr_number
WHERE e.event_type IN ('deploy_started', 'deploy_completed', 'deploy_failed')
"""
_NAMED_BY_COMMIT = """
SELECT DISTINCT d.pipeline_id, d.pipeline_run_id
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[], %(commits)s::text[]) AS w (repo_id, pr_number, commit_sha)
JOIN deployment_records AS d ON d.repo_id = w.repo_id AND d.commit_sha = w.commit_sha
WHERE d.linked_pr_number IS DISTINCT FROM w.pr_number
"""
# Other reports may have stood before and led deployments to their pull requests.
_NAMED_BY_REPORTS = """
SELECT DISTINCT d.pipeline_id, d.pipeline_run_id
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN event_reports ON event_table = 'pr_events' AND thing = w.repo_id || '/' || w.pr_number
JOIN deployment_records AS d
    ON d.repo_id = w.repo_id AND d.commit_sha IN (report ->> 'head_sha', report ->> 'merge_sha')
"""
_NEXT_ON_BRANCH = """
SELECT DISTINCT next.repo_id, next.pr_number
FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS w (repo_id, pr_number)
JOIN pull_requests AS p USING (repo_id, pr_number) CROSS JOIN LATERAL (
    SELECT repo_id, pr_number FROM pull_requests AS later
    WHERE later.repo_id = p.repo_id AND later.branch_name = p.branch_name AND later.pr_number > p.pr_number
    ORDER BY later.pr_number LIMIT 1
) AS next
"""


class PullRequestTables(DerivedTables):
    """The tables of pull requests."""

    async def derive(
        self,
        connection: Connection,
        derive: Derive,
        keys: Sequence[StaleKey],
        *,
        configuration: Configuration,
        news: News,
    ) -> Collection[StaleKey]:
        """Replace the rows of some pull requests.

        Stale are the tickets to which another link leads now, the changes that they are, and the deployments that name
        them.
        """
        ids = sorted({one for key in keys if (one := pull_request_of(key)) is not None})
        inputs = await pull_request_inputs(connection, ids)
        links = derive.links(inputs, configuration)
        await lock_links(connection, {link.key for link in links.values()}, shared=False)
        await lock_deliveries(connection, shared=True)
        tickets = await _tickets_of(connection, links.values())
        rows = derive.pull_requests(inputs, configuration, links=links, tickets=tickets)
        before = {PullRequestId(row[0], row[1]): _State(*row[2:]) for row in await fetch(connection, _BEFORE, ids)}
        await _replace_pull_requests(connection, ids, rows)
        await quality_spans.update_pull_requests(connection, ids)
        await derived_contributions.update_pull_requests(connection, ids)
        after = _states(rows)
        for one, state in (*before.items(), *after.items()):
            tech_streams = [state.tech_stream_id] if state.tech_stream_id else []
            news.add(one.key(StaleKind.PULL_REQUEST), state.delivery_stream_id, tech_streams)
        pairs = {one: (before.get(one), after.get(one)) for one in ids}
        for one, (was, is_now) in pairs.items():
            # A ticket is of the pull request's technology from its opening on, whatever told of it later.
            if _link(was) != _link(is_now):
                opened = (state.opened_at for state in (was, is_now) if state is not None)
                news.reach_back(one.key(StaleKind.PULL_REQUEST), opened)
        stale = {StaleKey(StaleKind.TICKET, issue_id) for issue_id in _tickets_relinked(pairs.values())}
        stale |= await _named_by_commit(connection, inputs)
        stale |= {RunId(*row).key(StaleKind.DEPLOYMENT) for row in await fetch(connection, _NAMED_BY_REPORTS, ids)}
        changed = [one for one, (was, is_now) in pairs.items() if was != is_now]
        return stale | (await self._deliveries(connection, changed, pairs) if changed else set())

    async def _deliveries(
        self, connection: Connection, changed: Sequence[PullRequestId], pairs: _Pairs
    ) -> set[StaleKey]:
        """Return the changes and deployments that read something of pull requests that has changed."""
        merged = [one for one in changed if any(state and state.state == "merged" for state in pairs[one])]
        elsewhere = [one for one in changed if _way(pairs[one][0]) != _way(pairs[one][1])]
        named = await fetch(connection, _NAMED_BY_NUMBER, changed)
        following = [PullRequestId(*row) for row in await fetch(connection, _NEXT_ON_BRANCH, elsewhere)]
        return (
            {one.key(StaleKind.CHANGE) for one in merged}
            | {RunId(*row).key(StaleKind.DEPLOYMENT) for row in named}
            | await taken_on(connection, [one for one in merged if one in elsewhere])
            | await changed_beginnings(connection, following)
        )

    async def everything(self, connection: Connection) -> Sequence[StaleKey]:
        """Return every pull request."""
        cursor = await connection.execute(_ALL_PULL_REQUESTS)
        return [PullRequestId(*row).key(StaleKind.PULL_REQUEST) for row in await cursor.fetchall()]


class _State(NamedTuple):
    """What others read of a pull request."""

    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    linked_ticket_id: str | None
    linked_issue_id: str | None
    state: str
    branch_name: str
    base_branch: str | None
    opened_at: int
    closed_at: int | None
    first_review_at: int | None


_Pairs = Mapping[PullRequestId, tuple[_State | None, _State | None]]


def _states(rows: PullRequestRows) -> dict[PullRequestId, _State]:
    reviewed = {PullRequestId(row.repo_id, row.pr_number): row.first_review_at for row in rows.cycles}
    return {
        one: _State(**{name: getattr(row, name) for name in _State._fields[:-1]}, first_review_at=reviewed.get(one))
        for row in rows.pull_requests
        for one in (PullRequestId(row.repo_id, row.pr_number),)
    }


def _way(state: _State | None) -> tuple[object, ...] | None:
    """Return where a pull request took its branch, and when."""
    return state and (state.state, state.branch_name, state.base_branch, state.closed_at)


def _link(state: _State | None) -> tuple[object, ...] | None:
    return state and (state.linked_issue_id, state.tech_stream_id, state.opened_at)


def _tickets_relinked(pairs: Iterable[tuple[_State | None, _State | None]]) -> set[str]:
    changed = [pair for pair in pairs if _link(pair[0]) != _link(pair[1])]
    return {state.linked_issue_id for pair in changed for state in pair if state and state.linked_issue_id}


async def _named_by_commit(connection: Connection, inputs: PullRequestInputs) -> set[StaleKey]:
    """Return the deployments of commits of some pull requests that do not name them (yet)."""
    commits = sorted(
        {
            (one, sha)
            for one, events in inputs.events.items()
            for event in events
            for sha in (event.head_sha, event.merge_sha)
            if sha is not None
        }
    )
    if not commits:
        return set()
    asked = wanted(one for one, _ in commits) | {"commits": [sha for _, sha in commits]}
    cursor = await connection.execute(_NAMED_BY_COMMIT, asked)
    return {RunId(*row).key(StaleKind.DEPLOYMENT) for row in await cursor.fetchall()}


async def _tickets_of(connection: Connection, links: Iterable[Link]) -> dict[str, LinkedTicket]:
    candidates: dict[str, list[tuple[str, str | None, UUID | None]]] = {}
    cursor = await connection.execute(_CANDIDATES, [sorted({link.key for link in links})])
    for key, *candidate in await cursor.fetchall():
        candidates.setdefault(key, []).append((candidate[0], candidate[1], candidate[2]))
    chosen = {key: chosen_ticket(key, those) for key, those in candidates.items()}
    return {key: ticket for key, ticket in chosen.items() if ticket is not None}


async def _replace_pull_requests(connection: Connection, ids: Sequence[PullRequestId], rows: PullRequestRows) -> None:
    await connection.execute(_DELETE_PULL_REQUESTS, [[one.repo_id for one in ids], [one.pr_number for one in ids]])
    await _PULL_REQUESTS.write(connection, rows.pull_requests)
    await _PULL_REQUEST_CYCLES.write(connection, rows.cycles)
