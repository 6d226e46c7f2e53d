"""The event store on PostgreSQL: one transaction a batch, two round trips when its repositories are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from uuid import UUID

from psycopg.rows import class_row

from dpp.adapters.postgres import statements
from dpp.adapters.postgres.engine import Connection, Database
from dpp.adapters.postgres.errors import RETRYABLE, DatabaseUnavailable
from dpp.adapters.postgres.event_reports import settle
from dpp.adapters.postgres.feed import STALE_CHANNEL, notify
from dpp.adapters.postgres.held import held
from dpp.adapters.postgres.intake_rows import Row, as_json
from dpp.adapters.postgres.pulse import write_answers
from dpp.adapters.postgres.registry import Registry, has_news, load
from dpp.application.counting import counted, dead_letter_of, tally
from dpp.application.deliveries import Appended
from dpp.application.enrich import sprint_uuid
from dpp.application.event_rows import row_of
from dpp.application.measures import Cause
from dpp.application.ports import Batch, DeadLetter, EventStore
from dpp.application.repositories import Repositories
from dpp.application.resolving import EVENT_TABLES, ResolvedEvent, resolve, resolve_facts, sprints_named
from dpp.application.stale import StaleKey
from dpp.application.survey_intake import answers_of, latest, news_of, with_answers
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts, Outcome

#: A batch that met another one in a deadlock is written again; more than twice in a row means something else.
ATTEMPTS = 3


class PostgresEventStore(EventStore):
    """Writes facts to the event tables.

    Args:
        database: an open one.
        configuration: gives the current configuration without asking the database each time.
    """

    def __init__(self, *, database: Database, configuration: Callable[[], Awaitable[Configuration]]) -> None:
        self._database = database
        self._configuration = configuration
        self._registry = Registry()
        self._sprints: set[str] = set()

    async def append(self, batch: Batch) -> tuple[Appended, ...]:
        """Write a batch in one transaction."""
        configuration = await self._configuration()
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._append(batch, configuration)
            except DatabaseUnavailable as error:
                if not isinstance(error.__cause__, RETRYABLE):
                    raise
        return await self._append(batch, configuration)

    async def holds(self, facts: Facts) -> tuple[bool, ...]:
        """Say of each event whether it is there already, told the same."""
        configuration = await self._configuration()
        async with self._database.transaction() as connection:
            register = await load(connection, configuration=configuration)
            if has_news(register, facts):
                return (False,) * len(facts.events)
            return await held(connection, resolve_facts(facts, repositories=register))

    async def settled(self) -> Mapping[str, int]:
        """Return how many records of each archive segment are written."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute("SELECT segment, record FROM archive_positions")
            return dict(await cursor.fetchall())

    async def counts(self) -> Mapping[str, int]:
        """Return the number of facts by table."""
        parts = (f"SELECT '{table}', count(*) FROM {table}" for table in EVENT_TABLES)  # noqa: S608  # our own names
        async with self._database.transaction() as connection:
            cursor = await connection.execute(" UNION ALL ".join(parts).encode())
            return dict(await cursor.fetchall())

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the unread payloads, newest first."""
        async with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(DeadLetter)) as cursor,
        ):
            await cursor.execute(
                "SELECT delivery_uid, received_at, channel, kind, reason, expires_at FROM dead_letters"
                " ORDER BY received_at DESC, delivery_uid LIMIT %s",
                [limit],
            )
            return await cursor.fetchall()

    async def dead_letter(self, delivery_uid: UUID) -> bytes | None:
        """Return the sealed payload of one of them."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute("SELECT sealed FROM dead_letters WHERE delivery_uid = %s", [delivery_uid])
            row = await cursor.fetchone()
            return None if row is None or row[0] is None else bytes(row[0])

    async def expire_dead_letters(self, *, now: datetime) -> int:
        """Delete those whose time is over."""
        async with self._database.transaction() as connection:
            return (await connection.execute("DELETE FROM dead_letters WHERE expires_at <= %s", [now])).rowcount

    async def _append(self, batch: Batch, configuration: Configuration) -> tuple[Appended, ...]:
        async with self._database.transaction() as connection:
            register = await self._registry.covering(connection, batch.deliveries, configuration=configuration)
            work = _Work(batch, register, known_sprints=self._sprints)
            async with connection.pipeline():
                appended = await work.write(connection)
                # In the pipeline, so that the commit travels with the last statements.
                await connection.commit()
        self._registry.keep(register)
        self._sprints |= work.sprints
        return appended


@dataclass(slots=True)
class _Work:
    """The writing of one batch."""

    batch: Batch
    register: Repositories
    known_sprints: set[str]
    sprints: set[str] = field(default_factory=set)

    async def write(self, connection: Connection) -> tuple[Appended, ...]:
        """Send the facts, learn which are new, and send what follows from that; every step in the order of keys."""
        resolved = [resolve(delivery, repositories=self.register) for delivery in self.batch.deliveries]
        await self._write_sprints(connection)
        new, left = await _write_events(connection, (item for items in resolved for item in items))
        appended = await self._write_answers(connection, counted(resolved, new))
        told_anew = await settle(connection, left)
        first_told = (item for items in resolved for item in items if item.event_id in new)
        await _write_ticket_keys(connection, chain(first_told, told_anew))
        await _mark(connection, told_anew)
        await _write_dead_letters(connection, self.batch)
        # Rows that every process counts in: last, so that they are locked for the shortest time.
        await _write_positions_and_counts(connection, self.batch, appended)
        return appended

    async def _write_answers(self, connection: Connection, appended: tuple[Appended, ...]) -> tuple[Appended, ...]:
        """Write answers to the survey, and tell whoever shows them; return what became of each delivery with them."""
        configuration = self.register.configuration
        answers = [answers_of(delivery, configuration=configuration) for delivery in self.batch.deliveries]
        if not any(answers):
            return appended
        written = await write_answers(connection, latest(answer for given in answers for answer in given))
        if (news := news_of(written)) is not None:
            await notify(connection, news)
        return with_answers(appended, answers, written)

    async def _write_sprints(self, connection: Connection) -> None:
        deliveries = self.batch.deliveries
        named = {sprint for delivery in deliveries for sprint in sprints_named(delivery)} - self.known_sprints
        if named:
            rows = [
                {"sprint_id": sprint_uuid(sprint), "jira_sprint_id": sprint, "name": f"Sprint {sprint}"}
                for sprint in sorted(named)
            ]
            await connection.execute(statements.SPRINTS_NAMED, [as_json(rows)])
            self.sprints = named
        reported = sorted(
            (fact for delivery in deliveries for fact in delivery.facts.sprints),
            key=lambda fact: (fact.jira_sprint_id, fact.event_timestamp),
        )
        for fact in reported:
            row = {
                "sprint_id": sprint_uuid(fact.jira_sprint_id),
                "jira_sprint_id": fact.jira_sprint_id,
                "name": fact.name,
                "start_date": fact.start_date,
                "end_date": fact.end_date,
                "goal": fact.goal,
                "state": fact.state,
                "reported_at": fact.event_timestamp,
            }
            await connection.execute(statements.SPRINTS_REPORTED, [as_json([row])])


async def _write_events(
    connection: Connection, resolved: Iterable[ResolvedEvent]
) -> tuple[set[UUID], dict[str, list[ResolvedEvent]]]:
    """Write facts; return the ids of those that were not there, and the others by table."""
    tables: dict[str, list[ResolvedEvent]] = defaultdict(list)
    for item in resolved:
        tables[item.table].append(item)
    cursors = []
    for table in EVENT_TABLES:
        if items := tables.get(table):
            items.sort(key=lambda item: item.order)
            cursor = connection.cursor(binary=True)
            rows = as_json(map(_marking_row, items))
            await cursor.execute(statements.NEWS[table], {"rows": rows, "count": len(items)})
            cursors.append((table, cursor))
    new: set[UUID] = set()
    left: dict[str, list[ResolvedEvent]] = {}
    for table, cursor in cursors:
        row = await cursor.fetchone()
        assert row is not None
        if row[0] is None:
            new.update(item.event_id for item in tables[table])
        else:
            new.update(row[0])
            left[table] = _left(tables[table], new)
    return new, left


def _left(items: Sequence[ResolvedEvent], new: Container[UUID]) -> list[ResolvedEvent]:
    """Return the facts of one table that were not written; of two with one id the first was."""
    first = {item.event_id: item for item in reversed(items)}
    return [item for item in items if first[item.event_id] is not item or item.event_id not in new]


def _marking_row(item: ResolvedEvent) -> Row:
    """Return the row of a fact with what it makes stale."""
    row = row_of(item)
    if (key := item.makes_stale) is not None:
        row |= {"share": key.group, "kind": key.kind, "key": key.key}
    return row


async def _write_ticket_keys(connection: Connection, told: Iterable[ResolvedEvent]) -> None:
    keys = {pair for item in told for pair in item.ticket_keys}
    if keys:
        rows = [{"ticket_id": ticket_id, "issue_id": issue_id} for ticket_id, issue_id in sorted(keys)]
        await connection.execute(statements.TICKET_KEYS, [as_json(rows)])


async def _mark(connection: Connection, concerned: Iterable[ResolvedEvent]) -> None:
    """Queue what is to be derived again because of facts that are not new."""
    stale: dict[StaleKey, datetime] = {}
    for item in concerned:
        if (key := item.makes_stale) is not None:
            at = item.event.event_timestamp
            stale[key] = min(at, stale.get(key, at))
    if stale:
        marks = [
            {"share": key.group, "kind": key.kind, "key": key.key, "since": at, "cause": Cause.LATE_EVENT}
            for key, at in sorted(stale.items())
        ]
        await connection.execute(statements.STALE_KEYS, [as_json(marks)])
        await connection.execute("SELECT pg_notify(%s, '')", [STALE_CHANNEL])


async def _write_dead_letters(connection: Connection, batch: Batch) -> None:
    for delivery in batch.deliveries:
        if delivery.outcome is Outcome.UNKNOWN:
            letter = dead_letter_of(delivery)
            await connection.execute(
                statements.DEAD_LETTER,
                [
                    letter.delivery_uid,
                    letter.received_at,
                    letter.channel,
                    letter.kind,
                    letter.reason,
                    batch.sealed.get(letter.delivery_uid),
                    letter.expires_at,
                ],
            )


async def _write_positions_and_counts(connection: Connection, batch: Batch, appended: Sequence[Appended]) -> None:
    last: dict[str, int] = {}
    for position in batch.positions:
        last[position.segment] = max(position.record, last.get(position.segment, 0))
    rows = [{"segment": segment, "record": record} for segment, record in sorted(last.items())]
    counts = tally(batch.deliveries, appended)
    if rows or counts:
        await connection.execute(statements.POSITIONS_AND_COUNTS, [as_json(rows), as_json(counts)])
