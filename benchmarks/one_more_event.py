"""What one more event costs, from its append to the derived rows, with a short and with a long history stored."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.history import DERIVE, EVENTS_PER_TICKET, PROJECTS, database_with_history, server
from benchmarks.scale import scaled
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.derivations import PostgresDerivationStore
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.events import PostgresEventStore
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.derivation import DerivationStore
from dpp.application.ports import Batch, EventStore
from dpp.application.rebuild import rebuild
from dpp.application.stale import StaleKind
from dpp.domain.events import Facts, Outcome, Source, TicketFields, WorkItemEvent, WorkItemEventType

FEW_TICKETS = 1_250
MANY_TICKETS = 125_000
ROUNDS = 150
AIM = 1.2

#: After everything in the history.
LATER = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(slots=True)
class _Platform:
    """A database with a history, and what it took to add to it."""

    tickets: int
    events: EventStore
    derivations: DerivationStore
    appended: list[float] = field(default_factory=list)
    derived: list[float] = field(default_factory=list)


def run() -> dict[str, Any]:
    """Measure with 10 thousand and with a million events stored, in turns."""
    few, many = scaled(FEW_TICKETS, least=100), scaled(MANY_TICKETS, least=200)
    with server() as url:
        sizes = {database_with_history(url, name, tickets=size): size for name, size in (("few", few), ("many", many))}
        return asyncio.run(_measured(sizes))


async def _measured(sizes: dict[str, int]) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        few, many = [
            await _platform(await stack.enter_async_context(Database(url, statement_seconds=300)), tickets)
            for url, tickets in sizes.items()
        ]
        for url in sizes:
            # As autovacuum does within a minute: a queue out of which 125 thousand entries have just gone is slower.
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute("VACUUM ANALYZE")
        for number in range(ROUNDS):
            for platform in (few, many):
                await _add_one(platform, number)
    # The first rounds find nothing prepared.
    warm = slice(20, None)
    costs = [median(platform.derived[warm]) for platform in (few, many)]
    wholes = [
        median(a + d for a, d in zip(platform.appended[warm], platform.derived[warm], strict=True))
        for platform in (few, many)
    ]
    return {
        "events_few": few.tickets * EVENTS_PER_TICKET,
        "events_many": many.tickets * EVENTS_PER_TICKET,
        "derive_few_ms": costs[0] * 1e3,
        "derive_many_ms": costs[1] * 1e3,
        "append_and_derive_few_ms": wholes[0] * 1e3,
        "append_and_derive_many_ms": wholes[1] * 1e3,
        "ratio": wholes[1] / wholes[0],
        "aim": AIM,
        "within_aim": wholes[1] / wholes[0] <= AIM,
    }


async def _platform(database: Database, tickets: int) -> _Platform:
    configurations = PostgresConfigurationStore(database=database)
    current = await configurations.load()

    async def configuration() -> Any:
        return current

    derivations = PostgresDerivationStore(database=database)
    await rebuild(derivations, DERIVE, kinds=[StaleKind.TICKET])
    return _Platform(tickets, PostgresEventStore(database=database, configuration=configuration), derivations)


async def _add_one(platform: _Platform, number: int) -> None:
    ticket = 1 + number * 97 % platform.tickets
    project = f"P{1 + ticket % PROJECTS}"
    event = WorkItemEvent(
        event_type=WorkItemEventType.TRANSITIONED,
        event_timestamp=LATER,
        ticket_id=f"{project}-{ticket}",
        project_key=project,
        issue_id=str(ticket),
        source_change_id=str(10**9 + number),
        to_status="Doing",
        fields=TicketFields(ticket_type="story"),
    )
    delivery = AcceptedDelivery(
        delivery_uid=UUID(int=number),
        received_at=LATER,
        channel="jira",
        source=Source.JIRA,
        outcome=Outcome.UNDERSTOOD,
        facts=Facts(work_items=(event,)),
    )
    start = perf_counter()
    await platform.events.append(Batch(deliveries=[delivery]))
    appended = perf_counter()
    result = await platform.derivations.derive_stale(DERIVE, limit=500)
    derived = perf_counter()
    assert result.derived == 1
    platform.appended.append(appended - start)
    platform.derived.append(derived - appended)
