"""What rebuilding everything costs over reading and writing the very same rows without calculating them."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

import psycopg

from benchmarks.history import CALENDAR, EVENTS_PER_TICKET, database_with_history, server
from benchmarks.scale import scaled
from dpp.adapters.postgres.derivations import PostgresDerivationStore
from dpp.adapters.postgres.engine import Database
from dpp.application.derivation import Derive, TicketInputs
from dpp.application.derive import Derivation
from dpp.application.derived_rows import TicketRows
from dpp.application.rebuild import rebuild
from dpp.application.stale import StaleKind
from dpp.domain.configuration import Configuration

TICKETS = 125_000
AIM = 1.5


class _Remembering(Derivation):
    """Calculates, and keeps what it has calculated; or gives that back without calculating."""

    def __init__(self) -> None:
        super().__init__(calendar_of=lambda _configuration, _stream: CALENDAR)
        self.calculates = True
        self.seconds = 0.0
        self._kept: dict[tuple[str, ...], TicketRows] = {}

    def tickets(self, inputs: TicketInputs, configuration: Configuration) -> TicketRows:
        start = perf_counter()
        if self.calculates:
            self._kept[inputs.columns.items] = super().tickets(inputs, configuration)
        rows = self._kept[inputs.columns.items]
        self.seconds += perf_counter() - start
        return rows


def run() -> dict[str, Any]:
    """Measure over a million events of 125 thousand tickets."""
    tickets = scaled(TICKETS, least=100)
    with server() as url:
        return asyncio.run(_measured(database_with_history(url, "rebuild", tickets=tickets), tickets))


async def _measured(url: str, tickets: int) -> dict[str, Any]:
    derive = _Remembering()
    first = await _seconds(url, derive)
    derive.calculates = False
    copied = await _seconds(url, derive)
    derive.calculates, derive.seconds = True, 0.0
    rebuilt = await _seconds(url, derive)
    return {
        "events": tickets * EVENTS_PER_TICKET,
        "tickets": tickets,
        "first_derivation_seconds": first,
        "rebuild_seconds": rebuilt,
        "of_it_calculating_seconds": derive.seconds,
        "read_and_write_only_seconds": copied,
        "ratio": rebuilt / copied,
        "aim": AIM,
        "within_aim": rebuilt / copied <= AIM,
    }


async def _seconds(url: str, derive: Derive) -> float:
    async with Database(url, statement_seconds=300) as database:
        start = perf_counter()
        outcome = await rebuild(PostgresDerivationStore(database=database), derive, kinds=[StaleKind.TICKET])
        seconds = perf_counter() - start
        assert not outcome.failed
    # Every pass begins with tables in the same condition.
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")
    return seconds
