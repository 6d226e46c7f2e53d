"""GitHub's history, as the simulated organisation's API tells it, against its webhooks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.adapters.simulation.github_api import Fault
from dpp.application.backfill import Backfill, HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.ports import Batch, Clock, Ids
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from dpp.domain.events import Facts, PullRequestEvent, PullRequestEventType
from tests.contracts.stores import delivery
from tests.support.derived_stores import MemoryStores
from tests.support.simulated_github import CORE, Wired, heard, wired
from tests.support.simulated_jira import configuration, organisation

ORG = CORE.org


async def everything(fake: Wired, *, begin: str | None = None) -> list[HistoryPage]:
    """Read a history from a cursor to its end."""
    pages = [await fake.history.page(ORG, cursor=begin)]
    while pages[-1].cursor is not None:
        pages.append(await fake.history.page(ORG, cursor=pages[-1].cursor))
    return pages


@cache
def told() -> tuple[HistoryPage, ...]:
    """Return every page of one organisation."""
    return tuple(asyncio.run(everything(wired())))


def by_change(parts: Sequence[Facts]) -> dict[object, Any]:
    """Return events by their identity."""
    return {(event.kind, event.identity): event for part in parts for event in part.events}


@cache
def opened() -> frozenset[str]:
    """Return the branches that a pull request was opened for: of others the API tells no pushes."""
    return frozenset(
        request.branch for request in organisation().plan.requests if request.opened_at < organisation().end
    )


def known_to_the_api(facts: Facts) -> Facts:
    """Return what of a webhook the API can tell as well."""
    pushes = tuple(event for event in facts.pushes if event.branch_name in opened())
    return Facts(pull_requests=facts.pull_requests, cicd=facts.cicd, pushes=pushes)


def dismissed() -> set[object]:
    """Return the identities of approvals that were dismissed later: the API tells them as dismissed reviews."""
    found = by_change([page.facts for page in told()]).values()
    reviews = {event.source_change_id for event in found if getattr(event, "review_state", None) == "dismissed"}
    return {key for key, event in by_change(list(heard(ORG))).items() if _is_approval(event, reviews)}


def _is_approval(event: Any, reviews: set[str | None]) -> bool:
    is_decision = getattr(event, "event_type", None) in {
        PullRequestEventType.APPROVED,
        PullRequestEventType.CHANGES_REQUESTED,
    }
    return is_decision and event.source_change_id in reviews


def test_the_history_tells_the_same_changes_as_the_webhooks() -> None:
    """Each change has one identity by both ways, but for what a dismissal hides from the API."""
    assert not [reason for page in told() for reason in page.unreadable]
    by_webhook = by_change([known_to_the_api(part) for part in heard(ORG)])
    by_api = by_change([page.facts for page in told()])
    assert by_webhook.keys() - dismissed() == by_api.keys()
    assert 1 == len(dismissed())
    assert 280 < len(by_api)


def test_the_history_tells_of_a_change_what_the_webhook_told() -> None:
    """Apart from openings and one dismissed review, which the API shows as they are now, the facts are equal."""
    by_webhook, by_api = by_change(list(heard(ORG))), by_change([page.facts for page in told()])
    different = [event for key, event in by_api.items() if by_webhook[key] != event]
    assert all(isinstance(event, PullRequestEvent) for event in different)
    kinds = {(event.event_type, event.review_state) for event in different}
    assert {(PullRequestEventType.OPENED, None), (PullRequestEventType.REVIEW_SUBMITTED, "dismissed")} == kinds


def test_progress_counts_pull_requests() -> None:
    """The pages together have as many things as the first one says that there are."""
    assert told()[0].total == sum(page.things for page in told()) == 23


async def _rows(parts: Sequence[Facts]) -> tuple[MemoryStores, Mapping[str, Sequence[Mapping[str, Any]]]]:
    stores = MemoryStores()
    await stores.configure(configuration())
    await stores.append([delivery(part) for part in parts])
    await stores.drain()
    return stores, await stores.rows()


#: How the pull request stood when a webhook told of it last, and what only a webhook of an approval tells.
_OTHERWISE = {"approved_at", "head_sha", "comments_count"}


def test_a_backfill_gives_the_derived_tables_of_the_webhooks() -> None:
    """Pull requests, their cycles, deployments and the change ledger are the same rows."""
    # Times are the same to the second, so that ids, which follow from identities, are the same too.
    _, by_webhook = asyncio.run(_rows([known_to_the_api(part) for part in heard(ORG)]))
    _, by_api = asyncio.run(_rows([Facts.of(page.facts for page in told()[1:])]))
    for table in ("pull_requests", "pr_cycles", "deployment_records", "change_ledger"):
        assert len(by_webhook[table]) == len(by_api[table])
        assert _without(by_webhook[table]) == _without(by_api[table]), table
    assert 23 == len(by_api["pull_requests"])
    assert len(by_api["deployment_records"]) > 3


def _without(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({name: cell for name, cell in row.items() if name not in _OTHERWISE} for row in rows), key=repr)


@pytest.mark.parametrize("seed", [1, 2])
def test_whichever_comes_first_there_is_one_event(seed: int) -> None:
    """Webhooks and pages of history in any order leave one and the same event for each change."""
    webhooks, pages = list(heard(ORG)), [page.facts for page in told()[1:]]
    mixed = [*webhooks, *pages]
    random.Random(seed).shuffle(mixed)

    async def tables(order: Sequence[Facts]) -> dict[str, dict[object, object]]:
        stores = MemoryStores()
        await stores.configure(configuration())
        for start in range(0, len(order), 60):
            await stores.append([delivery(part) for part in order[start : start + 60]])
        database = stores.database.events
        return {table: {row.event_id: row.event for row in rows} for table, rows in database.items() if rows}

    first = asyncio.run(tables([*webhooks, *pages]))
    assert first == asyncio.run(tables([*pages, *webhooks])) == asyncio.run(tables(mixed))
    assert len(by_change(webhooks)) == sum(map(len, first.values()))


def test_a_history_goes_on_from_any_page() -> None:
    """Another process that has nothing but the cursor tells the same rest, also with pages of three things."""
    pages = asyncio.run(everything(wired(page_size=3)))
    assert by_change([page.facts for page in pages]) == by_change([page.facts for page in told()])
    assert len(pages) > len(told())
    for place in range(0, len(pages) - 1, 5):
        rest = asyncio.run(everything(wired(page_size=3), begin=pages[place].cursor))
        assert [page.facts for page in pages[place + 1 :]] == [page.facts for page in rest]


def test_a_repository_that_is_gone_is_passed_over() -> None:
    """A cursor into a repository that is no longer there leads to the next one."""
    page = asyncio.run(wired().history.page(ORG, cursor='{"repository":186853000,"part":"runs","at":null}'))
    assert page.cursor is not None
    gone = asyncio.run(wired().history.page(ORG, cursor='{"repository":186852999,"part":"runs","at":null}'))
    assert not gone.facts
    assert '{"repository":186853000,"part":"pull_requests","at":null}' == gone.cursor


@pytest.mark.parametrize("fault", ["server_error", "timeout", "truncated", "lie"])
def test_what_passes_is_tried_again_after_pauses(fault: Fault) -> None:
    """A failure, silence, a torn or a lying answer costs a pause and nothing else."""
    fake = wired()
    fake.github.faults = [None, fault, None, None]
    asyncio.run(fake.history.page(ORG, cursor=None))
    assert [1.0] == fake.slept


@pytest.mark.parametrize("fault", ["server_error", "timeout", "truncated", "lie"])
def test_what_does_not_pass_ends_after_four_attempts(fault: Fault) -> None:
    """Nothing is asked in a tight loop: four attempts with pauses, then it is left for the next run."""
    fake = wired()
    fake.github.faults = [None, *[fault] * 9]
    with pytest.raises(SourceUnavailable, match="tried again by itself"):
        asyncio.run(fake.history.page(ORG, cursor=None))
    assert [1.0, 2.0, 4.0] == fake.slept
    assert 5 == len(fake.github.asked)


def test_a_secondary_limit_is_obeyed() -> None:
    """``Retry-After`` says how long to wait."""
    fake = wired()
    fake.github.faults = [None, "secondary_limit"]
    asyncio.run(fake.history.page(ORG, cursor=None))
    assert [7.0] == fake.slept


def test_a_limit_that_is_used_up_is_not_waited_for() -> None:
    """An hour is too long to wait in a call: the run says until when it waits, and goes on another time."""
    fake = wired()
    fake.github.faults = [None, "rate_limit"]
    with pytest.raises(SourceUnavailable, match="rate limit of acme-core-api is used up"):
        asyncio.run(fake.history.page(ORG, cursor=None))
    assert [] == fake.slept


def test_the_last_requests_are_left_to_what_cannot_wait() -> None:
    """Below the threshold of 500 nothing more is asked until the limit begins anew."""
    fake = wired()
    fake.github.remaining = 501
    asyncio.run(fake.source.repositories(CORE))
    asyncio.run(fake.source.repositories(CORE))
    asked = len(fake.github.asked)
    with pytest.raises(SourceUnavailable, match="499 requests are left"):
        asyncio.run(fake.source.repositories(CORE))
    assert asked == len(fake.github.asked)
    assert {("acme-core-api", "core"): 499} == {name: limit.remaining for name, limit in fake.api.limits.items()}


@pytest.mark.parametrize(
    ("fault", "remedy"), [("unauthorised", "app_id under"), ("forbidden", "github_app_private_key")]
)
def test_a_refused_app_says_what_to_do(fault: Fault, remedy: str) -> None:
    """An App that GitHub does not know ends a history until a person has mended it."""
    fake = wired()
    fake.github.faults = [fault] * 3
    with pytest.raises(SourceRefused, match=remedy):
        asyncio.run(fake.history.page(ORG, cursor=None))
    assert [] == fake.slept


def test_an_organisation_without_the_app_says_so() -> None:
    """Where the App is not installed, it is told where to install it and what to configure."""
    with pytest.raises(SourceRefused, match="Install the App in the organisation"):
        asyncio.run(wired().history.page("acme-data-layer", cursor=None))


def test_a_part_that_may_not_be_read_keeps_no_other_out() -> None:
    """Without the permission for deployments these are counted as unreadable, and the history goes on."""
    fake = wired()
    fake.github.faults = [None, None, "forbidden"]
    page = asyncio.run(fake.history.page(ORG, cursor='{"repository":186853001,"part":"deployments","at":null}'))
    assert 1 == len(page.unreadable)
    assert '{"repository":186853001,"part":"pushes","at":null}' == page.cursor


def test_a_withdrawn_token_is_made_anew() -> None:
    """A token that GitHub takes no more is replaced once, and the call goes on."""
    fake = wired()
    fake.github.faults = [None, "unauthorised"]
    assert 3 == len(asyncio.run(fake.source.repositories(CORE)))
    assert 2 == sum(path.endswith("/access_tokens") for _, path, _ in fake.github.asked)


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    """One token serves many calls; five minutes before its hour is over the next call gets another."""
    start = organisation().end
    moment = [start]
    fake = wired()
    fake.github.now = lambda: moment[0]
    app = fake.api._app
    app._now = lambda: moment[0]
    for minutes, grants in ((0, 1), (54, 1), (56, 2)):
        moment[0] = start + timedelta(minutes=minutes)
        asyncio.run(app.token("1001"))
        assert grants == len(fake.github.asked)


@dataclass
class _Watch(Clock, Ids):
    """Tells a time that a test moves, and ids."""

    at: datetime

    def now(self) -> datetime:
        """Return the time."""
        return self.at

    def new(self) -> UUID:
        """Return an id."""
        return uuid4()


class _Killed(Exception):
    """What a test ends a run with, as a kill would: nothing after it is done."""


@dataclass
class _Frail:
    """Takes pages in until it is killed, before or after one is stored."""

    stores: MemoryStores
    after: int
    is_stored: bool
    taken: int = 0

    async def __call__(self, source: str, page: HistoryPage) -> Appended:
        """Store a page."""
        self.taken += 1
        if self.taken == self.after and not self.is_stored:
            raise _Killed
        (appended,) = await self.stores.events.append(Batch(deliveries=[delivery(page.facts)]))
        if self.taken == self.after:
            raise _Killed
        return appended


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not stored"])
def test_a_killed_backfill_leaves_neither_a_gap_nor_a_double(is_stored: bool) -> None:
    """Killed again and again, each time at another page, by new processes that know the store alone, it gets there."""

    async def told_in_pieces() -> tuple[int, int]:
        stores, clock = MemoryStores(), _Watch(organisation().end)
        await stores.configure(configuration())
        runs = MemoryBackfillStore(database=stores.database)
        killed = 0
        for life in range(200):
            history = wired(page_size=4).history
            reading = Backfill(
                store=runs,
                sources=partial(dict, github=history),
                accept=_Frail(stores, after=1 + life % 3, is_stored=is_stored and life % 2 == 0),
                clock=clock,
                ids=clock,
            )
            await reading.request("github", ORG)
            try:
                await reading.run("github", ORG)
                break
            except _Killed:
                killed += 1
                clock.at += timedelta(hours=1)
        return killed, sum(map(len, stores.database.events.values()))

    killed, events = asyncio.run(told_in_pieces())
    assert killed > 5
    assert len(by_change([page.facts for page in told()])) == events
