"""What every store of sprints' corrections promises, from the word of a person to what figures see of sprints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.forecasting import MemoryForecastReader, MemoryForecasts
from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.adapters.memory.sprint_corrections import MemorySprintCorrections
from dpp.adapters.memory.sprints import MemorySprints, MemorySprintStore
from dpp.adapters.postgres.access import PostgresAccessStore
from dpp.adapters.postgres.forecasting import PostgresForecastReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.operations import PostgresOperationsReader
from dpp.adapters.postgres.sprint_corrections import PostgresSprintCorrections
from dpp.adapters.postgres.sprints import PostgresSprintStore
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.access_ports import AccessStore
from dpp.application.calendars import Calendars
from dpp.application.enrich import sprint_uuid
from dpp.application.forecasting_reader import ForecastReader
from dpp.application.readers import OperationsReader
from dpp.application.sprint_corrections import (
    NotYourSprint,
    Said,
    SprintCorrections,
    SprintCorrectionStore,
    UnknownSprint,
)
from dpp.application.sprint_snapshots import SprintSnapshots, SprintStore
from dpp.application.views import View
from dpp.domain.access import Grant, Principal, Role, StreamScope, user_principal
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Facts, SprintFact, TicketFields, WorkItemEvent, WorkItemEventType
from tests.contracts.stores import delivery
from tests.support.access import CountedIds, HandClock
from tests.support.derivation import LOGISTICS, PAYMENTS, at
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores
from tests.support.noted_jobs import NotedJobs

pytestmark = pytest.mark.anyio

BEGUN = at(0)
DAY = BEGUN.date()
NOW = at(24 * 30)
SEVEN, EIGHT = sprint_uuid("7"), sprint_uuid("8")
ADMIN = user_principal(user_id=UUID(int=1), name="admin", grants=[Grant(role=Role.PLATFORM_ADMIN)])


def lead(stream: UUID) -> Principal:
    """Somebody who leads a delivery stream."""
    grants = [Grant(role=Role.STREAM_LEAD, delivery_stream_id=stream)]
    return user_principal(user_id=UUID(int=2), name="lead", grants=grants)


def sprint(number: str, *, first: int, last: int, state: str = "closed") -> Facts:
    """Return a report of a sprint, by days since the beginning."""
    days = (DAY + timedelta(days=first), DAY + timedelta(days=last))
    fact = SprintFact(
        event_timestamp=at(24 * last),
        jira_sprint_id=number,
        name=f"Sprint {number}",
        state=state,
        start_date=days[0],
        end_date=days[1],
    )
    return Facts(sprints=(fact,))


def ticket(key: str, sprint_number: str) -> Facts:
    """Return a ticket of the project's stream that a sprint holds from the first day on."""
    event = WorkItemEvent(
        event_type=WorkItemEventType.TRANSITIONED,
        event_timestamp=at(1),
        ticket_id=key,
        project_key=key.partition("-")[0],
        issue_id=key,
        source_change_id=key,
        to_status="Doing",
        fields=TicketFields(ticket_type="story", jira_sprint_id=sprint_number),
    )
    return Facts(work_items=(event,))


@dataclass
class Correcting:
    """A platform that knows two sprints, and takes corrections of them."""

    stores: Stores
    corrections: SprintCorrections
    log: AccessStore
    sprints: SprintStore
    forecasts: ForecastReader
    operations: OperationsReader
    clock: HandClock
    jobs: NotedJobs = field(default_factory=NotedJobs)

    async def correct(self, number: str, *, by: Principal = ADMIN, **said: Any) -> None:
        """Say something of a sprint, a minute after the last word."""
        self.clock.time += timedelta(minutes=1)
        await self.corrections.correct(by, number, Said(**said))

    async def seen(self, stream: UUID | None = None) -> list[tuple[str, date, date]]:
        """Return what confidence sees of sprints: number, first and last day, the latest first."""
        view = View(scope=StreamScope.everything(), as_of=NOW, delivery_stream_id=stream)
        rows = await self.forecasts.sprints(view, today=NOW.date())
        return [(row.jira_sprint_id, row.start_date, row.end_date) for row in rows]


@pytest.fixture
async def to(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Correcting]:
    """A platform of one family: sprint 7 of two tickets, and sprint 8 of one, all of Payments."""
    async with stores(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        clock, jobs = HandClock(NOW), NotedJobs()
        parts: tuple[AccessStore, SprintCorrectionStore, SprintStore, ForecastReader, OperationsReader]
        if isinstance(found, MemoryStores):
            log = MemoryAccessStore()
            shared: dict[str, Any] = {"database": found.database, "tables": found.tables}
            parts = (
                log,
                MemorySprintCorrections(log=log, **shared),
                MemorySprintStore(kept=MemorySprints(), **shared),
                MemoryForecastReader(kept=MemoryForecasts(), **shared),
                MemoryOperationsReader(**shared),
            )
        else:
            assert isinstance(found, PostgresStores)
            base = found.database
            parts = (
                PostgresAccessStore(database=base),
                PostgresSprintCorrections(database=base),
                PostgresSprintStore(database=base),
                PostgresForecastReader(database=base, kept=KeptRows(database=base)),
                PostgresOperationsReader(database=base),
            )
        corrections = SprintCorrections(
            store=parts[1], configuration=found.configurations, jobs=jobs, clock=clock, ids=CountedIds()
        )
        happened = (
            sprint("7", first=0, last=11),
            sprint("8", first=14, last=25),
            ticket("PAY-1", "7"),
            ticket("PAY-2", "7"),
            ticket("PAY-3", "8"),
        )
        await found.append([delivery(part) for part in happened])
        await found.drain()
        yield Correcting(found, corrections, parts[0], parts[2], parts[3], parts[4], clock, jobs)


def days(number: str, first: int, last: int) -> tuple[str, date, date]:
    """Return a sprint as confidence sees it."""
    return number, DAY + timedelta(days=first), DAY + timedelta(days=last)


async def test_the_latest_word_counts_as_a_whole(to: Correcting) -> None:
    """Days that were said stand in place of Jira's until something else is said; nothing said is as Jira says."""
    assert [days("8", 14, 25), days("7", 0, 11)] == await to.seen()
    await to.correct("7", end_date=DAY + timedelta(days=9))
    assert [days("8", 14, 25), days("7", 0, 9)] == await to.seen()
    await to.correct("7", start_date=DAY + timedelta(days=1))
    assert [days("8", 14, 25), days("7", 1, 11)] == await to.seen()
    listed = await to.operations.sprints(View(scope=StreamScope.everything(), as_of=NOW))
    assert DAY + timedelta(days=1) == next(row.start_date for row in listed if row.jira_sprint_id == "7")
    await to.correct("7")
    assert [days("8", 14, 25), days("7", 0, 11)] == await to.seen()
    (told,) = [row for row in await to.corrections.sprints(ADMIN) if row.jira_sprint_id == "7"]
    assert (DAY, True) == (told.start_date, told.correction is not None and told.correction.says_nothing)


async def test_a_sprint_that_is_left_out_is_none(to: Correcting) -> None:
    """Neither confidence nor snapshots nor the list of sprints know it; administration still shows it."""
    await to.correct("8", is_left_out=True, reason="a list of ideas")
    assert [days("7", 0, 11)] == await to.seen()
    assert [SEVEN] == [row.sprint_id for row in await to.sprints.sprints(since=DAY)]
    view = View(scope=StreamScope.everything(), as_of=NOW)
    assert ["7"] == [row.jira_sprint_id for row in await to.operations.sprints(view)]
    assert ["8", "7"] == [row.jira_sprint_id for row in await to.corrections.sprints(ADMIN)]
    assert ["snapshot_sprints", "close_sprints"] == to.jobs.deferred


async def test_a_sprint_can_be_given_to_a_stream(to: Correcting) -> None:
    """It counts for that stream alone, whatever its tickets say, and whoever leads that one sees it."""
    await to.correct("8", delivery_stream_id=LOGISTICS)
    assert [days("7", 0, 11)] == await to.seen(PAYMENTS)
    assert [days("8", 14, 25)] == await to.seen(LOGISTICS)
    assert {SEVEN: PAYMENTS, EIGHT: LOGISTICS} == {
        row.sprint_id: row.delivery_stream_id for row in await to.sprints.sprints(since=DAY)
    }
    assert ["8"] == [row.jira_sprint_id for row in await to.corrections.sprints(lead(LOGISTICS))]


async def test_closing_figures_follow_a_correction_however_old_the_sprint(to: Correcting) -> None:
    """With another last day an old sprint's result, which is looked at no more, is worked out anew."""
    calendars = Calendars(LibraryHolidays())
    taking = SprintSnapshots(store=to.sprints, configuration=to.stores.configurations.load, calendars=calendars)
    later = NOW + timedelta(days=90)
    view = View(scope=StreamScope.everything(), as_of=later)
    assert 2 == await taking.close(now=later)
    assert 0 == await taking.close(now=later)
    before = await to.sprints.closed(view, sprint_id=SEVEN)
    await to.correct("7", end_date=DAY + timedelta(days=2))
    assert 1 == await taking.close(now=later)
    after = await to.sprints.closed(view, sprint_id=SEVEN)
    assert before is not None
    assert after is not None
    assert (DAY + timedelta(days=11), DAY + timedelta(days=2)) == (before.closed_at.date(), after.closed_at.date())


async def test_a_lead_corrects_what_is_theirs_alone(to: Correcting) -> None:
    """Nobody gives a sprint to a stream that is not theirs, or takes it from there; of others' they know nothing."""
    end = DAY + timedelta(days=9)
    await to.correct("7", by=lead(PAYMENTS), end_date=end)
    with pytest.raises(NotYourSprint):
        await to.correct("7", by=lead(PAYMENTS), delivery_stream_id=LOGISTICS)
    with pytest.raises(UnknownSprint):
        await to.correct("7", by=lead(LOGISTICS), end_date=end)
    await to.correct("7", delivery_stream_id=LOGISTICS)
    with pytest.raises(NotYourSprint):
        await to.correct("7", by=lead(LOGISTICS), is_left_out=True)
    with pytest.raises(UnknownSprint):
        await to.correct("9")


async def test_what_cannot_be_is_refused_and_what_is_said_is_on_record(to: Correcting) -> None:
    """Days in the wrong order, years, and streams that are none leave everything as it was; the log has both states."""
    for said in (
        {"end_date": DAY - timedelta(days=1)},
        {"start_date": DAY + timedelta(days=12)},
        {"end_date": DAY + timedelta(days=400)},
        {"delivery_stream_id": UUID(int=0xF1)},
    ):
        with pytest.raises(InvalidInput) as refused:
            await to.correct("7", **said)
        assert refused.value.field in said
    assert [days("8", 14, 25), days("7", 0, 11)] == await to.seen()
    await to.correct("7", end_date=DAY + timedelta(days=9), reason="closed by lee@example.org")
    await to.correct("7")
    entries = [entry for entry in await to.log.entries() if entry.action == "sprint.corrected"]
    taken_back, said_first = (dict(entry.details or {}) for entry in entries)
    assert taken_back["before"] == said_first["after"]
    assert (None, None) == (said_first["before"], taken_back["after"])
    assert "lee@example.org" not in str(said_first)
