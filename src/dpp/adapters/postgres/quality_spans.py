"""Keeps what the rates of §5.6 are about beside the rows that it follows from; the database counts it as it changes.

The rates are over everything known. Reading it all for each figure would cost the history: what changes is counted when
it changes, and most changes of a thing leave its spans as they were.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from dpp.adapters.postgres.engine import Connection
from dpp.application.identities import PullRequestId
from dpp.domain.quality import QualityRate

_COLUMNS = "rate, thing, delivery_stream_id, tech_stream_ids, is_complete, valid_from, valid_to"


def _update(told: str) -> str:
    """Return the statement that makes ``told`` all that is kept of some things, writing only what differs."""
    return f"""
    WITH told AS ({told}), kept AS (
        SELECT {_COLUMNS} FROM quality_spans WHERE thing = ANY (%(things)s) AND rate = ANY (%(rates)s)
    ), gone AS (
        DELETE FROM quality_spans AS span USING (SELECT * FROM kept EXCEPT SELECT * FROM told) AS wrong
        WHERE span.thing = wrong.thing AND span.rate = wrong.rate AND span.valid_from = wrong.valid_from
    )
    INSERT INTO quality_spans ({_COLUMNS}) SELECT * FROM told EXCEPT SELECT * FROM kept
    """  # noqa: S608 - constants


_TICKETS = _update(f"""
    SELECT {_COLUMNS} FROM rated_tickets WHERE thing = ANY (%(things)s)
    UNION ALL
    SELECT {_COLUMNS} FROM rated_defects WHERE thing = ANY (%(things)s)
""")  # noqa: S608 - constants
_PULL_REQUESTS = _update(f"""
    SELECT {_COLUMNS} FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS wanted (repo_id, pr_number)
    JOIN rated_pull_requests USING (repo_id, pr_number)
""")  # noqa: S608 - constants
_DEPLOYMENTS = _update(f"""
    SELECT {_COLUMNS} FROM rated_deployments WHERE record_id = ANY (%(records)s)
""")  # noqa: S608 - constants


async def update_tickets(connection: Connection, issue_ids: Collection[str]) -> None:
    """Follow the rows of some tickets, and their defects."""
    rates = (QualityRate.TICKET_STREAM_TAGGING, QualityRate.DEFECT_ORIGIN_ATTRIBUTION)
    await _write(connection, _TICKETS, things=list(issue_ids), rates=rates)


async def update_pull_requests(connection: Connection, ids: Collection[PullRequestId]) -> None:
    """Follow the rows of some pull requests."""
    await _write(
        connection,
        _PULL_REQUESTS,
        things=[f"{one.repo_id}/{one.pr_number}" for one in ids],
        rates=(QualityRate.PR_TICKET_LINKAGE,),
        repositories=[one.repo_id for one in ids],
        numbers=[one.pr_number for one in ids],
    )


async def update_deployments(connection: Connection, record_ids: Collection[UUID]) -> None:
    """Follow the rows of some deployments."""
    await _write(
        connection,
        _DEPLOYMENTS,
        things=[str(one) for one in record_ids],
        rates=(QualityRate.DEPLOYMENT_TRACEABILITY,),
        records=list(record_ids),
    )


async def _write(connection: Connection, statement: str, *, rates: Collection[QualityRate], **parameters: Any) -> None:
    await connection.execute(statement.encode(), parameters | {"rates": [rate.value for rate in rates]})
