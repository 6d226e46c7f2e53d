"""What every store of corrections promises: all that people have said comes along to an empty store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.corrections import MemoryCorrections
from dpp.adapters.postgres.access import PostgresAccessStore
from dpp.adapters.postgres.corrections import PostgresCorrections
from dpp.application.access_ports import AccessStore, AuditEntry
from dpp.application.corrections import ACTION, Applied, Correction, Corrections, LinkSaid, SprintSaid, VerdictSaid
from dpp.application.delivery_rows import record_id_of
from dpp.domain.events import CicdEventType, Event, Facts, IncidentEventType, SprintFact, WorkItemEventType
from tests.contracts.stores import delivery
from tests.support.derivation import (
    at,
    deliveries,
    deployment_event,
    incident_event,
    merged_pull_request,
    ticket_event,
)
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores

pytestmark = pytest.mark.anyio

LINK = LinkSaid(
    said_id=UUID(int=1),
    repository="acme-core/service",
    pr_number=7,
    ticket_id="PAY-1",
    said_at=at(100),
    said_by="user:00000000-0000-0000-0000-000000000009",
    reason="named nothing",
)
VERDICT = VerdictSaid(
    said_id=UUID(int=2),
    incident_id="INC-1",
    source_incident_id="INC-1",
    record_id=record_id_of(pipeline_id="release", pipeline_run_id="1"),
    verdict="rejected",
    said_at=at(101),
    said_by="user:00000000-0000-0000-0000-000000000009",
    reason=None,
)
SPRINT = SprintSaid(
    said_id=UUID(int=3),
    jira_sprint_id="7",
    start_date=None,
    end_date=at(0).date() + timedelta(days=9),
    delivery_stream="payments",
    is_left_out=False,
    said_at=at(102),
    said_by="cli",
    reason=None,
)
SAID: tuple[Correction, ...] = (LINK, VERDICT, SPRINT)
ENTRY = AuditEntry(occurred_at=at(200), actor="cli", action=ACTION)


@pytest.fixture
async def to(family: str, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Stores, Corrections, AccessStore]]:
    """A configured platform of one family that knows nothing yet."""
    async with stores(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        log: AccessStore
        if isinstance(found, MemoryStores):
            log = MemoryAccessStore()
            yield found, MemoryCorrections(database=found.database, log=log), log
        else:
            assert isinstance(found, PostgresStores)
            log = PostgresAccessStore(database=found.database)
            yield found, PostgresCorrections(database=found.database), log


async def hear(found: Stores) -> None:
    """Take in what the corrections are about, as a replay of the archive does."""
    ticket = ticket_event(WorkItemEventType.CREATED, 0, status="Open", change="1")
    happened: list[list[Event]] = [
        [ticket, *merged_pull_request(branch="no-ticket")],
        [deployment_event(CicdEventType.DEPLOY_COMPLETED, 20), incident_event(IncidentEventType.INCIDENT_OPENED, 20.5)],
    ]
    sprint = SprintFact(event_timestamp=at(0), jira_sprint_id="7", name="Seven", state="active")
    await found.append([*deliveries(happened), delivery(Facts(sprints=(sprint,)))])
    await found.drain()


async def test_what_was_said_comes_along(to: tuple[Stores, Corrections, AccessStore]) -> None:
    """Applied after a replay everything is as it was said, once, and what it is about is derived again."""
    found, corrections, log = to
    await hear(found)
    assert Applied(3, 0, ()) == await corrections.add(SAID, entry=ENTRY)
    assert list(SAID) == list(await corrections.all())
    await found.drain()
    (request,) = (await found.rows())["pull_requests"]
    assert ("PAY-1", "manual") == (request["linked_ticket_id"], request["link_method"])
    assert Applied(0, 3, ()) == await corrections.add(SAID, entry=ENTRY)
    assert list(SAID) == list(await corrections.all())
    details = [entry.details for entry in await log.entries() if entry.action == ACTION]
    assert [{"new": 0, "known": 3, "unplaced": 0}, {"new": 3, "known": 0, "unplaced": 0}] == details


async def test_what_is_about_nothing_here_is_told(to: tuple[Stores, Corrections, AccessStore]) -> None:
    """Without repository, sprint or stream there is no place for what was said of them; the rest is added."""
    found, corrections, _ = to
    told = await corrections.add(SAID, entry=ENTRY)
    assert (1, 0) == (told.new, told.known)
    assert ("pull request acme-core/service#7", "sprint 7 of payments") == told.unplaced
    await hear(found)
    elsewhere = replace(SPRINT, delivery_stream="logistic")
    assert Applied(1, 1, ("sprint 7 of logistic",)) == await corrections.add((LINK, VERDICT, elsewhere), entry=ENTRY)
