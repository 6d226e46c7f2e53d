"""Snapshots of sprints and what they came to, worked out of events and derived rows, on memory and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from dpp.adapters.memory.known_tickets import MemoryKnownTickets
from dpp.adapters.memory.sprints import MemorySprints, MemorySprintStore
from dpp.adapters.postgres.known_tickets import PostgresKnownTickets
from dpp.adapters.postgres.sprints import PostgresSprintStore
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.calendars import Calendars
from dpp.application.enrich import sprint_uuid
from dpp.application.sprint_snapshots import SprintSnapshots, SprintStore
from dpp.application.ticket_polling import KnownTickets
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration
from dpp.domain.events import (
    Facts,
    PullRequestEvent,
    PullRequestEventType,
    RepositoryRef,
    SprintFact,
    TicketFields,
    WorkItemEvent,
    WorkItemEventType,
)
from tests.contracts.stores import delivery
from tests.support.derivation import CONFIGURATION, LOGISTICS, PAYMENTS
from tests.support.derived_stores import MemoryStores, Stores, stores

pytestmark = pytest.mark.anyio

DAY = date(2026, 3, 2)
MORNING = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
SEVEN = sprint_uuid("7")


def at(days: float) -> datetime:
    """Return the moment so many days after the sprint's first morning."""
    return MORNING + timedelta(days=days)


def told(key: str, days: float, status: str, *, sprint: str | None, points: float = 1) -> Facts:
    """Return a change of a ticket that leaves it in a status and a sprint."""
    event = WorkItemEvent(
        event_type=WorkItemEventType.TRANSITIONED,
        event_timestamp=at(days),
        ticket_id=key,
        project_key="PAY",
        issue_id=key,
        source_change_id=f"{key} {days}",
        to_status=status,
        fields=TicketFields(ticket_type="story", jira_sprint_id=sprint, story_points=points),
    )
    return Facts(work_items=(event,))


def sprint(state: str, *, days: float) -> Facts:
    """Return a report of the sprint, from Monday to Friday."""
    fact = SprintFact(
        event_timestamp=at(days),
        jira_sprint_id="7",
        name="Seven",
        state=state,
        start_date=DAY,
        end_date=DAY + timedelta(days=4),
    )
    return Facts(sprints=(fact,))


#: One is committed and done on Wednesday, one is committed and tested, one is taken out on Tuesday, one comes later.
HAPPENED = (
    sprint("active", days=0),
    told("PAY-1", -1, "Open", sprint="7", points=3),
    told("PAY-1", 2, "Closed", sprint="7", points=3),
    told("PAY-2", 0.1, "In QA", sprint="7"),
    told("PAY-3", 0.1, "Doing", sprint="7"),
    told("PAY-3", 1, "Doing", sprint=None),
    told("PAY-4", 3, "Doing", sprint="7"),
)


@dataclass
class Sprinting:
    """A store of one family over derived rows, and what takes snapshots with it."""

    stores: Stores
    store: SprintStore
    known: KnownTickets
    snapshots: SprintSnapshots

    async def hear(self, *parts: Facts) -> None:
        """Take in facts and derive."""
        await self.stores.append([delivery(part) for part in parts])
        await self.stores.drain()

    async def counts(self, view: View | None = None) -> list[tuple[Any, ...]]:
        """Return each snapshot's day in the sprint and its counts without the work in progress of analysis."""
        rows = await self.store.snapshots(view or seen(100), sprint_id=SEVEN)
        return [
            (
                (row.day - DAY).days,
                *(row.counts.committed, row.counts.completed, row.counts.remaining),
                *(row.counts.added_after_start, row.counts.removed_after_start),
                *(row.counts.wip_dev, row.counts.wip_qa),
            )
            for row in rows
        ]


def seen(days: float, scope: StreamScope | None = None) -> View:
    """Return a view as of so many days."""
    return View(scope=scope or StreamScope.everything(), as_of=at(days))


@pytest.fixture
async def to(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Sprinting]:
    """A store of one family."""
    url = None if family == "memory" else request.getfixturevalue("database_url")

    async def configuration() -> Configuration:
        return CONFIGURATION

    async with stores(url) as found:
        if isinstance(found, MemoryStores):
            kept = MemorySprints()
            store: SprintStore = MemorySprintStore(database=found.database, tables=found.tables, kept=kept)
            known: KnownTickets = MemoryKnownTickets(database=found.database, tables=found.tables)
        else:
            store = PostgresSprintStore(database=found.database)  # type: ignore[attr-defined]
            known = PostgresKnownTickets(database=found.database)  # type: ignore[attr-defined]
        taking = SprintSnapshots(store=store, configuration=configuration, calendars=Calendars(LibraryHolidays()))
        yield Sprinting(found, store, known, taking)


async def test_a_running_sprint_is_taken_day_by_day(to: Sprinting) -> None:
    """On Thursday afternoon: today's snapshot as of now, and those of the days before as of their ends."""
    await to.hear(*HAPPENED)
    assert 4 == await to.snapshots.take(now=at(3.2))
    # day, committed, completed, remaining, added, removed, in development, in QA
    assert [
        (0, 3, 0, 3, 0, 0, 1, 1),
        (1, 3, 0, 2, 0, 1, 0, 1),
        (2, 3, 1, 1, 0, 1, 0, 1),
        (3, 3, 1, 2, 1, 1, 1, 1),
    ] == await to.counts()


async def test_a_second_run_of_a_day_takes_that_day_anew(to: Sprinting) -> None:
    """One snapshot a day: the later one."""
    await to.hear(*HAPPENED)
    await to.snapshots.take(now=at(2.9 / 24))
    assert [(0, 3, 0, 3, 0, 0, 1, 1)] == await to.counts()
    await to.hear(told("PAY-5", 0.2, "Doing", sprint="7"))
    assert 1 == await to.snapshots.take(now=at(0.3))
    assert [(0, 4, 0, 4, 0, 0, 2, 1)] == await to.counts()


async def test_earlier_days_follow_what_is_heard_late(to: Sprinting) -> None:
    """What was done on Tuesday and is told on Thursday changes Tuesday's snapshot and the later ones, and no other."""
    await to.hear(*HAPPENED)
    await to.snapshots.take(now=at(3.2))
    before = await to.counts()
    assert 0 == await to.snapshots.take(now=at(3.2))
    await to.hear(told("PAY-2", 1.2, "Closed", sprint="7"))
    assert 3 == await to.snapshots.take(now=at(3.2))
    after = await to.counts()
    assert before[0] == after[0]
    assert [(1, 1), (2, 0), (2, 1)] == [(row[2], row[3]) for row in after[1:]]


async def test_snapshots_are_seen_by_who_sees_their_stream_and_from_when_they_were_taken(to: Sprinting) -> None:
    """Another stream's people see none; as of Tuesday noon Monday's alone."""
    await to.hear(*HAPPENED)
    await to.snapshots.take(now=at(3.2))
    others = StreamScope(delivery_streams=frozenset({LOGISTICS}), tech_streams=frozenset())
    own = StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset())
    assert [] == await to.counts(seen(100, others))
    assert 4 == len(await to.counts(seen(100, own)))
    assert [0] == [row[0] for row in await to.counts(seen(1.1))]


async def test_a_closed_sprint_has_its_figures(to: Sprinting) -> None:
    """Of three committed one was done: three points, a third; what is heard afterwards changes nothing."""
    await to.hear(*HAPPENED)
    assert 0 == await to.snapshots.close(now=at(3.2))
    assert None is await to.store.closed(seen(3.2), sprint_id=SEVEN)
    await to.hear(sprint("closed", days=4.2), told("PAY-2", 4.3, "Closed", sprint="7"))
    assert 1 == await to.snapshots.close(now=at(5))
    found = await to.store.closed(seen(5), sprint_id=SEVEN)
    assert found is not None
    assert at(4.2) == found.closed_at
    result = found.result
    assert (3, 1, 1, 3.0, 1) == (
        *(result.committed, result.completed, result.completed_of_committed),
        *(result.velocity_points, result.added_after_start),
    )
    assert 100 / 3 == result.commitment_accuracy_pct
    assert 0 == await to.snapshots.close(now=at(5))


async def test_a_late_report_revises_a_result(to: Sprinting) -> None:
    """A transition of before the closing that comes after the daily check counts with the next one."""
    await to.hear(*HAPPENED, sprint("closed", days=4.2))
    await to.snapshots.close(now=at(5))
    await to.hear(told("PAY-2", 4.1, "Closed", sprint="7"))
    assert 1 == await to.snapshots.close(now=at(6))
    found = await to.store.closed(seen(6), sprint_id=SEVEN)
    assert found is not None
    assert 2 == found.result.completed_of_committed


async def test_known_tickets_are_compared_by_number(to: Sprinting) -> None:
    """Which there are, which are unfinished, and which a sprint holds."""
    await to.hear(*HAPPENED)
    assert {"PAY-1": False, "PAY-2": True, "PAY-3": True, "PAY-4": True} == dict(await to.known.of_project("PAY"))
    assert {} == dict(await to.known.of_project("LOG"))
    assert {"PAY-1", "PAY-2", "PAY-4"} == await to.known.in_sprint("7")


def opened(branch: str, days: float, *, number: int) -> Facts:
    """Return the opening of a pull request."""
    event = PullRequestEvent(
        event_type=PullRequestEventType.OPENED,
        event_timestamp=at(days),
        repository=RepositoryRef(org="acme-core", name="service", github_id=1),
        pr_number=number,
        author_hash="author",
        branch_name=branch,
        opened_at=at(days),
        source_change_id=f"opened {number}",
    )
    return Facts(pull_requests=(event,))


async def test_tickets_that_only_pull_requests_name(to: Sprinting) -> None:
    """Each once, that of the latest pull request first, of those opened in the span; known ones are not among them."""
    named = [("PAY-1", 1.0), ("PAY-91", 1.0), ("PAY-92", 2.0), ("PAY-91", 3.0), ("nothing", 2.5), ("PAY-93", 4.0)]
    parts = (opened(branch, days, number=number) for number, (branch, days) in enumerate(named))
    await to.hear(*HAPPENED, *parts)
    assert ["PAY-91", "PAY-92"] == list(await to.known.only_named(since=at(1), before=at(4)))
    assert ["PAY-93"] == list(await to.known.only_named(since=at(4), before=at(9)))
    await to.hear(told("PAY-92", 5, "Open", sprint=None))
    assert ["PAY-91"] == list(await to.known.only_named(since=at(1), before=at(4)))
