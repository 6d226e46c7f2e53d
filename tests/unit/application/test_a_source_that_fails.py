"""A source that is down, slow, unauthorised or lying: the other goes on, nothing is lost, and it says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest

from dpp.adapters.jira.backfill import JiraHistory
from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.application.backfill import Backfill, BackfillRun, BackfillState, HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.ports import Batch, Clock, Ids
from tests.contracts.stores import delivery
from tests.support import simulated_github, simulated_jira
from tests.support.derived_stores import MemoryStores
from tests.support.simulated_jira import configuration, organisation

Failing = Literal["github", "jira"]
NAMES: dict[Failing, str] = {"github": "acme-core-api", "jira": "PAY"}
OTHER: dict[Failing, Failing] = {"github": "jira", "jira": "github"}
NOW = organisation().end
#: Requests that pass before a source begins to fail, and then it fails for good.
BEFORE, AFTER = 4, 80
MOST_ASKED = BEFORE + 10
"""Four attempts at what was asked for, of GitHub with smaller and smaller pages: nothing asks in a tight loop."""

ITSELF = "tried again by itself"
#: What goes wrong, and words of what the integration health says then, of GitHub and of Jira.
WRONGS = {
    "server_error": (ITSELF, ITSELF),
    "timeout": (ITSELF, ITSELF),
    "truncated": (ITSELF, ITSELF),
    "lie": (ITSELF, "check that base_url"),
    "web_page": ("check that api_url", "check that base_url"),
    "endless": ("its list does not end", "its list does not end"),
    "rate_limit": ("rate limit of acme-core-api is used up", ITSELF),
    "unauthorised": ("github_app_private_key", "secret jira_api_token"),
    "forbidden": ("Grant it the read permissions", "permission to browse"),
}


class _Wall(Clock, Ids):
    """A time that stands, and ids."""

    def now(self) -> datetime:
        """Return the end of the history."""
        return NOW

    def new(self) -> UUID:
        """Return an id."""
        return uuid4()


@dataclass
class Asking:
    """A platform that reads the histories of both sources."""

    github: simulated_github.Wired = field(default_factory=lambda: simulated_github.wired(page_size=10))
    jira: simulated_jira.Wired = field(default_factory=lambda: simulated_jira.wired(page_size=10))
    stores: MemoryStores = field(default_factory=MemoryStores)

    def __post_init__(self) -> None:
        self.notes = MemoryBackfillStore(database=self.stores.database)
        histories = {
            "github": self.github.history,
            "jira": JiraHistory(source=self.jira.source, configuration=configuration),
        }
        wall = _Wall()
        self.backfill = Backfill(store=self.notes, sources=lambda: histories, accept=self.accept, clock=wall, ids=wall)

    async def accept(self, _source: str, page: HistoryPage) -> Appended:
        """Store a page."""
        return (await self.stores.events.append(Batch(deliveries=[delivery(page.facts)])))[0]

    async def request(self, first: Failing) -> None:
        """Ask for both histories, of this source first."""
        await self.stores.configure(configuration())
        for place, name in enumerate((first, OTHER[first])):
            await self.notes.request(name, NAMES[name], at=NOW + timedelta(seconds=place), anew=False)

    def of(self, name: Failing) -> Any:
        """Return the fake."""
        return self.github.github if name == "github" else self.jira.jira

    async def run(self, name: Failing) -> BackfillRun:
        """Return how far the reading of a source is."""
        return next(run for run in await self.backfill.runs() if run.source == name)

    async def trouble(self, name: Failing) -> str | None:
        """Return what the integration health says of a source."""
        return next(state.reason for state in await self.backfill.states() if state.source == name)

    def stored(self) -> set[UUID]:
        """Return the ids of all facts."""
        return {row.event_id for rows in self.stores.database.events.values() for row in rows}


@cache
def undisturbed() -> frozenset[UUID]:
    """Return what both histories tell when nothing is wrong."""

    async def story() -> frozenset[UUID]:
        asking = Asking()
        await asking.request("github")
        await asking.backfill.run_waiting()
        return frozenset(asking.stored())

    found = asyncio.run(story())
    assert 400 < len(found)
    return found


@pytest.mark.parametrize("failing", ["github", "jira"])
@pytest.mark.parametrize("wrong", WRONGS)
def test_a_source_that_fails_harms_nothing_else(failing: Failing, wrong: str) -> None:
    """The other source is read to its end, what was stored stays, the reason is told, and later the rest is read."""
    remedy, whole = WRONGS[wrong][0 if failing == "github" else 1], undisturbed()

    async def story() -> None:
        asking = Asking()
        fake = asking.of(failing)
        fake.faults = [*[None] * BEFORE, *[wrong] * AFTER]
        await asking.request(failing)
        await asking.backfill.run_waiting()
        left, other = await asking.run(failing), await asking.run(OTHER[failing])
        assert (BackfillState.DONE, None) == (other.state, await asking.trouble(OTHER[failing]))
        assert left.state in {BackfillState.WAITING, BackfillState.FAILED}
        assert remedy in (left.reason or "")
        assert remedy in (await asking.trouble(failing) or "")
        assert MOST_ASKED >= len(fake.asked)
        before = asking.stored()
        assert before < whole

        fake.faults = []
        asking.github.api._not_before.clear()
        asking.github.api.limits.clear()
        await _go_on(asking, left)
        assert (BackfillState.DONE, None) == ((await asking.run(failing)).state, await asking.trouble(failing))
        assert whole == asking.stored() >= before

    asyncio.run(story())


async def _go_on(asking: Asking, left: BackfillRun) -> None:
    """Go on as the next schedule does; what a person had to mend is asked for by that person.

    Where parts were passed over for want of a permission, the reason says to read anew.
    """
    if left.state is BackfillState.FAILED:
        await asking.backfill.request(left.source, left.organisation, anew=left.unreadable > 0)
    await asking.backfill.run_waiting()


def test_limits_that_no_github_has_stop_nothing() -> None:
    """A limit that begins anew in eight thousand years is not believed: the history is read to its end."""

    async def story() -> Sequence[UUID]:
        asking = Asking()
        asking.github.github.faults = ["nonsense"] * 2000
        await asking.request("github")
        await asking.backfill.run_waiting()
        assert BackfillState.DONE is (await asking.run("github")).state
        return list(asking.stored())

    assert undisturbed() == frozenset(asyncio.run(story()))


def test_a_pause_of_a_thousand_years_ends_the_run_and_no_more() -> None:
    """Jira is asked once, the run waits, and the next one asks again."""

    async def story() -> None:
        asking = Asking()
        asking.jira.jira.faults = ["nonsense"]
        await asking.request("jira")
        await asking.backfill.run_waiting()
        assert (BackfillState.WAITING, []) == ((await asking.run("jira")).state, asking.jira.slept)
        await asking.backfill.run_waiting()
        assert BackfillState.DONE is (await asking.run("jira")).state

    asyncio.run(story())
