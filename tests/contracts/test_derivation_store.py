"""What every derivation store holds to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import to_micros
from dpp.domain.events import CicdEventType, IncidentEventType, PullRequestEventType, WorkItemEventType
from dpp.domain.histories import FOREVER
from tests.support.derivation import (
    APPS,
    CONFIGURATION,
    CORE,
    DERIVE,
    LOGISTICS,
    PAYMENTS,
    at,
    delivery,
    deployment_event,
    finished_ticket,
    incident_event,
    merged_pull_request,
    pull_request_event,
    ticket_event,
)
from tests.support.derived_stores import Stores, stores
from tests.support.poison import Poisoned

Story = Callable[[Stores], Awaitable[None]]
Run = Callable[[Story], None]

T = WorkItemEventType
P = PullRequestEventType


@pytest.fixture(params=["memory", "postgres"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a story with the stores of one kind."""
    url = request.getfixturevalue("database_url") if request.param == "postgres" else None

    async def tell(story: Story) -> None:
        async with stores(url) as found:
            await story(found)

    return lambda story: asyncio.run(tell(story))


def test_finished_ticket(run: Run) -> None:
    """A finished ticket has a cycle whose parts are the days that it spent under each label."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket())])
        await found.drain()
        (cycle,) = (await found.rows())["work_item_cycles"]
        assert ("10001", "PAY-1", PAYMENTS, "story") == (
            cycle["issue_id"],
            cycle["ticket_id"],
            cycle["delivery_stream_id"],
            cycle["ticket_type"],
        )
        assert (38 / 24, 36 / 24, 30 / 24, 6 / 24) == (
            cycle["lead_time_days"],
            cycle["cycle_time_days"],
            cycle["active_time_days"],
            cycle["wait_time_days"],
        )
        assert {"dev": 1.0, "qa_queue": 0.25, "qa": 0.25} == cycle["stage_durations"]
        assert pytest.approx(30 / 36 * 100) == cycle["flow_efficiency_pct"]

    run(story)


def test_stays_end_at_infinity(run: Run) -> None:
    """The stays of a ticket follow on each other, and the last has no end."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket())])
        await found.drain()
        stays = sorted((await found.rows())["work_item_stays"], key=lambda row: row["entered_at"])
        ends = [to_micros(at(hours)) for hours in (0, 2, 26, 32, 38)]
        assert [
            ("backlog", False, ends[0], ends[1]),
            ("dev", True, ends[1], ends[2]),
            ("qa", False, ends[2], ends[3]),
            ("qa", True, ends[3], ends[4]),
            ("done", False, ends[4], FOREVER),
        ] == [(row["stage"], row["is_active_work"], row["entered_at"], row["left_at"]) for row in stays]

    run(story)


def test_reopening_takes_a_completion_back(run: Run) -> None:
    """A re-opened ticket has no cycle that counts, and its completion is kept among the superseded ones."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket())])
        await found.drain()
        await found.append([delivery(ticket_event(T.TRANSITIONED, 50, status="Doing", change="900"))])
        await found.drain()
        rows = await found.rows()
        assert [] == rows["work_item_cycles"]
        assert [to_micros(at(50))] == [row["reopened_at"] for row in rows["superseded_cycles"]]
        assert [("dev", None)] == [(row["stage"], row["completed_at"]) for row in rows["work_items"]]

    run(story)


def test_ticket_that_nobody_worked_on_has_no_cycle_time(run: Run) -> None:
    """A ticket that went from open to closed has a lead time, and no cycle time rather than one of zero."""

    async def story(found: Stores) -> None:
        opened = ticket_event(T.CREATED, 0, status="Open")
        await found.append([delivery(opened, ticket_event(T.TRANSITIONED, 12, status="Closed", change="1"))])
        await found.drain()
        (cycle,) = (await found.rows())["work_item_cycles"]
        assert (0.5, None, None, None, None, {}) == (
            cycle["lead_time_days"],
            cycle["first_in_progress"],
            cycle["cycle_time_days"],
            cycle["wait_time_days"],
            cycle["flow_efficiency_pct"],
            cycle["stage_durations"],
        )

    run(story)


def test_late_ticket_finds_its_pull_request(run: Run) -> None:
    """A pull request that was known before its ticket gets the ticket's stream once the ticket comes."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*merged_pull_request())])
        await found.drain()
        (early,) = (await found.rows())["pull_requests"]
        assert ("PAY-1", None, None, CORE) == (
            early["linked_ticket_id"],
            early["linked_issue_id"],
            early["delivery_stream_id"],
            early["tech_stream_id"],
        )
        await found.append([delivery(*finished_ticket())])
        await found.drain()
        rows = await found.rows()
        assert [("10001", PAYMENTS)] == [
            (row["linked_issue_id"], row["delivery_stream_id"]) for row in rows["pull_requests"]
        ]
        assert [PAYMENTS] == [row["delivery_stream_id"] for row in rows["pr_cycles"]]
        assert [(CORE,)] == [row["tech_stream_ids"] for row in rows["work_items"]]

    run(story)


def test_ticket_inherits_streams_of_pull_requests(run: Run) -> None:
    """A ticket belongs to the technology streams of its pull requests from the time that each was opened."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket())])
        await found.drain()
        other = pull_request_event(P.OPENED, 5, number=9, org="acme-apps")
        await found.append([delivery(*merged_pull_request()), delivery(replace(other, opened_at=at(5)))])
        await found.drain()
        spans = sorted((await found.rows())["work_item_attributions"], key=lambda row: row["valid_from"])
        assert [(at(0), ()), (at(3), (CORE,)), (at(5), (CORE, APPS))] == [
            (at((row["valid_from"] - to_micros(at(0))) / 3.6e9), row["tech_stream_ids"]) for row in spans
        ]

    run(story)


def test_moved_ticket_stays_one(run: Run) -> None:
    """A ticket that is moved to another project is one ticket, and a pull request that names its old key follows it."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket()), delivery(*merged_pull_request())])
        await found.drain()
        moved = ticket_event(T.MOVED, 20, key="LOG-5", from_key="PAY-1", change="500")
        await found.append([delivery(moved)])
        await found.drain()
        rows = await found.rows()
        assert [("PAY-1", PAYMENTS)] == [(row["ticket_id"], row["delivery_stream_id"]) for row in rows["work_items"]]
        late = ticket_event(T.UPDATED, 60, key="LOG-5", change="501")
        await found.append([delivery(late)])
        await found.drain()
        rows = await found.rows()
        assert [("LOG-5", LOGISTICS)] == [(row["ticket_id"], row["delivery_stream_id"]) for row in rows["work_items"]]
        assert [("PAY-1", "10001", LOGISTICS)] == [
            (row["linked_ticket_id"], row["linked_issue_id"], row["delivery_stream_id"])
            for row in rows["pull_requests"]
        ]

    run(story)


def test_pull_request_cycle(run: Run) -> None:
    """A merged pull request has a cycle in hours by the clock, and an open one has none."""

    async def story(found: Stores) -> None:
        still_open = pull_request_event(P.OPENED, 3, number=8)
        await found.append([delivery(*merged_pull_request()), delivery(still_open)])
        await found.drain()
        rows = await found.rows()
        assert [(7, 4.0, 8.0, 1, ("reviewer",))] == [
            (
                row["pr_number"],
                row["time_to_first_review_hrs"],
                row["time_to_merge_hrs"],
                row["review_rounds"],
                row["reviewer_hashes"],
            )
            for row in rows["pr_cycles"]
        ]
        assert ["merged", "open"] == sorted(row["state"] for row in rows["pull_requests"])

    run(story)


def test_changed_mapping_changes_the_past(run: Run) -> None:
    """A changed status mapping is used for what has happened before it."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket())])
        await found.drain()
        mappings = tuple(
            replace(mapping, active=False) if mapping.status == "In QA" else mapping
            for mapping in CONFIGURATION.status_mappings
        )
        await found.configure(replace(CONFIGURATION, status_mappings=mappings))
        await found.drain()
        (cycle,) = (await found.rows())["work_item_cycles"]
        assert {"dev": 1.0, "qa_queue": 0.5} == cycle["stage_durations"]

    run(story)


def test_removed_mapping_leaves_the_stage_that_was_stored(run: Run) -> None:
    """A status that nobody maps any more still stands for the stage that it had when its event was stored."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket())])
        await found.configure(replace(CONFIGURATION, status_mappings=()))
        await found.append([delivery(ticket_event(T.TRANSITIONED, 50, status="Doing", change="900"))])
        await found.drain()
        rows = await found.rows()
        assert ["unmapped"] == [row["stage"] for row in rows["work_items"]]
        assert [{"dev": 1.0, "qa_queue": 0.25, "qa": 0.25}] == [
            row["stage_durations"] for row in rows["superseded_cycles"]
        ]

    run(story)


def test_rows_of_forgotten_events_go(run: Run) -> None:
    """A rebuild leaves no rows of things whose events are gone."""

    async def story(found: Stores) -> None:
        release = deployment_event(CicdEventType.DEPLOY_COMPLETED, 30)
        outage = incident_event(IncidentEventType.ALARM_TRIGGERED, 30.5)
        await found.append([delivery(*finished_ticket()), delivery(*merged_pull_request())])
        await found.append([delivery(release), delivery(outage)])
        await found.drain()
        rows = await found.rows()
        assert all(rows[name] for name in ("change_ledger", "deployment_records", "incident_blames"))
        await found.forget_events()
        # Pushes and rollbacks have no rows of their own.
        things = {kind: (await found.derivations.mark_all(kind)).things for kind in StaleKind}
        assert {kind: int(kind not in {StaleKind.PUSH, StaleKind.ROLLBACK}) for kind in StaleKind} == things
        await found.drain()
        assert not any((await found.rows()).values())

    run(story)


def test_news_name_the_streams(run: Run) -> None:
    """News of derived rows name the streams of the rows before and after."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket())])
        await found.drain()
        async with found.feed.subscribe() as changes:
            await found.append([delivery(ticket_event(T.UPDATED, 60, key="LOG-5", change="1"))])
            await found.drain()
            while (change := await asyncio.wait_for(anext(changes), 5)).topic != "tickets" or (
                LOGISTICS not in change.delivery_streams
            ):
                pass
            assert {PAYMENTS, LOGISTICS} == change.delivery_streams

    run(story)


def test_limit_and_skip(run: Run) -> None:
    """No more entries are taken than asked for, and those of skipped things stay."""

    async def story(found: Stores) -> None:
        for number in range(1, 6):
            await found.append([delivery(*finished_ticket(number=number))])
        skipped = StaleKey(StaleKind.TICKET, "10003")
        result = await found.derivations.derive_stale(DERIVE, limit=3, skip={skipped})
        assert 3 == result.entries
        while (await found.derivations.derive_stale(DERIVE, limit=3, skip={skipped})).entries:
            pass
        assert 1 == (await found.derivations.pending()).entries
        assert ["10001", "10002", "10004", "10005"] == sorted(
            row["issue_id"] for row in (await found.rows())["work_items"]
        )

    run(story)


def test_failing_thing_keeps_its_entry(run: Run) -> None:
    """A thing that cannot be derived keeps its entry and loses no rows, and the others are derived."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket(number=number)) for number in (1, 2, 3)])
        await found.drain()
        before = await found.rows()
        await found.derivations.mark_all(StaleKind.TICKET)
        total = 0
        failed: dict[StaleKey, str] = {}
        while True:
            result = await found.derivations.derive_stale(Poisoned({"10002"}), limit=500, skip=failed.keys())
            failed.update(result.failed)
            total += result.derived
            if not result.entries:
                break
        assert {StaleKey(StaleKind.TICKET, "10002"): "ValueError: no"} == failed
        assert 2 == total
        assert 1 == (await found.derivations.pending()).entries
        assert before == await found.rows()

    run(story)


def test_pending_counts_up_to_a_mark(run: Run) -> None:
    """What waits can be counted up to what was there at a time, and without some things."""

    async def story(found: Stores) -> None:
        await found.append([delivery(*finished_ticket(number=number)) for number in (1, 2)])
        await found.drain()
        marked = await found.derivations.mark_all(StaleKind.TICKET)
        await found.append([delivery(*finished_ticket(number=3))])
        assert 2 == marked.things
        assert 3 == (await found.derivations.pending()).entries
        assert 2 == (await found.derivations.pending(up_to=marked.last_entry)).entries
        assert (
            1
            == (
                await found.derivations.pending(up_to=marked.last_entry, skip=[StaleKey(StaleKind.TICKET, "10001")])
            ).entries
        )

    run(story)


def test_both_stores_derive_the_same(database_url: str) -> None:
    """Memory and PostgreSQL come to the same rows, to the last digit."""
    parts = [
        delivery(*finished_ticket(number=1)),
        delivery(*finished_ticket(number=2, project="LOG", begin=70)),
        delivery(ticket_event(T.TRANSITIONED, 51.3, status="Doing", change="900")),
        delivery(ticket_event(T.TRANSITIONED, 75.123456, status="Closed", change="901", fields=None)),
        delivery(*merged_pull_request()),
        delivery(*merged_pull_request(number=8, branch="LOG-2")),
    ]

    async def rows(url: str | None) -> object:
        async with stores(url) as found:
            for part in parts:
                await found.append([part])
                await found.drain()
            return await found.rows()

    assert asyncio.run(rows(None)) == asyncio.run(rows(database_url))
