"""What tickets are derived from, of a memory database."""

from __future__ import annotations

from collections.abc import AsyncIterator

from dpp.adapters.memory.configuration import affected_tickets
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.derivations import MemoryDerivationStore
from dpp.application.affected import Affected
from dpp.application.derivation import TicketInputs
from dpp.application.mapping_preview import TicketHistories


class MemoryTicketHistories(TicketHistories):
    """Reads the facts of tickets.

    Args:
        database: shared with the other memory stores.
        derivations: knows which facts belong to a ticket.
    """

    def __init__(self, *, database: MemoryDatabase, derivations: MemoryDerivationStore) -> None:
        self._database = database
        self._derivations = derivations

    async def of(self, affected: Affected) -> AsyncIterator[TicketInputs]:
        """Yield the inputs of the tickets that a change affects, all at once."""
        self._database.check_available()
        issue_ids = set(affected_tickets(self._database, affected))
        inputs = self._derivations.ticket_inputs(issue_ids)
        if inputs.columns.items:
            yield inputs
