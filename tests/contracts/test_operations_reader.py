"""What every reader for administrators promises."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from dpp.application.enrich import sprint_uuid
from dpp.application.ports import Batch
from dpp.application.readers import ChannelCount, SprintRow, UnlinkedPullRequest, UnmappedStatus
from dpp.domain.access import StreamScope
from dpp.domain.events import Facts, Outcome, SprintFact, TicketFields
from dpp.domain.stages import Stage, StatusMapping
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, T0, WEB, delivery, moved_to, reviewed
from tests.support.reading import Reading, Ticket, at, pull_request, reading, view

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    """Readers of one family over an empty store that knows a small organisation."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with reading(url) as found:
        await found.configurations.save(ORGANISATION, expected_version=0, actor="a test", at=T0)
        yield found


async def append(store: Reading, *facts: Facts) -> None:
    """Append deliveries of these facts."""
    await store.events.append(Batch(deliveries=[delivery(part) for part in facts]))


async def test_an_empty_store_has_nothing_to_tell(store: Reading) -> None:
    """Without a delivery there is no count, no wait and no news."""
    reader = store.operations
    assert [] == list(await reader.deliveries(since=T0))
    assert 0 == await reader.stale()
    assert [] == list(await reader.unmapped_statuses())
    assert [] == list(await reader.unlinked_pull_requests(view()))
    assert {} == await reader.last_event_at()
    assert await reader.answers()


async def test_deliveries_are_counted_over_hours(store: Reading) -> None:
    """Hours add up by door, outcome, kind and reason; those without a delivery since the moment do not take part."""
    understood = Facts(work_items=(moved_to("In Dev"),))
    batch = [
        delivery(understood, uid="1", received_at=T0),
        delivery(understood, uid="2", received_at=T0 + timedelta(hours=1)),
        delivery(understood, uid="3", received_at=T0 + timedelta(hours=2)),
        delivery(uid="4", outcome=Outcome.UNKNOWN, reason="broken", received_at=T0 + timedelta(hours=2)),
    ]
    await store.events.append(Batch(deliveries=batch))
    last = T0 + timedelta(hours=2)
    broken = ChannelCount("jira", "unknown", "issue_updated", "broken", 1, 0, 0, last)
    assert [ChannelCount("jira", "understood", "issue_updated", "", 3, 1, 2, last), broken] == list(
        await store.operations.deliveries(since=T0)
    )
    assert [ChannelCount("jira", "understood", "issue_updated", "", 1, 0, 1, last), broken] == list(
        await store.operations.deliveries(since=last)
    )


async def test_a_door_was_last_used_when_something_readable_came(store: Reading) -> None:
    """What nobody could read is no report of the source."""
    batch = [
        delivery(Facts(work_items=(moved_to("In Dev"),)), uid="1", received_at=T0),
        delivery(uid="2", outcome=Outcome.UNKNOWN, received_at=T0 + timedelta(hours=2)),
    ]
    await store.events.append(Batch(deliveries=batch))
    assert {"jira": T0} == await store.operations.last_event_at()


async def test_stale_counts_the_entries_that_wait(store: Reading) -> None:
    """A new fact queues its ticket."""
    before = await store.operations.stale()
    await append(store, Facts(work_items=(moved_to("In Dev"), moved_to("In Dev", ticket="PAY-2", issue="102"))))
    assert before + 2 == await store.operations.stale()


async def test_unmapped_statuses_are_those_that_the_present_configuration_does_not_map(store: Reading) -> None:
    """The busiest comes first; a mapping that is added later takes its status off the list, whatever its case."""
    await append(
        store,
        Facts(
            work_items=(
                moved_to("In Dev"),
                moved_to("Verifying", after=1),
                moved_to("Parked", after=2),
                moved_to("Verifying", after=3),
            )
        ),
    )
    verifying = UnmappedStatus("PAY", "Verifying", 2, T0 + timedelta(minutes=3))
    parked = UnmappedStatus("PAY", "Parked", 1, T0 + timedelta(minutes=2))
    assert [verifying, parked] == list(await store.operations.unmapped_statuses())
    assert [verifying] == list(await store.operations.unmapped_statuses(limit=1))
    mapping = StatusMapping(project="PAY", status="VERIFYING", stage=Stage.QA, active=True)
    changed = replace(ORGANISATION, status_mappings=(*ORGANISATION.status_mappings, mapping))
    await store.configurations.save(changed, expected_version=1, actor="a test", at=T0)
    assert [parked] == list(await store.operations.unmapped_statuses(limit=1))


async def test_unlinked_pull_requests_come_newest_first_as_far_as_the_view_shows_them(store: Reading) -> None:
    """Those with a ticket, of other streams, or opened after the moment are left out."""
    await append(store, Facts(pull_requests=(reviewed(), reviewed("acme-web/shop", github_id=6))))
    ledger, shop = await store.repository_id("acme/ledger"), await store.repository_id("acme-web/shop")
    await store.put(
        pull_requests=[
            pull_request(ledger, 1, tech_stream_id=CORE, opened=1),
            pull_request(ledger, 2, tech_stream_id=CORE, linked_ticket_id="PAY-1", delivery_stream_id=PAYMENTS),
            pull_request(shop, 3, tech_stream_id=WEB, opened=2),
            pull_request(shop, 4, tech_stream_id=WEB, opened=1500),
        ]
    )
    first = UnlinkedPullRequest("acme/ledger", 1, "branch-1", at(1))
    third = UnlinkedPullRequest("acme-web/shop", 3, "branch-3", at(2))
    reader = store.operations
    assert [third, first] == list(await reader.unlinked_pull_requests(view()))
    assert [third] == list(await reader.unlinked_pull_requests(view(), limit=1))
    assert [first] == list(await reader.unlinked_pull_requests(view(tech_stream_id=CORE)))
    scope = StreamScope(tech_streams=frozenset({WEB}), delivery_streams=frozenset({UUID(int=9)}))
    assert [third] == list(await reader.unlinked_pull_requests(view(scope=scope)))
    assert [] == list(await reader.unlinked_pull_requests(view(scope=StreamScope())))


async def test_a_sprint_belongs_to_the_stream_of_most_of_its_tickets(store: Reading) -> None:
    """The latest comes first; one without dates is yet to come; one that only tickets have named is not listed."""

    def sprint(key: str, state: str, start: date | None, **more: Any) -> SprintFact:
        return SprintFact(
            event_timestamp=T0, jira_sprint_id=key, name=f"Sprint {key}", state=state, start_date=start, **more
        )

    facts = Facts(
        sprints=(
            sprint("7", "closed", date(2026, 2, 2), end_date=date(2026, 2, 13), goal="ship"),
            sprint("8", "active", date(2026, 2, 16)),
            sprint("9", "future", None),
        ),
        work_items=(moved_to("In Dev", fields=TicketFields(jira_sprint_id="10")),),
    )
    await append(store, facts)
    streams = {"1": ("7", PAYMENTS), "2": ("7", PAYMENTS), "3": ("7", IDENTITY), "4": ("8", IDENTITY), "5": ("8", None)}
    await store.put(
        *(
            Ticket(issue, streams=[(0, f"PAY-{issue}", stream, (CORE,))], jira_sprint_id=key)
            for issue, (key, stream) in streams.items()
        )
    )
    reader = store.operations
    assert [("9", None), ("8", IDENTITY), ("7", PAYMENTS)] == [
        (row.jira_sprint_id, row.delivery_stream_id) for row in await reader.sprints(view())
    ]
    closed = SprintRow(
        sprint_uuid("7"), "7", PAYMENTS, "Sprint 7", date(2026, 2, 2), date(2026, 2, 13), "ship", "closed"
    )
    assert [closed] == list(await reader.sprints(view(), state="closed"))
    assert [closed] == list(await reader.sprints(view(delivery_stream_id=PAYMENTS)))
    scope = StreamScope(delivery_streams=frozenset({IDENTITY}))
    assert ["8"] == [row.jira_sprint_id for row in await reader.sprints(view(scope=scope))]
    assert [] == list(await reader.sprints(view(delivery_stream_id=IDENTITY), state="closed"))
