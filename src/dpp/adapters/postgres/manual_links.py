"""Links made by hand, on PostgreSQL."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.feed import STALE_CHANNEL
from dpp.adapters.postgres.selections import condition, values
from dpp.application.access_ports import AuditEntry
from dpp.application.delivery_rows import ManualLinkRow
from dpp.application.identities import PullRequestId
from dpp.application.manual_links import KnownPullRequest, ManualLinkStore
from dpp.application.stale import StaleKind
from dpp.application.views import View
from dpp.domain.calendar import from_micros

_FIND = """
SELECT repo_id, pr_number, linked_ticket_id FROM (
    SELECT p.repo_id, p.pr_number, p.linked_ticket_id, p.delivery_stream_id,
        array_remove(ARRAY[p.tech_stream_id], NULL) AS tech_stream_ids
    FROM repositories AS r JOIN pull_requests AS p USING (repo_id)
    WHERE lower(r.full_name) = lower(%(repository)s) AND p.pr_number = %(number)s
) AS known WHERE true{shown}
"""
_ADD = """
INSERT INTO manual_links (link_id, repo_id, pr_number, ticket_id, linked_at, linked_by, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_RECORD = "INSERT INTO audit_log (occurred_at, actor, action, subject, details) VALUES (%s, %s, %s, %s, %s)"
_MARK = "INSERT INTO stale_keys (share, kind, key, cause) VALUES (%s, %s, %s, 'manual_link')"


class PostgresManualLinks(ManualLinkStore):
    """Adds links; the link, its entry in the audit log and the mark on the pull request are one transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def find(self, view: View, *, repository: str, pr_number: int) -> KnownPullRequest | None:
        """Return a pull request that the view shows."""
        asked = values(view) | {"repository": repository, "number": pr_number}
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_FIND.replace("{shown}", condition(view)).encode(), asked)
            row = await cursor.fetchone()
            return None if row is None else KnownPullRequest(*row)

    async def add(self, link: ManualLinkRow, *, entry: AuditEntry) -> None:
        """Add a link and put it on record, and mark the pull request for derivation."""
        cells = [from_micros(cell) if name == "linked_at" else cell for name, cell in link._asdict().items()]
        details = None if entry.details is None else Jsonb(dict(entry.details))
        stale = PullRequestId(link.repo_id, link.pr_number).key(StaleKind.PULL_REQUEST)
        async with self._database.transaction() as connection:
            await connection.execute(_ADD, cells)
            await connection.execute(_RECORD, [entry.occurred_at, entry.actor, entry.action, entry.subject, details])
            await connection.execute(_MARK, [stale.group, stale.kind.value, stale.key])
            await connection.execute("SELECT pg_notify(%s, '')", [STALE_CHANNEL])
