"""What webhooks missed is found by asking, and nothing else is taken in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.adapters.memory.known_tickets import MemoryKnownTickets
from dpp.application.backfill import HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.ports import Batch
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from dpp.application.ticket_polling import Polled, TicketPolling
from dpp.domain.events import Facts, PullRequestEvent, PullRequestEventType, RepositoryRef
from tests.contracts.stores import delivery
from tests.support.derived_stores import MemoryStores
from tests.support.simulated_jira import Wired, configuration, heard, organisation, wired

NOW = organisation().end
LATELY = NOW - timedelta(hours=24)


@dataclass
class Polling:
    """A platform that has heard some webhooks, and its Jira."""

    jira: Wired
    stores: MemoryStores = field(default_factory=MemoryStores)
    taken: list[Facts] = field(default_factory=list)
    now: datetime = NOW

    def __post_init__(self) -> None:
        """Put the polling over the stores."""
        self.states = MemoryBackfillStore(database=self.stores.database)
        source = self.jira.source
        self.polling = TicketPolling(
            source=lambda: source,
            configuration=configuration,
            known=MemoryKnownTickets(database=self.stores.database, tables=self.stores.tables),
            accept=self._accept,
            store=self.states,
            now=lambda: self.now,
        )

    async def _accept(self, _source: str, page: HistoryPage) -> Appended:
        self.taken.append(page.facts)
        (appended,) = await self.stores.events.append(Batch(deliveries=[delivery(page.facts)]))
        await self.stores.drain()
        return appended

    async def hear(self, parts: list[Facts]) -> None:
        """Take in webhooks."""
        await self.stores.configure(configuration())
        await self.stores.append([delivery(part) for part in parts])
        await self.stores.drain()

    @property
    def events(self) -> int:
        """How many events there are."""
        return sum(map(len, self.stores.database.events.values()))


ALL = list(heard(kept=False))


def since(moment: datetime) -> list[Facts]:
    """Return the deliveries with something of a moment or later."""
    return [part for part in ALL if any(event.event_timestamp >= moment for event in part.events)]


def test_a_day_of_missed_webhooks_is_filled() -> None:
    """All that happened in the last day comes by asking, and nothing of before is asked to be kept again."""

    async def story() -> tuple[Polled, Polled, int, Polling]:
        to = Polling(wired())
        missed = since(LATELY)
        await to.hear([part for part in ALL if part not in missed])
        first = await to.polling.gaps(last=LATELY)
        return first, await to.polling.gaps(last=LATELY), sum(len(part.events) for part in missed), to

    first, second, missed, to = asyncio.run(story())
    gone = _told_of_gone_tickets(since(LATELY))
    assert missed - gone == first.filled
    assert 0 == second.filled
    assert 0 == first.unreadable
    border = LATELY - timedelta(hours=2)
    early = [event for part in to.taken for event in part.events if event.event_timestamp < border]
    assert [] == early


def _told_of_gone_tickets(parts: list[Facts]) -> int:
    """Return how many events are of tickets that were deleted: their history is gone with them."""
    gone = {str(one.jira_id) for one in organisation().plan.tickets if one.state_at(NOW) is None}
    return sum(event.item in gone for part in parts for event in (*part.work_items, *part.defects))


def test_tickets_of_a_running_sprint_that_nobody_told_of_are_asked_for() -> None:
    """Sprints and their tickets become known without a single webhook, and are not asked for again."""

    async def story() -> tuple[Polled, Polled, Polling]:
        to = Polling(wired("datacenter"))
        await to.stores.configure(configuration())
        first = await to.polling.sprints()
        return first, await to.polling.sprints(), to

    first, second, to = asyncio.run(story())
    running = {
        str(ticket.jira_id)
        for ticket in organisation().plan.tickets
        if (state := ticket.state_at(NOW)) and any(_runs(number) for number in state.sprints)
    }
    assert running == set(to.stores.tables.work_items)
    assert len(running) == first.asked_for
    assert (0, 0) == (second.asked_for, second.filled)
    assert 3 == sum(fact is not None and fact.state == "active" for fact in to.stores.database.sprints.values())


def _runs(number: int) -> bool:
    return organisation().plan.company.sprint(number).state(NOW) == "active"


def test_the_backlog_becomes_whole() -> None:
    """Every ticket that is unfinished in Jira is known afterwards, whatever was missed before."""

    async def story() -> tuple[Polled, Polling]:
        to = Polling(wired())
        await to.hear(ALL[::3])
        return await to.polling.backlog(), to

    found, to = asyncio.run(story())
    company = organisation().plan.company
    unfinished = {
        str(ticket.jira_id)
        for ticket in organisation().plan.tickets
        if (state := ticket.state_at(NOW)) and company.project(state.project).workflow[state.step].category != "done"
    }
    assert unfinished <= set(to.stores.tables.work_items)
    assert found.filled > 0


def test_a_refusal_is_noted_with_what_to_do() -> None:
    """Whoever looks after the platform reads what to mend; the next answer takes the note away."""

    async def story() -> list[str | None]:
        to = Polling(wired())
        to.jira.jira.faults = ["unauthorised"]
        with pytest.raises(SourceRefused):
            await to.polling.gaps(last=None)
        noted = [(await to.states.states())[0].reason]
        await to.stores.configure(configuration())
        await to.polling.gaps(last=None)
        return [*noted, (await to.states.states())[0].reason]

    refused, mended = asyncio.run(story())
    assert refused is not None
    assert "jira_api_token" in refused
    assert None is mended


def test_a_project_that_is_refused_does_not_stop_the_others() -> None:
    """The first project is one that the account may not see: what the others tell is taken in, and it is said."""

    async def story() -> tuple[str | None, set[str]]:
        to = Polling(wired())
        await to.stores.configure(configuration())
        await to.polling.sprints()
        to.jira.jira.faults = ["forbidden"]
        with pytest.raises(SourceRefused):
            await to.polling.backlog()
        known = {row.project_key for row in to.stores.tables.work_items.values()}
        return (await to.states.states())[0].reason, known

    reason, known = asyncio.run(story())
    assert reason is not None
    assert "permission" in reason
    assert {"ONB", "PLT", "INS2"} <= known


def test_without_a_jira_nothing_is_asked() -> None:
    """A platform that only hears webhooks polls nothing, and that is no failure."""
    database = MemoryStores()
    polling = TicketPolling(
        source=lambda: None,
        configuration=configuration,
        known=MemoryKnownTickets(database=database.database, tables=database.tables),
        accept=_nothing,
        store=MemoryBackfillStore(database=database.database),
        now=lambda: NOW,
    )
    assert Polled() == asyncio.run(polling.sprints()) == asyncio.run(polling.backlog())
    assert Polled() == asyncio.run(polling.gaps(last=None))


def named_by(key: str, *, minutes_ago: float, number: int = 7) -> Facts:
    """Return the opening of a pull request whose branch names a ticket."""
    opened = NOW - timedelta(minutes=minutes_ago)
    event = PullRequestEvent(
        event_type=PullRequestEventType.OPENED,
        event_timestamp=opened,
        repository=RepositoryRef(org=configuration().tech_streams[0].github_org, name="service", github_id=1),
        pr_number=number,
        author_hash="author",
        branch_name=f"feature/{key}-things",
        opened_at=opened,
        source_change_id=f"opened-{number}",
    )
    return Facts(pull_requests=(event,))


def a_ticket() -> tuple[str, str]:
    """Return the key and the number of a ticket that Jira has."""
    states = ((one.state_at(NOW), str(one.jira_id)) for one in organisation().plan.tickets)
    return next((state.key, number) for state, number in states if state is not None)


def test_the_ticket_that_a_pull_request_names_is_asked_for() -> None:
    """Nobody told of it: one question brings its whole history, the pull request is linked, and nothing asks again."""
    key, number = a_ticket()

    async def story() -> tuple[Polled, Polled, Polling]:
        to = Polling(wired())
        await to.hear([named_by(key, minutes_ago=6)])
        first = await to.polling.named()
        return first, await to.polling.named(), to

    first, second, to = asyncio.run(story())
    assert (1, True) == (first.asked_for, first.filled > 1)
    assert Polled() == second
    assert {number} == to.stores.tables.work_items.keys()
    (row,) = to.stores.tables.pull_requests.values()
    assert (key, number) == (row.linked_ticket_id, row.linked_issue_id)
    assert row.delivery_stream_id is not None


@pytest.mark.parametrize(("key", "minutes_ago"), [("real", 4), ("real", 8 * 24 * 60), ("UTF-8", 6), ("NOSUCH-1", 6)])
def test_what_need_not_be_asked_for_is_not(key: str, minutes_ago: float) -> None:
    """A webhook may be under way; old pull requests have been looked at; a branch may name what is no ticket at all."""

    async def story() -> tuple[Polled, int]:
        to = Polling(wired())
        await to.hear([named_by(a_ticket()[0] if key == "real" else key, minutes_ago=minutes_ago)])
        return await to.polling.named(), len(await to.states.states())

    assert (Polled(), 0) == asyncio.run(story())


def test_a_ticket_that_is_not_there_is_asked_for_less_and_less() -> None:
    """After 5 minutes, 10, 20 and so on, at last daily, for as long as the pull request is young."""
    missing = f"{a_ticket()[0].partition('-')[0]}-999999"

    async def story() -> list[float]:
        to, asked = Polling(wired()), list[float]()
        await to.hear([named_by(missing, minutes_ago=0)])
        for minute in range(5, 7 * 24 * 60, 5):
            to.now = NOW + timedelta(minutes=minute)
            if (await to.polling.named()).asked_for:
                asked.append(minute)
        return asked

    asked = asyncio.run(story())
    assert [10, 15, 25, 45, 85, 165, 325, 645, 1285] == asked[:9]
    assert {24 * 60} == {later - earlier for earlier, later in pairwise(asked[9:])}


def test_a_jira_that_is_away_is_asked_again_soon() -> None:
    """What could not be asked is not taken for missing: the next run asks for it."""
    key, _ = a_ticket()

    async def story() -> tuple[str | None, Polled]:
        to = Polling(wired())
        await to.hear([named_by(key, minutes_ago=6)])
        to.jira.jira.faults = ["server_error"] * 8
        with pytest.raises(SourceUnavailable):
            await to.polling.named()
        reason = (await to.states.states())[0].reason
        to.jira.jira.faults = []
        return reason, await to.polling.named()

    reason, found = asyncio.run(story())
    assert reason is not None
    assert 1 == found.asked_for


async def _nothing(_source: str, _page: HistoryPage) -> Appended:
    raise AssertionError("there is nothing to take in")
