"""What GitHub is asked for by the clock: the register, gaps, and webhooks that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.application.backfill import HistoryPage
from dpp.application.code_polling import CodePolling
from dpp.application.deliveries import Appended
from dpp.application.ports import Batch
from dpp.application.source_errors import SourceUnavailable
from dpp.domain.events import Facts, RepositoryFact, RepositoryRef
from tests.contracts.stores import delivery
from tests.support.derived_stores import MemoryStores
from tests.support.simulated_github import CORE, Wired, heard, wired
from tests.support.simulated_jira import configuration, organisation

NOW = organisation().end
LATELY = NOW - timedelta(days=2)


@dataclass
class Polled:
    """A platform that has heard some webhooks, and its GitHub."""

    github: Wired = field(default_factory=wired)
    stores: MemoryStores = field(default_factory=MemoryStores)
    moment: datetime = NOW

    def __post_init__(self) -> None:
        self.states = MemoryBackfillStore(database=self.stores.database)
        self.polling = CodePolling(
            host=lambda: self.github.host,
            accept=self.accept,
            store=self.states,
            now=lambda: self.moment,
            registered=self.registered,
        )

    async def registered(self) -> list[str]:
        """Return what is in use."""
        return [name for name, is_active in self.names().items() if is_active]

    async def accept(self, source: str, page: HistoryPage) -> Appended:
        """Store a page."""
        assert source == "github"
        return (await self.stores.events.append(Batch(deliveries=[delivery(page.facts)])))[0]

    async def hear(self, parts: Sequence[Facts]) -> None:
        """Store what webhooks told."""
        await self.stores.configure(configuration())
        await self.stores.append([delivery(part) for part in parts])

    def names(self) -> dict[str, bool]:
        """Return the register: full names, and whether they are in use."""
        return {row.full_name: row.is_active for row in self.stores.database.repositories.all}


def _only_core(polled: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polled.github.host, "organisations", lambda: [CORE.org])


def test_what_webhooks_missed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly the events of the last days that no webhook brought are new; those before are not asked for."""
    polled = Polled()
    _only_core(polled, monkeypatch)
    parts = list(heard(CORE.org))
    missed = [part for part in parts if any(event.event_timestamp >= LATELY for event in part.events)]

    async def look() -> tuple[int, int]:
        await polled.hear([part for part in parts if part not in missed])
        before = sum(map(len, polled.stores.database.events.values()))
        filled = await polled.polling.find_gaps(last=LATELY)
        assert before + filled == sum(map(len, polled.stores.database.events.values()))
        return filled, await polled.polling.find_gaps(last=LATELY)

    opened = {request.branch for request in organisation().plan.requests if request.opened_at < NOW}
    wanted = sum(
        len(part.pull_requests) + len(part.cicd) + sum(push.branch_name in opened for push in part.pushes)
        for part in missed
    )
    assert (wanted, 0) == asyncio.run(look())
    assert wanted > 5


def test_the_register_follows_renames_and_archiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that was renamed while no webhook came is the same one; an archived one is not in use."""
    polled = Polled()
    _only_core(polled, monkeypatch)
    payments, accounts = 186_853_000, 186_853_001

    async def sync() -> None:
        await polled.hear(list(heard(CORE.org)))
        known = {row.github_repo_id: row.repo_id for row in polled.stores.database.repositories.all}
        polled.github.github.renamed[payments] = "payments"
        polled.github.github.archived.add(accounts)
        assert 3 == await polled.polling.sync_repositories()
        now = {row.github_repo_id: row.repo_id for row in polled.stores.database.repositories.all}
        assert known == now

    asyncio.run(sync())
    expected = {
        "acme-core-api/payments": True,
        "acme-core-api/accounts-api": False,
        "acme-core-api/common-lib": True,
    }
    assert expected == polled.names()


def test_the_register_retires_what_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that its organisation does not show any more is out of use; one that comes back is in use again."""
    polled = Polled()
    accounts = 186_853_001
    elsewhere = RepositoryFact(
        event_timestamp=LATELY, repository=RepositoryRef(org="acme-web", name="shop", github_id=9)
    )

    async def sync() -> list[dict[str, bool]]:
        await polled.hear([*heard(CORE.org), Facts(repositories=(elsewhere,))])
        states = []
        for days, gone in ((0, {accounts}), (1, set[int]())):
            at = NOW + timedelta(days=days)
            day = Polled(github=wired(now=at), stores=polled.stores, moment=at + timedelta(seconds=1))
            _only_core(day, monkeypatch)
            day.github.github.gone = gone
            await day.polling.sync_repositories()
            states.append(day.names())
        return states

    without, again = asyncio.run(sync())
    assert {
        "acme-core-api/payments-service": True,
        "acme-core-api/accounts-api": False,
        "acme-core-api/common-lib": True,
        "acme-web/shop": True,
    } == without
    assert {**without, "acme-core-api/accounts-api": True} == again


def test_an_organisation_that_shows_nothing_has_lost_no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """The App's access was taken away, or its list is not the whole: nothing is retired for that."""
    polled = Polled()
    _only_core(polled, monkeypatch)

    async def sync() -> None:
        await polled.hear(list(heard(CORE.org)))
        polled.github.github.gone = {186_853_000, 186_853_001, 186_853_002}
        assert 0 == await polled.polling.sync_repositories()

    asyncio.run(sync())
    assert {True} == {*polled.names().values()}


def test_one_organisation_that_cannot_be_asked_keeps_no_other_out() -> None:
    """Three of four organisations are read; the job fails with what to do about the fourth, which has no App."""
    polled = Polled()

    async def sync() -> Sequence[Any]:
        await polled.hear([])
        with pytest.raises(SourceUnavailable, match=r"acme-data-layer: .*Install the App"):
            await polled.polling.sync_repositories()
        return await polled.states.states()

    (state,) = asyncio.run(sync())
    assert 8 == len(polled.names())
    assert "acme-data-layer" in (state.reason or "")


def _sent(number: int, guid: str, status: int, at: datetime) -> dict[str, object]:
    return {"id": number, "guid": guid, "status_code": status, "delivered_at": at.isoformat(), "redelivery": False}


def test_failed_webhooks_are_sent_again() -> None:
    """Those that no attempt has brought, once each; not what arrived at a second attempt, nor what is too old."""
    fake = wired()
    fake.github.webhooks = [
        _sent(6, "a", 202, NOW - timedelta(hours=1)),
        _sent(5, "b", 503, NOW - timedelta(hours=2)),
        _sent(4, "b", 503, NOW - timedelta(hours=3)),
        _sent(3, "a", 503, NOW - timedelta(hours=4)),
        _sent(2, "c", 0, NOW - timedelta(hours=5)),
        _sent(1, "d", 503, NOW - timedelta(days=3)),
    ]
    assert 2 == asyncio.run(fake.host.send_again(since=NOW - timedelta(days=2)))
    assert [5, 2] == fake.github.sent_again


def test_without_an_app_nothing_is_asked() -> None:
    """Where no App is configured, the clock passes and nothing happens."""
    stores = MemoryStores()
    states = MemoryBackfillStore(database=stores.database)
    polled = Polled(stores=stores)
    polling = CodePolling(host=lambda: None, accept=polled.accept, store=states, now=lambda: NOW)
    assert (0, 0) == (asyncio.run(polling.sync_repositories()), asyncio.run(polling.find_gaps(last=None)))
    assert [] == list(asyncio.run(states.states()))
