"""Histories are asked for over HTTP, and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.backfill import MemoryBackfillStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.backfill import Backfill, HistoryPage, SourceHistory
from dpp.application.deliveries import Appended
from dpp.application.ports import Clock, Ids
from dpp.domain.access import Grant, Role, user_principal
from dpp.domain.errors import DppError
from dpp.domain.events import Facts
from dpp.entrypoints.http import backfills, errors

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WHO = user_principal(user_id=UUID(int=9), name="Ada", grants=[Grant(role=Role.PLATFORM_ADMIN)])


class _Watch(Clock, Ids):
    def now(self) -> datetime:
        """Return the time."""
        return NOW

    def new(self) -> UUID:
        """Return an id."""
        return UUID(int=1)


@dataclass
class _History(SourceHistory):
    """Two pages of five things each."""

    def organisations(self) -> Sequence[str]:
        """Return one."""
        return ["acme"]

    async def page(self, organisation: str, *, cursor: str | None) -> HistoryPage:
        """Return a page."""
        return HistoryPage(facts=Facts(), cursor=None if cursor else "second", things=5, total=10)


async def _accept(source: str, page: HistoryPage) -> Appended:
    return Appended(accepted=1)


@pytest.fixture
def backfill() -> Backfill:
    """A runner over one source."""
    watch = _Watch()
    store = MemoryBackfillStore(database=MemoryDatabase())
    return Backfill(store=store, sources=lambda: {"github": _History()}, accept=_accept, clock=watch, ids=watch)


@pytest.fixture
def audit() -> MemoryAccessStore:
    """An empty log."""
    return MemoryAccessStore()


@pytest.fixture
def client(backfill: Backfill, audit: MemoryAccessStore) -> Iterator[TestClient[Litestar]]:
    """The routes alone, for somebody who may do everything."""
    app = Litestar(
        backfills.routes(lambda: backfill, lambda: audit, _Watch),
        dependencies={"principal": Provide(lambda: WHO, sync_to_thread=False)},
        exception_handlers={DppError: errors.on_platform_error},
    )
    with TestClient(app) as asking:
        yield asking


def test_a_history_is_asked_for_and_read(client: TestClient[Litestar], backfill: Backfill) -> None:
    """§7.3.2: POST starts it and answers 202; the list of histories tells how far it is, until it is done."""
    assert [] == client.get("/admin/backfill").json()["data"]["runs"]
    asked = client.post("/admin/backfill/github/acme")
    assert (202, "waiting", None) == (asked.status_code, asked.json()["data"]["state"], asked.json()["data"]["total"])
    asyncio.run(backfill.run("github", "acme"))
    (done,) = client.get("/admin/backfill").json()["data"]["runs"]
    assert ("done", 2, 10, 10, 1.0) == tuple(done[name] for name in ("state", "pages", "things", "total", "share_done"))


def test_an_unknown_source_is_said_to_be_none(client: TestClient[Litestar]) -> None:
    """Which there are is told by the message."""
    for path, known in (("svn/acme", "github"), ("github/other", "acme")):
        refused = client.post(f"/admin/backfill/{path}")
        assert 422 == refused.status_code
        assert "source_unknown" in refused.text
        assert known in refused.text


def test_who_asked_for_a_history_is_on_record(client: TestClient[Litestar], audit: MemoryAccessStore) -> None:
    """By either address; what was refused is not on record."""
    client.post("/admin/backfill/github/acme")
    client.post("/admin/backfill", json={"source": "github", "organisation": "acme", "anew": True})
    client.post("/admin/backfill/svn/acme")
    told = [(one.actor, one.action, one.subject, one.details) for one in asyncio.run(audit.entries())]
    assert [
        (
            WHO.actor,
            "backfill.requested",
            "source:github",
            {"source": "github", "organisation": "acme", "anew": anew},
        )
        for anew in (True, False)
    ] == told
