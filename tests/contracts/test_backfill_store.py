"""The store of backfill runs, on memory and PostgreSQL; and what is read over it, killed and gone on with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.postgres.backfill import PostgresBackfillStore
from dpp.adapters.postgres.engine import Database
from dpp.application.backfill import (
    LEASE,
    Backfill,
    BackfillBusy,
    BackfillState,
    BackfillStore,
    HistoryPage,
    SourceHistory,
    SourceState,
    UnknownSource,
)
from dpp.application.deliveries import Appended
from dpp.application.off_peak import OffPeak
from dpp.application.ports import Clock, Ids
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from dpp.domain.events import Facts, SprintFact

pytestmark = pytest.mark.anyio

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
ME, OTHER = UUID(int=1), UUID(int=2)


@dataclass
class Watch(Clock, Ids):
    """Tells a time that tests move, and ids."""

    at: datetime = T0

    def now(self) -> datetime:
        """Return the time."""
        return self.at

    def new(self) -> UUID:
        """Return an id."""
        return uuid4()


@dataclass
class Told(SourceHistory):
    """A history of numbered pages with one sprint each; ``wrong`` is raised in place of a page, once."""

    pages: int = 4
    wrong: dict[int, Exception] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def organisations(self) -> Sequence[str]:
        """Return two."""
        return ["one", "two"]

    async def page(self, organisation: str, *, cursor: str | None) -> HistoryPage:
        """Return a page."""
        number = int(cursor or 0)
        self.asked.append(number)
        if error := self.wrong.pop(number, None):
            raise error
        fact = SprintFact(event_timestamp=T0, jira_sprint_id=f"{organisation} {number}", name="S", state="active")
        following = str(number + 1) if number + 1 < self.pages else None
        return HistoryPage(facts=Facts(sprints=(fact,)), cursor=following, things=10, total=10 * self.pages)


class Killed(Exception):
    """What a test ends a run with, as a kill would."""


@dataclass
class Taken:
    """Takes pages in and remembers their sprints; ends the run after so many."""

    sprints: list[str] = field(default_factory=list)
    killed_after: int | None = None

    async def __call__(self, _source: str, page: HistoryPage) -> Appended:
        """Take a page in."""
        if self.killed_after is not None and len(self.sprints) >= self.killed_after:
            raise Killed
        self.sprints += [fact.jira_sprint_id for fact in page.facts.sprints]
        return Appended(accepted=3, duplicates=1)


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[BackfillStore]:
    """A store of one family."""
    if family == "memory":
        yield MemoryBackfillStore(database=MemoryDatabase())
        return
    async with Database(request.getfixturevalue("database_url"), application_name="contract tests") as database:
        yield PostgresBackfillStore(database=database)


def reading(store: BackfillStore, history: Told, taken: Taken, watch: Watch) -> Backfill:
    """Return a worker that reads a history."""
    sources: Mapping[str, SourceHistory] = {"jira": history}
    return Backfill(store=store, sources=lambda: sources, accept=taken, clock=watch, ids=watch)


async def test_a_run_belongs_to_one_at_a_time(store: BackfillStore) -> None:
    """One of two is held; when its holder is silent for too long another may take it, and the first may not write."""
    until = T0 + LEASE
    await store.request("jira", "one", at=T0, anew=False)
    await store.request("jira", "two", at=T0, anew=False)
    assert None is await store.claim("jira", "three", owner=ME, now=T0, until=until)
    mine = await store.claim("jira", "one", owner=ME, now=T0, until=until)
    assert mine is not None
    assert BackfillState.RUNNING is mine.state
    assert None is await store.claim("jira", "two", owner=OTHER, now=T0, until=until)
    assert await store.save(replace(mine, cursor="5", pages=5, things=50, total=80, accepted=7, duplicates=2))
    later = until + timedelta(seconds=1)
    theirs = await store.claim("jira", "one", owner=OTHER, now=later, until=later + LEASE)
    assert theirs is not None
    assert ("5", 5, 50, 80, 7, 2) == (
        *(theirs.cursor, theirs.pages, theirs.things),
        *(theirs.total, theirs.accepted, theirs.duplicates),
    )
    assert not await store.save(replace(mine, cursor="6"))
    assert not await store.renew(mine, until=later + 2 * LEASE)
    assert await store.renew(theirs, until=later + 2 * LEASE)
    assert later + 2 * LEASE == (await store.runs())[0].leased_until
    assert ["5", None] == [run.cursor for run in await store.runs()]


async def test_a_request_goes_on_or_begins_anew(store: BackfillStore) -> None:
    """A run that was broken off keeps its place unless it is to begin anew; one that was done begins anew."""
    await store.request("jira", "one", at=T0, anew=False)
    mine = await store.claim("jira", "one", owner=ME, now=T0, until=T0 + LEASE)
    assert mine is not None
    held = await store.request("jira", "one", at=T0, anew=True)
    assert BackfillState.RUNNING is held.state
    await store.save(replace(mine, cursor="5", state=BackfillState.FAILED, reason="why", finished_at=T0))
    again = await store.request("jira", "one", at=T0, anew=False)
    assert (BackfillState.WAITING, "5", None) == (again.state, again.cursor, again.reason)
    assert None is (await store.request("jira", "one", at=T0, anew=True)).cursor


async def test_how_a_source_answers_is_noted(store: BackfillStore) -> None:
    """The last word counts; when it last answered stays known while it does not."""
    await store.note("jira", at=T0, reason=None)
    await store.note("github", at=T0, reason="no key")
    later = T0 + timedelta(hours=1)
    await store.note("jira", at=later, reason="no token")
    assert [
        SourceState(source="github", failed_at=T0, reason="no key"),
        SourceState(source="jira", answered_at=T0, failed_at=later, reason="no token"),
    ] == list(await store.states())
    await store.note("jira", at=later, reason=None)
    assert SourceState(source="jira", answered_at=later) == (await store.states())[1]


async def test_a_killed_run_goes_on_without_gap_or_double(store: BackfillStore) -> None:
    """It is killed before the third page is in: another process goes on with that page once the lease is over."""
    history, watch, taken = Told(), Watch(), Taken(killed_after=2)
    first = reading(store, history, taken, watch)
    await first.request("jira", "one")
    with pytest.raises(Killed):
        await first.run("jira", "one")
    taken.killed_after = None
    second = reading(store, history, taken, watch)
    with pytest.raises(BackfillBusy):
        await second.run("jira", "one")
    watch.at += LEASE + timedelta(seconds=1)
    done = await second.run("jira", "one")
    assert (BackfillState.DONE, 4, 40, 12, 4) == (done.state, done.pages, done.things, done.accepted, done.duplicates)
    assert 1.0 == done.share_done
    assert ["one 0", "one 1", "one 2", "one 3"] == taken.sprints
    assert [0, 1, 2, 2, 3] == history.asked


async def test_what_a_source_says_is_on_record(store: BackfillStore) -> None:
    """What a person must mend fails the run and names the remedy; what passes leaves it waiting at its place."""
    history, watch, taken = Told(), Watch(), Taken()
    work = reading(store, history, taken, watch)
    history.wrong = {1: SourceUnavailable("away"), 2: SourceRefused("put a token there")}
    await work.request("jira", "one")
    assert 1 == await work.run_waiting()
    (run,) = await store.runs()
    assert (BackfillState.WAITING, "away", "1") == (run.state, run.reason, run.cursor)
    with pytest.raises(SourceRefused):
        await work.run("jira", "one")
    (run,) = await store.runs()
    assert (BackfillState.FAILED, "put a token there", "2") == (run.state, run.reason, run.cursor)
    assert "put a token there" == (await store.states())[0].reason
    assert 0 == await work.run_waiting()
    await work.request("jira", "one")
    assert 2 == await work.run_waiting()
    assert BackfillState.DONE is (await store.runs())[0].state


async def test_histories_are_read_one_after_the_other_in_their_hours(store: BackfillStore) -> None:
    """The oldest request first; when the hours are over the run is put back with its place."""
    history, watch, taken = Told(pages=2), Watch(), Taken()
    work = reading(store, history, taken, watch)
    await work.request("jira", "two")
    watch.at += timedelta(minutes=1)
    await work.request("jira", "one")
    allowed = iter([True, True, False, False])
    assert 1 == await work.run_waiting(may_go_on=lambda: next(allowed))
    assert ["two 0"] == taken.sprints
    waiting = {run.organisation: (run.state, run.cursor) for run in await store.runs()}
    assert {"one": (BackfillState.WAITING, None), "two": (BackfillState.WAITING, "1")} == waiting
    assert 3 == await work.run_waiting()
    assert ["two 0", "two 1", "one 0", "one 1"] == taken.sprints


async def test_only_what_is_configured_can_be_read(store: BackfillStore) -> None:
    """The message names what there is."""
    work = reading(store, Told(), Taken(), Watch())
    with pytest.raises(UnknownSource, match="jira"):
        await work.request("gitlab", "one")
    with pytest.raises(UnknownSource, match="one, two"):
        await work.request("jira", "three")
    assert [] == list(await store.runs())


@pytest.mark.parametrize(
    ("hours", "allowed"),
    [((20, 6), {20, 23, 0, 5}), ((1, 3), {1, 2}), ((0, 24), {0, 5, 20, 23}), ((4, 4), {0, 5, 20})],
)
async def test_hours_may_go_over_midnight(hours: tuple[int, int], allowed: set[int]) -> None:
    """The last hour is not in the window; two equal ones, and 0 to 24, are the whole day."""
    window = OffPeak(start_hour=hours[0], end_hour=hours[1])
    assert all(window.allows(hour) for hour in allowed)
    assert hours not in {(20, 6), (1, 3)} or not window.allows(hours[1])
