"""Keeps who contributed to each pull request and ticket beside the rows that it follows from (decision 0031).

Which breakdowns of reviews may be told depends on everybody's contributions, whichever stream is asked about. Reading
them from the events of the window would cost all of these for every answer: triggers count them as they come and go.
"""

from __future__ import annotations

from collections.abc import Collection

from dpp.adapters.postgres.engine import Connection
from dpp.application.identities import PullRequestId

_COLUMNS = (
    *("thing", "repo_id", "pr_number", "issue_id", "delivery_stream_id", "tech_stream_ids"),
    *("held_from", "first_at", "moments", "people", "reviews"),
)
_VALUES = _COLUMNS[1:]


def _update(told: str, *, things: str) -> str:
    """Return the statement that makes ``told`` what is kept of ``things``, writing only what differs.

    In order, so that two who write the same rows never wait for each other in turns.
    """
    return f"""
    WITH told AS ({told}), gone AS (
        DELETE FROM contributions WHERE thing IN ({things}) AND thing NOT IN (SELECT thing FROM told)
    )
    INSERT INTO contributions AS kept ({", ".join(_COLUMNS)}) SELECT {", ".join(_COLUMNS)} FROM told ORDER BY thing
    ON CONFLICT (thing) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _VALUES)}
    WHERE ({", ".join(f"kept.{name}" for name in _VALUES)})
        IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _VALUES)})
    """  # noqa: S608 - constants


_NAMES = ", ".join(_COLUMNS)
_PULL_REQUESTS = _update(
    f"""
    SELECT {_NAMES} FROM unnest(%(repositories)s::uuid[], %(numbers)s::int[]) AS wanted (repo_id, pr_number)
    JOIN contributed_code USING (repo_id, pr_number)
    """,  # noqa: S608 - constants
    things="SELECT unnest(%(things)s::text[])",
)
# Which stream a pull request had, and since when, follows from its ticket; it may not be derived again for that.
_TICKETS = _update(
    f"""
    SELECT {_NAMES} FROM contributed_tickets WHERE thing = ANY (%(things)s)
    UNION ALL
    SELECT {_NAMES} FROM contributed_code WHERE issue_id = ANY (%(things)s)
    """,  # noqa: S608 - constants
    things="SELECT unnest(%(things)s::text[])",
)


async def update_tickets(connection: Connection, issue_ids: Collection[str]) -> None:
    """Follow the rows of some tickets, and of the pull requests that name them."""
    await connection.execute(_TICKETS.encode(), {"things": list(issue_ids)})


async def update_pull_requests(connection: Connection, ids: Collection[PullRequestId]) -> None:
    """Follow the rows of some pull requests."""
    parameters = {
        "things": [f"{one.repo_id}/{one.pr_number}" for one in ids],
        "repositories": [one.repo_id for one in ids],
        "numbers": [one.pr_number for one in ids],
    }
    await connection.execute(_PULL_REQUESTS.encode(), parameters)
