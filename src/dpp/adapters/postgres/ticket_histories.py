"""What tickets are derived from, read to look at what a change would do; nothing is locked and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from dpp.adapters.postgres.configuration import affected_tickets
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.histories import Histories, linked_to
from dpp.application.affected import Affected
from dpp.application.derivation import TicketInputs
from dpp.application.mapping_preview import TicketHistories

#: Tickets that are read at once: some ten thousand facts.
BATCH = 2_000


class PostgresTicketHistories(TicketHistories):
    """Reads the facts of tickets."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._histories = Histories()

    async def of(self, affected: Affected) -> AsyncIterator[TicketInputs]:
        """Yield the inputs of the tickets that a change affects."""
        async with self._database.transaction() as connection:
            issue_ids = await affected_tickets(connection, affected)
        for start in range(0, len(issue_ids), BATCH):
            some = issue_ids[start : start + BATCH]
            # A transaction each, so that none stays open while the batch before is worked on.
            async with self._database.transaction() as connection:
                inputs = await self._histories.tickets(connection, some)
                linked = await linked_to(connection, some)
            if inputs.columns.items:
                yield replace(inputs, linked=linked)
