"""What every store of links made by hand promises, from the word of a person to the stream of a pull request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.manual_links import MemoryManualLinks
from dpp.adapters.postgres.access import PostgresAccessStore
from dpp.adapters.postgres.manual_links import PostgresManualLinks
from dpp.application.access_ports import AccessStore
from dpp.application.manual_links import ManualLinks, ManualLinkStore, UnknownPullRequest
from dpp.application.rebuild import rebuild
from dpp.domain.access import Grant, Principal, Role, user_principal
from dpp.domain.errors import InvalidInput
from dpp.domain.events import PullRequestEventType, WorkItemEventType
from tests.support.access import CountedIds, HandClock
from tests.support.derivation import (
    APPS,
    CORE,
    DERIVE,
    PAYMENTS,
    at,
    deliveries,
    merged_pull_request,
    pull_request_event,
    ticket_event,
)
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores

pytestmark = pytest.mark.anyio

SERVICE = "acme-core/service"


@dataclass
class Linking:
    """A platform that derives, and takes links by hand."""

    stores: Stores
    links: ManualLinks
    log: AccessStore
    clock: HandClock

    async def pull_request(self) -> dict[str, Any]:
        """Derive, and return the only pull request."""
        await self.stores.drain()
        (row,) = (await self.stores.rows())["pull_requests"]
        return dict(row)


@pytest.fixture
async def linking(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Linking]:
    """A platform of one family that knows a ticket and a merged pull request that names none."""
    async with stores(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        log: AccessStore
        store: ManualLinkStore
        if isinstance(found, MemoryStores):
            log = MemoryAccessStore()
            store = MemoryManualLinks(database=found.database, tables=found.tables, log=log)
        else:
            assert isinstance(found, PostgresStores)
            log, store = PostgresAccessStore(database=found.database), PostgresManualLinks(database=found.database)
        clock = HandClock(at(100))
        ticket = ticket_event(WorkItemEventType.CREATED, 0, status="Open", change="1")
        await found.append(deliveries([[ticket], [*merged_pull_request(branch="no-ticket")]]))
        await found.drain()
        yield Linking(found, ManualLinks(store=store, clock=clock, ids=CountedIds()), log, clock)


def lead(**of: Any) -> Principal:
    """Somebody who leads a stream."""
    return user_principal(
        user_id=CountedIds().new(), name="lead@example.org", grants=[Grant(role=Role.STREAM_LEAD, **of)]
    )


async def test_a_link_by_hand_gives_the_ticket_and_its_stream(linking: Linking) -> None:
    """A pull request that names no ticket belongs to the one that a person gives it, and to that ticket's stream."""
    assert None is (await linking.pull_request())["linked_ticket_id"]
    await linking.links.link(lead(tech_stream_id=CORE), repository=SERVICE.upper(), pr_number=7, ticket="PAY-1")
    found = await linking.pull_request()
    assert ("PAY-1", "manual", "10001", PAYMENTS) == (
        found["linked_ticket_id"],
        found["link_method"],
        found["linked_issue_id"],
        found["delivery_stream_id"],
    )


async def test_the_last_word_counts_and_survives_a_rebuild(linking: Linking) -> None:
    """Linked, and then said to belong to none: it has no ticket, also after everything was derived anew."""
    for ticket in ("PAY-1", None):
        await linking.links.link(lead(tech_stream_id=CORE), repository=SERVICE, pr_number=7, ticket=ticket)
        linking.clock.forward(hours=1)
    assert None is (await linking.pull_request())["linked_ticket_id"]
    await rebuild(linking.stores.derivations, DERIVE)
    assert None is (await linking.pull_request())["linked_ticket_id"]


async def test_a_person_goes_before_the_branch(linking: Linking) -> None:
    """What a person says counts, whatever the branch says later."""
    await linking.links.link(lead(tech_stream_id=CORE), repository=SERVICE, pr_number=7, ticket="PAY-1")
    event = pull_request_event(PullRequestEventType.CLOSED, 20, branch="feature/PAY-9", change="late")
    await linking.stores.append(deliveries([[event]]))
    assert "PAY-1" == (await linking.pull_request())["linked_ticket_id"]


async def test_what_one_does_not_lead_cannot_be_linked(linking: Linking) -> None:
    """Another stream's lead gets the same answer as for a pull request that is not there; a viewer likewise."""
    everybody = user_principal(user_id=CountedIds().new(), name="lead@example.org", grants=[Grant(role=Role.VIEWER)])
    for principal, number in ((lead(tech_stream_id=APPS), 7), (lead(tech_stream_id=CORE), 8), (everybody, 7)):
        with pytest.raises(UnknownPullRequest):
            await linking.links.link(principal, repository=SERVICE, pr_number=number, ticket="PAY-1")
    assert None is (await linking.pull_request())["linked_ticket_id"]


async def test_what_is_no_ticket_key_is_refused(linking: Linking) -> None:
    """A key is an upper-case project and a number."""
    with pytest.raises(InvalidInput, match="no ticket key"):
        await linking.links.link(lead(tech_stream_id=CORE), repository=SERVICE, pr_number=7, ticket="pay 1")


async def test_a_link_is_on_record(linking: Linking) -> None:
    """The audit log has who linked what, and what it was before."""
    principal = lead(tech_stream_id=CORE)
    await linking.links.link(principal, repository=SERVICE, pr_number=7, ticket="PAY-1", reason="said at stand-up")
    entry = next(row for row in await linking.log.entries() if row.action == "pull_request.link")
    assert (principal.actor, f"pull_request:{SERVICE}#7") == (entry.actor, entry.subject)
    assert entry.details is not None
    assert (None, "PAY-1") == (entry.details["before"], entry.details["after"])
